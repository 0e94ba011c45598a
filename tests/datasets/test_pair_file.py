import csv
import re

import numpy as np
import pytest

from ocec.datasets.pair_file import load_npz, read_pairs, read_source_rows

IDS = np.array([f'PUB_{row:07d}' for row in range(6)])
LABELS = [1, 0, 0, 1, 1, 0]


def pixels(num_pairs=6):
    return np.random.default_rng(0).integers(0, 255, (num_pairs, 28, 56), np.uint8)


@pytest.fixture
def write_npz(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / 'pairs.npz', **arrays)
        return tmp_path / 'pairs.npz'

    return write


@pytest.fixture
def write_csv(tmp_path):
    def write(rows, header=('id', 'label')):
        with open(tmp_path / 'labels.csv', 'w', newline='') as stream:
            csv.writer(stream).writerows([header, *rows])
        return tmp_path / 'labels.csv'

    return write


# what is read


def test_sides_are_the_halves_of_the_picture(write_npz):
    x = pixels()
    table = read_pairs(write_npz(x=x, y=LABELS))
    assert table.x_N2HW.dtype == np.uint8
    np.testing.assert_array_equal(table.x_N2HW[:, 0], x[:, :, :28])
    np.testing.assert_array_equal(table.x_N2HW[:, 1], x[:, :, 28:])
    assert table.label_N.tolist() == LABELS
    assert table.label_N.dtype == np.int8


def test_what_is_not_known_is_marked(write_npz):
    table = read_pairs(write_npz(x=pixels(), y=LABELS))
    assert table.id_N.tolist() == ['0', '1', '2', '3', '4', '5']
    assert (table.digit_N2 == -1).all()
    assert (table.source_N2 == -1).all()
    assert (table.block_N == -1).all()
    assert np.isnan(table.occluded_N2).all()
    assert table.digit_N2.shape == table.occluded_N2.shape == (6, 2)


def test_labels_are_joined_by_id(write_npz, write_csv):
    rows = list(zip(IDS, LABELS, strict=True))
    labels = write_csv(rows[::-1])
    table = read_pairs(write_npz(x=pixels(), id=IDS), labels=labels)
    assert table.label_N.tolist() == LABELS
    # they win over those of the npz
    y = [1 - label for label in LABELS]
    assert read_pairs(write_npz(x=pixels(), id=IDS, y=y), labels=labels).label_N[0] == 1


def test_labels_may_be_absent_if_nobody_needs_them(write_npz):
    table = read_pairs(write_npz(x=pixels(), id=IDS), need_labels=False)
    assert table.label_N.tolist() == [-1] * 6


def test_source_rows_are_read_alone(write_npz):
    source = [[5, 1], [1, 7], [7, 7], [0, 1], [5, 5], [-1, 1]]
    assert read_source_rows(write_npz(source=source)).tolist() == [0, 1, 5, 7]
    assert read_source_rows(write_npz(x=[1])).tolist() == []


# what is refused


