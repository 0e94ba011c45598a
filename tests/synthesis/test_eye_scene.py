import numpy as np
import pytest

from ocec.synthesis.eye_scene import draw_scene
from ocec.synthesis.eye_subject import draw_subject

SUBJECT = draw_subject(np.random.default_rng(0), 'visible')


def test_every_width_from_15_to_90_occurs():
    rng = np.random.default_rng(0)
    cameras = [draw_scene(rng, SUBJECT, aperture=0.5).camera for _ in range(4000)]
    # the rarest width has a share of about 1/100: 40 of 4,000 on average
    assert {camera.width_px for camera in cameras} == set(range(15, 91))
    shapes = np.array([camera.height_px / camera.width_px for camera in cameras])
    assert shapes.min() > 0.45
    assert shapes.max() < 0.9


def test_nothing_but_the_aperture_depends_on_the_aperture():
    shut = draw_scene(np.random.default_rng(3), SUBJECT, aperture=0.0)
    wide = draw_scene(np.random.default_rng(3), SUBJECT, aperture=1.0)
    assert {k for k in vars(shut) if vars(shut)[k] != vars(wide)[k]} == {'aperture'}


@pytest.mark.parametrize(('look', 'channels'), [('visible', 3), ('infrared', 1)])
def test_tint_has_the_channels_of_the_look(look, channels):
    subject = draw_subject(np.random.default_rng(0), look)
    scene = draw_scene(np.random.default_rng(0), subject, aperture=0.5)
    assert len(scene.camera.tint) == channels


def test_negative_aperture_is_refused():
    with pytest.raises(ValueError, match='aperture must be >= 0, got -0.1'):
        draw_scene(np.random.default_rng(0), SUBJECT, aperture=-0.1)
