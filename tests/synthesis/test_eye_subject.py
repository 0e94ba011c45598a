from dataclasses import fields

import numpy as np
import pytest

from ocec.synthesis.eye_subject import LOOKS, draw_subject


def draw_many(look, count=400):
    rng = np.random.default_rng(0)
    return [draw_subject(rng, look) for _ in range(count)]


@pytest.mark.parametrize('look', LOOKS)
def test_subject_depends_on_the_generator_alone(look):
    first, again = (draw_subject(np.random.default_rng(5), look) for _ in range(2))
    assert first == again
    assert first != draw_subject(np.random.default_rng(6), look)


@pytest.mark.parametrize(('look', 'channels'), [('visible', 3), ('infrared', 1)])
def test_colours_have_the_channels_of_the_look(look, channels):
    for subject in draw_many(look, 30):
        colours = [
            getattr(subject.palette, f.name) for f in fields(type(subject.palette))
        ]
        if subject.glasses is not None:
            colours.append(subject.glasses.coating)
        assert {len(colour) for colour in colours} == {channels}
        assert all(0 <= value <= 1.05 for colour in colours for value in colour)


def test_people_differ_as_people_do():
    subjects = draw_many('visible')
    # standard error of a share of 400 is at most 0.025, so +/- 0.1 is 4 of them
    assert np.mean([s.side == 1 for s in subjects]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([s.glasses is not None for s in subjects]) == pytest.approx(
        0.32, abs=0.1
    )
    skin = np.array([s.palette.skin for s in subjects])
    assert (skin[:, 0] > skin[:, 2]).all()  # every skin is redder than blue
    assert np.ptp(skin[:, 1]) > 0.4  # from light to dark
    # the palpebral fissure of adults: 8 to 13 mm high for half of 30 mm across
    full = [s.lids.upper_height + s.lids.lower_height for s in subjects]
    assert min(full) >= 0.5
    assert max(full) <= 13 / 15


def test_infrared_takes_colour_out_of_skin_and_whiteness_out_of_the_sclera():
    visible, infrared = draw_many('visible'), draw_many('infrared')

    def skin_spread(subjects):
        return np.std([np.mean(s.palette.skin) for s in subjects])

    assert skin_spread(infrared) < 0.7 * skin_spread(visible)
    assert all(s.palette.sclera < s.palette.skin for s in infrared)
    brighter = [np.mean(s.palette.sclera) > np.mean(s.palette.skin) for s in visible]
    assert np.mean(brighter) > 0.8
    pupils = np.array([s.palette.pupil[0] for s in infrared])
    assert 0.3 < np.mean(pupils > 0.5) < 0.8  # bright and dark ones
    assert not ((pupils > 0.1) & (pupils < 0.6)).any()


def test_unknown_look_is_refused():
    message = r"look must be one of \('visible', 'infrared'\), got 'x-ray'"
    with pytest.raises(ValueError, match=message):
        draw_subject(np.random.default_rng(0), 'x-ray')
