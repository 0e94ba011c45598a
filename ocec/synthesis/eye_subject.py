"""The person behind a crop: everything that stays the same from crop to crop.

Lengths are in eye units: half the distance between the corners of the eye, about
15 mm. ``x`` runs from the outer corner (-1) to the inner one (+1), ``y`` downwards,
the corners lie on ``y = 0``. Colours are reflectances in [0, 1]: three of them (RGB)
for visible light, one for infrared.
"""

from dataclasses import dataclass

import numpy as np

LOOKS = ('visible', 'infrared')

Colour = tuple[float, ...]

# From very light to very dark, in the order of the Fitzpatrick scale.
_SKIN_TONES = (
    (0.93, 0.77, 0.69),
    (0.88, 0.69, 0.58),
    (0.80, 0.60, 0.47),
    (0.66, 0.47, 0.35),
    (0.48, 0.33, 0.24),
    (0.31, 0.21, 0.16),
)
_IRIS_TONES = (
    (0.13, 0.08, 0.06),
    (0.25, 0.14, 0.08),
    (0.38, 0.24, 0.12),
    (0.36, 0.36, 0.20),
    (0.34, 0.47, 0.60),
    (0.45, 0.50, 0.53),
)
_IRIS_SHARES = (0.34, 0.26, 0.14, 0.09, 0.10, 0.07)
_HAIR_TONES = ((0.06, 0.05, 0.05), (0.15, 0.09, 0.06), (0.34, 0.23, 0.13))


@dataclass(frozen=True)
class Palette:
    """Reflectances of one subject; all of one length, 3 (RGB) or 1 (infrared)."""

    skin: Colour
    blush: Colour  # lid rims and the inner corner
    sclera: Colour
    iris: Colour
    pupil: Colour
    hair: Colour  # brow and strands
    lash: Colour
    shadow: Colour  # make-up on the upper lid
    rim: Colour  # of the glasses


@dataclass(frozen=True)
class LidShape:
    """Outline of the fully open eye and the fold above it, in eye units."""

    upper_height: float
    lower_height: float
    upper_skew: float
    lower_skew: float
    fullness: float  # 0: a parabola; > 0: boxier; < 0: more pointed
    tilt_deg: float  # outer corner up is positive
    crease_height: float
    crease_strength: float


@dataclass(frozen=True)
class Lashes:
    """Lashes and liner of the upper lid."""

    count: int
    length: float
    curl: float
    line_width: float
    darkness: float


@dataclass(frozen=True)
class Brow:
    """Eyebrow and the shadow beneath it."""

    y: float
    thickness: float
    slope: float
    density: float
    shadow: float


@dataclass(frozen=True)
class Glasses:
    """One lens with its rim, in eye units."""

    half_width: float
    half_height: float
    centre_y: float
    rim_width: float
    squareness: float  # exponent of the superellipse, 2: an ellipse
    tint: float  # share of the light the lens takes, in [0, 1]
    coating: Colour


@dataclass(frozen=True)
class EyeSubject:
    """One person as seen by one camera."""

    look: str
    side: int  # +1: the nose is on the right of the crop; -1: on the left
    palette: Palette
    lids: LidShape
    lashes: Lashes
    brow: Brow
    glasses: Glasses | None
    iris_radius: float
    pupil_share: float
    bag: float
    wrinkles: float
    texture: float
    makeup: float
    fringe: float  # share of crops with hair across the eye
    squint: float  # 0: always wide open; 1: nearly always narrowed
    camera_pitch: float  # > 0: the camera looks down on the eye, bends lids down
    view: float  # half of the crop's width, in eye units


def draw_subject(rng: np.random.Generator, look: str) -> EyeSubject:
    """Draw one subject.

    Args:
        rng: source of all randomness; the same state gives the same subject.
        look: ``visible`` or ``infrared``.

    Returns:
        The subject; left and right eyes are equally likely.

    Raises:
        ValueError: the look is unknown.
    """
    if look not in LOOKS:
        raise ValueError(f'look must be one of {LOOKS}, got {look!r}')
    infrared = look == 'infrared'
    return EyeSubject(
        look=look,
        side=1 if rng.random() < 0.5 else -1,
        palette=_infrared_palette(rng) if infrared else _visible_palette(rng),
        lids=_draw_lids(rng),
        lashes=_draw_lashes(rng),
        brow=_draw_brow(rng),
        glasses=_draw_glasses(rng, infrared),
        iris_radius=rng.uniform(0.36, 0.43),
        pupil_share=rng.uniform(0.34, 0.6) if infrared else rng.uniform(0.26, 0.5),
        bag=rng.uniform(0.0, 0.16),
        wrinkles=max(0.0, rng.uniform(-0.6, 1.0)),
        texture=rng.uniform(0.01, 0.035),
        makeup=rng.uniform(0.15, 0.5) if rng.random() < 0.2 else 0.0,
        fringe=rng.uniform(0.2, 0.6) if rng.random() < 0.12 else 0.02,
        squint=float(rng.beta(1.4, 2.2)),
        camera_pitch=rng.normal(0.06, 0.09),
        view=rng.uniform(1.15, 1.5),
    )


