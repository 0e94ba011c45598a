"""Which of the bodies that a Kinect followed are persons, at most two.

It also follows furniture, and loses persons and finds them again under another id.
Shapes: F frames in which a body is seen, K joints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ocec.preparation.ntu_skeleton_file import NtuBody

MAX_PERSONS = 2
MIN_FRAMES = 12
"""Bodies that are seen in fewer frames are noise."""

MAX_SPREAD = 0.8
"""A frame in which a body is wider than this share of its height is noise."""

MAX_NOISE = 0.69754
"""A body with this share of such frames, or more, is noise."""

Person = list[NtuBody]


def choose_persons(bodies: Sequence[NtuBody]) -> tuple[list[Person], Counter]:
    """Choose the bodies that are persons.

    With a single body there is no choice. Else those of fewer than ``MIN_FRAMES``
    frames go, then those that are mostly wider than a person, see
    :func:`spread_noise`; a rule that would leave none leaves the one that moves most.
    The rest come in the order of their motion. The first is a person; each other one
    goes on with the first person that is not seen between its first and last frame,
    and is dropped where there are two persons already. Of two persons one that is
    seen in the first frame is the first.

    Args:
        bodies: of a file, at least one.

    Returns:
        One or two persons, each made of bodies one after the other; and how many
        bodies were dropped, by reason: ``short``, ``spread``, ``third``.

    Source:
        The authors' denoising as in pyskl, ``tools/data/ntu_preproc.py``, and in
        CTR-GCN, ``data/ntu/get_raw_denoised_data.py``:
        https://github.com/kennymckormick/pyskl, https://github.com/Uason-Chen/CTR-GCN
    """
    motion_of = {id(body): motion(body.xyz_FK3) for body in bodies}
    bodies = _by_motion(bodies, motion_of)
    dropped = Counter()
    is_long = [len(body.frame_F) >= MIN_FRAMES for body in bodies]
    bodies = _keep(bodies, is_long, 'short', dropped)
    if len(bodies) > 1:
        noise = [spread_noise(body.xyz_FK3) for body in bodies]
        for body, wide_F in zip(bodies, noise, strict=True):
            if wide_F.any() and not wide_F.all():
                clean = motion(body.xyz_FK3[~wide_F])
                motion_of[id(body)] = min(motion_of[id(body)], clean)
        is_narrow = [wide_F.mean() < MAX_NOISE for wide_F in noise]
        bodies = _by_motion(_keep(bodies, is_narrow, 'spread', dropped), motion_of)
    persons = _join(bodies, dropped)
    if len(persons) > 1 and _first(persons[1]) < _first(persons[0]):
        persons.reverse()
    return persons, dropped


def motion(xyz_FK3: np.ndarray) -> float:
    """Measure how much a body moves.

    Args:
        xyz_FK3: (F, K, 3) in metres.

    Returns:
        Variance over all frames and joints, summed over x, y and z, in square metres.

    Example:
        >>> motion(np.array([[[0.0, 0.0, 0.0]], [[2.0, 0.0, 0.0]]]))
        1.0
    """
    return float(xyz_FK3.reshape(-1, 3).var(axis=0).sum())


def spread_noise(xyz_FK3: np.ndarray) -> np.ndarray:
    """Find the frames in which a body is too wide for a person.

    Args:
        xyz_FK3: (F, K, 3) in metres; y is upwards.

    Returns:
        (F,) bool.

    Example:
        >>> spread_noise(np.array([[[0.0, 0.0, 3.0], [0.9, 1.0, 3.0]]])).tolist()
        [True]
    """
    width_F, height_F = np.ptp(xyz_FK3[..., :2], axis=1).T
    return width_F > MAX_SPREAD * height_F


def _by_motion(bodies: Sequence[NtuBody], motion_of: dict[int, float]) -> Person:
    return sorted(bodies, key=lambda body: -motion_of[id(body)])


def _keep(
    bodies: Person, is_good: Sequence[bool], reason: str, dropped: Counter
) -> Person:
    if len(bodies) == 1:
        return bodies
    kept = [body for body, good in zip(bodies, is_good, strict=True) if good]
    kept = kept or bodies[:1]  # sorted: the one that moves most
    if len(kept) < len(bodies):
        dropped[reason] += len(bodies) - len(kept)
    return kept


def _first(person: Person) -> int:
    return min(int(body.frame_F[0]) for body in person)


def _join(bodies: Person, dropped: Counter) -> list[Person]:
    persons: list[Person] = []
    for body in bodies:
        free = [person for person in persons if not _overlap(person, body)]
        if free:
            free[0].append(body)
        elif len(persons) < MAX_PERSONS:
            persons.append([body])
        else:
            dropped['third'] += 1
    return persons


def _overlap(person: Person, body: NtuBody) -> bool:
    last = max(int(part.frame_F[-1]) for part in person)
    return _first(person) <= body.frame_F[-1] and body.frame_F[0] <= last
