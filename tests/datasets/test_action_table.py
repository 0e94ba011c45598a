from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest

from ocec.datasets.action_table import NO_GROUP, read_action_table, rows_of_names
from ocec.datasets.pickle_array import PickleError


def test_every_skeleton_is_found_again(annotate, write_pickle):
    clips = [
        annotate('a', 1, frames=3, seed=1),
        annotate('b', 0, frames=5, persons=2, seed=2, img_shape=(50, 60)),
        annotate('c', 2, frames=1, seed=3, filename='v/c.mp4'),
    ]
    table = read_action_table(write_pickle(clips))
    assert len(table) == 3
    assert table.name_N.tolist() == ['a', 'b', 'c']
    assert table.filename_N.tolist() == ['', '', 'v/c.mp4']
    assert table.label_N.tolist() == [1, 0, 2]
    assert table.frame_hw_N2.tolist() == [[96, 128], [50, 60], [96, 128]]
    assert table.num_persons_N.tolist() == [1, 2, 1]
    assert table.num_frames_N.tolist() == [3, 5, 1]
    assert table.bad_clips == {}
    for row, clip in enumerate(clips):
        keypoint, score = table.skeletons(row)
        assert keypoint.dtype == score.dtype == np.float16
        np.testing.assert_array_equal(keypoint, clip['keypoint'])
        np.testing.assert_array_equal(score, clip['keypoint_score'])


def test_float32_stays_float32(annotate, write_pickle):
    keypoint = np.random.default_rng(0).uniform(0, 2000, (1, 30, 17, 2))
    clips = [annotate('a'), annotate('b', keypoint=keypoint.astype(np.float32))]
    table = read_action_table(write_pickle(clips))
    # a step of float16 is 1 px there
    np.testing.assert_array_equal(table.skeletons(1)[0], keypoint.astype(np.float32))
    np.testing.assert_array_equal(table.skeletons(0)[0], clips[0]['keypoint'])


def test_joints_without_scores_count_where_they_are(annotate, write_pickle):
    keypoint = np.full((1, 2, 17, 2), 40, np.float32)
    keypoint[0, 1, 3] = 0
    clip = annotate(frames=2, keypoint=keypoint, keypoint_score=None)
    _, score = read_action_table(write_pickle([clip])).skeletons(0)
    expected = np.ones((1, 2, 17))
    expected[0, 1, 3] = 0
    np.testing.assert_array_equal(score, expected)


def test_what_is_no_number_is_missing(annotate, write_pickle):
    clip, good = annotate('a', frames=4), annotate('b')
    clip['keypoint'] = clip['keypoint'].astype(np.float64)
    clip['keypoint'][0, 1, 2, 0] = np.nan
    clip['keypoint'][0, 2, 3, 1] = 1e300  # not even a float32
    clip['keypoint_score'][0, 3, 4] = np.inf
    table = read_action_table(write_pickle([good, clip]))
    assert table.nan_clips == (1,)
    keypoint, score = table.skeletons(1)
    gone = {(1, 2), (2, 3), (3, 4)}
    for frame in range(4):
        for joint in range(17):
            is_gone = (frame, joint) in gone
            assert (keypoint[0, frame, joint] == 0).all() == is_gone
            assert (score[0, frame, joint] == 0) == is_gone


def test_empty_clips_are_listed(annotate, write_pickle):
    nothing = np.zeros((1, 30, 17, 2), np.float16)
    no_numbers = np.full((1, 30, 17, 2), np.nan, np.float16)
    clips = [annotate('a'), annotate('b', keypoint=nothing)]
    clips += [annotate('c', keypoint=no_numbers)]
    table = read_action_table(write_pickle(clips))
    assert table.empty_clips == (1, 2)


def test_bad_clips_are_listed_with_name_and_field(annotate, write_pickle):
    clips = [
        annotate('a'),
        annotate('b', -3),
        'no clip',
        annotate('c', 1, frames=2),
        annotate('a', 1),
    ]
    table = read_action_table(write_pickle(clips))
    assert table.bad_clips == {
        1: 'clip "b": label: it must be a whole number >= 0, got -3',
        2: 'clip number 2: it must be a dict, got str',
        4: 'clip "a": frame_dir: clip number 0 has the same',
    }
    assert table.name_N.tolist() == ['a', 'b', '', 'c', 'a']
    assert table.label_N.tolist() == [0, -1, -1, 1, -1]
    np.testing.assert_array_equal(table.skeletons(3)[0], clips[3]['keypoint'])
    assert table.skeletons(1)[0].shape == (0, 0, 17, 2)


