import json
import os
import re

import pytest

from ocec.apis.guide_checkpoint import choose_checkpoint


@pytest.fixture
def make_run(tmp_path):
    """Return a factory of folders with empty checkpoints and a best.json."""

    def make(name, *files, best=None, value=0.9, metric='eye/f1'):
        folder = tmp_path / name
        folder.mkdir()
        for file in files:
            (folder / file).touch()
        if best:
            record = dict(metric=metric, value=value, epoch=1, file=best)
            (folder / 'best.json').write_text(json.dumps(record))
        return folder

    return make


def test_a_single_file_needs_no_f1(make_run):
    file = make_run('a', 'weights.bin') / 'weights.bin'
    chosen = choose_checkpoint([str(file)])
    assert chosen.path == file
    assert str(chosen) == f'{file} (F1 not known)'


def test_highest_f1_in_the_names_whatever_the_age(make_run):
    folder = make_run(
        'v8',
        'ocec_best_epoch0004_f1_0.7512.pt',
        'ocec_best_epoch0055_f1_0.7759.pt',
        'ocec_best_epoch0060_f1_0.7601.pt',
    )
    # newest: another one
    os.utime(folder / 'ocec_best_epoch0004_f1_0.7512.pt', (4e9, 4e9))
    best = folder / 'ocec_best_epoch0055_f1_0.7759.pt'
    by_pattern = choose_checkpoint([str(folder / 'ocec_best_epoch*.pt')])
    assert str(by_pattern) == f'{best} (F1 0.7759 by its name)'
    by_shell = choose_checkpoint([str(file) for file in sorted(folder.iterdir())])
    by_folder = choose_checkpoint([str(folder)])
    assert by_shell == by_folder == by_pattern


def test_a_folder_means_the_best_of_its_record(make_run):
    folder = make_run(
        'run', 'epoch_9.pth', 'best_epoch_3.pth', 'f1_0.99.pth', best='best_epoch_3.pth'
    )
    chosen = choose_checkpoint([str(folder)])
    assert str(chosen) == f'{folder / "best_epoch_3.pth"} (F1 0.9000 by best.json)'


def test_runs_are_compared_by_their_records_and_names(make_run, tmp_path):
    make_run('a', 'best_1.pth', 'epoch_1.pth', best='best_1.pth', value=0.91)
    make_run('b', 'best_2.pth', 'epoch_2.pth', best='best_2.pth', value=0.93)
    make_run('c', 'best_f1_0.9200.pth')
    chosen = choose_checkpoint([str(tmp_path / '*' / '*.pth')])
    assert (chosen.path.name, chosen.f1) == ('best_2.pth', 0.93)
    chosen = choose_checkpoint([str(tmp_path / name) for name in ('a', 'c')])
    assert (chosen.path.name, chosen.f1) == ('best_f1_0.9200.pth', 0.92)


def test_record_of_another_metric_tells_no_f1(make_run):
    folder = make_run(
        'run', 'best_epoch_3.pth', 'epoch_9.pth', best='best_epoch_3.pth', metric='auc'
    )
    message = (
        f'2 checkpoints, and neither a best.json(?s:.*){re.escape(str(folder))}'
        r'/epoch_9.pth\n.*names best_epoch_3.pth, the best by auc\nName one of them'
    )
    with pytest.raises(ValueError, match=message):
        choose_checkpoint([str(folder)])


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ('gone.pt', 'gone.pt: no such checkpoint'),
        ('runs/*/best*.pt', r'best\*.pt: the pattern matches no file'),
        ('empty', 'empty: the folder holds no .pth or .pt file'),
        ('stale', 'stale: best.json names best.pth, which is not there'),
    ],
)
def test_nothing_there(make_run, tmp_path, given, message):
    make_run('empty', 'train.log')
    make_run('stale', 'epoch_1.pth', best='best.pth')
    with pytest.raises(FileNotFoundError, match=f'--pretrain .*{message}'):
        choose_checkpoint([str(tmp_path / given)])


def test_broken_record(make_run):
    folder = make_run('run', 'a.pth')
    (folder / 'best.json').write_text('{')
    with pytest.raises(ValueError, match='best.json: not a readable record: '):
        choose_checkpoint([str(folder)])


@pytest.mark.parametrize(
    ('name', 'f1'),
    [
        ('ocec_best_epoch0055_f1_0.7759.pt', 0.7759),
        ('F1=0.5.pth', 0.5),
        ('best-f1-1.0.pth', 1.0),
        ('best_eye_f1_epoch_3.pth', None),
        ('half1_0.7.pth', None),
    ],
)
def test_f1_in_a_name(make_run, name, f1):
    assert choose_checkpoint([str(make_run('run', name))]).f1 == f1
