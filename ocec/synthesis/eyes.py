"""Drawn eye crops, open and closed, grouped by subject."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ocec.synthesis.eye_camera import photograph
from ocec.synthesis.eye_renderer import render_eye
from ocec.synthesis.eye_scene import draw_scene
from ocec.synthesis.eye_subject import LOOKS, EyeSubject, draw_subject

CLOSED = 0
OPEN = 1

OPEN_APERTURE = 0.2
"""An eye is open from this share of its own full aperture on."""

OPEN_SHARE = 0.53

DRAWING_VERSION = 1
"""Goes up whenever the same arguments give other pixels."""

# Spawn keys of the random streams: one for a subject, one for each of its crops.
_SUBJECT_STREAM, _CROP_STREAM = 0, 1


@dataclass(frozen=True)
class EyeCrop:
    """One drawn crop.

    Args:
        image: (H, W, 3) uint8 RGB, W in 15..90 pixels.
        label: ``OPEN`` or ``CLOSED``.
        subject: whose eye it is, such as ``visible-s003``.
        aperture: opening as a share of the subject's own full aperture, in
            [0, 1.1]; ``label`` is ``OPEN`` from ``OPEN_APERTURE`` on.
    """

    image: np.ndarray
    label: int
    subject: str
    aperture: float


def generate_eyes(
    num_subjects: int, crops_per_subject: int, *, look: str = 'visible', seed: int = 0
) -> Iterator[EyeCrop]:
    """Draw the crops of subjects 0, 1, ... in turn.

    A crop depends on look, seed, its subject's index and its own index alone, not
    on how many are asked for.

    Args:
        num_subjects: number of subjects, >= 1.
        crops_per_subject: crops of each, >= 1.
        look: ``visible`` (colour) or ``infrared`` (grey, in three equal channels).
        seed: of all randomness, >= 0.

    Returns:
        Iterator over ``num_subjects * crops_per_subject`` crops.

    Raises:
        ValueError: a count is below 1, the look is unknown or the seed negative.

    Example:
        >>> crop = next(generate_eyes(1, 1, look='infrared'))
        >>> crop.subject, crop.image.dtype.name, crop.image.shape[2]
        ('infrared-s000', 'uint8', 3)
    """
    if num_subjects < 1:
        raise ValueError(f'num_subjects must be >= 1, got {num_subjects}')
    _check(crops_per_subject, look, seed)
    return (
        crop
        for index in range(num_subjects)
        for crop in generate_subject(index, crops_per_subject, look=look, seed=seed)
    )


def generate_subject(
    subject_index: int, crops_per_subject: int, *, look: str = 'visible', seed: int = 0
) -> Iterator[EyeCrop]:
    """Draw the crops of one subject, for callers that share subjects out.

    Args:
        subject_index: which subject, >= 0.
        crops_per_subject: number of crops, >= 1.
        look: ``visible`` or ``infrared``.
        seed: of all randomness, >= 0.

    Returns:
        Iterator over the subject's crops 0, 1, ...

    Raises:
        ValueError: an index or the seed is negative, the count is below 1 or the
            look is unknown.
    """
    if subject_index < 0:
        raise ValueError(f'subject_index must be >= 0, got {subject_index}')
    _check(crops_per_subject, look, seed)
    key = (LOOKS.index(look), subject_index)
    subject = draw_subject(_stream(seed, (*key, _SUBJECT_STREAM)), look)
    return (
        _draw_crop(
            subject,
            f'{look}-s{subject_index:03d}',
            _stream(seed, (*key, _CROP_STREAM, index)),
        )
        for index in range(crops_per_subject)
    )


def draw_aperture(rng: np.random.Generator, label: int, *, squint: float) -> float:
    """Draw how far the lids are apart.

    Most closed eyes are shut, the others leave a slit that is always
    narrower than ``OPEN_APERTURE``. Open eyes reach from a squint at that limit to
    a stare; subjects who squint stay nearer to the limit.

    Args:
        rng: source of randomness.
        label: ``OPEN`` or ``CLOSED``.
        squint: habit of the subject, in [0, 1].

    Returns:
        Share of the subject's own full aperture: in [0, 0.2) for closed eyes, in
        [0.2, 1.1] for open ones.
    """
    if label == CLOSED:
        if rng.random() < 0.6:
            return 0.0
        return 0.999 * OPEN_APERTURE * float(rng.beta(1.0, 1.8))
    if rng.random() < 0.06 + 0.24 * squint:
        return OPEN_APERTURE + 0.35 * float(rng.beta(1.8, 1.3))
    return 0.4 + 0.7 * float(rng.beta(3.5, 2.0 + squint))


def _draw_crop(subject: EyeSubject, name: str, rng: np.random.Generator) -> EyeCrop:
    label = OPEN if rng.random() < OPEN_SHARE else CLOSED
    aperture = draw_aperture(rng, label, squint=subject.squint)
    scene = draw_scene(rng, subject, aperture=aperture)
    image = photograph(render_eye(subject, scene, rng), scene.camera, rng)
    return EyeCrop(image=image, label=label, subject=name, aperture=aperture)


def _stream(seed: int, key: tuple[int, ...]) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _check(crops_per_subject: int, look: str, seed: int) -> None:
    if crops_per_subject < 1:
        raise ValueError(f'crops_per_subject must be >= 1, got {crops_per_subject}')
    if look not in LOOKS:
        raise ValueError(f'look must be one of {LOOKS}, got {look!r}')
    if seed < 0:
        raise ValueError(f'seed must be >= 0, got {seed}')
