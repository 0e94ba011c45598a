import pytest
import torch

from ocec.functional.affine import affine
from ocec.models.batch_augments import BatchRandomAffine, BatchRandomRotate
from ocec.registry import BATCH_AUGMENTS

SIZE = (8, 16)
AUGMENTS = [BatchRandomAffine, BatchRandomRotate]


def batch(num_images=8, dtype=torch.uint8):
    x = torch.randint(0, 256, (num_images, 3, *SIZE), dtype=torch.uint8).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def test_the_settings_fill_their_ranges():
    torch.manual_seed(0)
    augment = BatchRandomAffine((-5, 10), (0.25, 0.5), scale=(0.9, 1.2), shear=(-3, 6))
    _, settings = augment.draw(4000, SIZE)
    # 0.25 of 16 columns and 0.5 of 8 rows are 4 pixels each
    limits = ((-5, 10), (-4, 4), (-4, 4), (0.9, 1.2), (-3, 6))
    for values, (low, high) in zip(settings, limits, strict=True):
        shares = (values - low) / (high - low)
        assert shares.min() >= -1e-5
        assert shares.max() <= 1 + 1e-5
        # uniform: mean 1/2, 4 standard deviations 4 / sqrt(12 * 4000) = 0.018
        assert abs(shares.mean() - 0.5) < 0.018
        assert values.unique().numel() > 3900
    # drawn apart: 4 / sqrt(4000) = 0.063
    correlation = torch.corrcoef(torch.stack(settings))
    assert (correlation - torch.eye(5)).abs().max() < 0.063


@pytest.mark.parametrize('augment', AUGMENTS)
def test_changes_the_drawn_share_and_leaves_the_others(augment):
    torch.manual_seed(0)
    x = batch(1000)
    out = augment(prob=0.3)(x)
    is_kept = (out == x).flatten(1).all(1)
    # 4 standard deviations of a binomial: 4 * sqrt(1000 * 0.3 * 0.7) = 58
    assert abs((~is_kept).sum().item() - 300) < 58


@pytest.mark.parametrize('fill', ['edge', 'zero', 'reflect'])
def test_chosen_images_are_the_affine_of_their_draws(fill):
    x, augment = batch(32), BatchRandomAffine(shear=(-9, 9), fill=fill)
    torch.manual_seed(2)
    is_chosen, settings = augment.draw(32, SIZE)
    torch.manual_seed(2)
    out = augment(x)
    assert 0 < is_chosen.sum() < 32
    expected = affine(x, *settings, fill=fill)
    expected = expected.where(is_chosen[:, None, None, None], x.float())
    torch.testing.assert_close(out, expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ('degrees', 'limits'), [(20, (-20, 20)), (7.5, (-7.5, 7.5)), ((3, 9), (3, 9))]
)
def test_rotate_draws_degrees_and_nothing_else(degrees, limits):
    torch.manual_seed(0)
    rotate = BatchRandomRotate(degrees, prob=1.0)
    is_chosen, (angles, right, down, scale, shear) = rotate.draw(2000, SIZE)
    assert is_chosen.all()
    share = (angles - limits[0]) / (limits[1] - limits[0])
    assert 0 <= share.min() < 0.01
    assert 0.99 < share.max() <= 1
    for values, neutral in ((right, 0), (down, 0), (scale, 1), (shear, 0)):
        assert (values == neutral).all()


def test_rotate_turns_counter_clockwise():
    x = torch.zeros(1, 3, 9, 9)
    x[:, :, 4, 7] = 100.0  # right of the centre
    out = BatchRandomRotate((90, 90), prob=1.0)(x)
    assert divmod(int(out[0, 0].argmax()), 9) == (1, 4)  # above it


@pytest.mark.parametrize('augment', AUGMENTS)
@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_input_is_left_alone_and_output_is_float(augment, dtype):
    x = batch(dtype=dtype)
    kept = x.clone()
    for prob in (0.0, 0.5, 1.0):
        out = augment(prob=prob)(x)
        assert out.dtype == torch.float32
        assert out.is_contiguous(memory_format=torch.channels_last)
        if prob == 0:
            assert out.equal(x.float())
        out.zero_()
    torch.testing.assert_close(x, kept, rtol=0, atol=0)


@pytest.mark.parametrize('augment', AUGMENTS)
def test_a_seed_repeats_and_layout_does_not_matter(augment):
    x = batch()
    torch.manual_seed(3)
    first = augment()(x)
    torch.manual_seed(3)
    torch.testing.assert_close(augment()(x.contiguous()), first, rtol=0, atol=0)
    assert not augment()(x).equal(first)


@pytest.mark.parametrize('augment', AUGMENTS)
def test_one_image(augment):
    assert augment(prob=1.0)(batch(1)).shape == (1, 3, *SIZE)


def test_is_found_by_name_and_takes_the_lists_of_a_config():
    config = {'translate': [0, 0], 'degrees': [0, 0], 'scale': [1, 1], 'prob': 1.0}
    x = batch()
    for kwargs in (
        {'type': 'BatchRandomAffine', **config},
        {'type': 'BatchRandomRotate', 'degrees': [0, 0], 'prob': 1.0},
    ):
        out = BATCH_AUGMENTS.build(kwargs)(x)
        torch.testing.assert_close(out, x.float(), rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ('augment', 'kwargs', 'message'),
    [
        (BatchRandomAffine, {'prob': -0.1}, r'prob must be in \[0, 1\], got -0.1'),
        (BatchRandomAffine, {'degrees': (5, -5)}, r'degrees .* got \(5, -5\)'),
        (BatchRandomAffine, {'degrees': (0, 400)}, r'<= 360.0, got \(0, 400\)'),
        (BatchRandomAffine, {'translate': (0.1,)}, r'two shares .* got \(0.1,\)'),
        (BatchRandomAffine, {'translate': (0, 4)}, r'two shares .* got \(0, 4\)'),
        (BatchRandomAffine, {'scale': (0, 1)}, r'scale .* 0.1 <= low .* got \(0, 1\)'),
        (BatchRandomAffine, {'shear': (-90, 0)}, r'shear .* got \(-90, 0\)'),
        (BatchRandomAffine, {'fill': 'wrap'}, r"fill must be one of .* got 'wrap'"),
        (BatchRandomRotate, {'degrees': -20}, r'degrees must be in \[0, 360\].*-20'),
        (BatchRandomRotate, {'degrees': (9, 3)}, r'degrees .* got \(9, 3\)'),
        (BatchRandomRotate, {'prob': 2}, r'prob must be in \[0, 1\], got 2'),
        (BatchRandomRotate, {'fill': 0}, 'fill must be one of .* got 0'),
    ],
)
def test_settings_are_checked(augment, kwargs, message):
    with pytest.raises(ValueError, match=message):
        augment(**kwargs)


@pytest.mark.parametrize('augment', AUGMENTS)
def test_images_are_checked(augment):
    with pytest.raises(ValueError, match=r'\(B, 3, H, W\), got \(2, 1, 4, 4\)'):
        augment()(torch.zeros(2, 1, 4, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
@pytest.mark.parametrize('augment', AUGMENTS)
def test_same_draws_on_the_gpu(augment):
    x = batch(64)
    torch.manual_seed(0)
    expected = augment()(x)
    torch.manual_seed(0)
    # coordinates differ by 1e-5 pixel, neighbours by up to 255
    on_gpu = augment()(x.cuda()).cpu()
    torch.testing.assert_close(on_gpu, expected, rtol=0, atol=0.01)
