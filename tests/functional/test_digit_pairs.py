import numpy as np
import pytest
import torch

from ocec.functional.digit_pairs import (
    deal_blocks,
    draw_digits,
    draw_images,
    index_blocks,
)


def test_digits_obey_their_labels_and_never_tie():
    torch.manual_seed(0)
    label = torch.arange(20_000) % 2
    left, right = draw_digits(label).unbind(1)
    assert torch.equal(left > right, label == 1)
    assert (left != right).all()
    assert set(left.tolist()) == set(range(10)) == set(right.tolist())


@pytest.mark.parametrize('adjacency', [0.0, 0.5, 0.8, 1.0])
def test_neighbours_have_the_share_asked_for(adjacency):
    torch.manual_seed(0)
    left, right = draw_digits(torch.ones(40_000), adjacency=adjacency).unbind(1)
    # 9 of the 45 pairs that are drawn otherwise are neighbours too
    expected = adjacency + (1 - adjacency) * 9 / 45
    share = (left - right == 1).double().mean().item()
    assert share == pytest.approx(expected, abs=0.01)


def test_all_pairs_of_a_kind_are_equally_likely():
    torch.manual_seed(0)
    left, right = draw_digits(torch.zeros(90_000), adjacency=0.8).unbind(1)
    counts = torch.bincount(10 * left + right, minlength=100).view(10, 10).double()
    near = counts.diagonal(1)
    far = counts.triu(2)[counts.triu(2) > 0]
    # 0.8 / 9 + 0.2 / 45 and 0.2 / 45 of 90,000; 5 standard deviations
    assert len(far) == 36
    assert (near - 8400).abs().max() < 5 * 8400**0.5
    assert (far - 400).abs().max() < 5 * 400**0.5


@pytest.mark.parametrize('adjacency', [-0.1, 1.1])
def test_an_adjacency_out_of_range_is_refused(adjacency):
    with pytest.raises(ValueError, match=rf'adjacency must be .* got {adjacency}'):
        draw_digits(torch.ones(2), adjacency=adjacency)


def test_blocks_hold_all_digits():
    digit = np.random.default_rng(0).permutation(np.arange(10).repeat(23))
    block = deal_blocks(digit, per_block=3, seed=0)
    counts = np.zeros((block.max() + 1, 10), int)
    np.add.at(counts, (block, digit), 1)
    # 23 // 3 = 7 blocks; two images of each digit are left over
    assert counts.shape == (7, 10)
    assert set(counts.ravel()) == {3, 4}
    assert (counts.sum(0) == 23).all()


def test_a_seed_deals_again_and_another_one_otherwise():
    digit = np.arange(10).repeat(20)
    first = deal_blocks(digit, per_block=2, seed=1)
    np.testing.assert_array_equal(first, deal_blocks(digit, per_block=2, seed=1))
    assert (first != deal_blocks(digit, per_block=2, seed=2)).any()


@pytest.mark.parametrize('per_block', [0, 4])
def test_a_block_needs_an_image_of_each_digit(per_block):
    digit = np.append(np.arange(10).repeat(3), np.arange(9))  # 3 nines
    message = rf'per_block must be in \[1, 3\], .* digit \(9\), got {per_block}'
    with pytest.raises(ValueError, match=message):
        deal_blocks(digit, per_block=per_block, seed=0)


def test_images_come_from_the_block_and_show_the_digit():
    rng = np.random.default_rng(0)
    digit = rng.permutation(np.arange(10).repeat(12))
    block = deal_blocks(digit, per_block=4, seed=0) * 7 + 2  # any names will do
    blocks = index_blocks(digit, block)
    assert len(blocks) == 3
    torch.manual_seed(0)
    wanted = draw_digits(torch.arange(6000) % 2)
    of_pair = torch.randint(3, (6000,))
    image = draw_images(wanted, of_pair, blocks)
    np.testing.assert_array_equal(digit[image], wanted)
    names = np.array([2, 9, 16])[of_pair]
    np.testing.assert_array_equal(block[image[:, 0]], names)
    np.testing.assert_array_equal(block[image[:, 1]], names)
    # every image is used, 100 times on average
    counts = np.bincount(image.ravel(), minlength=120)
    assert counts.min() > 20


def test_a_block_without_a_digit_is_refused():
    digit, block = np.tile(np.arange(10), 2), np.repeat([3, 5], 10)
    with pytest.raises(ValueError, match='block 5 has no image of digit 9'):
        index_blocks(digit[:-1], block[:-1])
