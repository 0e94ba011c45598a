import numpy as np
import pytest

from ocec.functional.person_box import person_box
from ocec.preparation.crop_settings import CropSettings


@pytest.mark.parametrize(
    'wrong',
    [
        {'size': 225},
        {'size': 8},
        {'format': 'avi'},
        {'gop': 0},
        {'crf': 52},
        {'quality': 0},
        {'padding': -0.1},
        {'ratio': 0.0},
        {'min_size_px': -1},
    ],
)
def test_wrong_settings(wrong):
    with pytest.raises(ValueError, match=f'{next(iter(wrong))} must be'):
        CropSettings(**wrong)


def test_the_default_box_is_that_of_the_dataset():
    keypoint = np.random.default_rng(0).uniform(30, 90, (2, 5, 17, 2))
    np.testing.assert_array_equal(
        person_box(keypoint, (120, 160), **CropSettings().box),
        person_box(keypoint, (120, 160)),
    )


def test_settings_without_effect_are_not_recorded():
    assert 'quality' not in CropSettings().as_json()
    assert {'gop', 'crf'}.isdisjoint(CropSettings(format='jpeg').as_json())
    assert CropSettings(padding=0.5).as_json()['padding'] == 0.5


def test_sizes_of_crops():
    assert CropSettings(size=64).frame_size(10, 30) == (64, 64)
    keep = CropSettings(size=64, keep_ratio=True)
    # 64 * 31 / 20 = 99.2, to an even number of pixels
    assert keep.frame_size(20, 31) == (64, 100)
    assert keep.frame_size(31, 20) == (100, 64)
