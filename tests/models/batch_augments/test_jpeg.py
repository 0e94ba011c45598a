import pytest
import torch

from ocec.functional.jpeg import jpeg_round_trip
from ocec.models.batch_augments import BatchJPEG
from ocec.registry import BATCH_AUGMENTS


def batch(num_images=8, dtype=torch.uint8, size=(24, 40)):
    x = torch.randint(60, 190, (num_images, 3, *size), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def test_changes_the_drawn_share_and_leaves_the_others():
    torch.manual_seed(0)
    x = batch(2000, size=(8, 8))
    out = BatchJPEG(prob=0.3)(x)
    is_kept = (out == x).flatten(1).all(1)
    # 4 standard deviations of a binomial: 4 * sqrt(2000 * 0.3 * 0.7) = 82
    assert abs((~is_kept).sum().item() - 600) < 82


def test_every_quality_of_the_range_is_drawn():
    torch.manual_seed(0)
    x = batch(1, size=(16, 16)).expand(300, -1, -1, -1)
    out = BatchJPEG((60, 63), prob=1.0)(x)
    counts = torch.zeros(4)
    for i, quality in enumerate((60, 61, 62, 63)):
        expected = jpeg_round_trip(x[:1], torch.tensor([quality]))
        counts[i] = (out == expected).flatten(1).all(1).sum()
    assert counts.sum() == 300
    # 4 standard deviations of a binomial: 4 * sqrt(300 * 1/4 * 3/4) = 30
    assert (counts - 75).abs().max() < 30


def test_chroma_may_keep_its_size():
    x, quality = batch(), torch.full((8,), 80)
    out = BatchJPEG((80, 80), prob=1.0, subsample_chroma=False)(x)
    assert out.equal(jpeg_round_trip(x, quality, subsample_chroma=False))
    assert not out.equal(jpeg_round_trip(x, quality))


def test_each_image_is_changed_in_its_own_way():
    x = batch(1).expand(32, -1, -1, -1)
    out = BatchJPEG((50, 90), prob=1.0)(x)
    # 32 draws of 41 qualities: 22 on average
    assert out.flatten(1).unique(dim=0).shape[0] > 12


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_fresh_levels_and_the_input_left_alone(dtype):
    torch.manual_seed(0)
    x = batch(dtype=dtype)
    kept = x.clone()
    for prob in (0.0, 0.5, 1.0):
        out = BatchJPEG(prob=prob)(x)
        assert out.dtype == torch.float32
        assert out.is_contiguous(memory_format=torch.channels_last)
        assert out.min() >= 0
        assert out.max() <= 255
        assert out.equal(x.float()) == (prob == 0)
        out.zero_()
    assert x.equal(kept)


def test_a_seed_repeats_and_layout_does_not_matter():
    x = batch()
    torch.manual_seed(3)
    first = BatchJPEG(prob=0.5)(x)
    after = torch.rand(1)
    torch.manual_seed(3)
    again = BatchJPEG(prob=0.5)(x.float().contiguous())
    torch.testing.assert_close(again, first, rtol=0, atol=0)
    # as many draws if no image is chosen: what follows does not depend on the choice
    torch.manual_seed(3)
    BatchJPEG(prob=0.0)(x)
    assert torch.rand(1) == after


def test_one_image():
    assert BatchJPEG(prob=1.0)(batch(1)).shape == (1, 3, 24, 40)


def test_is_found_by_name_and_takes_the_lists_of_a_config():
    config = {'type': 'BatchJPEG', 'quality': [70, 70], 'prob': 1.0}
    x = batch()
    out = BATCH_AUGMENTS.build(config)(x)
    expected = jpeg_round_trip(x, torch.full((8,), 70))
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'prob': 1.5}, r'prob must be in \[0, 1\], got 1.5'),
        ({'quality': (0, 50)}, r'quality .* 1 <= low .* got \(0, 50\)'),
        ({'quality': (50, 101)}, r'quality .* high <= 100, got \(50, 101\)'),
        ({'quality': (50.5, 90)}, r'quality must be whole numbers, got \(50.5, 90\)'),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchJPEG(**kwargs)


def test_channels_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchJPEG()(torch.zeros(2, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_draws_on_the_gpu():
    x = batch(64)
    torch.manual_seed(0)
    expected = BatchJPEG(prob=0.5)(x)
    torch.manual_seed(0)
    on_gpu = BatchJPEG(prob=0.5)(x.cuda()).cpu()
    # a sum in another order may fall to the other side of a half
    assert (on_gpu - expected).abs().mean() < 0.05
