import pytest
import torch
from torchvision.transforms.v2 import functional as transforms

from ocec.functional.gamma import adjust_gamma

GAMMA = torch.tensor([0.3, 0.8, 1.0, 1.2, 3.0])
GAIN = torch.tensor([1.1, 0.9, 1.0, 1.05, 2.0])


def images(dtype=torch.float32):
    x = torch.randint(0, 256, (5, 3, 7, 9))
    x[:, :, 0, :2] = torch.tensor([0, 255])
    return x.to(dtype)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    'layout', [torch.contiguous_format, torch.channels_last], ids=str
)
def test_equals_torchvision_on_each_image(dtype, layout):
    x = images(dtype).contiguous(memory_format=layout)
    kept = x.clone()
    out = adjust_gamma(x, GAMMA, GAIN)
    expected = [
        transforms.adjust_gamma(image / 255, gamma.item(), gain.item()) * 255
        for image, gamma, gain in zip(x, GAMMA, GAIN, strict=True)
    ]
    torch.testing.assert_close(out, torch.stack(expected), rtol=0, atol=1e-3)
    assert out.is_contiguous(memory_format=torch.channels_last)
    out.zero_()
    assert x.equal(kept)


def test_black_stays_black_and_finite():
    out = adjust_gamma(torch.zeros(5, 3, 2, 2), GAMMA, GAIN)
    torch.testing.assert_close(out, torch.zeros(5, 3, 2, 2), rtol=0, atol=0)


@pytest.mark.parametrize('name', ['gamma_B', 'gain_B'])
def test_settings_are_checked(name):
    settings = {'gamma_B': torch.ones(2), 'gain_B': torch.ones(2)}
    settings[name] = torch.tensor([1.0, 0.0])
    with pytest.raises(ValueError, match=rf'{name} must be in \[.*, inf\], got 0'):
        adjust_gamma(torch.zeros(2, 3, 4, 4), **settings)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_on_the_gpu():
    x = images()
    on_gpu = adjust_gamma(x.cuda(), GAMMA, GAIN).cpu()
    torch.testing.assert_close(on_gpu, adjust_gamma(x, GAMMA, GAIN), rtol=0, atol=2e-3)
