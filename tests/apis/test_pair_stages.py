import fcntl
import json
import os

import pytest
from mmengine.config import Config

from ocec.apis import pair_stages as module
from ocec.apis.errors import ConfigError
from ocec.apis.pair_stages import pair_stages, stack_stages

BEST = {'metric': 'pair/accuracy', 'value': 0.8, 'epoch': 1, 'file': 'best.pth'}


@pytest.fixture
def trained(monkeypatch):
    """Names of the runs that were trained, as one after the other would be."""
    names = []

    def train(runs, *, jobs, threads):
        names.append(([run.name for run in runs], jobs, threads))
        failed = {}
        for run in runs:
            if run.member.seed == 13:
                failed[run.name] = 'exit code 1'
                continue
            (run.folder / 'best.pth').write_text('weights')
            (run.folder / 'best.json').write_text(json.dumps(BEST))
            (run.folder / 'finished.json').write_text(json.dumps({'best': BEST}))
        return failed

    monkeypatch.setattr(module, 'train_runs', train)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: set(range(6)))
    return names


@pytest.fixture
def stages(make_pair_folder, tmp_path):
    data = make_pair_folder()

    def run(*, small=True, stages=('stage0', 'stage1'), **settings):
        folders = {'data': data, 'work_dir': tmp_path / 'w'}
        return pair_stages(small=small, stages=stages, **{**folders, **settings})

    return run


def test_what_has_finished_is_skipped(stages, trained, tmp_path, capsys):
    stages(stages=['stage0'])
    summary = stages(jobs=3)
    assert trained == [
        (['stage0/compare-s42'], 1, 6),
        (['stage1/cbam-fusion6-s42'], 1, 6),
    ]
    assert 'skipped stage0/compare-s42: it has finished' in capsys.readouterr().out
    assert [row['state'] for row in summary['members']] == ['finished'] * 2
    assert json.loads((tmp_path / 'w' / 'summary.json').read_text()) == summary
    stages()
    assert len(trained) == 2
    stages(retrain=True, jobs=2)
    assert trained[2] == (['stage0/compare-s42', 'stage1/cbam-fusion6-s42'], 2, 3)


def test_a_failed_member_is_told_in_the_end(stages, trained, tmp_path):
    with pytest.raises(ValueError, match=r'1 of 2 members failed.*\n.*s13: exit code'):
        stages(stages=['stage0', 'stage4'], seeds=[13, 14])
    assert 'FAILED' in (tmp_path / 'w' / 'summary.md').read_text()
    assert not (tmp_path / 'w' / 'stage4').exists()


def test_other_settings_are_refused_before_anything_is_trained(stages, trained):
    stages(stages=['stage1'])
    with pytest.raises(ConfigError, match='max_epochs 20 then, 3 now'):
        stages(cfg_options=['train_cfg.max_epochs=3'])
    assert len(trained) == 1


def test_a_folder_in_which_a_training_goes_on_is_left_alone(stages, trained, tmp_path):
    stages(stages=['stage0'], seeds=[1])
    run = tmp_path / 'w' / 'stage0' / 'compare-s1'
    (run / 'finished.json').unlink()
    lock = os.open(run / '.member.lock', os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(ValueError, match='another process is training there'):
        stages(stages=['stage0'], seeds=[1])
    os.close(lock)


def test_data_are_drawn_if_there_are_none(stages, trained, tmp_path, monkeypatch):
    drawn = []

    def draw(out, *, digits):
        drawn.append((out, digits))
        (tmp_path / 'pairs0').rename(out)

    monkeypatch.setattr(module, 'make_digit_pairs', draw)
    data = tmp_path / 'new'
    stages(data=data, digits='digits.npz', stages=['stage0'])
    stages(data=data, digits='digits.npz', stages=['stage0'])
    assert drawn == [(data, 'digits.npz')]


def test_a_dry_run_only_tells(stages, trained, tmp_path, capsys):
    stages(small=False, stages=(), dry_run=True, data=tmp_path / 'none')
    out = capsys.readouterr().out
    assert '  resnet333-s2025          pair-stage3-resnet333_1xb64-50e' in out
    assert out.splitlines()[-1] == 'stage4: the members of all stages combined'
    assert trained == []
    assert not (tmp_path / 'none').exists()


def test_the_number_of_jobs_is_checked(stages):
    with pytest.raises(ConfigError, match='--jobs must be >= 1, got 0'):
        stages(jobs=0)


def test_every_finished_member_is_stacked(stages, trained, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match='two finished members or more, found 0'):
        stages(stages=['stage4'])
    stages(stages=['stage0'], seeds=[1, 2])
    configs = []

    class Result:
        out = tmp_path / 'w' / 'stage4'

    def stack(config):
        configs.append(Config.fromfile(config).to_dict())
        return Result

    monkeypatch.setattr(module, 'stack', stack)
    data = tmp_path / 'pairs0'
    assert stack_stages(tmp_path / 'w', data) == Result.out
    stages(stages=['stage4'])
    assert len(configs) == 2
    assert configs[0] == configs[1]
    members = configs[0]['members']
    assert [member['name'] for member in members] == [
        'stage0-compare-s1',
        'stage0-compare-s2',
    ]
    assert members[0]['work_dir'] == str(tmp_path / 'w' / 'stage0' / 'compare-s1')
    assert configs[0]['stack'] == {'data': str(data), 'split': 'stack'}
    assert configs[0]['test'] == {'data': str(data), 'split': 'test'}
