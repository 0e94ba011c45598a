"""Expected values: slow loops over clips, frames and channels."""

import pytest
import torch

from ocec.functional.temporal import (
    align_pose_to_rgb,
    clips_of_frames,
    frames_of_clips,
    temporal_shift,
)


def shift_by_loop(x_FCHW, num_frames, num_shifted):
    out = torch.zeros_like(x_FCHW)
    for frame in range(len(x_FCHW)):
        time = frame % num_frames
        for channel in range(x_FCHW.shape[1]):
            if channel < num_shifted:
                if time + 1 < num_frames:
                    out[frame, channel] = x_FCHW[frame + 1, channel]
            elif channel < 2 * num_shifted:
                if time > 0:
                    out[frame, channel] = x_FCHW[frame - 1, channel]
            else:
                out[frame, channel] = x_FCHW[frame, channel]
    return out


@pytest.mark.parametrize('num_frames', [1, 2, 5])
@pytest.mark.parametrize('num_shifted', [0, 1, 3])
@pytest.mark.parametrize('format', [torch.contiguous_format, torch.channels_last])
def test_shift_equals_the_loop(num_frames, num_shifted, format):
    x = torch.randn(3 * num_frames, 7, 2, 4).to(memory_format=format)
    found = temporal_shift(x, num_frames, num_shifted)
    assert torch.equal(found, shift_by_loop(x, num_frames, num_shifted))
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_gradient_of_the_shift():
    x = torch.randn(6, 5, 2, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: temporal_shift(x, 3, 2), x)
    # what leaves a clip has no gradient, all else has that of its one copy
    temporal_shift(x, 3, 2).sum().backward()
    expected = torch.ones(2, 3, 5)
    expected[:, 0, :2] = 0
    expected[:, 2, 2:4] = 0
    assert torch.equal(x.grad[:, :, 0, 0], expected.flatten(0, 1).double())


def test_gradient_of_the_gradient_of_the_shift():
    x = torch.randn(6, 5, 2, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: temporal_shift(x, 3, 2), x)


def test_with_and_without_a_gradient_the_shift_is_the_same():
    x = torch.randn(6, 7, 2, 3)
    plain = temporal_shift(x, 3, 2)
    tracked = temporal_shift(x.requires_grad_(), 3, 2)
    assert torch.equal(plain, tracked)
    assert plain.stride() == tracked.stride()
    with torch.no_grad():
        assert temporal_shift(x, 3, 2).grad_fn is None


def test_frames_that_are_no_clips_are_refused():
    with pytest.raises(ValueError, match='7 frames are no clips of 3 frames each'):
        temporal_shift(torch.zeros(7, 4, 1, 1), 3, 1)
    with pytest.raises(ValueError, match='6 frames are no clips of 0 frames each'):
        temporal_shift(torch.zeros(6, 4, 1, 1), 0, 1)


@pytest.mark.parametrize('num_shifted', [-1, 3])
def test_more_channels_than_there_are(num_shifted):
    message = rf'num_shifted must be in \[0, 2\], half the channels, got {num_shifted}'
    with pytest.raises(ValueError, match=message):
        temporal_shift(torch.zeros(6, 5, 1, 1), 3, num_shifted)


def test_the_views_copy_nothing():
    memory = torch.randn(2, 3, 4, 5, 6)  # N, T, H, W, C
    clips = memory.permute(0, 4, 1, 2, 3)
    frames = frames_of_clips(clips)
    assert frames.shape == (2, 3, 6, 4, 5)
    images = frames.flatten(0, 1)
    assert images.data_ptr() == memory.data_ptr()
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images[4], clips[1, :, 1])
    assert torch.equal(clips_of_frames(frames), clips)


@pytest.mark.parametrize(
    ('num_pose', 'num_rgb', 'expected'),
    [
        (48, 16, list(range(0, 48, 3))),
        (32, 8, list(range(0, 32, 4))),
        (5, 5, [*range(5)]),
    ]
    + [(7, 1, [0])],
)
def test_pose_frames_of_the_rgb_frames(num_pose, num_rgb, expected):
    pose = torch.arange(num_pose).view(1, 1, -1, 1, 1).expand(2, 3, -1, 2, 2)
    found = align_pose_to_rgb(pose, num_rgb)
    assert found.shape == (2, 3, num_rgb, 2, 2)
    assert found[1, 2, :, 0, 1].tolist() == expected


@pytest.mark.parametrize(('num_pose', 'num_rgb'), [(48, 32), (8, 16), (4, 0)])
def test_pose_frames_that_do_not_fit(num_pose, num_rgb):
    message = f'a multiple of that of RGB frames, got {num_pose} and {num_rgb}'
    with pytest.raises(ValueError, match=message):
        align_pose_to_rgb(torch.zeros(1, 1, num_pose, 1, 1), num_rgb)
