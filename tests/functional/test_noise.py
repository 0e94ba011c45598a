import pytest
import torch

from ocec.functional.noise import add_gaussian_noise

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def gray(num_images=3, size=(100, 100)):
    return torch.full((num_images, 3, *size), 128.0)


def test_each_image_has_its_own_strength():
    std = torch.tensor([0.0, 2.0, 10.0])
    noise = add_gaussian_noise(gray(), std, 0) - 128
    # 30,000 values: relative deviation of a standard deviation 1 / sqrt(60000), of
    # a mean 1 / sqrt(30000); 4 of them
    torch.testing.assert_close(noise.std((1, 2, 3)), std, rtol=0.017, atol=0)
    assert (noise.mean((1, 2, 3)).abs() <= 0.024 * std).all()


def test_channels_pixels_and_images_are_independent():
    noise = add_gaussian_noise(gray(2), torch.full((2,), 5.0), 0) - 128
    series = torch.cat((noise.flatten(2).flatten(0, 1), noise[0].roll(1, 2).flatten(1)))
    correlation = torch.corrcoef(series)
    # 10,000 values: 4.5 deviations of 0.01, for 36 pairs
    assert (correlation - torch.eye(9)).abs().max() < 0.045


def test_noise_is_normal():
    noise = (add_gaussian_noise(gray(), torch.full((3,), 5.0), 0) - 128) / 5
    # share beyond 1 and 2 deviations: 0.3173 and 0.0455; 4 deviations of a share
    # among 90,000: 0.0062 and 0.0028
    assert abs((noise.abs() > 1).float().mean() - 0.3173) < 0.0062
    assert abs((noise.abs() > 2).float().mean() - 0.0455) < 0.0028


def test_grey_noise_is_the_same_in_all_channels():
    x = gray(2, (16, 16))
    noise = add_gaussian_noise(x, torch.full((2,), 5.0), 0, per_channel=False) - x
    assert noise.std() > 4
    assert noise[:, 0].equal(noise[:, 1])
    assert noise[:, 0].equal(noise[:, 2])


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize('layout', LAYOUTS, ids=str)
def test_clips_and_leaves_the_input_alone(dtype, layout):
    x = torch.randint(0, 256, (3, 3, 8, 9)).to(dtype).contiguous(memory_format=layout)
    kept, std = x.clone(), torch.full((3,), 60.0)
    out = add_gaussian_noise(x, std, 7)
    assert out.dtype == torch.float32
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert out.min() == 0
    assert out.max() == 255
    out.zero_()
    assert x.equal(kept)


def test_the_seed_alone_decides_the_field():
    x, std = gray(), torch.full((3,), 5.0)
    first = add_gaussian_noise(x, std, 11)
    torch.rand(5)
    state = torch.get_rng_state()
    assert add_gaussian_noise(x, std, 11).equal(first)
    assert not add_gaussian_noise(x, std, 12).equal(first)
    assert torch.get_rng_state().equal(state)


def test_strength_is_checked():
    with pytest.raises(ValueError, match=r'std_B must be in \[0, inf\], got -1'):
        add_gaussian_noise(gray(1), torch.tensor([-1.0]), 0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_strength_on_the_gpu():
    x, std = gray().cuda(), torch.tensor([1.0, 2.0, 10.0])
    out = add_gaussian_noise(x, std, 0)
    noise = (out - 128).cpu()
    torch.testing.assert_close(noise.std((1, 2, 3)), std, rtol=0.017, atol=0)
    assert add_gaussian_noise(x, std, 0).equal(out)
