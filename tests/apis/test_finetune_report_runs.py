import json
import re

import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.finetune_report_runs import (
    count_images_seen,
    find_report_runs,
    parse_runs,
    parse_start,
)
from ocec.visualization.run_log import read_run


@pytest.fixture
def make_run(make_work_dir):
    """Return a factory of work_dirs with an empty best checkpoint."""

    def make(name, **settings):
        folder = make_work_dir(name, **settings)
        best = {'metric': 'eye/f1', 'value': 0.9, 'epoch': 3, 'file': 'best.pth'}
        (folder / 'best.json').write_text(json.dumps(best))
        (folder / 'best.pth').touch()
        return folder

    return make


def test_methods_and_their_seeds():
    found = parse_runs(['scratch = a', 'full=b,c , d=e,'])
    assert found == {'scratch': ['a'], 'full': ['b', 'c', 'd=e']}


@pytest.mark.parametrize(
    ('texts', 'message'),
    [
        ([], 'name at least one method: --run NAME=WORK_DIR'),
        (['full'], '--run full: write NAME=WORK_DIR, and the seeds'),
        (['=a'], '--run =a: write NAME=WORK_DIR'),
        (['full= , '], '--run full= , : write NAME=WORK_DIR'),
        (['zero-shot=a'], '--run zero-shot=a: zero-shot is the name of --start'),
        (
            ['full=a', 'full=b,c'],
            '--run full is given twice: list its seeds behind one, full=a,b,c',
        ),
    ],
)
def test_wrong_methods(texts, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_runs(texts)


def test_one_start_or_one_of_each_seed(tmp_path):
    (tmp_path / 'a,b').mkdir()
    assert parse_start(tmp_path / 'a,b') == [f'{tmp_path}/a,b']
    assert parse_start('a, b.pth,') == ['a', 'b.pth']


def test_what_the_work_dirs_tell(make_run):
    first, second = make_run('a', seed=4), make_run('b', seed=7)
    report = {'checkpoint': 'start.pth', 'share': 1.0}
    (second / 'pretrained.json').write_text(json.dumps(report))
    runs = find_report_runs('full', [str(first), str(second)], '--run full')
    assert [run.name for run in runs] == ['full s4', 'full s7']
    assert [run.checkpoint for run in runs] == [first / 'best.pth', second / 'best.pth']
    assert [run.started_from for run in runs] == [None, 'start.pth']
    # 3 epochs of 60 s and a validation of 6 s each
    assert runs[0].minutes == pytest.approx(3.3)
    assert (runs[0].epochs, runs[0].best_epoch) == (3, 3)
    assert runs[0].by_metric
    assert runs[0].notes == []


def test_seeds_that_are_not_told_apart_are_numbered(make_run):
    folders = [str(make_run(name, seed=1)) for name in 'ab']
    names = [run.name for run in find_report_runs('full', folders, '--run full')]
    assert names == ['full #1', 'full #2']


def test_images_seen_from_speed_and_duration(make_work_dir):
    folder = make_work_dir()
    log = folder / 'metrics.jsonl'
    assert count_images_seen(read_run(folder)) is None
    # 20.05 images a second in 60 s
    speed = '"seconds": 60.0, "images_per_second": 20.05'
    log.write_text(log.read_text().replace('"seconds": 60.0', speed))
    assert count_images_seen(read_run(folder)) == 3 * 1203


def test_a_checkpoint_alone(tmp_path):
    (tmp_path / 'averaged.pth').touch()
    curve = {'chosen': {'alpha': 0.25}, 'rule': 'the highest mean on val'}
    (tmp_path / 'curve.json').write_text(json.dumps(curve))
    [run] = find_report_runs('soup', [str(tmp_path / 'averaged.pth')], '--run soup')
    assert (run.name, run.log, run.minutes, run.by_metric) == ('soup', None, None, 0)
    assert run.notes == [
        'soup: alpha 0.25 of the average was chosen as the highest mean on val'
    ]


def test_a_training_that_ended_early_is_told(make_run):
    folder = make_run('a', settings='')
    config = folder / 'config.py'
    config.write_text(config.read_text().replace('max_epochs=3', 'max_epochs=9'))
    [run] = find_report_runs('full', [str(folder)], '--run full')
    assert run.notes == ['full: training is going on, 3 of 9 epochs.']


def test_a_log_without_a_training_is_told(make_run):
    folder = make_run('a')
    (folder / 'metrics.jsonl').write_text('')
    [run] = find_report_runs('full', [str(folder)], '--run full')
    assert run.notes[0].startswith(
        'full: no curves and no minutes: metrics.jsonl holds'
    )


def test_nothing_to_score(tmp_path):
    with pytest.raises(ConfigError, match='--run full .*: the folder holds no .pth'):
        find_report_runs('full', [str(tmp_path)], '--run full')


def test_pattern_of_seeds_would_take_the_best(make_run, tmp_path):
    first, second = make_run('s1', seed=1), make_run('s2', seed=2)
    message = f'--run full: {tmp_path}/s* matches 2; list the seeds: --run full='
    with pytest.raises(ConfigError, match=re.escape(message + f'{first},{second}')):
        find_report_runs('full', [f'{tmp_path}/s*'], '--run full')
    # of the start one is wanted, and one file is no choice
    for name, pattern in (('full', 's1/best*'), ('zero-shot', 's*/best.pth')):
        if name == 'zero-shot':
            (second / 'best.json').unlink()
        [run] = find_report_runs(name, [f'{tmp_path}/{pattern}'], '--x')
        assert run.checkpoint == first / 'best.pth'


def test_a_metric_in_the_name_is_no_record(tmp_path):
    (tmp_path / 'ocec_best_f1_0.9.pth').touch()
    [run] = find_report_runs('full', [str(tmp_path)], '--run full')
    assert not run.by_metric


def test_one_seed_twice(make_run):
    folder = make_run('a')
    paths = [str(folder), str(folder / 'best.pth')]
    with pytest.raises(
        ConfigError, match='is the same checkpoint as .*best.pth; a see'
    ):
        find_report_runs('full', paths, '--run full')


@pytest.mark.parametrize('name', ['pretrained.json', 'curve.json'])
def test_damaged_records(name, tmp_path):
    (tmp_path / 'averaged.pth').touch()
    (tmp_path / name).write_text('{}')
    with pytest.raises(ValueError, match=f'{name}: not a readable record: KeyError'):
        find_report_runs('full', [str(tmp_path / 'averaged.pth')], '--run full')
