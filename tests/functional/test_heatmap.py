import numpy as np
import pytest
import torch

from ocec.functional.heatmap import (
    MAX_WIPED_SHARE,
    HeatmapMemory,
    skeleton_heatmaps,
)

LIMBS = ((0, 1), (1, 2), (2, 0), (1, 3))


def draw(level, low, high, distance_2, *, score, sigma):
    """Draw into one map (H, W), pixel by pixel, in double precision."""
    height, width = level.shape
    for y in range(max(int(low[1]), 0), min(int(high[1]), height - 1) + 1):
        for x in range(max(int(low[0]), 0), min(int(high[0]), width - 1) + 1):
            value = score * np.exp(-distance_2(x, y) / (2 * sigma**2))
            level[y, x] = max(level[y, x], value)


def draw_joint(level, point, score, sigma):
    if not (np.isfinite([*point, score]).all() and score >= 1e-4):
        return
    # the ends of the window are numbers of 32 bits, as the keypoints
    reach = np.float32(3 * sigma)
    u, v = map(float, point)
    draw(
        level,
        point - reach,
        point + reach,
        lambda x, y: (x - u) ** 2 + (y - v) ** 2,
        score=score,
        sigma=sigma,
    )


def draw_limb(level, ends, scores, sigma):
    start, end = ends
    if not (np.isfinite([*start, *end, *scores]).all() and min(scores) >= 1e-4):
        return
    a, b = start.astype(float), end.astype(float)
    if ((b - a) ** 2).sum() < 1:
        draw_joint(level, start, scores[0], sigma)
        return

    def distance_2(x, y):
        p = np.array([x, y])
        share = np.dot(p - a, b - a) / np.dot(b - a, b - a)
        return ((p - a - min(max(share, 0), 1) * (b - a)) ** 2).sum()

    reach = np.float32(3 * sigma)
    low, high = np.minimum(start, end) - reach, np.maximum(start, end) + reach
    draw(level, low, high, distance_2, score=min(scores), sigma=sigma)


def by_loop(keypoint, score, size, *, sigma=0.6, with_kp=True, limbs=()):
    keypoint, score = keypoint.numpy(), score.numpy()
    N, P, T, K = score.shape
    first = K if with_kp else 0
    maps = np.zeros((N, first + len(limbs), T, *size))
    for n, p, t in np.ndindex(N, P, T):
        for k in range(first):
            draw_joint(maps[n, k, t], keypoint[n, p, t, k], score[n, p, t, k], sigma)
        for number, limb in enumerate(map(list, limbs)):
            ends, scores = keypoint[n, p, t, limb], score[n, p, t, limb]
            draw_limb(maps[n, first + number, t], ends, scores, sigma)
    return torch.from_numpy(maps)


def clip(N=2, P=2, T=3, K=4, *, size=(14, 17), seed=0):
    """Joints within and up to 5 pixels beyond a map, scores within and beyond 0..1."""
    generator = torch.Generator().manual_seed(seed)
    extent = torch.tensor([size[1], size[0]])
    keypoint = torch.rand(N, P, T, K, 2, generator=generator) * (extent + 10) - 5
    return keypoint, torch.rand(N, P, T, K, generator=generator) * 1.1


def assert_equal_to_loop(keypoint, score, size=(14, 17), **settings):
    maps = skeleton_heatmaps(keypoint, score, size, **settings)
    expected = by_loop(keypoint, score, size, **settings)
    torch.testing.assert_close(maps.double(), expected, rtol=0, atol=1e-6)
    return maps


@pytest.mark.parametrize('sigma', [0.5, 0.6, 0.7, 1.0, 2.5])
@pytest.mark.parametrize('kind', ['joints', 'limbs', 'both'])
def test_equals_the_loop(sigma, kind):
    limbs = () if kind == 'joints' else LIMBS
    settings = {'sigma': sigma, 'with_kp': kind != 'limbs', 'limbs': limbs}
    maps = assert_equal_to_loop(*clip(), **settings)
    assert maps.max() > 0.5


@pytest.mark.parametrize('size', [(1, 1), (2, 9), (56, 3), (14, 17)])
def test_maps_smaller_than_a_window(size):
    assert_equal_to_loop(*clip(size=size), size, sigma=1.0, limbs=LIMBS)


