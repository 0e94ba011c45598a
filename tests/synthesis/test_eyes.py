import numpy as np
import pytest

from ocec.synthesis.eyes import (
    CLOSED,
    DRAWING_VERSION,
    LOOKS,
    OPEN,
    OPEN_APERTURE,
    draw_aperture,
    generate_eyes,
    generate_subject,
)

NUM_SUBJECTS, CROPS = 10, 60


@pytest.fixture(scope='module')
def eyes():
    """Crops, labels (N,) and grey pictures of each look."""
    drawn = {}
    for look in LOOKS:
        crops = list(generate_eyes(NUM_SUBJECTS, CROPS, look=look, seed=7))
        label_N = np.array([crop.label for crop in crops])
        drawn[look] = (crops, label_N, [crop.image.mean(2) for crop in crops])
    return drawn


def best_balanced_accuracy(value_N, label_N):
    """Of the best threshold on one number, in the better direction."""
    open_N, closed_N = value_N[label_N == OPEN], value_N[label_N == CLOSED]
    rates = [
        ((open_N >= t).mean() + (closed_N < t).mean()) / 2 for t in np.unique(value_N)
    ]
    return max(max(rates), 1 - min(rates))


def middle(grey_HW):
    height, width = grey_HW.shape
    return grey_HW[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4]


def same(first, second):
    return (first.label, first.subject, first.aperture) == (
        second.label,
        second.subject,
        second.aperture,
    ) and np.array_equal(first.image, second.image)


@pytest.mark.parametrize('look', LOOKS)
def test_a_crop_does_not_depend_on_how_many_are_asked_for(look):
    many = list(generate_eyes(3, 4, look=look, seed=5))
    few = list(generate_eyes(2, 2, look=look, seed=5))
    assert [c.subject for c in many] == [
        f'{look}-s00{s}' for s in (0, 1, 2) for _ in '1234'
    ]
    assert all(map(same, few, [many[0], many[1], many[4], many[5]]))
    alone = list(generate_subject(2, 4, look=look, seed=5))
    assert all(map(same, alone, many[8:]))


def test_seed_subject_and_number_each_give_another_crop():
    crops = [
        next(generate_subject(0, 1, seed=0)),
        next(generate_subject(0, 1, seed=1)),
        next(generate_subject(1, 1, seed=0)),
        list(generate_subject(0, 2, seed=0))[1],
    ]
    pairs = [(a, b) for a in crops for b in crops if a is not b]
    assert not any(np.array_equal(a.image, b.image) for a, b in pairs)


@pytest.mark.parametrize(('look', 'mean'), [('visible', 117.13), ('infrared', 113.92)])
def test_drawing_version_stands_for_these_pixels(look, mean):
    # Pinned: whoever changes the drawing raises the version, or files drawn before
    # count as up to date. 0.1 leaves room for another build of OpenCV.
    assert DRAWING_VERSION == 1
    crops = generate_eyes(4, 10, look=look, seed=0)
    assert np.mean([crop.image.mean() for crop in crops]) == pytest.approx(
        mean, abs=0.1
    )


@pytest.mark.parametrize('look', LOOKS)
def test_crops_are_rgb_of_15_to_90_px(eyes, look):
    crops, _, _ = eyes[look]
    assert len(crops) == NUM_SUBJECTS * CROPS
    assert all(c.image.dtype == np.uint8 and c.image.shape[2] == 3 for c in crops)
    widths = [crop.image.shape[1] for crop in crops]
    assert min(widths) in range(15, 18)
    assert max(widths) in range(88, 91)


@pytest.mark.parametrize('look', LOOKS)
def test_labels_follow_the_aperture(eyes, look):
    crops, label_N, _ = eyes[look]
    aperture_N = np.array([crop.aperture for crop in crops])
    np.testing.assert_array_equal(label_N == OPEN, aperture_N >= OPEN_APERTURE)
    assert aperture_N.min() == 0
    assert aperture_N.max() <= 1.1
    # 53 % of 600: the standard error is 2 %
    assert (label_N == OPEN).mean() == pytest.approx(0.53, abs=0.07)