def _draw_lids(rng: np.random.Generator) -> LidShape:
    monolid = rng.random() < 0.25
    full_height = rng.uniform(0.5, 0.68) if monolid else rng.uniform(0.56, 0.86)
    upper_share = rng.uniform(0.56, 0.74)
    return LidShape(
        upper_height=full_height * upper_share,
        lower_height=full_height * (1 - upper_share),
        upper_skew=rng.uniform(-0.18, 0.28),
        lower_skew=rng.uniform(-0.25, 0.1),
        fullness=rng.uniform(-0.15, 0.45),
        tilt_deg=rng.normal(3.5, 3.0),
        crease_height=rng.uniform(0.03, 0.1) if monolid else rng.uniform(0.1, 0.3),
        crease_strength=rng.uniform(0.0, 0.2) if monolid else rng.uniform(0.25, 0.6),
    )


def _draw_lashes(rng: np.random.Generator) -> Lashes:
    liner = rng.random() < 0.22
    return Lashes(
        count=int(rng.integers(16, 44)),
        length=rng.uniform(0.1, 0.3),
        curl=rng.uniform(0.2, 1.0),
        line_width=rng.uniform(0.05, 0.085) if liner else rng.uniform(0.018, 0.045),
        darkness=rng.uniform(0.8, 1.0) if liner else rng.uniform(0.4, 0.9),
    )


def _draw_brow(rng: np.random.Generator) -> Brow:
    return Brow(
        y=rng.uniform(-1.35, -0.85),
        thickness=rng.uniform(0.09, 0.2),
        slope=rng.normal(0.0, 0.07),
        density=rng.uniform(0.35, 0.95),
        shadow=rng.uniform(0.0, 0.3),
    )


def _draw_glasses(rng: np.random.Generator, infrared: bool) -> Glasses | None:
    if rng.random() >= 0.32:
        return None
    thick = rng.random() < 0.5
    tint = rng.uniform(0.2, 0.6) if rng.random() < 0.2 else rng.uniform(0.0, 0.1)
    coatings = ((0.55, 0.85, 0.65), (0.6, 0.65, 1.0), (1.0, 1.0, 1.0))
    coating = coatings[int(rng.integers(3))]
    return Glasses(
        half_width=rng.uniform(1.35, 1.8),
        half_height=rng.uniform(0.85, 1.3),
        centre_y=rng.uniform(-0.05, 0.3),
        rim_width=rng.uniform(0.09, 0.17) if thick else rng.uniform(0.015, 0.05),
        squareness=rng.uniform(2.2, 5.0),
        tint=tint,
        coating=(1.0,) if infrared else coating,
    )


def _visible_palette(rng: np.random.Generator) -> Palette:
    skin = _between(_SKIN_TONES, rng.beta(1.0, 1.4)) * rng.normal(1.0, 0.03, 3)
    hair = np.array(_HAIR_TONES[int(rng.choice(3, p=(0.5, 0.35, 0.15)))])
    iris = np.array(_IRIS_TONES[int(rng.choice(6, p=_IRIS_SHARES))])
    sclera = np.array((0.86, 0.83, 0.8)) * rng.uniform(0.85, 1.08)
    sclera *= 1 - rng.uniform(0.0, 0.16) * np.array((0.1, 1.0, 1.0))
    rims = ((0.05, 0.05, 0.06), (0.32, 0.19, 0.1), (0.6, 0.6, 0.62), (0.28, 0.05, 0.07))
    return Palette(
        skin=_colour(skin),
        blush=_colour(skin * (1.02, 0.78, 0.76)),
        sclera=_colour(sclera),
        iris=_colour(iris * rng.uniform(0.75, 1.3)),
        pupil=(0.02, 0.02, 0.02),
        hair=_colour(hair * rng.uniform(0.7, 1.3)),
        lash=_colour(hair * 0.5),
        shadow=_colour(skin * rng.uniform(0.25, 0.9, 3)),
        rim=rims[int(rng.integers(4))],
    )


def _infrared_palette(rng: np.random.Generator) -> Palette:
    # Near infrared passes melanin: skins look alike and bright, the sclera is darker
    # than the skin, dark irises turn grey, hair keeps little contrast.
    skin = rng.uniform(0.5, 0.75)
    bright_pupil = rng.random() < 0.6
    return Palette(
        skin=(skin,),
        blush=(skin * rng.uniform(0.92, 1.05),),
        sclera=(skin * rng.uniform(0.6, 0.9),),
        iris=(skin * rng.uniform(0.5, 0.85),),
        pupil=(rng.uniform(0.7, 1.05) if bright_pupil else rng.uniform(0.02, 0.08),),
        hair=(rng.uniform(0.15, 0.42),),
        lash=(rng.uniform(0.08, 0.3),),
        shadow=(skin * rng.uniform(0.75, 1.0),),
        rim=(rng.uniform(0.05, 0.8),),
    )


def _between(tones: tuple[Colour, ...], position: float) -> np.ndarray:
    """Colour at ``position`` in [0, 1] on the way through ``tones``."""
    stops = np.linspace(0.0, 1.0, len(tones))
    channels = np.array(tones).T
    return np.array([np.interp(position, stops, channel) for channel in channels])


def _colour(values: np.ndarray) -> Colour:
    return tuple(float(value) for value in np.clip(values, 0.0, 1.0))