def test_splits_and_classes(annotate, write_pickle):
    clips = [annotate(name) for name in 'abcd']
    split = {'train': ['c', 'a', 'x'], 'val': np.array(['d']), 'none': []}
    table = read_action_table(write_pickle(clips, split, classes=['walk', 'sit']))
    assert {name: rows.tolist() for name, rows in table.splits.items()} == {
        'train': [0, 2],
        'val': [3],
        'none': [],
    }
    assert table.absent == {'train': ('x',), 'val': (), 'none': ()}
    assert table.classes == ('walk', 'sit')


def test_groups(annotate, write_pickle):
    names = ['S001C001P003R001A001', 'clap', 'S001C001P001R001A001']
    clips = [annotate(name, video=name[:4]) for name in names]
    path = write_pickle(clips)
    table = read_action_table(path)
    assert table.group_names == ('P001', 'P003')
    assert table.group_N.tolist() == [1, NO_GROUP, 0]
    table = read_action_table(path, group_by='video')
    assert table.group_names == ('S001', 'clap')
    assert table.group_N.tolist() == [0, 1, 0]


def test_a_table_in_use_is_shared(annotate, write_pickle):
    path = write_pickle([annotate('a')])
    table = read_action_table(path)
    assert read_action_table(str(path)) is table
    assert read_action_table(path, group_by='x') is not table
    write_pickle([annotate('b')])
    path.write_bytes(write_pickle([annotate('changed')]).read_bytes())
    assert read_action_table(path).name_N.tolist() == ['changed']


def test_spawned_processes_get_no_copy_of_the_block(annotate, write_pickle):
    clips = [annotate(f'clip{i:03d}', frames=100, seed=i) for i in range(50)]
    table = read_action_table(write_pickle(clips))
    num_bytes = table.keypoint_RK2.nbytes + table.score_RK.nbytes
    assert num_bytes == 50 * 100 * 17 * 3 * 2
    assert len(ForkingPickler.dumps(table)) < num_bytes / 30


@pytest.mark.parametrize(
    ('content', 'fields', 'message'),
    [
        ({'a': 1}, {}, r"must hold a list of annotations, .* a dict with \['a'\]"),
        ('text', {}, 'must hold a list of annotations, .* it holds str'),
        ([], {'split': ['a']}, '"split" must be a dict of lists of names, got list'),
        ([], {'split': {'val': 'abc'}}, 'split "val" must be a list of names'),
        ([], {'split': {'val': [1]}}, 'split "val" must be a list of names'),
        ([], {'classes': 'abc'}, '"classes" must be a list of names'),
        ([], {'classes': [1]}, '"classes" must be a list of names'),
    ],
)
def test_other_contents_name_the_file(write_pickle, content, fields, message):
    path = write_pickle(content, **fields)
    with pytest.raises(ValueError, match=message) as caught:
        read_action_table(path)
    assert str(path) in str(caught.value)


def test_an_empty_list_and_a_missing_file(write_pickle, tmp_path):
    assert len(read_action_table(write_pickle([]))) == 0
    with pytest.raises(FileNotFoundError, match='no.pkl'):
        read_action_table(tmp_path / 'no.pkl')
    (tmp_path / 'text.pkl').write_text('hello')
    with pytest.raises(PickleError, match='text.pkl: does not begin as a pickle'):
        read_action_table(tmp_path / 'text.pkl')


def test_names_are_found_once_and_in_order():
    rows, absent = rows_of_names(np.array(['b', 'a', 'b']), ['a', 'z', 'b', 'a'])
    assert rows.tolist() == [0, 1]
    assert absent == ['z']


@pytest.mark.parametrize(
    ('name', 'num_clips', 'joints', 'splits'),
    [
        (
            'hrnet16_2d.pkl',
            486,
            17,
            {'xsub_train': 362, 'xsub_test': 62, 'orig_train': 181},
        ),
        (
            'rgbpose_topdown/annotations.pkl',
            340,
            17,
            {'xvideo_train': 259, 'xvideo_test': 81, 'pose_ok': 164},
        ),
    ],
)
def test_real_files(real_data, name, num_clips, joints, splits):
    table = read_action_table(real_data / 'skeleton' / name, num_joints=joints)
    assert len(table) == num_clips
    assert table.bad_clips == {}
    assert {split: len(rows) for split, rows in table.splits.items()} == splits
    assert not any(table.absent.values())


def test_a_real_file_of_other_joints_says_so(real_data):
    path = real_data / 'skeleton' / 'jhmdb14_gt2d.pkl'
    table = read_action_table(path)
    assert len(table.bad_clips) == len(table) == 609
    expected = 'clip "clap_000": keypoint: it has 15 joints, 17 are expected'
    assert table.bad_clips[0].startswith(expected)
    bad = read_action_table(path, num_joints=15).bad_clips
    assert bad[0].startswith('clip "clap_000": img_shape: it is missing')
