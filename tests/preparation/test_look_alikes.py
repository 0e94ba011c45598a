import numpy as np

from ocec.preparation.look_alikes import group_look_alikes


def test_copies_with_noise_and_other_light_are_one_group():
    rng = np.random.default_rng(0)
    # smooth pictures: noise of 12 x 24 pixels has no shape to compare
    coarse = rng.integers(0, 200, (6, 4, 8), np.uint8)
    pictures = coarse.repeat(3, axis=1).repeat(3, axis=2)
    noisy = pictures + rng.integers(0, 4, pictures.shape).astype(np.uint8)
    darker = (pictures * 0.6).astype(np.uint8)
    names = group_look_alikes(np.concatenate([pictures, noisy, darker]))
    expected = [f'alike{row:07d}' for row in range(6)] * 3
    assert names.tolist() == expected


def test_mirror_images_are_one_group():
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 200, (6, 4, 8), np.uint8)
    pictures = coarse.repeat(3, axis=1).repeat(3, axis=2)
    names = group_look_alikes(np.concatenate([pictures, pictures[:, :, ::-1]]))
    assert names.tolist() == [f'alike{row:07d}' for row in range(6)] * 2


def test_alike_hashes_are_not_enough():
    # brightness rises at the same places, but once in the left and once in the right
    ramp = np.arange(24, dtype=np.uint8)
    left = np.where(ramp < 12, 9 * ramp, 108 + ramp).astype(np.uint8)
    right = np.where(ramp < 12, ramp, 9 * (ramp - 10)).astype(np.uint8)
    pair = np.stack([left, right])[:, None].repeat(12, axis=1)
    assert len(set(group_look_alikes(pair).tolist())) == 2
    assert len(set(group_look_alikes(pair, min_correlation=0.5).tolist())) == 1


def test_frames_of_a_video_form_a_chain():
    # a bright bar that moves on by a third of a pixel column at a time
    columns = np.arange(24)
    frames = [
        (200 * np.exp(-(((columns - 4 - t / 3) / 4) ** 2))).astype(np.uint8)
        for t in range(48)
    ]
    video = np.stack(frames)[:, None].repeat(12, axis=1)
    assert set(group_look_alikes(video).tolist()) == {'alike0000000'}
    assert len(set(group_look_alikes(video[[0, 24]]).tolist())) == 2
