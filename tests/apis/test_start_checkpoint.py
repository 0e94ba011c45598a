import json
import os
import re

import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.start_checkpoint import choose_checkpoint


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


def test_a_single_file_needs_no_metric(make_run):
    file = make_run('a', 'weights.bin') / 'weights.bin'
    chosen = choose_checkpoint([str(file)])
    assert chosen.path == file
    assert str(chosen) == f'{file} (no metric known)'


def test_highest_metric_in_the_names_whatever_the_age(make_run):
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
    assert str(by_pattern) == f'{best} (f1 0.7759 by its name)'
    by_shell = choose_checkpoint([str(file) for file in sorted(folder.iterdir())])
    by_folder = choose_checkpoint([str(folder)])
    assert by_shell == by_folder == by_pattern


def test_a_folder_means_the_best_of_its_record(make_run):
    folder = make_run(
        'run', 'epoch_9.pth', 'best_epoch_3.pth', 'f1_0.99.pth', best='best_epoch_3.pth'
    )
    chosen = choose_checkpoint([str(folder)])
    best = folder / 'best_epoch_3.pth'
    assert str(chosen) == f'{best} (eye/f1 0.9000 by best.json)'


def test_a_run_may_have_chosen_by_any_metric(make_run):
    folder = make_run('run', 'a.pth', 'b.pth', best='b.pth', metric='mrl/auc')
    assert choose_checkpoint([str(folder)]).path == folder / 'b.pth'


def test_of_losses_the_smallest(make_run):
    folder = make_run('run', 'a_loss_0.31.pth', 'b_loss_0.29.pth', 'c.pth')
    assert choose_checkpoint([str(folder)]).path.name == 'b_loss_0.29.pth'


def test_several_that_are_equally_good(make_run, tmp_path):
    folder = make_run('run', 'a_f1_0.90.pth', 'b_f1_0.9.pth', 'c_f1_0.89.pth')
    message = (
        '--pretrain: 2 checkpoints are equally good:\n'
        rf'  {re.escape(str(folder))}/a_f1_0.90.pth \(f1 0.9000 by its name\)\n.*/b_f1_'
        r'.*\nName one of them: --pretrain FILE'
    )
    with pytest.raises(ConfigError, match=message):
        choose_checkpoint([str(folder)])
    with pytest.raises(ConfigError, match='load_from: 2 checkpoints are equally'):
        choose_checkpoint([str(folder)], option='load_from')


def test_two_names_of_one_file_are_no_tie(make_run):
    folder = make_run('run', 'a_f1_0.90.pth')
    (folder / 'link_f1_0.90.pth').symlink_to(folder / 'a_f1_0.90.pth')
    chosen = choose_checkpoint([str(folder / 'a*'), str(folder / 'link*')])
    assert chosen.path == folder / 'a_f1_0.90.pth'


def test_what_cannot_be_compared(make_run, tmp_path):
    make_run('a', 'a.pth', best='a.pth', metric='mrl/f1')
    make_run('b', 'b.pth', best='b.pth', metric='webeyes/f1')
    with pytest.raises(ConfigError, match='2 checkpoints are rated by different metr'):
        choose_checkpoint([str(tmp_path / '[ab]' / '*.pth')])
    names = make_run('names', 'a_f1_0.9.pth', 'b_auc_0.9.pth')
    with pytest.raises(ConfigError, match='2 checkpoints are rated by different metr'):
        choose_checkpoint([str(names)])


def test_runs_are_compared_by_their_records_and_names(make_run, tmp_path):
    make_run('a', 'best_1.pth', 'epoch_1.pth', best='best_1.pth', value=0.91)
    make_run('b', 'best_2.pth', 'epoch_2.pth', best='best_2.pth', value=0.93)
    make_run('c', 'best_f1_0.9200.pth')
    chosen = choose_checkpoint([str(tmp_path / '*' / '*.pth')])
    assert (chosen.path.name, chosen.value) == ('best_2.pth', 0.93)
    chosen = choose_checkpoint([str(tmp_path / name) for name in ('a', 'c')])
    assert (chosen.path.name, chosen.value) == ('best_f1_0.9200.pth', 0.92)


def test_several_of_which_nothing_tells_the_best(make_run):
    folder = make_run('run', 'epoch_3.pth', 'epoch_9.pth')
    message = (
        f'2 checkpoints, and neither a best.json(?s:.*){re.escape(str(folder))}'
        r'/epoch_9.pth \(no metric known\)\nName one of them: --pretrain FILE'
    )
    with pytest.raises(ConfigError, match=message):
        choose_checkpoint([str(folder)])


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ('gone.pt', 'gone.pt: no such checkpoint$'),
        ('runs/*/best*.pt', r'best\*.pt: the pattern matches no .pth or .* file$'),
        ('empty/*', r'empty/\*: the pattern matches no .pth or .* file$'),
        ('e*', r'no .* file, but 1 folders, as .*/empty: name one of them'),
        ('empty', 'empty: the folder holds no .pth or .pt or .safetensors file'),
        ('stale', 'stale: best.json names best.pth, which is not there'),
    ],
)
def test_nothing_there(make_run, tmp_path, given, message):
    make_run('empty', 'train.log')
    make_run('stale', 'epoch_1.pth', best='best.pth')
    with pytest.raises(ConfigError, match=f'--pretrain .*{message}'):
        choose_checkpoint([str(tmp_path / given)])


def test_recipe_without_its_model():
    message = 'load_from work_dirs/gone: no such checkpoint; give one with --pretrain'
    with pytest.raises(ConfigError, match=message):
        choose_checkpoint(['work_dirs/gone'], option='load_from')


@pytest.mark.parametrize('text', ['{', '[]', '{"file": "a.pth"}'])
def test_broken_record(make_run, text):
    folder = make_run('run', 'a.pth')
    (folder / 'best.json').write_text(text)
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
    assert choose_checkpoint([str(make_run('run', name))]).value == f1


def test_a_record_names_no_file_of_another_folder(tmp_path):
    (tmp_path / 'secret.pth').touch()
    run = tmp_path / 'run'
    run.mkdir()
    best = {'file': '../secret.pth', 'metric': 'f1', 'value': 1}
    (run / 'best.json').write_text(json.dumps(best))
    with pytest.raises(ConfigError, match='names secret.pth, which is not there'):
        choose_checkpoint([str(run)])
