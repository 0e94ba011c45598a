from pathlib import Path

import pytest

from ocec.preparation.output_files import (
    existing_outputs,
    output_path,
    remove_leftovers,
    remove_stale,
)


def touch(folder, *names):
    for name in names:
        (folder / name).write_bytes(b'')
    return [folder / name for name in names]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_gets_the_name_of_the_original(tmp_path):
    assert output_path(Path('x/eyes.parquet')) == Path('x/eyes.parquet')
    assert output_path(Path('x/v1.2')) == Path('x/v1.2/dataset.parquet')
    folder = tmp_path / 'my.data'
    folder.mkdir()
    assert output_path(folder) == folder / 'dataset.parquet'


def test_other_files_are_no_output(tmp_path):
    message = r'\.parquet file or a folder, got eyes.csv; write eyes.parquet, or make'
    with pytest.raises(ValueError, match=message):
        output_path(Path('eyes.csv'))
    [file] = touch(tmp_path, 'plain')
    with pytest.raises(ValueError, match='got .*plain; write'):
        output_path(file)


def test_shards_have_four_digits_or_more(tmp_path):
    wanted = touch(tmp_path, 'a.parquet', 'a_0001.parquet', 'a_10000.parquet')
    touch(tmp_path, 'a_001.parquet', 'ab.parquet', 'a_0001.csv', 'b_0001.parquet')
    assert existing_outputs(tmp_path / 'a.parquet') == wanted
    assert existing_outputs(tmp_path / 'gone' / 'a.parquet') == []


def test_stale_files_go_and_other_outputs_stay(tmp_path):
    plain, first, second, third, other = touch(
        tmp_path,
        'a.parquet',
        *(f'a_{number:04d}.parquet' for number in (1, 2, 3, 2024)),
    )
    touch(tmp_path, 'a.convert.json', 'a_0003.convert.json')
    assert remove_stale(plain, [first]) == [plain, second]
    assert existing_outputs(plain) == [first, third, other]
    assert remove_stale(plain, [first]) == []
    # a shard between them was lost
    assert remove_stale(plain, [first], before=[first.name, other.name]) == [other]


def test_leftovers_of_killed_runs_go(tmp_path):
    gone = touch(
        tmp_path,
        '.a.bad_rows.csv.x1.tmp',
        '.a.convert.json.x1.tmp',
        '.a.parquet.x_1.tmp',
        '.a_0001.parquet.x1.tmp',
    )
    kept = touch(tmp_path, '.ab.parquet.x1.tmp', 'a.parquet', 'a.parquet.tmp')
    assert remove_leftovers(tmp_path / 'a.parquet') == gone
    assert names_in(tmp_path) == sorted(path.name for path in kept)
    assert remove_leftovers(tmp_path / 'gone' / 'a.parquet') == []
