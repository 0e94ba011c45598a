import functools
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools/model_converters/average_weights.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_it_writes_what_it_says(tmp_path, write_config, make_eye_parquet, run_tool):
    from ocec.apis.train import train

    run = train(write_config(), work_dir=tmp_path / 'run').work_dir
    data = make_eye_parquet()
    done = run_tool(
        *(run / 'epoch_1.pth', run / 'epoch_2.pth', '-o', tmp_path / 'out'),
        *('--data-a', data, '--data-b', data, '--alphas', 0.5, '--keep-a', 0.5),
    )
    assert done.returncode == 0, done.stderr
    assert 'chosen: the highest F1 B among those that lose at most 0.5' in done.stdout
    names = {path.name for path in (tmp_path / 'out').iterdir()}
    assert {'averaged.pth', 'curve.json', 'curve.png', 'curve.txt'} <= names


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('a.pth',), 'usage: '),
        (('a.pth', 'b.pth', '-o', 'x', '--data-a', 'a'), 'required: --data-b'),
        (
            ('a.pth', 'b.pth', '-o', 'x', '--data-a', 'a', '--data-b', 'b'),
            'a.pth: no such checkpoint',
        ),
    ],
)
def test_wrong_usage(arguments, message, run_tool):
    done = run_tool(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
