import functools
from pathlib import Path

import pyarrow.parquet as pq
import pytest

TOOL = Path(__file__).parents[3] / 'tools/dataset_converters/merge_labels.py'


@pytest.fixture
def run_tool(run_in_process):
    return functools.partial(run_in_process, TOOL)


@pytest.fixture
def data(make_eye_parquet, tmp_path):
    text = 'sample_id,path,new_label\n0,images/00000.png,open\n'
    (tmp_path / 'corrected.csv').write_text(text)
    return make_eye_parquet(num_rows=4)


def test_labels_are_merged(data, tmp_path, run_tool):
    done = run_tool('corrected.csv', data, '-o', 'new.parquet', folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('new.parquet: 1 labels changed;')
    labels = pq.read_table(tmp_path / 'new.parquet').column('class_id').to_pylist()
    assert labels == [1, 1, 0, 1]
    assert (tmp_path / 'new.label_changes.json').is_file()


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        ((), 2, 'give an output file with -o, or in_place (--in-place)'),
        (('-o', 'corrected.parquet', '--log', 'a'), 2, 'must be a .json or .csv file'),
        (('-o', 'old.parquet'), 1, 'error: old.parquet exists; choose another name'),
    ],
)
def test_failures_are_told_without_a_traceback(
    data, tmp_path, arguments, code, message, run_tool
):
    (tmp_path / 'old.parquet').touch()
    done = run_tool('corrected.csv', data, *arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
