import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.apis.check_dataset_findings import find_problems, reason_of
from ocec.apis.check_dataset_scan import scan_pictures
from ocec.datasets.eye_table import read_eye_table
from ocec.preparation.near_duplicates import find_near_duplicates


def plain(value):
    return cv2.imencode('.png', np.full((12, 20, 3), value, np.uint8))[1].tobytes()


def find(file):
    """Kind -> finding; look-alikes apart, which drawn eyes are."""
    table = read_eye_table([file])
    scanned = scan_pictures(table, jobs=1)
    near = find_near_duplicates(scanned.facts_N, scanned.thumb_NHW, table.split_N * 0)
    return {f.kind: f for f in find_problems(table, scanned, near)}


@pytest.fixture
def images(make_eye_parquet):
    return pq.read_table(make_eye_parquet())['image_bytes'].to_pylist()


# what eyes of two kinds, drawn as disc and line, have in any case
DRAWN = {'label_follows_a_cue'}


def test_clean_data_have_nothing(make_eye_parquet):
    assert set(find(make_eye_parquet())) <= DRAWN


def test_leaks_come_first(make_eye_parquet, images):
    images[32] = images[0]
    images[3] = b'broken'
    found = find(make_eye_parquet(image_bytes=images))
    assert list(found)[0] == 'duplicates_across_splits'
    assert found['duplicates_across_splits'].sets == ((0, 32),)


def test_a_copy_in_another_format_is_a_copy(make_eye_parquet, images):
    decoded = cv2.imdecode(np.frombuffer(images[0], np.uint8), cv2.IMREAD_COLOR)
    images[32] = cv2.imencode('.bmp', decoded)[1].tobytes()
    assert 'duplicates_across_splits' in find(make_eye_parquet(image_bytes=images))


def test_one_picture_with_two_labels(make_eye_parquet, images):
    images[3] = images[0]
    found = find(make_eye_parquet(image_bytes=images))
    contradiction = found['contradictory_labels']
    assert contradiction.title == '1 pictures are labelled open and closed (2 rows)'
    assert contradiction.sets == ((0, 3),)


def test_bad_rows_are_counted_by_reason(make_eye_parquet, images):
    images[4], images[5], images[6] = b'broken', b"it's", None
    label = ['closed', 'open'] * 32
    label[0], label[1], label[2] = 'open', None, 'squint'
    class_id = pa.array([None if row in (1, 2) else row % 2 for row in range(64)])
    split = ['train'] * 32 + ['val'] * 16 + ['test'] * 14 + ['holdout', None]
    found = find(
        make_eye_parquet(
            image_bytes=images,
            label=label,
            class_id=class_id,
            split=split,
            image_path=[None if row == 6 else f'{row}.png' for row in range(64)],
        )
    )
    assert (
        found['unreadable_pictures'].title == '3 rows have pictures that cannot be read'
    )
    assert found['unreadable_pictures'].reasons == (
        (
            'the picture cannot be decoded: no PNG, JPEG, WebP, BMP, GIF, TIFF file: '
            'it begins with ...',
            2,
        ),
        ('neither image_bytes nor image_path', 1),
    )
    assert found['unreadable_pictures'].sets == ((4,), (5,), (6,))
    assert (
        found['unreadable_pictures']
        .lines[2]
        .endswith('row 6: neither image_bytes nor image_path')
    )
    assert found['unusable_labels'].title == '3 rows have labels that nobody can use'
    assert set(found['unusable_labels'].reasons) == {
        ('class_id ... and label ... disagree', 1),
        ('neither a class_id nor a label', 1),
        ('label must be closed or open, got ...', 1),
    }
    assert found['unknown_splits'].title == '2 rows have no known split'


