import functools
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'eyes_to_parquet.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


def run_new_process(*arguments, folder, options=()):
    paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(filter(None, paths))}
    return subprocess.run(
        [sys.executable, *options, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
        timeout=60,
    )


def test_flags_reach_the_converter(tmp_path, make_eye_parquet, run_tool):
    source = make_eye_parquet(num_rows=64, group=None)
    flags = [
        *('--out', 'new', '--resplit', '--split', 'grouped', '--seed', 7),
        *('--ratios', 'train=0.5', 'val=0.25', 'test=0.25'),
        *('--group-pattern', r'(?P<group>\d{4})\d\.png', '--max-rows-per-file', 40),
    ]
    done = run_tool(source, *flags, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    tables = [pq.read_table(p) for p in sorted((tmp_path / 'new').glob('*.parquet'))]
    assert [table.num_rows for table in tables] == [40, 24]
    rows = [row for table in tables for row in table.to_pylist()]
    # groups of ten: all digits but the last
    assert [row['group'] for row in rows] == [f'{row // 10:04d}' for row in range(64)]
    assert {row['split'] for row in rows} == {'train', 'val', 'test'}
    assert len({(row['group'], row['split']) for row in rows}) == 7

    again = run_tool(source, *flags, folder=tmp_path)
    assert 'up to date, nothing to do' in again.stdout


def test_exit_codes_tell_failure_from_wrong_usage(tmp_path, make_eye_parquet, run_tool):
    source = make_eye_parquet(num_rows=8)
    failed = run_tool(
        source, '--out', 'a.parquet', '--split', 'random', folder=tmp_path
    )
    assert failed.returncode == 1
    assert 'error: the sources have splits already; add --resplit' in failed.stderr
    for flags in (
        ['--ratios', 'train=0.5'],
        ['--ratios', 'train'],
        ['--fold', '2'],
        ['--num-folds', '5'],
        ['--seed', '42'],  # the splits are kept
        ['--resplit', '--split', 'folds', '--fold', '9'],
        ['--resplit', '--split', 'lists', '--lists', 'val=gone.txt'],
        ['--resplit', '--gap', '3'],
    ):
        wrong = run_tool(source, '--out', 'a.parquet', *flags, folder=tmp_path)
        assert wrong.returncode == 2
        assert 'Traceback' not in wrong.stderr
    assert not (tmp_path / 'a.parquet').exists()


def test_help_imports_nothing_heavy(tmp_path):
    done = run_new_process('--help', folder=tmp_path, options=['-X', 'importtime'])
    assert done.returncode == 0
    for flag in (
        '--out',
        '--split',
        '--resplit',
        '--group-by',
        '--bad-rows',
        '--store',
    ):
        assert flag in done.stdout
    imported = {line.split('|')[-1].strip() for line in done.stderr.splitlines()}
    assert 'argparse' in imported
    assert not imported & {'numpy', 'cv2', 'pyarrow', 'rich', 'torch', 'ocec'}
