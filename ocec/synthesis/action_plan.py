"""Which actions there are, who can tell them apart, and which clips make up a set.

Names, splits by subject and splits by camera are those of NTU RGB+D 60.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ocec.synthesis import action_moves
from ocec.synthesis.action_scene import CAMERAS

XSUB_TRAIN_SUBJECTS = (
    *(1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38),
)
XSUB_VAL_SUBJECTS = tuple(n for n in range(1, 41) if n not in XSUB_TRAIN_SUBJECTS)
XVIEW_TRAIN_CAMERAS = (2, 3)
SPLITS = ('xsub_train', 'xsub_val', 'xview_train', 'xview_val')
MIN_SUBJECTS, MAX_SUBJECTS = 3, 30
_PERSONS_PER_ROOM = 3


@dataclass(frozen=True)
class Action:
    """One class.

    Args:
        move: what the bodies do; actions of one ``move`` have the same skeletons.
        held: what the leading hand holds, or None.
        num_persons: 1 or 2.
        has_seat: whether there is something to sit on.
        looks_like: another action with the same pictures, or None.
    """

    move: Callable
    held: str | None = None
    num_persons: int = 1
    has_seat: bool = False
    looks_like: str | None = None


ACTIONS: dict[str, Action] = {
    'wave': Action(action_moves.wave),
    'clap': Action(action_moves.clap),
    'point': Action(action_moves.point),
    'squat': Action(action_moves.squat),
    'jump': Action(action_moves.jump),
    'kick': Action(action_moves.kick),
    'sit_down': Action(action_moves.sit_down, has_seat=True),
    'stand_up': Action(action_moves.stand_up, has_seat=True),
    'drink': Action(action_moves.hand_to_face, held='cup'),
    'phone': Action(action_moves.hand_to_face, held='phone'),
    'read': Action(action_moves.hold_before_chest, held='book'),
    'tablet': Action(action_moves.hold_before_chest, held='tablet'),
    'nod': Action(action_moves.nod, looks_like='shake_head'),
    'shake_head': Action(action_moves.shake_head, looks_like='nod'),
    'push': Action(action_moves.push, num_persons=2),
    'hug': Action(action_moves.hug, num_persons=2),
}
"""Name -> action, in the order of the labels when all are used."""


@dataclass(frozen=True)
class PlannedClip:
    """Which clip to draw.

    Args:
        setup: number of the room, from 1.
        camera: 1, 2 or 3.
        person: number of the subject, from 1.
        replication: how often the subject has done it by then, from 1.
        label: place of the action among the classes, from 0.
        action: its name.
    """

    setup: int
    camera: int
    person: int
    replication: int
    label: int
    action: str

    @property
    def name(self) -> str:
        """As in NTU RGB+D: the number of the action is the label plus 1.

        Example:
            >>> PlannedClip(1, 2, 13, 1, 8, 'drink').name
            'S001C002P013R001A009'
        """
        return (
            f'S{self.setup:03d}C{self.camera:03d}P{self.person:03d}'
            f'R{self.replication:03d}A{self.label + 1:03d}'
        )


def pose_twins(action: str, classes: Sequence[str]) -> list[str]:
    """Return the classes whose skeletons are those of an action.

    Args:
        action: a name in ``ACTIONS``.
        classes: names to look among.

    Returns:
        Their names, without the action itself.

    Example:
        >>> pose_twins('drink', ['drink', 'wave', 'phone'])
        ['phone']
    """
    move = ACTIONS[action].move
    return [name for name in classes if name != action and ACTIONS[name].move is move]


def rgb_twins(action: str, classes: Sequence[str]) -> list[str]:
    """Return the classes whose pictures are those of an action.

    Args:
        action: a name in ``ACTIONS``.
        classes: names to look among.

    Returns:
        Their names, without the action itself.
    """
    return [name for name in classes if ACTIONS[name].looks_like == action]


def best_accuracy(clips: Sequence[PlannedClip], stream: str) -> float:
    """Top-1 that one stream can reach if it is fooled by nothing but twins.

    Args:
        clips: the clips to tell apart, not empty.
        stream: ``pose`` or ``rgb``.

    Returns:
        Accuracy in (0, 1]: of twins the more frequent one is right.
    """
    twins = pose_twins if stream == 'pose' else rgb_twins
    counts = Counter(clip.action for clip in clips)
    groups = {frozenset([name, *twins(name, list(counts))]) for name in counts}
    hits = sum(max(counts[name] for name in group) for group in groups)
    return hits / counts.total()


def plan_clips(
    num_clips: int, classes: Sequence[str], num_subjects: int
) -> list[PlannedClip]:
    """Spread clips over classes, cameras and subjects.

    A class has at most one clip more than another. Two thirds of the subjects are
    for training.

    Args:
        num_clips: number of clips, enough for all splits.
        classes: names in ``ACTIONS``; their order gives the labels.
        num_subjects: in [3, 30].

    Returns:
        The clips, no two of one name.

    Raises:
        ValueError: a class is unknown or named twice, a number is out of range, or
            the clips are so few that a split is empty.
    """
    _check(num_clips, classes, num_subjects)
    persons = choose_persons(num_subjects)
    clips = []
    for number in range(num_clips):
        turn, label = divmod(number, len(classes))
        place = (turn // len(CAMERAS) + label) % num_subjects
        clips.append(
            PlannedClip(
                setup=1 + place // _PERSONS_PER_ROOM,
                camera=CAMERAS[(turn + label) % len(CAMERAS)],
                person=persons[place],
                replication=1 + turn // (len(CAMERAS) * num_subjects),
                label=label,
                action=classes[label],
            )
        )
    for split in SPLITS:
        if not any(in_split(clip, split) for clip in clips):
            raise ValueError(
                f'num_clips must leave some for {split}, got {num_clips}; with '
                f'{len(classes)} classes {9 * len(classes)} are enough'
            )
    return clips


def choose_persons(num_subjects: int) -> list[int]:
    """Choose subjects of NTU RGB+D 60, every third one of its validation.

    Args:
        num_subjects: in [3, 30].

    Returns:
        Their numbers.

    Example:
        >>> choose_persons(6)
        [1, 2, 3, 4, 5, 6]
    """
    train, val = iter(XSUB_TRAIN_SUBJECTS), iter(XSUB_VAL_SUBJECTS)
    return [next(val if n % 3 == 2 else train) for n in range(num_subjects)]


def in_split(clip: PlannedClip, split: str) -> bool:
    """Say whether a clip belongs to a split.

    Args:
        clip: the clip.
        split: one of ``SPLITS``.

    Returns:
        By subject for xsub, by camera for xview.
    """
    kind, part = split.split('_')
    if kind == 'xsub':
        trains = clip.person in XSUB_TRAIN_SUBJECTS
    else:
        trains = clip.camera in XVIEW_TRAIN_CAMERAS
    return trains == (part == 'train')


def _check(num_clips: int, classes: Sequence[str], num_subjects: int) -> None:
    unknown = [name for name in classes if name not in ACTIONS]
    if unknown or not classes:
        raise ValueError(
            f'classes must be some of {", ".join(ACTIONS)}; got '
            f'{", ".join(unknown) or "none"}'
        )
    if len(set(classes)) < len(classes):
        raise ValueError(f'classes must differ, got {", ".join(classes)}')
    if num_clips < 1:
        raise ValueError(f'num_clips must be >= 1, got {num_clips}')
    if not MIN_SUBJECTS <= num_subjects <= MAX_SUBJECTS:
        raise ValueError(
            f'num_subjects must be in [{MIN_SUBJECTS}, {MAX_SUBJECTS}], '
            f'got {num_subjects}'
        )
