import pytest
import torch

from ocec.functional.heatmap import skeleton_heatmaps
from ocec.functional.keypoints import (
    blank_missing,
    flip_points,
    map_points,
    part_of_box,
)

NAN, INF = float('nan'), float('inf')


def test_missing_joints_become_zeros():
    keypoint = torch.tensor(
        [[1.0, 2.0], [0.0, 0.0], [0.0, 5.0], [NAN, 3.0], [4.0, INF], [6.0, 7.0]]
    )
    score = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5, NAN])
    kept = keypoint.clone()
    points, scores = blank_missing(keypoint, score)
    # x = 0 alone is the left border of the frame
    zeros = [0.0, 0.0]
    assert points.tolist() == [[1.0, 2.0], zeros, [0.0, 5.0], zeros, zeros, zeros]
    torch.testing.assert_close(scores, torch.tensor([0.9, 0, 0.7, 0, 0, 0]))
    torch.testing.assert_close(keypoint, kept, rtol=0, atol=0, equal_nan=True)


def test_points_are_scaled_to_the_picture_of_the_box():
    # boxes of 40 x 20 and 10 x 50, pictures of 80 x 10 (width x height)
    box = torch.tensor([[100.0, 50.0, 140.0, 70.0], [-5.0, 0.0, 5.0, 50.0]])
    points = torch.tensor([[[100.0, 50.0], [120.0, 65.0]], [[0.0, 25.0], [9.0, 60.0]]])
    expected = [[[0.0, 0.0], [40.0, 7.5]], [[40.0, 5.0], [112.0, 12.0]]]
    mapped = map_points(points, box, (10, 80))
    torch.testing.assert_close(mapped, torch.tensor(expected))
    deep = map_points(points[:, None, None], box, (10, 80))
    assert torch.equal(deep[:, 0, 0], mapped)


def test_a_crop_after_mapping_is_mapping_to_the_part():
    generator = torch.Generator().manual_seed(0)
    box = torch.tensor([[10.0, 20.0, 110.0, 220.0]])
    points = torch.rand(1, 30, 2, generator=generator) * 200
    # left, top, right, bottom: a quarter from the left, three fifths from the top
    part = part_of_box(box, torch.tensor([[0.25, 0.6, 0.75, 1.0]]))
    assert part.flatten().tolist() == pytest.approx([35.0, 140.0, 85.0, 220.0])
    whole = map_points(points, box, (50, 40))
    x = (whole[..., 0] - 10) * 40 / 20
    y = (whole[..., 1] - 30) * 50 / 20
    expected = torch.stack((x, y), -1)
    torch.testing.assert_close(map_points(points, part, (50, 40)), expected)


def test_mirrored_clips_change_sides():
    keypoint = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).expand(2, 1, 1, 3, 2)
    score = torch.tensor([0.1, 0.2, 0.3]).expand(2, 1, 1, 3)
    points, scores = flip_points(
        keypoint, score, torch.tensor([False, True]), flip_order=[0, 2, 1], width=10
    )
    assert torch.equal(points[0], keypoint[0])
    assert torch.equal(scores[0], score[0])
    assert points[1, 0, 0].tolist() == [[8.0, 2.0], [4.0, 6.0], [6.0, 4.0]]
    torch.testing.assert_close(scores[1, 0, 0], torch.tensor([0.1, 0.3, 0.2]))


def test_a_mirrored_heatmap_is_that_of_mirrored_joints():
    generator = torch.Generator().manual_seed(0)
    # whole numbers, as is 3 sigma: the windows of fractions are not symmetric
    size, sigma = (20, 20), 1.0
    keypoint = torch.randint(3, 17, (4, 2, 3, 5, 2), generator=generator).float()
    score = torch.rand(4, 2, 3, 5, generator=generator)
    order = [0, 2, 1, 4, 3]
    maps = skeleton_heatmaps(keypoint, score, size, sigma=sigma)
    flags = torch.tensor([True, False, True, True])
    flipped = flip_points(keypoint, score, flags, flip_order=order, width=20)
    mirrored = maps.flip(4)[:, order].where(flags[:, None, None, None, None], maps)
    from_flipped = skeleton_heatmaps(*flipped, size, sigma=sigma)
    torch.testing.assert_close(from_flipped, mirrored)


def test_two_mirrors_are_none():
    keypoint, score = torch.rand(3, 1, 2, 4, 2) * 9, torch.rand(3, 1, 2, 4)
    settings = {'flip_order': [1, 0, 3, 2], 'width': 10}
    flags = torch.ones(3, dtype=torch.bool)
    once = flip_points(keypoint, score, flags, **settings)
    twice = flip_points(*once, flags, **settings)
    torch.testing.assert_close(twice, (keypoint, score))


def test_other_joints_than_the_order_has_are_refused():
    with pytest.raises(ValueError, match='is of 2 joints, the keypoints have 3'):
        flip_points(
            torch.zeros(1, 1, 1, 3, 2),
            torch.zeros(1, 1, 1, 3),
            torch.ones(1, dtype=torch.bool),
            flip_order=[1, 0],
            width=10,
        )
