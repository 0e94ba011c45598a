import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocec.apis import sweep as module
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import load_run_config
from ocec.apis.sweep import list_cells, plan_trial, sweep
from ocec.apis.sweep_config import read_sweep_config
from ocec.search import Ticket

ROOT = Path(__file__).parents[2]


@pytest.fixture
def write_sweep(write_config, tmp_path):
    """Return a factory of configs of sweeps over the smallest eye config."""
    base = write_config(num_rows=32, groups=8)

    def write(text='', name='sweep.py'):
        file = tmp_path / name
        head = f"base = {str(base)!r}\nmetric = 'eye/f1'\n"
        file.write_text(head + text)
        return file

    return write


GRID = (
    "space = {'model.backbone.base_channels': [4, 8]}\nsampler = 'grid'\n"
    "fixed = {'train_cfg.max_epochs': 1}\n"
)


class NoTraining:
    """Stands for the pool: every trial is done at once."""

    def __init__(self, board, plan_of, root, **settings):
        self.board, self.plan_of = board, plan_of

    def run(self, *, until):
        while (ticket := self.board.next()) is not None:
            self.plan_of(ticket)
            runs = [{'epoch': 1, 'train_minutes': 0.5, 'eye/f1': 0.5}]
            self.board.note(ticket, 'runs', runs)
            width = ticket.values.get('model.backbone.base_channels', 8)
            self.board.complete(ticket, [width / 10])


@pytest.fixture
def _no_training(monkeypatch):
    monkeypatch.setattr(module, 'TrialPool', NoTraining)


@pytest.mark.usefixtures('_no_training')
def test_a_grid_and_what_it_leaves(write_sweep, tmp_path, capsys):
    root = tmp_path / 'grid'
    results = sweep(write_sweep(GRID), work_dir=root)
    assert results.counts['done'] == 2
    assert results.best == [1]
    written = {file.name for file in root.iterdir()}
    assert {'sweep.csv', 'sweep.json', 'sweep.html', 'best.py', 'confirm.py'} <= written
    best = load_run_config(root / 'best.py')
    assert best.model.backbone.base_channels == 8
    assert best.train_cfg.max_epochs == 1
    content = json.loads((root / 'sweep.json').read_text())
    assert content['best'] == [1]
    assert content['trials'][1]['params'] == {'model.backbone.base_channels': 8}
    out = capsys.readouterr().out
    assert 'confirm it over seeds:' in out
    # two sweeps must not meet in work_dirs/confirm
    assert f'{root / "confirm.py"} --work-dir {root / "confirm"}' in out
    again = sweep(write_sweep(GRID), work_dir=root)  # nothing is left to do
    assert again.counts == results.counts


@pytest.mark.usefixtures('_no_training')
def test_the_sweep_that_confirms_is_one_that_runs(write_sweep, tmp_path):
    root = tmp_path / 'grid'
    sweep(write_sweep(GRID), work_dir=root)
    results = sweep(root / 'confirm.py', work_dir=tmp_path / 'confirm')
    assert results.counts['done'] == 10
    assert {row.variant for row in results.rows} == {'before', 'best'}


@pytest.mark.usefixtures('_no_training')
def test_the_sweep_that_confirms_moves_with_its_folder(write_sweep, tmp_path):
    root = tmp_path / 'grid'
    sweep(write_sweep(GRID + "epoch = 'last'\n"), work_dir=root)
    assert str(tmp_path) not in (root / 'confirm.py').read_text()
    config = read_sweep_config(root / 'confirm.py')
    assert config.base == tmp_path / 'tiny0.py'
    assert config.epoch == 'last'


@pytest.mark.usefixtures('_no_training')
def test_of_a_repeated_grid_the_best_mean_is_written(write_sweep, tmp_path):
    root = tmp_path / 'grid'
    results = sweep(write_sweep(GRID + 'seeds = [1, 2]\n'), work_dir=root)
    assert results.best == [1]
    text = (root / 'best.py').read_text()
    assert 'eye/f1 0.8 (mean of 2) on the validation' in text
    assert not (root / 'confirm.py').exists()


