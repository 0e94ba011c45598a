import functools
from pathlib import Path

import pytest

from ocec.apis.train import train

TOOL = Path(__file__).parents[3] / 'tools/analysis_tools/analyze_errors.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def test_page_of_a_checkpoint_on_other_data(
    write_config, make_eye_parquet, tmp_path, run_tool
):
    checkpoint = train(write_config('train_cfg = dict(max_epochs=1)')).work_dir
    other = make_eye_parquet(seed=3, num_rows=12, split=['val'] * 12)
    arguments = ('--data', other, '--split', 'val', '-o', 'page.html', '--all')
    done = run_tool(checkpoint / 'epoch_1.pth', *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith('page.html: ')
    assert f'3 groups, from {other}' in (tmp_path / 'page.html').read_text()


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        ((), 2, 'required: checkpoint'),
        (('gone.pth',), 2, 'gone.pth: no such checkpoint'),
        (('bad.pth',), 1, 'error: bad.pth: '),
        (('bad.pth', '--limit', '0'), 2, 'limit must be >= 1, got 0'),
    ],
)
def test_failures_are_told_without_a_traceback(
    arguments, code, message, tmp_path, run_tool
):
    (tmp_path / 'bad.pth').write_bytes(b'no checkpoint')
    done = run_tool(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