@pytest.mark.parametrize(
    ('problem', 'reason'),
    [
        ('/a: b/c.png: No such file or directory', 'No such file or directory'),
        (
            '/a/c.png: lies outside the folder of its parquet file; allow: so',
            'lies outside the folder of its parquet file; allow: so',
        ),
        (
            'class_id must be 0 (closed) or 1 (open), got 2',
            'class_id must be 0 (closed) or 1 (open), got ...',
        ),
        ("unknown split 'a'; known: ['train', 'val']", 'unknown split ...'),
        (
            'the picture has 1x1 pixels, at least 4x4 are needed',
            'the picture has ... pixels, at least 4x4 are needed',
        ),
        ('the picture cannot be decoded', 'the picture cannot be decoded'),
        (
            'the picture cannot be decoded: cut off after 1,234 bytes',
            'the picture cannot be decoded: cut off after ... bytes',
        ),
        (
            "no PNG, JPEG file: it begins with b'P5: A 4'",
            'no PNG, JPEG file: it begins with ...',
        ),
    ],
)
def test_reasons_leave_out_what_is_particular(problem, reason):
    assert reason_of(problem) == reason


def test_constant_pictures_are_no_copies(make_eye_parquet, images):
    images[0] = images[1] = images[32] = plain(0)
    images[33] = plain(255)
    found = find(make_eye_parquet(image_bytes=images))
    constant = found.pop('constant_pictures')
    assert constant.title.startswith('4 pictures show nothing')
    assert constant.sets == ((0,), (1,), (32,), (33,))
    assert set(found) <= DRAWN


def test_a_size_filter_by_class_is_found(make_eye_parquet, images):
    for row, encoded in enumerate(images):
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        size = (60, 30) if row % 2 else (40, 20)
        images[row] = cv2.imencode('.png', cv2.resize(image, size))[1].tobytes()
    cue = find(make_eye_parquet(image_bytes=images))['label_follows_a_cue']
    assert 'width (AUC 1.000, larger when open)' in cue.title
    assert 'height (AUC 1.000, larger when open)' in cue.title
    assert 'aspect' not in cue.title


def test_contrast_belongs_to_the_eye(make_eye_parquet):
    rng = np.random.default_rng(0)
    images = []
    for row in range(64):
        image = rng.normal(128, 30 if row % 2 else 10, (12, 24, 3)).clip(0, 255)
        images.append(cv2.imencode('.png', image.astype(np.uint8))[1].tobytes())
    assert 'label_follows_a_cue' not in find(make_eye_parquet(image_bytes=images))


def test_missing_groups_are_said_plainly(make_eye_parquet):
    group = ['', 'unknown', *(f's{row // 4}' for row in range(2, 64))]
    missing = find(make_eye_parquet(group=group))['missing_groups']
    assert missing.title == (
        '2 of 64 rows have no known group: a leak cannot be excluded'
    )
    assert '64 of 64' in find(make_eye_parquet(group=None))['missing_groups'].title


def test_shares_that_differ_and_a_rare_class(make_eye_parquet):
    class_id = [row % 2 for row in range(32)] + [0] * 15 + [1] + [0, 1] * 8
    found = find(make_eye_parquet(class_id=class_id, label=None))
    shares = 'train 50.0%, val 6.2%, test 50.0%'
    assert found['class_shares_differ'].title.endswith(shares)
    assert shares in found['rare_class'].title


def test_groups_of_one_class(make_eye_parquet):
    # 16 subjects: 9 with open eyes only
    class_id = [1 if row < 36 else row % 2 for row in range(64)]
    found = find(make_eye_parquet(class_id=class_id, label=None))
    assert found['groups_of_one_class'].title == '9 of 16 groups hold one class only'
    class_id = [1 if row < 32 else row % 2 for row in range(64)]
    found = find(make_eye_parquet(class_id=class_id, label=None))
    assert 'groups_of_one_class' not in found


def test_repeated_paths(make_eye_parquet):
    path = [f'{row}.png' for row in range(64)]
    path[1] = path[2] = path[0]
    path[60] = path[61]
    path[50] = path[51] = None  # no path is no repeated path
    found = find(make_eye_parquet(image_path=path))
    assert found['repeated_paths'].title.startswith('2 values of image_path stand')
