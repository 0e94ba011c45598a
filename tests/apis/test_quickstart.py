import csv
import shlex
import sys

import pytest

from ocec.apis import quickstart as module
from ocec.apis.quickstart import quickstart
from ocec.apis.train import TrainResult


@pytest.fixture
def tiny(write_config, tmp_path, monkeypatch):
    """Config that quickstart trains here, and the folder it runs in."""
    folder = tmp_path / 'repository'
    folder.mkdir()
    config = write_config('train_cfg = dict(max_epochs=1)\nwork_dir = None')
    monkeypatch.chdir(folder)
    monkeypatch.setattr(module, 'CONFIG', str(config))
    return config, folder


def paths_in(printed):
    """Value of each ``name   value`` line of the summary."""
    names = ('checkpoint', 'predictions', 'error', 'ONNX', 'metrics', 'TensorBoard')
    lines = printed.replace('error page', 'error').splitlines()
    lines = [line.split(maxsplit=1) for line in lines]
    return {words[0]: words[1] for words in lines if words and words[0] in names}


def commands_in(printed):
    text = printed.split('Next:\n')[1].replace('\\\n', ' ')
    return [shlex.split(line) for line in text.splitlines() if line.strip()]


def test_own_data_are_trained_and_tested(tiny, make_eye_parquet, capsys):
    config, folder = tiny
    # 16 subjects of 3 rows; half, a quarter, a quarter of them
    data = make_eye_parquet(num_rows=48)
    quickstart(str(data))
    printed = capsys.readouterr().out
    assert not (folder / 'data').exists()  # nothing is generated
    [scores] = [line for line in printed.splitlines() if line.startswith('test: ')]
    words = scores.removeprefix('test: ').split()
    assert words[::2] == ['f1', 'precision', 'recall', 'accuracy', 'auc', 'ap']
    numbers = dict(zip(words[::2], map(float, words[1::2]), strict=True))

    files = paths_in(printed)
    run = folder / 'work_dirs' / 'quickstart'
    assert (folder / files['checkpoint']).parent == run
    assert 'best' in files['checkpoint']
    for name in ('checkpoint', 'predictions', 'error', 'ONNX', 'metrics'):
        assert (folder / files[name]).is_file(), name
    assert '<title>' in (folder / files['error']).read_text(encoding='utf-8')
    assert files['TensorBoard'].startswith('tensorboard --logdir ')
    assert any((folder / files['TensorBoard'].split()[-1]).glob('events*'))
    with open(folder / files['predictions'], newline='') as stream:
        rows = list(csv.DictReader(stream))
    right = [(float(r['prob_open']) >= 0.5) == (r['label'] == 'open') for r in rows]
    assert len(rows) == 12
    # four decimals are printed
    assert numbers['accuracy'] == pytest.approx(sum(right) / len(rows), abs=5e-5)


def test_three_commands_go_on_from_here(tiny, make_eye_parquet, capsys):
    config, folder = tiny
    data = str(make_eye_parquet(num_rows=48))
    quickstart(data, work_dir='runs/mine')
    printed = capsys.readouterr().out
    train, test, ranks = commands_in(printed)
    python = sys.executable
    assert train[:3] == [python, 'tools/train.py', str(config)]
    assert test[:3] == [python, 'tools/test.py', str(config)]
    assert test[3] == paths_in(printed)['checkpoint']
    assert test[3].startswith('runs/mine/')
    wanted = [f'PYTHON={python}', 'tools/dist_train.sh', str(config), '2']
    assert ranks[:4] == wanted
    for command in (train, test, ranks):
        assert command[command.index('--data') + 1] == data


def test_python_is_named_from_the_current_folder(tiny, monkeypatch):
    _, folder = tiny
    monkeypatch.setattr(sys, 'executable', str(folder / '.venv' / 'bin' / 'python'))
    assert module._python() == '.venv/bin/python'
    monkeypatch.setattr(sys, 'executable', '/opt/bin/python')
    assert module._python() == '/opt/bin/python'


def test_data_without_test_split_are_tested_on_val_aloud(
    tiny, make_eye_parquet, capsys
):
    data = make_eye_parquet(num_rows=48, splits={'train': 0.75, 'val': 0.25})
    quickstart(str(data))
    printed = capsys.readouterr().out
    assert f'{data} has no test split: the test below uses val' in printed
    assert [x for x in printed.splitlines() if x.startswith('val: f1 ')]
    assert not [x for x in printed.splitlines() if x.startswith('test: ')]


def test_eyes_are_generated_without_own_data(tiny, make_eye_parquet, monkeypatch):
    drawn = []

    def draw(out):
        drawn.append(out)
        make_eye_parquet(out, num_rows=48)

    monkeypatch.setattr(module, 'make_sample_eyes', draw)
    quickstart()
    assert drawn == ['data/sample_eyes.parquet']


def test_missing_data_are_told_before_training(tiny):
    _, folder = tiny
    with pytest.raises(FileNotFoundError, match=r'gone\.parquet'):
        quickstart('gone.parquet')
    assert not (folder / 'work_dirs').exists()


def test_a_training_that_a_signal_stopped_is_not_tested(
    tiny, make_eye_parquet, monkeypatch, capsys
):
    _, folder = tiny
    result = TrainResult(folder, None, stopped_by='SIGINT')
    monkeypatch.setattr(module, 'train', lambda *_, **__: result)
    quickstart(str(make_eye_parquet(num_rows=48)))
    assert 'checkpoint' not in capsys.readouterr().out
