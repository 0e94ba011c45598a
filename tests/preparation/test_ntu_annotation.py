import numpy as np
import pytest

from ocec.functional.ntu import is_training_clip, parse_ntu_name
from ocec.preparation.ntu_annotation import (
    NtuSettings,
    annotate_skeleton,
    split_by_names,
)
from ocec.preparation.ntu_skeleton_file import SkeletonFileError

NAME = 'S001C002P003R002A013'


def body(name, x, *, colour=(900.0, 500.0), state=2):
    """A body one metre wide and 2.4 m high, which begins at x."""
    pixels = f'{colour[0]} {colour[1]}'
    return [f'{name} 0 1 1 1 1 0 0 0 2', '25'] + [
        f'{x + joint / 25} {joint / 10} 3 1 2 {pixels} 0 0 0 1 {state}'
        for joint in range(25)
    ]


@pytest.fixture
def write(tmp_path):
    def write(frames, name=NAME):
        lines = [len(frames)]
        for bodies in frames:
            lines += [len(bodies), *(line for found in bodies for line in found)]
        path = tmp_path / f'{name}.skeleton'
        path.write_text('\n'.join(map(str, lines)))
        return path

    return write


def test_metres_of_a_clip(write):
    path = write([[body(1, 0.5)], [body(1, 1.5)]])
    annotation, dropped = annotate_skeleton(path, NtuSettings())
    assert {k: v for k, v in annotation.items() if k != 'keypoint'} == {
        'frame_dir': NAME,
        'label': 12,
        'total_frames': 2,
    }
    assert annotation['keypoint'].dtype == np.float32
    assert annotation['keypoint'].shape == (1, 2, 25, 3)
    assert annotation['keypoint'][0, 1, 5] == pytest.approx([1.7, 0.5, 3.0])
    assert not dropped


def test_frames_found_are_those_of_pyskl(write):
    # no body in frames 0, 2 and 5; the second body, of one frame, is dropped
    frames = [[], *[[body(1, 1)]] * 1, [], *[[body(1, 1)]] * 14, [body(2, 9)], []]
    path = write(frames)
    annotation, dropped = annotate_skeleton(path, NtuSettings())
    assert dropped == {'short': 1}
    assert annotation['total_frames'] == 15
    everything, _ = annotate_skeleton(path, NtuSettings(frames='all'))
    assert everything['total_frames'] == len(frames) == 19
    there = everything['keypoint'].any(axis=(0, 2, 3))
    assert np.flatnonzero(there).tolist() == [1, *range(3, 17)]
    np.testing.assert_array_equal(
        annotation['keypoint'], everything['keypoint'][:, there]
    )


def test_pixels_keep_the_frames_of_the_video(write):
    path = write([[], [body(1, 0, colour=(1200.5, 300.25), state=1)], []])
    annotation, _ = annotate_skeleton(path, NtuSettings('color'))
    assert annotation['total_frames'] == 3
    assert annotation['img_shape'] == annotation['original_shape'] == (1080, 1920)
    assert annotation['keypoint'].shape == (1, 3, 25, 2)
    assert annotation['keypoint'][0, 1, 4].tolist() == [1200.5, 300.25]
    assert annotation['keypoint_score'][0, :, 4].tolist() == [0.0, 0.5, 0.0]
    assert not annotation['keypoint'][:, [0, 2]].any()


@pytest.mark.parametrize(
    ('colour', 'state'),
    [(('nan', 5), 2), ((5, '-inf'), 2), ((5, 4e9), 2), ((5, 5), 0)],
)
def test_joints_that_the_colour_frame_lacks_are_missing(write, colour, state):
    path = write([[body(1, 0, colour=colour, state=state)]])
    annotation, _ = annotate_skeleton(path, NtuSettings('color'))
    assert not annotation['keypoint'].any()
    assert not annotation['keypoint_score'].any()


def test_half_precision(write):
    path = write([[body(1, 0)]])
    for coords in ('3d', 'color'):
        annotation, _ = annotate_skeleton(path, NtuSettings(coords, dtype='float16'))
        assert annotation['keypoint'].dtype == np.float16


def test_files_without_use(write):
    with pytest.raises(SkeletonFileError, match='no body in any of its 2 frames'):
        annotate_skeleton(write([[], []]), NtuSettings())
    path = write([[body(1, 0)]], name='walking')
    with pytest.raises(SkeletonFileError, match='not named like S001C001P001R001A001'):
        annotate_skeleton(path, NtuSettings())
    path = write([[body(1, 0)]], name=f'{NAME}_copy')
    with pytest.raises(SkeletonFileError, match='no label'):
        annotate_skeleton(path, NtuSettings())


@pytest.mark.parametrize(
    'wrong', [{'coords': 'depth'}, {'frames': 'x'}, {'dtype': 'i'}]
)
def test_wrong_settings(wrong):
    with pytest.raises(ValueError, match=rf'{next(iter(wrong))} must be one of'):
        NtuSettings(**wrong)


@pytest.mark.parametrize(('num_classes', 'other'), [(60, 'xview'), (120, 'xset')])
def test_splits_by_names(num_classes, other):
    names = [
        f'S{s:03d}C{c:03d}P{p:03d}R001A001'
        for s in (1, 2)
        for c in (1, 2)
        for p in (1, 3, 45)
    ]
    splits = split_by_names(names, num_classes)
    assert list(splits) == [
        f'{p}_{s}' for p in ('xsub', other) for s in ('train', 'val')
    ]
    for split, found in splits.items():
        protocol, side = split.split('_')
        for name in names:
            trains = is_training_clip(
                parse_ntu_name(name), protocol, num_classes=num_classes
            )
            assert (name in found) == (trains == (side == 'train'))
