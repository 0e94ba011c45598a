import numpy as np
import pytest

from ocec.synthesis.blink_clip import BlinkClip, ClipSettings
from ocec.synthesis.eyes import OPEN_APERTURE

SMALL = {'duration_s': 4.0, 'fps': 12.0, 'width': 192, 'height': 144, 'seed': 3}


@pytest.fixture(scope='module')
def drawn():
    clip = BlinkClip(ClipSettings(**SMALL))
    return clip, list(clip.frames())


def crop(frame, eye):
    x1, y1, x2, y2 = map(int, frame.boxes[eye])
    return frame.image_HWC[y1:y2, x1:x2].astype(float)


def test_frames_have_their_size_times_and_boxes(drawn):
    clip, frames = drawn
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(48) / 12)
    for frame in frames:
        assert frame.image_HWC.shape == (144, 192, 3)
        assert frame.image_HWC.dtype == np.uint8
        left, right = frame.boxes['left'], frame.boxes['right']
        assert left[2] < right[0]
        for x1, y1, x2, y2 in (left, right):
            assert 0 < x1 < x2 < 192
            assert 0 < y1 < y2 < 144
    assert clip.closures


def test_the_same_settings_give_the_same_frames(drawn):
    again = BlinkClip(ClipSettings(**SMALL)).frames()
    for first, second in zip(drawn[1][:5], again, strict=False):
        assert np.array_equal(first.image_HWC, second.image_HWC)
    other = next(BlinkClip(ClipSettings(**(SMALL | {'seed': 4}))).frames())
    assert not np.array_equal(drawn[1][0].image_HWC, other.image_HWC)


def test_the_boxes_follow_eyes_that_close(drawn):
    """Open eyes are in the box: darker than the lids, by far, in its middle."""
    frames = drawn[1]
    darkest = {True: [], False: []}
    for frame in frames:
        for eye, aperture in frame.apertures.items():
            pixels = crop(frame, eye)
            height, width = pixels.shape[:2]
            middle = pixels[height // 3 : -height // 3, width // 3 : -width // 3]
            if aperture == 0 or aperture > 0.8:
                darkest[aperture > 0].append(middle.mean() / pixels.mean())
    assert len(darkest[True]) > 20
    assert len(darkest[False]) >= 2
    assert max(darkest[True]) < min(darkest[False])


def test_the_head_moves_but_the_eyes_stay_apart(drawn):
    frames = drawn[1]
    centres = np.array(
        [[np.mean(f.boxes[eye][::2]) for eye in ('left', 'right')] for f in frames]
    )
    assert np.ptp(centres[:, 0]) > 5
    apart = np.diff(centres, axis=1)
    assert apart.max() < 1.2 * apart.min()


def test_truth_and_frames_agree(drawn):
    clip, frames = drawn
    for frame in frames:
        for eye, aperture in frame.apertures.items():
            within = any(
                c.start_s < frame.time_s < c.end_s and eye in c.eyes
                for c in clip.closures
            )
            assert (aperture < OPEN_APERTURE) == within


def test_dropped_frames_leave_the_times_of_the_others():
    clip = BlinkClip(ClipSettings(duration_s=20, fps=30, dropped=0.4))
    assert 0.5 < len(clip.times_s) / 600 < 0.7
    assert clip.times_s[0] == 0
    ticks = clip.times_s * 30
    assert np.allclose(ticks, np.round(ticks))


def test_infrared_is_grey():
    settings = ClipSettings(**(SMALL | {'look': 'infrared'}))
    image = next(BlinkClip(settings).frames()).image_HWC
    assert (image == image[..., :1]).all()
    assert image.std() > 10


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'duration_s': 2.0}, 'duration_s must be > 2, got 2.0'),
        ({'fps': 2}, r'fps must be in \[5, 240\], got 2'),
        ({'width': 161}, 'width must be even and >= 160, got 161'),
        ({'height': 100}, 'height must be even and >= 120, got 100'),
        ({'look': 'x'}, "look must be one of .* got 'x'"),
        ({'dropped': 0.9}, r'dropped must be in \[0, 0.5\], got 0.9'),
        ({'seed': -1}, 'seed must be >= 0, got -1'),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ClipSettings(**settings)
