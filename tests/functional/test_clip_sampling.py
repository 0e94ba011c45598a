import numpy as np
import pytest

from ocec.functional.clip_sampling import fixed_clips, sample_clip


def draw_slowly(num_frames, length, start, random):
    """The three rules of uniform sampling, frame by frame."""
    if num_frames < length:
        return [(start + i) % num_frames for i in range(length)]
    if num_frames < 2 * length:
        left_out = set(
            random.choice(length + 1, num_frames - length, replace=False).tolist()
        )
        clip, frame = [], 0
        for place in range(length):
            frame += place in left_out
            clip.append(frame)
            frame += 1
        return clip
    clip = []
    bounds = [i * num_frames // length for i in range(length + 1)]
    sizes = np.array([b - a for a, b in zip(bounds, bounds[1:], strict=False)])
    for begin, step in zip(bounds, random.randint(sizes).tolist(), strict=False):
        clip.append(begin + step)
    return clip


LENGTHS = [(1, 8), (3, 8), (7, 8), (8, 8), (9, 8), (15, 8), (16, 8), (17, 8), (300, 48)]


@pytest.mark.parametrize(('num_frames', 'length'), LENGTHS)
@pytest.mark.parametrize('num_clips', [1, 2, 10])
def test_fixed_clips_are_those_of_numpys_global_generator(
    num_frames, length, num_clips
):
    # mmaction2 seeds the global generator with 255; its stream is frozen
    random = np.random.RandomState(255)
    expected = [
        draw_slowly(
            num_frames,
            length,
            i if num_frames < num_clips else i * num_frames // num_clips,
            random,
        )
        for i in range(num_clips)
    ]
    clips = fixed_clips(num_frames, length, num_clips)
    assert clips.tolist() == expected
    assert clips.dtype == np.int64


@pytest.mark.parametrize(('num_frames', 'length'), LENGTHS)
def test_training_clips_follow_the_same_rules(num_frames, length):
    for seed in range(20):
        clip = sample_clip(num_frames, length, np.random.RandomState(seed))
        twin = np.random.RandomState(seed)
        start = twin.randint(num_frames) if num_frames < length else 0
        assert clip.tolist() == draw_slowly(num_frames, length, start, twin)


def test_every_frame_of_a_part_is_drawn_as_often():
    random = np.random.RandomState(0)
    clips = np.stack([sample_clip(10, 4, random) for _ in range(4000)])
    # parts [0, 2), [2, 5), [5, 7), [7, 10)
    share = np.bincount(clips.ravel(), minlength=10) / 4000
    expected = [1 / 2] * 2 + [1 / 3] * 3 + [1 / 2] * 2 + [1 / 3] * 3
    np.testing.assert_allclose(share, expected, atol=0.04)


def test_a_short_video_starts_anywhere():
    random = np.random.RandomState(0)
    starts = {int(sample_clip(5, 8, random)[0]) for _ in range(100)}
    assert starts == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(('num_frames', 'length'), [(9, 8), (15, 8), (16, 8), (99, 8)])
def test_frames_rise_and_exist(num_frames, length):
    for seed in range(50):
        clip = sample_clip(num_frames, length, np.random.RandomState(seed))
        assert (np.diff(clip) > 0).all()
        assert clip[0] >= 0
        assert clip[-1] < num_frames


def test_the_global_generator_is_left_alone():
    np.random.seed(7)
    before = np.random.get_state()[1].copy()
    fixed_clips(100, 8, 10)
    sample_clip(100, 8, np.random.RandomState(1))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_bad_numbers_are_named():
    random = np.random.RandomState(0)
    with pytest.raises(ValueError, match='must be >= 1, got 0 and 8'):
        sample_clip(0, 8, random)
    with pytest.raises(ValueError, match='must be >= 1, got 8 and 0'):
        fixed_clips(8, 0, 1)
    with pytest.raises(ValueError, match='num_clips must be >= 1, got 0'):
        fixed_clips(8, 8, 0)
