import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.apis.compare_datasets_scan import measure_set
from ocec.functional.picture_statistics import measure_pixels

SIZE = (8, 16)
SETTINGS = dict(image_size=SIZE, max_rows=1000, jobs=1)


def measured_one_by_one(path, rows):
    pictures = pq.read_table(path).column('image_bytes').to_pylist()
    values = []
    for row in rows:
        image = cv2.imdecode(np.frombuffer(pictures[row], np.uint8), cv2.IMREAD_COLOR)
        height, width = image.shape[:2]
        resized = cv2.resize(image, SIZE[::-1])[..., ::-1]
        pixels = measure_pixels(resized[None])[0]
        values.append([width, height, width / height, *pixels])
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ('split', 'rows'), [(None, range(40)), ('train', range(20)), ('val', range(20, 32))]
)
def test_every_row_of_a_split(make_eye_parquet, split, rows):
    path = make_eye_parquet(num_rows=40)
    found = measure_set(path, split, **SETTINGS)
    assert found.row_N.tolist() == list(rows)
    np.testing.assert_allclose(
        found.value_NK, measured_one_by_one(path, rows), rtol=1e-5
    )
    assert found.value_NK.dtype == np.float32
    assert found.labels.tolist() == [row % 2 for row in rows]
    assert found.group_names == [f's{n:03d}' for n in sorted({r // 4 for r in rows})]
    assert found.name == (f'{path} [{split}]' if split else str(path))


def test_row_groups_and_batches_make_no_difference(make_eye_parquet, monkeypatch):
    path = make_eye_parquet(num_rows=40)
    expected = measure_set(path, 'val', **SETTINGS)
    cut = path.with_name('cut.parquet')
    pq.write_table(pq.read_table(path), cut, row_group_size=7)
    monkeypatch.setattr('ocec.apis.compare_datasets_scan.ROWS_PER_BATCH', 3)
    found = measure_set(cut, 'val', **SETTINGS)
    np.testing.assert_array_equal(found.row_N, expected.row_N)
    np.testing.assert_allclose(found.value_NK, expected.value_NK, rtol=1e-6)


def test_random_choice_of_many_rows(make_eye_parquet):
    path = make_eye_parquet(num_rows=40)
    settings = SETTINGS | {'max_rows': 9}
    found = measure_set(path, 'train', **settings, seed=1)
    assert (len(found.row_N), found.num_rows) == (9, 20)
    assert (np.diff(found.row_N) > 0).all()
    assert found.row_N.max() < 20
    np.testing.assert_allclose(
        found.value_NK, measured_one_by_one(path, found.row_N), rtol=1e-5
    )
    other = measure_set(path, 'train', **settings, seed=2)
    assert other.row_N.tolist() != found.row_N.tolist()


def broken_copy(path, bad_rows):
    table = pq.read_table(path)
    pictures = table.column('image_bytes').to_pylist()
    pictures = [b'none' if r in bad_rows else p for r, p in enumerate(pictures)]
    index = table.schema.get_field_index('image_bytes')
    broken = path.with_name('broken.parquet')
    column = pa.array(pictures)
    pq.write_table(table.set_column(index, 'image_bytes', column), broken)
    return broken


def test_unreadable_rows_are_left_out_and_told(make_eye_parquet):
    path = broken_copy(make_eye_parquet(num_rows=16), {1, 2})
    found = measure_set(path, None, **SETTINGS)
    assert found.row_N.tolist() == [0, *range(3, 16)]
    assert [(bad.file, bad.row) for bad in found.bad_rows] == [
        (str(path), 1),
        (str(path), 2),
    ]
    assert found.bad_rows[0].problem.startswith('the picture cannot be decoded: ')


def test_nothing_can_be_read(make_eye_parquet):
    path = broken_copy(make_eye_parquet(num_rows=4), range(4))
    with pytest.raises(
        ValueError, match=r'no picture can be read, as .*row 0: the pic'
    ):
        measure_set(path, None, **SETTINGS)


@pytest.mark.parametrize(
    ('split', 'message'),
    [
        ('test', r'no row in split "test"; rows by split: .*\'train\': 4, \'val\': 0'),
        ('dev', "split must be one of .* got 'dev'"),
    ],
)
def test_split_without_rows(make_eye_parquet, split, message):
    path = make_eye_parquet(num_rows=4, split=['train'] * 4)
    with pytest.raises(ValueError, match=message):
        measure_set(path, split, **SETTINGS)
