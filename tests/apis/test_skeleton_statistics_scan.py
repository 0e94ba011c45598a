import pickle

import numpy as np
import pytest

from ocec.apis.skeleton_statistics_scan import scan_skeletons

NAMES = ['S001C001P001R001A001', 'S001C002P003R001A002']


def annotation(name, label=0, *, frames=5, joints=17, coords=2, **fields):
    keypoint = np.full((1, frames, joints, coords), 3.5, np.float32)
    found = {
        'frame_dir': name,
        'label': label,
        'img_shape': (96, 128),
        'total_frames': frames,
        'keypoint': keypoint,
        **fields,
    }
    return {key: value for key, value in found.items() if value is not None}


@pytest.fixture
def scan(tmp_path):
    def scan(content, **settings):
        path = tmp_path / 'skeletons.pkl'
        path.write_bytes(pickle.dumps(content, 4))
        return scan_skeletons(path, **settings)

    return scan


def test_a_file_with_splits(scan):
    splits = {'xsub_train': [NAMES[0]], 'mine': NAMES}
    notes = [annotation(name) for name in NAMES]
    content = {'split': splits, 'annotations': notes, 'classes': ['walk', 'sit']}
    data = scan(content)
    assert list(data.clips) == NAMES
    assert data.splits == splits
    assert not data.splits_by_names
    assert (data.num_dimensions, data.num_joints) == (2, 17)
    assert data.classes == ('walk', 'sit')
    clip = data.clips[NAMES[1]]
    assert (clip.frame_hw, clip.ntu.subject, clip.facts.num_frames) == ((96, 128), 3, 5)


def test_a_bare_list_is_split_by_its_names(scan):
    data = scan([annotation(name) for name in NAMES])
    assert data.splits_by_names
    # subject 1 trains, subject 3 does not; camera 2 trains
    assert data.splits['xsub_train'] == [NAMES[0]]
    assert data.splits['xview_train'] == [NAMES[1]]
    assert scan([annotation('walk')]).splits == {}


def test_three_dimensions(scan):
    data = scan([annotation(n, joints=25, coords=3, img_shape=None) for n in NAMES])
    assert (data.num_dimensions, data.num_joints) == (3, 25)
    assert data.bad_clips == []
    assert data.clips[NAMES[0]].frame_hw is None
    mixed = [annotation(NAMES[0], coords=3, img_shape=None), annotation(NAMES[1])]
    [problem] = scan(mixed).bad_clips
    assert (
        problem == f'clip "{NAMES[1]}": keypoint: others have 3 coordinates, it has 2'
    )


def test_a_third_channel_of_scores_is_none(scan):
    keypoint = np.full((1, 5, 17, 3), 0.5, np.float32)
    data = scan([annotation('a', keypoint=keypoint)])
    assert data.num_dimensions == 2
    assert data.clips['a'].facts.score_range == (0.5, 0.5)


def test_clips_that_cannot_be_used_are_named(scan):
    notes = [
        annotation('a'),
        annotation('b', joints=25),
        annotation('c', total_frames=6),
        annotation('d', label=-1),
        annotation('a'),
        'text',
    ]
    assert scan(notes).bad_clips == [
        'clip "b": keypoint: it has 25 joints, 17 are expected (num_joints)',
        'clip "c": total_frames: it says 6, keypoint holds 5 frames',
        'clip "d": label: it must be a whole number >= 0, got -1',
        'clip "a": frame_dir: another clip has the same',
        'clip number 5: it must be a dict, got str',
    ]
    assert len(scan(notes, num_joints=25).bad_clips) == 5


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        ({'split': {}}, 'must hold a list of annotations'),
        ([], 'must hold a list of annotations'),
        (5, 'must hold a list of annotations'),
        ({'split': [1], 'annotations': [1]}, '"split" must be a dict of lists'),
        ({'split': {'a': [1]}, 'annotations': [1]}, '"split" must be a dict of lists'),
    ],
)
def test_files_that_are_no_set(scan, content, expected):
    with pytest.raises(ValueError, match=expected):
        scan(content)
