from dataclasses import dataclass

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from ocec.preparation.eye_parquet_writer import write_eye_parquet

PICTURE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
PNG = cv2.imencode('.png', PICTURE)[1].tobytes()
JPEG = cv2.imencode('.jpg', PICTURE)[1].tobytes()


def make_row(number=0, **changes):
    return {
        'split': 'train',
        'label': 'open',
        'class_id': 1,
        'image_path': f'visible/s000/s000_{number:04d}_open.png',
        'source': 'drawn-visible',
        'group': 'visible-s000',
        'image_bytes': PNG,
    } | changes


def test_rows_come_back_as_they_were(tmp_path):
    rows = [
        make_row(0),
        make_row(1, split='val', label='closed', class_id=0, image_bytes=JPEG),
        make_row(2, split='test', group='Jürgen'),
    ]
    path = tmp_path / 'new' / 'folder' / 'eyes.parquet'
    assert write_eye_parquet(rows, path) == 3
    assert pq.read_table(path).to_pylist() == rows
    # nothing else is left behind
    assert [p.name for p in path.parent.iterdir()] == ['eyes.parquet']


def test_dataclasses_are_rows_too(tmp_path):
    @dataclass
    class Row:
        split: str
        label: str
        class_id: int
        image_path: str
        source: str
        group: str
        image_bytes: bytes

    write_eye_parquet([Row(**make_row())], tmp_path / 'eyes.parquet')
    assert pq.read_table(tmp_path / 'eyes.parquet').to_pylist() == [make_row()]


def test_metadata_is_kept(tmp_path):
    path = tmp_path / 'eyes.parquet'
    write_eye_parquet([make_row()], path, metadata={'made.by': '{"seed": 1}'})
    assert pq.read_schema(path).metadata == {b'made.by': b'{"seed": 1}'}


def test_row_groups_are_written_while_rows_come(tmp_path):
    path = tmp_path / 'eyes.parquet'
    largest_partial = []

    def rows():
        for number in range(10):
            sizes = [p.stat().st_size for p in tmp_path.iterdir()]
            largest_partial.append(max(sizes))
            yield make_row(number, image_bytes=PNG + bytes(10**5))

    write_eye_parquet(rows(), path, rows_per_group=4)
    file = pq.ParquetFile(path)
    groups = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
    assert groups == [4, 4, 2]
    # what was written before the last row holds the first groups
    assert largest_partial[-1] > largest_partial[0]


@pytest.mark.parametrize('before', [None, b'the old file'])
def test_failing_rows_leave_the_folder_as_it_was(tmp_path, before):
    path = tmp_path / 'eyes.parquet'
    if before is not None:
        path.write_bytes(before)

    def rows():
        yield make_row()
        raise RuntimeError('camera unplugged')

    with pytest.raises(RuntimeError, match='camera unplugged'):
        write_eye_parquet(rows(), path, rows_per_group=1)
    left = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert left == ({} if before is None else {'eyes.parquet': before})


def test_permissions_are_those_of_an_ordinary_file(tmp_path):
    write_eye_parquet([make_row()], tmp_path / 'eyes.parquet')
    (tmp_path / 'plain').write_bytes(b'')
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'split': 'dev'}, r"split must be one of \('train', 'val', 'test'\), got 'de"),
        ({'label': 'shut'}, r"label must be one of \('closed', 'open'\), got 'shut'"),
        ({'class_id': 0}, "class_id must be 1 for label 'open', got 0"),
        ({'image_path': ''}, "image_path must be a non-empty string, got ''"),
        ({'group': 3}, 'group must be a non-empty string, got 3'),
        ({'source': None}, 'source must be a non-empty string, got None'),
        ({'image_bytes': b'GIF89a'}, r"bytes of a PNG or JPEG file, got b'GIF89a'"),
        ({'image_bytes': PICTURE}, "PNG or JPEG file, got 'ndarray'"),
        ({'age': 3}, r"missing \[\], unknown \['age'\]"),
    ],
)
def test_wrong_row_is_named(tmp_path, changes, message):
    rows = [make_row(0), make_row(1, **changes)]
    with pytest.raises(ValueError, match=f'row 1.*{message}'):
        write_eye_parquet(rows, tmp_path / 'eyes.parquet')
    assert list(tmp_path.iterdir()) == []


def test_missing_column_is_named(tmp_path):
    row = make_row()
    del row['group']
    with pytest.raises(ValueError, match=r"row 0 .*missing \['group'\], unknown \[\]"):
        write_eye_parquet([row], tmp_path / 'eyes.parquet')


def test_other_objects_are_no_rows(tmp_path):
    message = 'row 0 must be a dict or a dataclass, got tuple'
    with pytest.raises(TypeError, match=message):
        write_eye_parquet([('train', 'open')], tmp_path / 'eyes.parquet')


def test_no_rows_are_refused(tmp_path):
    with pytest.raises(ValueError, match='rows must hold at least one row, got none'):
        write_eye_parquet([], tmp_path / 'eyes.parquet')


def test_empty_row_groups_are_refused(tmp_path):
    with pytest.raises(ValueError, match='rows_per_group must be >= 1, got 0'):
        write_eye_parquet([make_row()], tmp_path / 'eyes.parquet', rows_per_group=0)