def test_data_are_known_again_however_they_are_read(write_config):
    cfg = load_run_config(write_config(num_rows=32, groups=8))
    digest = module._hash_data(cfg)
    cfg.train_dataloader.dataset.type = 'EyeParquetStream'
    assert module._hash_data(cfg) == digest is not None


@pytest.mark.usefixtures('_no_training')
def test_another_sweep_in_the_same_folder_is_refused(write_sweep, tmp_path):
    sweep(write_sweep(GRID), work_dir=tmp_path / 'grid')
    other = write_sweep(GRID.replace('[4, 8]', '[4, 16]'))
    with pytest.raises(ConfigError, match='holds another sweep .*base_channels'):
        sweep(other, work_dir=tmp_path / 'grid')
    # more trials of the same sweep are no other sweep
    sweep(write_sweep(GRID + 'num_trials = 1'), work_dir=tmp_path / 'grid')


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'workers': 0}, '--workers must be >= 1, got 0'),
        ({'timeout_minutes': 0}, '--timeout-minutes must be > 0'),
        ({'trials': 0}, 'num_trials must be a whole number >= 1'),
        ({'cfg_options': ['x']}, '--cfg-options: expected KEY=VALUE'),
        ({'data': 'gone.parquet'}, 'data: .*gone.parquet'),
    ],
)
def test_wrong_arguments(write_sweep, tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        sweep(write_sweep(GRID), work_dir=tmp_path / 'x', **settings)


def test_an_unreachable_storage_is_told(write_sweep, tmp_path):
    with pytest.raises(ConfigError, match='--storage sqlite:////gone/x.db cannot be'):
        sweep(write_sweep(GRID), work_dir=tmp_path, storage='sqlite:////gone/x.db')


def test_a_dry_run_only_tells(write_sweep, tmp_path, capsys):
    sweep(write_sweep(GRID), work_dir=tmp_path / 'x', dry_run=True)
    assert capsys.readouterr().out.splitlines()[-2:] == [
        '  model.backbone.base_channels=4',
        '  model.backbone.base_channels=8',
    ]
    assert not (tmp_path / 'x').exists()


def test_cells_of_seeds_folds_and_variants(write_sweep):
    text = "seeds = [1, 2]\nfolds = 2\nvariants = dict(a={}, b={'x': 1})\n"
    config = read_sweep_config(write_sweep(text))
    cells = list_cells(config)
    assert len(cells) == len({cell.name for cell in cells}) == 8
    assert cells[1].labels == {'seed': 1, 'fold': 1, 'variant': 'b'}
    plan = plan_trial(Ticket(0, {}, cells[1].labels, 'trial_0000'), config)
    [run] = plan.runs
    assert (run.seed, run.fold, run.folder) == (1, 1, '.')
    assert 'train_dataloader.dataset.fold=[1, 2]' in run.cfg_options


def test_a_sampler_trains_every_seed(write_sweep):
    text = "space = {'model.head.dropout': [0.1, 0.2]}\nnum_trials = 3\nseeds = [5, 6]"
    config = read_sweep_config(write_sweep(text))
    assert list_cells(config) is None
    plan = plan_trial(Ticket(3, {'model.head.dropout': 0.1}, {}, 'x'), config)
    assert [(run.folder, run.seed) for run in plan.runs] == [('seed5', 5), ('seed6', 6)]
    assert plan.data_check == 'never'


@pytest.mark.slow  # trains
def test_a_killed_sweep_goes_on(write_sweep, tmp_path):
    root = tmp_path / 'sweep'
    config = write_sweep(GRID + 'folds = 2\n')
    command = [sys.executable, ROOT / 'tools/sweep.py', config, '--work-dir', root]
    with open(tmp_path / 'out', 'w') as out:
        first = subprocess.Popen(
            command, stdout=out, stderr=out, start_new_session=True
        )
        while not (root / 'trial_0001' / 'console.log').exists():
            assert first.poll() is None
            time.sleep(0.05)
        os.killpg(first.pid, 9)
        first.wait()
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr + done.stdout
    content = json.loads((root / 'sweep.json').read_text())
    assert content['counts']['done'] == 4
    assert content['interruptions'] == 1
    folders = [trial['folder'] for trial in content['trials']]
    assert len(set(folders)) == 4
    assert 'goes on with trial 1, in trial_0001' in done.stdout
