import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/model_converters/publish_model.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_it_writes_what_it_says(tmp_path, write_config, run_tool):
    from ocec.apis.train import train

    run = train(write_config(), work_dir=tmp_path / 'run').work_dir
    options = ('--name', 'eyes', '--license', 'MIT')
    done = run_tool(run / 'epoch_2.pth', tmp_path / 'out', *options)
    assert done.returncode == 0, done.stderr
    names = sorted(path.suffix for path in (tmp_path / 'out').iterdir())
    assert names == ['.json', '.md', '.pth', '.sha256']
    [card] = (tmp_path / 'out').glob('eyes-????????.md')
    assert str(card) in done.stdout
    assert 'MIT' in card.read_text().splitlines()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('a.pth',), 'required: OUT_DIR'),
        (('a.pth', 'out', '--format', 'onnx'), "invalid choice: 'onnx'"),
        (('gone.pth', 'out'), 'gone.pth: no such checkpoint'),
    ],
)
def test_wrong_usage(arguments, message, tmp_path, run_tool):
    done = run_tool(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