@pytest.mark.parametrize(
    ('arrays', 'message'),
    [
        ({'y': LABELS}, r"array x is missing; found \['y'\]"),
        (
            {'x': pixels().astype(float), 'y': LABELS},
            r'x must be uint8 of shape \(N, 28, 56\), got float64 \(6, 28, 56\)',
        ),
        (
            {'x': pixels()[:, :, :28], 'y': LABELS},
            r'x must be uint8 of shape \(N, 28, 56\), got uint8 \(6, 28, 28\)',
        ),
        ({'x': pixels()[0], 'y': LABELS}, r'x must be uint8 .* got uint8 \(28, 56\)'),
        ({'x': pixels(0), 'y': []}, 'x holds no pairs'),
        (
            {'x': pixels(), 'y': LABELS[:5]},
            r'one label per pair, got \(5,\) for 6 pairs',
        ),
        ({'x': pixels(), 'y': [0, 1, 2, 1, 0, 7]}, r'0 or 1, got 2 in row 2 \(2 rows'),
        (
            {'x': pixels(), 'y': [0, 1, np.nan, 1, 0, 1]},
            'must be 0 or 1, got nan in row 2',
        ),
        ({'x': pixels(), 'id': IDS}, r"no labels: .* found \['id', 'x'\]"),
        (
            {'x': pixels(), 'y': LABELS, 'id': IDS[:4]},
            r'id must have one entry per pair, got \(4,\) for 6 pairs',
        ),
        (
            {'x': pixels(), 'y': LABELS, 'id': IDS[[0, 1, 1, 2, 3, 0]]},
            r'2 ids occur more than once \(PUB_0000000, PUB_0000001\)',
        ),
        (
            {'x': pixels(), 'y': LABELS, 'digit': np.zeros(6, int)},
            r'digit must have shape \(6, 2\), got \(6,\)',
        ),
        (
            {'x': pixels(), 'y': LABELS, 'block': np.zeros((6, 2), int)},
            r'block must have shape \(6,\), got \(6, 2\)',
        ),
    ],
)
def test_a_wrong_npz_is_refused(write_npz, arrays, message):
    file = write_npz(**arrays)
    with pytest.raises(ValueError, match=f'^{re.escape(str(file))}.*{message}'):
        read_pairs(file)


ROWS = list(zip(IDS.tolist(), LABELS, strict=True))


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        (ROWS[:4], r'2 of 6 ids of .* are missing \(PUB_0000004, PUB_0000005\)'),
        ([*ROWS, ('PUB_9', 1)], r'1 ids are not in .*pairs.npz \(PUB_9\)'),
        ([*ROWS, ROWS[2]], r'1 ids occur more than once \(PUB_0000002\)'),
        ([*ROWS[:5], (IDS[5], 2)], "line 7: label must be 0 or 1, got '2'"),
        ([*ROWS[:5], (IDS[5],)], 'line 7: label must be 0 or 1, got None'),
    ],
)
def test_a_wrong_csv_is_refused(write_npz, write_csv, rows, message):
    file, labels = write_npz(x=pixels(), id=IDS), write_csv(rows)
    with pytest.raises(ValueError, match=f'^{re.escape(str(labels))}.*{message}'):
        read_pairs(file, labels=labels)


def test_a_csv_needs_its_columns(write_npz, write_csv):
    labels = write_csv(ROWS, header=('id', 'prediction'))
    message = r"needs the columns id and label, found \['id', 'prediction'\]"
    with pytest.raises(ValueError, match=message):
        read_pairs(write_npz(x=pixels(), id=IDS), labels=labels)


def test_missing_files_are_named(write_npz, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone\.npz: no such file of pairs'):
        read_pairs(tmp_path / 'gone.npz')
    file = write_npz(x=pixels(), id=IDS)
    with pytest.raises(FileNotFoundError, match=r'gone\.csv: no such file of labels'):
        read_pairs(file, labels=tmp_path / 'gone.csv')


@pytest.mark.parametrize('share', [0.3, 0.7, 0.999])
def test_a_truncated_file_is_refused(write_npz, share):
    file = write_npz(x=pixels(), y=LABELS)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match='not a readable npz, truncated perhaps'):
        load_npz(file)


def test_a_damaged_array_is_refused(write_npz):
    file = write_npz(x=pixels(), y=LABELS)
    content = bytearray(file.read_bytes())
    content[3000] ^= 0xFF  # the sum of the archive no longer fits
    file.write_bytes(content)
    with pytest.raises(ValueError, match='not a readable npz'):
        load_npz(file)


def test_other_files_are_refused(tmp_path):
    text = tmp_path / 'text.npz'
    text.write_text('left,right')
    with pytest.raises(ValueError, match=r'text\.npz: not an npz'):
        load_npz(text)
    np.save(tmp_path / 'one.npy', pixels())
    with pytest.raises(ValueError, match=r'one\.npy: not an npz'):
        load_npz(tmp_path / 'one.npy')


def test_pickles_are_refused(write_npz):
    file = write_npz(x=np.array([{'run': 'me'}], object))
    with pytest.raises(ValueError, match='pickled objects, which could run code'):
        load_npz(file)