def test_windows_of_all_sizes():
    # ends 0.5 to 70 pixels apart, along x, y and aslant
    lengths = torch.tensor([0.5, 0.99, 1.0, 2, 4, 7, 11, 16, 24, 36, 50, 70])
    ways = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.7, 0.7], [0.9, -0.3]])
    keypoint = torch.zeros(1, 1, 48, 2, 2)
    keypoint[..., 0, :] = torch.tensor([3.3, 40.2])
    steps = (lengths[:, None, None] * ways).flatten(0, 1)
    keypoint[..., 1, :] = keypoint[..., 0, :] + steps
    score = torch.tensor([0.9, 0.4]).expand(1, 1, 48, 2)
    assert_equal_to_loop(keypoint, score, (64, 60), with_kp=False, limbs=[(0, 1)])


def test_a_limb_of_no_length_is_its_first_joint():
    keypoint = torch.tensor([[5.0, 5.0], [5.5, 5.0]]).expand(1, 1, 1, 2, 2)
    score = torch.tensor([[[[0.9, 0.4]]]])
    limb = skeleton_heatmaps(keypoint, score, (9, 9), with_kp=False, limbs=[(0, 1)])
    joint = skeleton_heatmaps(keypoint, score, (9, 9))[:, :1]
    torch.testing.assert_close(limb, joint, rtol=0, atol=1e-7)
    score = torch.tensor([[[[0.9, 0.0]]]])
    limb = skeleton_heatmaps(keypoint, score, (9, 9), with_kp=False, limbs=[(0, 1)])
    assert not limb.any()


