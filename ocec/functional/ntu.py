"""The names, classes and protocols of NTU RGB+D 60 and 120."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})')

XSUB_TRAIN_60 = frozenset(
    (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
)
"""Training subjects of NTU RGB+D 60, half of its 40."""

XSUB_TRAIN_120 = XSUB_TRAIN_60 | frozenset(
    (45, 46, 47, 49, 50, *range(52, 60), 70, 74, 78, *range(80, 87))
    + (89, 91, 92, 93, 94, 95, 97, 98, 100, 103)
)
"""Training subjects of NTU RGB+D 120, half of its 106."""

XVIEW_TRAIN = frozenset((2, 3))
"""Training cameras; camera 1 tests."""

NUM_CLASSES_60 = 60

CLASSES_60 = (
    'drink water',
    'eat meal/snack',
    'brushing teeth',
    'brushing hair',
    'drop',
    'pickup',
    'throw',
    'sitting down',
    'standing up',
    'clapping',
    'reading',
    'writing',
    'tear up paper',
    'wear jacket',
    'take off jacket',
    'wear a shoe',
    'take off a shoe',
    'wear on glasses',
    'take off glasses',
    'put on a hat/cap',
    'take off a hat/cap',
    'cheer up',
    'hand waving',
    'kicking something',
    'reach into pocket',
    'hopping',
    'jump up',
    'make/answer a phone call',
    'playing with phone/tablet',
    'typing on a keyboard',
    'pointing to something',
    'taking a selfie',
    'check time (watch)',
    'rub two hands together',
    'nod head/bow',
    'shake head',
    'wipe face',
    'salute',
    'put palms together',
    'cross hands in front',
    'sneeze/cough',
    'staggering',
    'falling',
    'touch head (headache)',
    'touch chest',
    'touch back',
    'touch neck',
    'nausea/vomiting',
    'use a fan/feeling warm',
    'punching/slapping',
    'kicking other',
    'pushing other',
    'pat on back',
    'point finger at other',
    'hugging',
    'giving something',
    "touch other's pocket",
    'handshaking',
    'walking towards',
    'walking apart',
)
"""Names of the classes of NTU RGB+D 60, by label; A001 has the label 0."""

CLASSES_120 = (
    *CLASSES_60,
    'put on headphone',
    'take off headphone',
    'shoot at the basket',
    'bounce ball',
    'tennis bat swing',
    'juggling table tennis balls',
    'hush',
    'flick hair',
    'thumb up',
    'thumb down',
    'make ok sign',
    'make victory sign',
    'staple book',
    'counting money',
    'cutting nails',
    'cutting paper',
    'snapping fingers',
    'open bottle',
    'sniff',
    'squat down',
    'toss a coin',
    'fold paper',
    'ball up paper',
    'play magic cube',
    'apply cream on face',
    'apply cream on hand back',
    'put on bag',
    'take off bag',
    'put something into a bag',
    'take something out of a bag',
    'open a box',
    'move heavy objects',
    'shake fist',
    'throw up cap/hat',
    'hands up',
    'cross arms',
    'arm circles',
    'arm swings',
    'running on the spot',
    'butt kicks',
    'cross toe touch',
    'side kick',
    'yawn',
    'stretch oneself',
    'blow nose',
    'hit other person with something',
    'wield knife towards other person',
    'knock over other person',
    "grab other person's stuff",
    'shoot at other person with a gun',
    'step on foot',
    'high-five',
    'cheers and drink',
    'carry something with other person',
    'take a photo of other person',
    'follow other person',
    "whisper in other person's ear",
    'exchange things with other person',
    'support somebody with hand',
    'finger-guessing game',
)
"""Names of the classes of NTU RGB+D 120; the first 60 are those of NTU RGB+D 60."""

PROTOCOLS = ('xsub', 'xview', 'xset')
"""Cross-subject, cross-view (60 classes) and cross-setup (120 classes)."""


@dataclass(frozen=True)
class NtuName:
    """What the name of a clip says, all numbers from 1.

    Args:
        setup: height and distance of the cameras.
        camera: 1, 2 or 3.
        subject: the person.
        repetition: 1 or 2.
        action: label + 1.
    """

    setup: int
    camera: int
    subject: int
    repetition: int
    action: int


def ntu_classes(num_classes: int) -> tuple[str, ...] | None:
    """Return the names of the classes of the data set of that size.

    Args:
        num_classes: of the data set.

    Returns:
        The names by label; None for a number that no data set of NTU has.

    Example:
        >>> ntu_classes(120)[119], ntu_classes(61)
        ('finger-guessing game', None)
    """
    by_size = {len(names): names for names in (CLASSES_60, CLASSES_120)}
    return by_size.get(num_classes)


def parse_ntu_name(name: str) -> NtuName | None:
    """Read the name of a clip.

    Args:
        name: such as ``S001C002P003R002A013``, with or without ``_rgb.avi``.

    Returns:
        Its numbers; None where the name does not begin so.

    Example:
        >>> parse_ntu_name('S001C002P003R002A013_rgb.avi').subject
        3
    """
    match = _NAME.match(name)
    return NtuName(*map(int, match.groups())) if match else None


def is_training_clip(name: NtuName, protocol: str, *, num_classes: int) -> bool:
    """Say on which side of a protocol a clip is.

    Args:
        name: of the clip.
        protocol: ``xsub``, ``xview`` or ``xset``.
        num_classes: of the data set: more than 60 takes the subjects of NTU 120.

    Returns:
        True for training, False for testing.

    Raises:
        ValueError: the protocol is another.

    Source:
        Shahroudy et al., NTU RGB+D, CVPR 2016, arXiv:1604.02808; Liu et al., NTU RGB+D
        120, TPAMI 2019, arXiv:1905.04757.

    Example:
        >>> clip = parse_ntu_name('S001C002P003R002A013')
        >>> [is_training_clip(clip, p, num_classes=60) for p in PROTOCOLS]
        [False, True, False]
    """
    if protocol == 'xsub':
        is_large = num_classes > NUM_CLASSES_60
        return name.subject in (XSUB_TRAIN_120 if is_large else XSUB_TRAIN_60)
    if protocol == 'xview':
        return name.camera in XVIEW_TRAIN
    if protocol == 'xset':
        return name.setup % 2 == 0
    raise ValueError(f'protocol must be one of {PROTOCOLS}, got {protocol!r}')
