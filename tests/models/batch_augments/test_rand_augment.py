import pytest
import torch

from ocec.functional.affine import affine
from ocec.functional.brightness_contrast import shift_brightness_contrast
from ocec.models.batch_augments import BatchRandAugment
from ocec.models.batch_augments.rand_augment import STRENGTHS
from ocec.registry import BATCH_AUGMENTS

SIZE = (16, 20)
MOVES = ('rotate', 'translate', 'scale', 'shear')


def batch(num_images=8, dtype=torch.uint8):
    generator = torch.Generator().manual_seed(0)
    shape = (num_images, 3, *SIZE)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator).to(
        dtype
    )


def test_operations_and_strengths_are_drawn_evenly():
    torch.manual_seed(0)
    ops, strengths = BatchRandAugment(num_ops=2, magnitude=5).draw(8000)
    assert ops.shape == (2, 8000)
    assert strengths.shape == (2, 8000, 2)
    for number, largest in enumerate(STRENGTHS.values()):
        chosen = ops == number
        assert chosen.float().mean() == pytest.approx(1 / 8, abs=0.015)
        values = strengths[chosen]
        # half of the largest at magnitude 5, to both sides
        assert -largest / 2 <= values.min() < -0.49 * largest
        assert 0.49 * largest < values.max() <= largest / 2
        assert abs(values.mean()) < 0.03 * largest
    # the rounds are drawn apart: equal in 1 of 8
    assert (ops[0] == ops[1]).float().mean() == pytest.approx(1 / 8, abs=0.02)


@pytest.mark.parametrize('name', MOVES)
def test_moves_are_those_of_affine(name):
    x, augment = batch(), BatchRandAugment(1, 10, ops=[name])
    torch.manual_seed(1)
    _, strengths = augment.draw(8)
    torch.manual_seed(1)
    out = augment(x)
    first, second = strengths[0].unbind(1)
    none = torch.zeros(8)
    settings = {
        'rotate': (first, none, none, 1 + none, none),
        'translate': (none, first, second, 1 + none, none),
        'scale': (none, none, none, 1 + first, none),
        'shear': (none, none, none, 1 + none, first),
    }[name]
    expected = affine(x, *settings, fill='zero')
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-3)
    assert not torch.equal(out, x.float())


@pytest.mark.parametrize('name', ['contrast', 'brightness'])
def test_levels_are_those_of_brightness_contrast(name):
    x, augment = batch(), BatchRandAugment(1, 10, ops=[name])
    torch.manual_seed(1)
    _, strengths = augment.draw(8)
    torch.manual_seed(1)
    first, none = strengths[0, :, 0], torch.zeros(8)
    settings = (none, 1 + first) if name == 'contrast' else (first, 1 + none)
    expected = shift_brightness_contrast(x, *settings)
    torch.testing.assert_close(augment(x), expected, rtol=0, atol=1e-3)


def test_noise_has_the_drawn_strength_and_is_grey():
    x = torch.full((400, 3, *SIZE), 100.0)
    torch.manual_seed(0)
    out = BatchRandAugment(1, 10, ops=['noise'])(x)
    assert torch.equal(out[:, 0], out[:, 1])
    torch.manual_seed(0)
    _, strengths = BatchRandAugment(1, 10, ops=['noise']).draw(400)
    wanted = strengths[0, :, 0].abs()
    stds = (out[:, 0] - 100).flatten(1).std(1)
    # 5 standard errors of a standard deviation: 5 / sqrt(2 * 320)
    assert ((stds - wanted).abs() <= 0.2 * wanted + 1e-6).all()


def test_elastic_bends_and_is_no_identity():
    x = batch(64)
    torch.manual_seed(0)
    out = BatchRandAugment(1, 10, ops=['elastic'])(x)
    changed = (out - x.float()).abs().flatten(1).mean(1)
    assert (changed > 1).float().mean() > 0.8
    # no pixel is made out of nothing
    assert out.max() <= 255.01
    assert out.min() >= -0.01


def test_images_that_are_not_changed_stay():
    x = batch(1000)
    torch.manual_seed(0)
    out = BatchRandAugment(prob=0.3, magnitude=10)(x)
    is_kept = (out == x).flatten(1).all(1)
    # 4 standard deviations: 4 * sqrt(1000 * 0.3 * 0.7) = 58; few strengths are 0
    assert abs((~is_kept).sum().item() - 300) < 58


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_magnitude_0_and_the_input(dtype):
    x = batch(64, dtype)
    kept = x.clone()
    torch.manual_seed(0)
    out = BatchRandAugment(magnitude=0)(x)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, kept.float(), rtol=0, atol=0.01)
    BatchRandAugment(magnitude=10)(x).zero_()
    assert torch.equal(x, kept)


def test_a_seed_repeats():
    x, augment = batch(), BatchRandAugment()
    torch.manual_seed(3)
    first = augment(x)
    torch.manual_seed(3)
    assert torch.equal(augment(x), first)
    assert not torch.equal(augment(x), first)


def test_is_found_by_name():
    config = {'type': 'BatchRandAugment', 'ops': ['rotate', 'elastic'], 'num_ops': 1}
    # models are moved to their device as a whole
    augment = BATCH_AUGMENTS.build(config).to('cpu')
    assert augment(batch()).shape == (8, 3, *SIZE)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'num_ops': 0}, 'num_ops must be >= 1, got 0'),
        ({'magnitude': 11}, r'magnitude must be in \[0, 10\], got 11'),
        ({'ops': ['flip']}, r"ops must be out of .*'elastic'\), got \('flip',\)"),
        ({'ops': []}, r'ops must be out of .* got \(\)'),
        ({'prob': -1}, r'prob must be in \[0, 1\], got -1'),
        ({'fill': 'wrap'}, "fill must be one of .* got 'wrap'"),
    ],
)
def test_settings_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BatchRandAugment(**kwargs)


def test_images_are_checked():
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        BatchRandAugment()(torch.zeros(2, 1, 4, 4))
