import pytest
import torch
from torchvision.transforms.v2 import functional as transforms

from ocec.models.data_preprocessors.clip_color_jitter import ClipColorJitter


def clips(N=4, T=3, dtype=torch.uint8):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (N, T, 6, 10, 3), generator=generator).to(dtype)


def by_torchvision(frames, factors):
    """Change frames (T, H, W, 3) with one factor of each kind."""
    x = frames.permute(0, 3, 1, 2).float() / 255
    x = transforms.adjust_brightness(x, factors['brightness_B'])
    if factors['contrast_first_B']:
        x = transforms.adjust_contrast(x, factors['contrast_B'])
    x = transforms.adjust_saturation(x, factors['saturation_B'])
    x = transforms.adjust_hue(x, factors['hue_B'])
    if not factors['contrast_first_B']:
        x = transforms.adjust_contrast(x, factors['contrast_B'])
    return (x * 255).permute(0, 2, 3, 1)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_equals_torchvision_with_one_draw_per_clip(dtype):
    jitter = ClipColorJitter(0.3, 0.4, saturation=0.5, hue=0.2)
    frames = clips(dtype=dtype)
    kept = frames.clone()
    torch.manual_seed(1)
    drawn = jitter.draw(4)
    assert 0 < drawn['contrast_first_B'].sum() < 4
    torch.manual_seed(1)
    out = jitter(frames)
    for n in range(4):
        factors = {name: values[n].item() for name, values in drawn.items()}
        expected = by_torchvision(frames[n], factors)
        torch.testing.assert_close(out[n], expected, rtol=0, atol=2e-2)
    assert torch.equal(frames, kept)


def test_what_is_not_named_is_not_changed():
    drawn = ClipColorJitter(brightness=0.2, contrast=0.2).draw(500)
    assert (drawn['saturation_B'] == 1).all()
    assert (drawn['hue_B'] == 0).all()
    for name in ('brightness_B', 'contrast_B'):
        # uniform in [0.8, 1.2]
        assert 0.8 <= drawn[name].min() < 0.81
        assert 1.19 < drawn[name].max() <= 1.2
    assert torch.equal(ClipColorJitter()(clips()), clips().float())


def test_factors_do_not_become_negative():
    drawn = ClipColorJitter(3.0).draw(500)
    assert drawn['brightness_B'].min() >= 0
    assert drawn['brightness_B'].max() > 3.9


def test_share_of_clips():
    torch.manual_seed(0)
    drawn = ClipColorJitter(0.5, hue=0.1, prob=0.3).draw(4000)
    is_changed = drawn['brightness_B'] != 1
    assert torch.equal(is_changed, drawn['hue_B'] != 0)
    # 4 standard deviations: 4 * sqrt(0.3 * 0.7 / 4000) = 0.029
    assert abs(is_changed.float().mean() - 0.3) < 0.029


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'brightness': -0.1}, r'color_jitter.brightness must be >= 0, got -0.1'),
        ({'contrast': -1}, r'color_jitter.contrast must be >= 0, got -1'),
        (
            {'saturation': float('nan')},
            r'color_jitter.saturation must be >= 0, got nan',
        ),
        ({'hue': 0.6}, r'color_jitter.hue must be in \[0, 0.5\], got 0.6'),
        ({'prob': 2}, r'prob must be in \[0, 1\], got 2'),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        ClipColorJitter(**settings)