def test_few_crops_lie_near_the_limit_on_either_side():
    rng = np.random.default_rng(0)
    closed = np.array([draw_aperture(rng, CLOSED, squint=0.4) for _ in range(4000)])
    opened = np.array([draw_aperture(rng, OPEN, squint=0.4) for _ in range(4000)])
    assert closed.max() < OPEN_APERTURE <= opened.min()
    assert (closed == 0).mean() == pytest.approx(0.6, abs=0.04)
    for near in (closed > 0.75 * OPEN_APERTURE, opened < 1.5 * OPEN_APERTURE):
        assert 0.005 < near.mean() < 0.1
    habit = [draw_aperture(rng, OPEN, squint=1.0) for _ in range(4000)]
    assert np.mean(habit) < opened.mean() - 0.03


@pytest.mark.parametrize('look', LOOKS)
def test_size_does_not_tell_the_label(eyes, look):
    crops, label_N, _ = eyes[look]
    for axis in (0, 1):
        size_N = np.array([crop.image.shape[axis] for crop in crops])
        steps = np.unique(size_N)
        gap = max(
            abs(
                np.mean(size_N[label_N == OPEN] <= s)
                - np.mean(size_N[label_N == CLOSED] <= s)
            )
            for s in steps
        )
        # Kolmogorov-Smirnov at 0.1 %: 1.95 * sqrt(1/n + 1/m)
        num_open = (label_N == OPEN).sum()
        assert gap < 1.95 * np.sqrt(1 / num_open + 1 / (len(label_N) - num_open))


@pytest.mark.parametrize('look', LOOKS)
def test_brightness_does_not_tell_the_label_but_dark_spots_help(eyes, look):
    _, label_N, greys = eyes[look]
    mean_N = np.array([grey.mean() for grey in greys])
    assert best_balanced_accuracy(mean_N, label_N) < 0.65
    dark_N = np.array([(middle(g) < 0.6 * np.median(g)).mean() for g in greys])
    assert dark_N[label_N == OPEN].mean() > 2 * dark_N[label_N == CLOSED].mean()
    # a feature, not the answer
    assert 0.65 < best_balanced_accuracy(dark_N, label_N) < 0.9


def test_only_infrared_is_grey(eyes):
    assert all(np.ptp(crop.image, axis=2).max() == 0 for crop in eyes['infrared'][0])
    coloured = [np.ptp(crop.image.mean((0, 1))) > 5 for crop in eyes['visible'][0]]
    assert np.mean(coloured) > 0.9


def test_looks_differ_in_grey_too(eyes):
    def dark_share_of_open_eyes(look):
        _, label_N, greys = eyes[look]
        return np.mean(
            [
                (middle(grey) < 0.6 * np.median(grey)).mean()
                for grey, label in zip(greys, label_N, strict=True)
                if label == OPEN
            ]
        )

    # bright pupils and grey irises leave less that is dark
    visible, infrared = map(dark_share_of_open_eyes, LOOKS)
    assert infrared < 0.7 * visible


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'num_subjects': 0}, 'num_subjects must be >= 1, got 0'),
        ({'crops_per_subject': 0}, 'crops_per_subject must be >= 1, got 0'),
        ({'look': 'x'}, r"look must be one of \('visible', 'infrared'\), got 'x'"),
        ({'seed': -1}, 'seed must be >= 0, got -1'),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        generate_eyes(**{'num_subjects': 1, 'crops_per_subject': 1} | arguments)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((-1, 1), 'subject_index must be >= 0, got -1'),
        ((0, 0), 'crops_per_subject must be >= 1, got 0'),
    ],
)
def test_bad_subject_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        generate_subject(*arguments)
