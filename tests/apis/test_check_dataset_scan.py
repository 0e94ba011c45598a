import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from ocec.apis.check_dataset_scan import (
    find_row_groups,
    read_pictures,
    scan_pictures,
)
from ocec.datasets.eye_table import read_eye_table
from ocec.preparation.check_pictures import describe_pictures


def decode(encoded):
    return cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture
def two_files(make_eye_parquet):
    """Of 20 and 12 rows, in row groups of 8; one picture of each is broken."""
    files = []
    for num, broken in ((20, 9), (12, 11)):
        file = make_eye_parquet(num_rows=num, seed=num)
        images = pq.read_table(file)['image_bytes'].to_pylist()
        images[broken] = b'broken'
        make_eye_parquet(file, num_rows=num, image_bytes=images)
        pq.write_table(pq.read_table(file), file, row_group_size=8)
        files.append(file)
    return files


def test_row_groups_of_all_files_are_found(two_files, make_eye_parquet):
    files = [two_files[0], make_eye_parquet(num_rows=0), two_files[1]]
    found = find_row_groups(read_eye_table(files))
    assert [(g.file, g.group, g.first_row, g.first_row_in_file) for g in found] == [
        (two_files[0], 0, 0, 0),
        (two_files[0], 1, 8, 8),
        (two_files[0], 2, 16, 16),
        (two_files[1], 0, 20, 0),
        (two_files[1], 1, 28, 8),
    ]


@pytest.mark.parametrize('jobs', [1, 2])
def test_every_row_is_measured(two_files, jobs):
    table = read_eye_table(two_files)
    encoded = [
        row for f in two_files for row in pq.read_table(f)['image_bytes'].to_pylist()
    ]
    expected = describe_pictures(
        [None if b == b'broken' else decode(b) for b in encoded]
    )
    scanned = scan_pictures(table, jobs=jobs)
    np.testing.assert_array_equal(scanned.facts_N, expected[0])
    np.testing.assert_array_equal(scanned.thumb_NHW, expected[1])
    problem = (
        'the picture cannot be decoded: no PNG, JPEG, WebP, BMP, GIF, TIFF file: it '
        "begins with b'broken'"
    )
    assert [(row, b.file, b.row, b.problem) for row, b in scanned.bad_rows] == [
        (9, str(two_files[0]), 9, problem),
        (31, str(two_files[1]), 11, problem),
    ]


def test_no_rows(make_eye_parquet):
    scanned = scan_pictures(read_eye_table([make_eye_parquet(num_rows=0)]))
    assert len(scanned.facts_N) == len(scanned.thumb_NHW) == 0


def test_a_damaged_file_is_named(make_eye_parquet):
    file = make_eye_parquet(num_rows=8)
    table = read_eye_table([file])
    column = pq.ParquetFile(file).metadata.row_group(0).column(6)
    assert column.path_in_schema == 'image_bytes'
    start = column.dictionary_page_offset or column.data_page_offset
    content = bytearray(file.read_bytes())
    content[start : start + 400] = bytes(400)
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f'{file}: damaged from row 0 on: '):
        scan_pictures(table, jobs=1)


def test_some_pictures_are_read_in_rgb(two_files):
    table = read_eye_table(two_files)
    images = read_pictures(table, [25, 3, 9, 16, 3])
    assert list(images) == [3, 16, 25]  # row 9 is broken
    encoded = pq.read_table(two_files[1])['image_bytes'][5].as_py()
    np.testing.assert_array_equal(images[25], decode(encoded)[..., ::-1])
    assert read_pictures(table, []) == {}


def test_pictures_outside_must_be_allowed(make_eye_parquet, tmp_path):
    picture = cv2.imencode('.png', np.full((8, 9, 3), 50, np.uint8))[1].tobytes()
    (tmp_path / 'out.png').write_bytes(picture)
    file = make_eye_parquet(
        tmp_path / 'set' / 'eyes.parquet',
        num_rows=1,
        image_path=['../out.png'],
        image_bytes=None,
    )
    table = read_eye_table([file])
    [(row, bad)] = scan_pictures(table).bad_rows
    assert row == 0
    assert 'lies outside the folder' in bad.problem
    assert read_pictures(table, [0]) == {}
    assert scan_pictures(table, allow_outside=True).facts_N['width'].tolist() == [9]
    assert list(read_pictures(table, [0], allow_outside=True)) == [0]
