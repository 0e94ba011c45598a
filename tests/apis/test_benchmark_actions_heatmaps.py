"""Expected values: ours, which tests of their own compare with double precision."""

import numpy as np
import pytest
import torch

from ocec.apis.benchmark_actions_heatmaps import (
    draw_joint,
    draw_limb,
    heatmaps_by_loop,
)
from ocec.functional.heatmap import skeleton_heatmaps

LIMBS = ((0, 1), (1, 2), (3, 1))


@pytest.mark.parametrize(
    ('with_kp', 'limbs'), [(True, ()), (False, LIMBS), (True, LIMBS)]
)
def test_equals_ours(with_kp, limbs):
    generator = torch.Generator().manual_seed(0)
    point = torch.rand(2, 2, 3, 4, 2, generator=generator) * 24 - 3
    score = torch.rand(2, 2, 3, 4, generator=generator)
    score[0, 1] = 0
    settings = {'sigma': 0.6, 'with_kp': with_kp, 'limbs': limbs}
    found = heatmaps_by_loop(point.numpy(), score.numpy(), (18, 16), **settings)
    expected = skeleton_heatmaps(point, score, (18, 16), **settings)
    assert found.max() > 0.5
    # the law of cosines in single precision loses a digit
    np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-5)


def test_a_joint_by_hand():
    level = np.zeros((3, 4), np.float32)
    draw_joint(level, np.array([1.0, 1.0], np.float32), 0.5, sigma=1.0)
    row = 0.5 * np.exp([-0.5, 0, -0.5, -2])
    expected = [row * np.exp(-0.5), row, row * np.exp(-0.5)]
    np.testing.assert_allclose(level, expected, rtol=1e-6)


def test_a_level_limb_by_hand():
    level = np.zeros((3, 5), np.float32)
    ends = np.array([[1, 1], [3, 1]], np.float32)
    draw_limb(level, ends, np.array([0.5, 1.0], np.float32), sigma=1.0)
    row = 0.5 * np.exp([-0.5, 0, 0, 0, -0.5])
    expected = [row * np.exp(-0.5), row, row * np.exp(-0.5)]
    np.testing.assert_allclose(level, expected, rtol=1e-6)


@pytest.mark.parametrize('x', [-9.0, 30.0])
def test_beyond_the_map_is_nothing(x):
    level = np.zeros((3, 4), np.float32)
    draw_joint(level, np.array([x, 1.0], np.float32), 1.0, sigma=1.0)
    ends = np.array([[x, 1], [x + 2, 1]], np.float32)
    draw_limb(level, ends, np.ones(2, np.float32), sigma=1.0)
    assert not level.any()