def test_by_hand():
    # a window of 3 sigma about 2.2 holds 1 to 3: trunc(0.7), trunc(3.7); 0 is in it
    keypoint = torch.tensor([2.2, 1.0]).view(1, 1, 1, 1, 2)
    maps = skeleton_heatmaps(keypoint, torch.full((1, 1, 1, 1), 0.5), (3, 6), sigma=0.5)
    row = 0.5 * np.exp(-2 * (np.arange(4) - 2.2) ** 2)
    beside = row * np.exp(-2)
    expected = np.array([[*line, 0, 0] for line in (beside, row, beside)])
    np.testing.assert_allclose(maps[0, 0, 0].numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize('x', [-1.7, -1.9, -2.9, 16.5, 18.4, 21.0, -1e30, 1e30])
def test_joints_beyond_the_border(x):
    keypoint = torch.tensor([x, 5.0]).expand(1, 1, 1, 4, 2)
    assert_equal_to_loop(keypoint, torch.ones(1, 1, 1, 4))


@pytest.mark.parametrize('bad', [float('nan'), float('inf'), -float('inf')])
def test_joints_that_are_no_numbers_are_not_drawn(bad):
    keypoint, score = clip()
    keypoint[0, 0, 0, 1, 0] = bad
    keypoint[1, 1, 2, 3] = bad
    score[0, 1, 1, 2] = bad
    maps = assert_equal_to_loop(keypoint, score, limbs=LIMBS)
    assert maps.isfinite().all()


def test_joints_of_no_score_are_not_drawn():
    keypoint, score = clip()
    score[score < 0.3] = 0
    score[0, 0] = 0.9e-4
    score[1, 0] = -1.0
    assert_equal_to_loop(keypoint, score, limbs=LIMBS)
    assert not skeleton_heatmaps(keypoint, 0 * score, (14, 17), limbs=LIMBS).any()


def test_of_two_persons_the_larger_value_stays():
    keypoint = torch.tensor([[4.0, 4.0], [5.0, 4.0]]).view(1, 2, 1, 1, 2)
    score = torch.tensor([0.5, 1.0]).view(1, 2, 1, 1)
    maps = skeleton_heatmaps(keypoint, score, (9, 9))
    alone = [skeleton_heatmaps(keypoint[:, [p]], score[:, [p]], (9, 9)) for p in (0, 1)]
    assert torch.equal(maps, torch.maximum(*alone))
    swapped = skeleton_heatmaps(keypoint.flip(1), score.flip(1), (9, 9))
    assert torch.equal(maps, swapped)


def test_clips_do_not_see_each_other():
    keypoint, score = clip(N=3)
    maps = skeleton_heatmaps(keypoint, score, (14, 17), limbs=LIMBS)
    for n in range(3):
        alone = skeleton_heatmaps(keypoint[[n]], score[[n]], (14, 17), limbs=LIMBS)
        assert torch.equal(maps[[n]], alone)


def test_frames_are_in_channels_last():
    maps = skeleton_heatmaps(*clip(), (14, 17))
    assert maps.shape == (2, 4, 3, 14, 17)
    assert maps.permute(0, 2, 3, 4, 1).is_contiguous()


@pytest.mark.parametrize('dtype', [torch.float16, torch.float64])
def test_other_dtypes(dtype):
    keypoint, score = clip()
    keypoint, score = keypoint.half(), score.half()
    maps = skeleton_heatmaps(keypoint.to(dtype), score.to(dtype), (14, 17))
    assert maps.dtype == torch.float32
    assert torch.equal(
        maps, skeleton_heatmaps(keypoint.float(), score.float(), (14, 17))
    )


def test_inputs_are_left_alone():
    keypoint, score = clip()
    keypoint[0, 0, 0, 0] = torch.nan
    kept = keypoint.clone(), score.clone()
    skeleton_heatmaps(keypoint, score, (14, 17), limbs=LIMBS)
    torch.testing.assert_close((keypoint, score), kept, rtol=0, atol=0, equal_nan=True)


def test_memory_is_used_again_and_clean():
    memory, seen = HeatmapMemory(), set()
    for seed in range(4):
        keypoint, score = clip(seed=seed)
        maps = skeleton_heatmaps(keypoint, score, (14, 17), limbs=LIMBS, memory=memory)
        expected = skeleton_heatmaps(keypoint, score, (14, 17), limbs=LIMBS)
        assert torch.equal(maps, expected)
        seen.add(maps.data_ptr())
    assert len(seen) == 1
    small = skeleton_heatmaps(keypoint[:1], score[:1], (14, 17), memory=memory)
    assert torch.equal(small, skeleton_heatmaps(keypoint[:1], score[:1], (14, 17)))


@pytest.mark.parametrize('size', [(14, 17), (90, 80)])
def test_memory_is_clean_whether_much_or_little_was_drawn(size):
    # on a small map the windows are more than a fortieth of the pixels
    memory = HeatmapMemory()
    for seed in (0, 1):
        keypoint, score = clip(P=1, T=2, size=size, seed=seed)
        maps = skeleton_heatmaps(keypoint, score, size, memory=memory)
        assert torch.equal(maps, skeleton_heatmaps(keypoint, score, size))
    num_drawn = sum(map(len, memory._drawn))
    assert (num_drawn > MAX_WIPED_SHARE * maps.numel()) == (size == (14, 17))
    empty = skeleton_heatmaps(keypoint, 0 * score, size, memory=memory)
    assert not empty.any()


def test_without_memory_results_stay():
    first = skeleton_heatmaps(*clip(), (14, 17))
    kept = first.clone()
    skeleton_heatmaps(*clip(seed=1), (14, 17))
    assert torch.equal(first, kept)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'sigma': 0}, 'sigma must be > 0, got 0'),
        ({'size': (0, 5)}, r'size must be \(H, W\) in pixels, both >= 1, got \(0, 5\)'),
        ({'with_kp': False}, 'nothing to draw: with_kp is False, limbs is empty'),
        ({'limbs': [(0, 4)]}, r'limbs must be two joints of 4 each, .* got \(0, 4\)'),
        ({'limbs': [(0, 1, 2)]}, r'limbs must be two joints .* got \(0, 1, 2\)'),
    ],
)
def test_settings_are_checked(settings, message):
    settings = {'size': (14, 17), **settings}
    with pytest.raises(ValueError, match=message):
        skeleton_heatmaps(*clip(), **settings)


def test_shapes_are_checked():
    keypoint, score = clip()
    with pytest.raises(ValueError, match=r'got \(2, 2, 3, 4, 2\) and \(2, 2, 3\)'):
        skeleton_heatmaps(keypoint, score[..., 0], (14, 17))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
@pytest.mark.parametrize('memory', [None, HeatmapMemory()])
def test_same_on_the_gpu(memory):
    for seed in range(3):
        keypoint, score = clip(seed=seed)
        maps = skeleton_heatmaps(
            keypoint.cuda(), score.cuda(), (14, 17), limbs=LIMBS, memory=memory
        )
        expected = skeleton_heatmaps(keypoint, score, (14, 17), limbs=LIMBS)
        torch.testing.assert_close(maps.cpu(), expected, rtol=0, atol=1e-6)
