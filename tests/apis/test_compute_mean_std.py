import json

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.apis.compute_mean_std import (
    PixelStatistics,
    compute_mean_std,
    format_snippet,
)
from ocec.functional.pixel_statistics import pool_mean_std
from ocec.registry import MODELS

SIZE = (8, 16)


def pixels_of(path, *, split='train', groups=None):
    """Decode and resize one by one; returns (number of pixels, 3) float64 RGB."""
    rows = pq.read_table(path).to_pylist()
    images = []
    for row in rows:
        if row['split'] != split or (groups and row['group'] not in groups):
            continue
        encoded = np.frombuffer(row['image_bytes'], np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        images.append(cv2.resize(image, SIZE[::-1])[..., ::-1])
    return np.stack(images).reshape(-1, 3).astype(np.float64)


def assert_is(statistics, pixels):
    np.testing.assert_allclose(statistics.mean, pixels.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(statistics.std, pixels.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize('split', ['train', 'val'])
def test_one_file_is_numpy_over_its_pictures(make_eye_parquet, capsys, split):
    path = make_eye_parquet(num_rows=40)
    [single, whole] = compute_mean_std([path], split=split, image_size=SIZE)
    assert_is(single, pixels_of(path, split=split))
    assert single.source == str(path)
    assert single.mean[0] > single.mean[2] + 10  # red skin: the order is RGB
    assert (whole.mean, whole.std) == (single.mean, single.std)
    output = capsys.readouterr().out
    num = {'train': 20, 'val': 12}[split]
    line = f'{num} images of split {split} ({num // 2} closed, {num // 2} open), 8x16'
    assert line in output
    assert 'all: ' not in output
    assert output.splitlines()[-1] == format_snippet(whole)


@pytest.mark.parametrize('chunk', [1, 7, 32])
def test_result_does_not_depend_on_the_chunks(make_eye_parquet, chunk):
    path = make_eye_parquet(num_rows=40)
    expected = compute_mean_std([path], image_size=SIZE)
    assert compute_mean_std([path], image_size=SIZE, chunk=chunk) == expected


def test_two_files_are_their_concatenation(make_eye_parquet, tmp_path, capsys):
    first = make_eye_parquet(num_rows=24, seed=1)
    second = make_eye_parquet(num_rows=40, seed=2)
    both = tmp_path / 'both.parquet'
    pq.write_table(pa.concat_tables(map(pq.read_table, (first, second))), both)
    *each, pooled = compute_mean_std([first, second], image_size=SIZE)
    [_, single] = compute_mean_std([both], image_size=SIZE)
    assert pooled == single
    nums = [item.num_closed + item.num_open for item in each]
    mean, std = pool_mean_std(nums, [e.mean for e in each], [e.std for e in each])
    np.testing.assert_allclose(pooled.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(pooled.std, std, rtol=1e-12)
    assert f'all: {sum(nums)} images' in capsys.readouterr().out


def test_only_some_groups(make_eye_parquet):
    path = make_eye_parquet(num_rows=40)
    groups = ['s000', 's003']
    [statistics, _] = compute_mean_std([path], image_size=SIZE, groups=groups)
    assert_is(statistics, pixels_of(path, groups=groups))
    assert (statistics.num_closed, statistics.num_open) == (4, 4)


def test_bad_rows_can_be_left_out(make_eye_parquet):
    splits = ['train'] * 8
    path = make_eye_parquet(num_rows=8, split=splits)
    table = pq.read_table(path)
    pictures = table.column('image_bytes').to_pylist()
    broken = path.with_name('broken.parquet')
    index = table.schema.get_field_index('image_bytes')
    column = pa.array([b'no picture', *pictures[1:]])
    pq.write_table(table.set_column(index, 'image_bytes', column), broken)
    with pytest.raises(ValueError, match='1 of 8 rows cannot be used'):
        compute_mean_std([broken], image_size=SIZE)
    [statistics, _] = compute_mean_std([broken], image_size=SIZE, bad_rows='skip')
    assert_is(statistics, pixels_of(path)[SIZE[0] * SIZE[1] :])


def test_json(make_eye_parquet, tmp_path, capsys):
    paths = [make_eye_parquet(num_rows=16, seed=seed) for seed in (1, 2)]
    out = tmp_path / 'new' / 'numbers.json'
    *each, whole = compute_mean_std(paths, image_size='8x16', out=out)
    content = json.loads(out.read_text())
    assert content['image_size'] == [8, 16]
    assert (content['split'], content['groups']) == ('train', [])
    assert [PixelStatistics(**item) for item in content['files']] == each
    assert PixelStatistics(**content['all']) == whole
    assert capsys.readouterr().out.endswith(f'written: {out}\n')


def test_snippet_goes_into_a_config():
    numbers = PixelStatistics('all', 1, 1, [119.7534, 0.0, 255.0], [45.07, 1.0, 0.5])
    snippet = format_snippet(numbers)
    assert snippet == (
        'data_preprocessor=dict(mean=[119.753, 0.000, 255.000], '
        'std=[45.070, 1.000, 0.500])'
    )
    settings = eval(f'dict({snippet})')['data_preprocessor']
    preprocessor = MODELS.build(dict(type='ImagePreprocessor', **settings))
    assert preprocessor.mean.flatten().tolist() == pytest.approx([119.753, 0, 255])


def test_pictures_of_one_value_cannot_normalise():
    numbers = PixelStatistics('a.parquet', 1, 1, [7.0] * 3, [3.0, 0.0, 3.0])
    with pytest.raises(ValueError, match='a.parquet: all pixels of a channel have one'):
        format_snippet(numbers)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(groups=['s001', 'gone']), r"no file has the groups \['gone'\]; .*'s000'"),
        # s009 lies in the test split
        (dict(groups=['s009']), 'parquet: no image of these groups in this split'),
        (dict(chunk=0), 'chunk must be >= 1, got 0'),
        (dict(split='trian'), 'split must be one of'),
        (dict(image_size=(8, 0)), 'image_size must be'),
    ],
)
def test_wrong_arguments(make_eye_parquet, settings, message):
    path = make_eye_parquet(num_rows=40)
    with pytest.raises(ValueError, match=message):
        compute_mean_std([path], **{'image_size': SIZE} | settings)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='gone.parquet: no such parquet file'):
        compute_mean_std([tmp_path / 'gone.parquet'])
