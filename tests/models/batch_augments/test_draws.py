import math

import pytest
import torch

from ocec.models.batch_augments.draws import (
    check_counts,
    check_probability,
    check_range,
    spread,
    spread_counts,
)


def test_spread_maps_linearly():
    out = spread(torch.tensor([[0.0, 0.25], [0.5, 1.0]]), (-2.0, 6.0))
    assert out.equal(torch.tensor([[-2.0, 0.0], [2.0, 6.0]]))


def test_counts_are_equally_likely_and_include_both_ends():
    share = (torch.arange(1000) + 0.5) / 1000
    assert spread_counts(share, (3, 7)).bincount().tolist() == [0] * 3 + [200] * 5


def test_largest_share_stays_in_the_range():
    # 1 - 2 ** -24 is the largest float32 below 1; times 2 ** 24 - 1 it rounds up
    share = torch.tensor([1 - 2**-24])
    assert spread_counts(share, (1, 2**24 - 1)) <= 2**24 - 1
    assert spread_counts(share, (4, 4)) == 4


@pytest.mark.parametrize('prob', [-0.1, 1.1, math.nan])
def test_probability_is_checked(prob):
    with pytest.raises(ValueError, match=rf'prob must be in \[0, 1\], got {prob}'):
        check_probability(prob)


@pytest.mark.parametrize('limits', [(-1, 2), (2, 1), (0, 9), (1,), (0, math.nan)])
def test_range_is_checked(limits):
    message = r'std must be \(low, high\) with 0 <= low <= high <= 8, got \('
    with pytest.raises(ValueError, match=message):
        check_range(limits, 'std', lowest=0, highest=8)


def test_ends_of_a_range_are_allowed():
    check_range((0, 8), 'std', lowest=0, highest=8)
    check_counts([1, 1], 'num_spots', highest=1)


def test_counts_are_checked():
    with pytest.raises(ValueError, match=r'n must be whole numbers, got \(1, 2.5\)'):
        check_counts((1, 2.5), 'n')
    with pytest.raises(ValueError, match=r'n must be .* 1 <= low .* got \(0, 2\)'):
        check_counts((0, 2), 'n')
