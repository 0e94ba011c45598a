import json
import os

import numpy as np
import pytest

from ocec.visualization.run_log import RunError, find_runs, read_run

SETTINGS = "model = dict(type='Net')"


def age(path, seconds):
    stat = path.stat()
    os.utime(path, (stat.st_mtime - seconds, stat.st_mtime - seconds))


def test_a_finished_run(make_work_dir):
    folder = make_work_dir('mine', settings=SETTINGS, seed=7)
    run = read_run(folder)
    assert (run.name, run.source, run.state) == ('mine', 'metrics.jsonl', 'finished')
    assert (run.seed, run.num_epochs) == (7, 3)
    assert run.settings['model.type'] == 'Net'
    assert run.facts['val set'].startswith('7 images, ')
    assert run.messages == []
    assert read_run(folder, name='other').name == 'other'


def test_going_on_or_ended(make_work_dir):
    folder = make_work_dir()
    (folder / 'config.py').write_text('train_cfg = dict(max_epochs=9)')
    assert read_run(folder).state == 'going on, 3 of 9 epochs'
    age(folder / 'metrics.jsonl', 3600)
    assert read_run(folder).state == 'ended at 3 of 9 epochs'
    (folder / 'config.py').unlink()
    run = read_run(folder)
    assert run.state == '3 epochs'
    assert run.settings == {}
    assert run.messages == [
        'no config in the folder: not part of the config difference'
    ]


def test_half_written_last_line_leaves_the_rest(make_work_dir):
    folder = make_work_dir()
    with open(folder / 'metrics.jsonl', 'a') as stream:
        stream.write('{"phase": "train", "epo')
    run = read_run(folder)
    assert run.messages == ['metrics.jsonl: the last line is half written and left out']
    assert len(run.curves['val/f1'].value_N) == 3


def test_loss_that_is_not_finite_is_told(make_work_dir):
    folder = make_work_dir(train_loss=[1.0, float('nan'), float('nan')])
    run = read_run(folder)
    assert run.messages == [
        'train/loss is not finite from epoch 2 on, or at times since'
    ]
    np.testing.assert_array_equal(run.curves['train/loss'].value_N, [1, np.nan, np.nan])


def test_provenance_that_is_missing_or_broken(make_work_dir):
    folder = make_work_dir()
    (folder / 'provenance.json').write_text('{"sessions": []}')
    assert read_run(folder).messages[0].startswith('provenance.json cannot be read: ')
    (folder / 'provenance.json').unlink()
    run = read_run(folder)
    assert run.messages[0].startswith('no provenance.json: whether data and code are')
    assert run.seed == 1  # of the config
    (folder / 'provenance.json').write_text('{"sessions": [{"seed": [2]}]}')
    assert read_run(folder).seed == 1


def test_broken_config_is_told(make_work_dir):
    folder = make_work_dir(settings='model = dict(')
    [message] = read_run(folder).messages
    assert message.startswith('its config cannot be read: config.py is no config')


def write_history(folder, text=None):
    folder.mkdir(parents=True)
    history = [{'epoch': 1, 'train': {'loss': 1.0}, 'val': {'f1': 0.5}, 'lr': 0.1}]
    (folder / 'history.json').write_text(text or json.dumps(history))
    return folder


def test_history_of_the_original(tmp_path):
    run = read_run(write_history(tmp_path / 'old'))
    assert (run.source, run.state) == ('history.json', 'finished')
    assert run.curves['val/f1'].value_N == [0.5]


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('other.txt', '', 'holds no metrics.jsonl, no '),
        ('metrics.jsonl', '', 'metrics.jsonl holds no line of a training yet$'),
        (
            'metrics.jsonl',
            '{"phase": "test", "epoch": 0, "step": 0, "f1": 1}',
            'no line of a training yet, only of a test',
        ),
        (
            'metrics.jsonl',
            f'{{"phase": "val", "epoch": 1, "step": 1, "f1": {10**400}}}',
            'metrics.jsonl cannot be read: int too large',
        ),
        ('history.json', '[', 'history.json cannot be read: .*no complete JSON'),
    ],
)
def test_folders_that_cannot_be_shown(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(RunError, match=message):
        read_run(tmp_path)


def test_log_that_is_no_text(tmp_path):
    (tmp_path / 'metrics.jsonl').write_bytes(b'\xff\xfe')
    with pytest.raises(RunError, match='metrics.jsonl cannot be read: .*utf-8'):
        read_run(tmp_path)


def test_runs_are_found_below_a_folder(make_work_dir, tmp_path):
    first, second = make_work_dir('all/a/x'), make_work_dir('all/b')
    old = write_history(tmp_path / 'all' / 'c' / 'd')
    (tmp_path / 'all' / 'empty').mkdir()
    assert find_runs(tmp_path / 'all') == [first, second, old]
    assert find_runs(first) == [first]
    assert find_runs(first / 'metrics.jsonl') == [first]
    assert find_runs(old / 'history.json') == [old]
    assert find_runs(tmp_path / 'all' / 'empty') == [tmp_path / 'all' / 'empty']


def test_log_of_mmengine_stands_for_its_work_dir(tmp_path):
    log = tmp_path / 'run' / '20261121' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('{"loss": 1.0, "lr": 0.1, "epoch": 1, "iter": 5, "step": 5}\n')
    assert find_runs(log) == find_runs(tmp_path / 'run') == [tmp_path / 'run']
    run = read_run(tmp_path / 'run')
    assert (run.name, run.source) == ('run', 'scalars.json')


@pytest.mark.parametrize(
    ('name', 'message'), [('gone', 'no such folder'), ('x.txt', 'is a file, not')]
)
def test_arguments_that_are_no_folder(tmp_path, name, message):
    (tmp_path / 'x.txt').write_text('')
    with pytest.raises(RunError, match=message):
        find_runs(tmp_path / name)
