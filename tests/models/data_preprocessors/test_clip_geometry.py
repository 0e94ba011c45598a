import pytest
import torch

from ocec.models.data_preprocessors.clip_geometry import (
    ClipGeometry,
    RandomClipGeometry,
)


def test_shares_of_the_grid():
    # left 10, top 5, 30 wide and 20 high, of 40 x 50 (width x height)
    crop = torch.tensor([[10, 5, 30, 20]])
    geometry = ClipGeometry(crop, torch.zeros(1).bool(), (50, 40))
    assert geometry.shares().flatten().tolist() == pytest.approx([0.25, 0.1, 1.0, 0.5])


def test_crops_lie_within_the_grid_and_differ():
    torch.manual_seed(0)
    geometry = RandomClipGeometry(0.5, {}).draw(200, (60, 80))
    left, top, width, height = geometry.crop_G4.T
    assert (left + width <= 80).all()
    assert (top + height <= 60).all()
    assert (width * height >= 0.54 * 60 * 80).all()
    assert len(geometry.crop_G4.unique(dim=0)) > 150
    assert geometry.grid == (60, 80)


def test_settings_reach_the_crops():
    crop = {'area_range': (0.25, 0.25), 'aspect_range': (1.0, 1.0)}
    geometry = RandomClipGeometry(0.0, crop).draw(5, (64, 64))
    assert (geometry.crop_G4[:, 2:] == 32).all()
    assert crop == {'area_range': (0.25, 0.25), 'aspect_range': (1.0, 1.0)}


def test_share_of_mirror_images():
    torch.manual_seed(0)
    geometry = RandomClipGeometry(0.3).draw(4000, (8, 8))
    assert geometry.crop_G4 is None
    # 4 standard deviations: 4 * sqrt(0.3 * 0.7 / 4000) = 0.029
    assert abs(geometry.is_flipped_G.float().mean() - 0.3) < 0.029


def test_a_seed_repeats():
    draws = RandomClipGeometry(0.5, {})
    torch.manual_seed(3)
    first = draws.draw(8, (64, 64))
    torch.manual_seed(3)
    again = draws.draw(8, (64, 64))
    assert torch.equal(first.crop_G4, again.crop_G4)
    assert torch.equal(first.is_flipped_G, again.is_flipped_G)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'flip_prob': 1.5}, r'prob must be in \[0, 1\], got 1.5'),
        ({'random_crop': {'area_range': (0, 2)}}, r'area_range must be .* \(0, 2\)'),
        (
            {'random_crop': {'aspect_range': (2, 1)}},
            r'aspect_range must be .* \(2, 1\)',
        ),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        RandomClipGeometry(**settings)
