"""What is wrong with a set of skeletons: leaks, clips of no use, and notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ocec.apis.skeleton_statistics_scan import ScannedClip, SkeletonSet

LEAK, UNUSABLE, NOTE = 'leak', 'unusable', 'note'
TEST_SIDES = ('val', 'test')
# what a protocol must keep apart
_APART = {'xsub': 'subject', 'xview': 'camera', 'xset': 'setup'}
# an annotation may end a little before its video; one that goes on much longer is odd
_MANY_FRAMES = 5


@dataclass(frozen=True)
class Finding:
    """Something to know.

    Args:
        level: ``leak``, ``unusable`` or ``note``.
        title: in a line.
        clips: names, or lines with names.
    """

    level: str
    title: str
    clips: tuple[str, ...] = ()


def find_problems(
    data: SkeletonSet,
    *,
    num_classes: int | None,
    video_frames: Mapping[str, int | str] | None = None,
) -> list[Finding]:
    """Look for what is wrong.

    Args:
        data: the set.
        num_classes: labels must be below; None is one more than the highest.
        video_frames: by the name of the clip, frames of its video, or why there are
            none; None where videos were not looked at.

    Returns:
        Leaks first, then clips of no use, then notes.
    """
    found = [
        *_leaks(data),
        *_unusable(data, num_classes, video_frames),
        *_notes(data, num_classes, video_frames),
    ]
    return [finding for finding in found if finding.clips]


def opposite_splits(splits: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Pair each ``X_train`` with ``X_val`` and ``X_test``.

    Args:
        splits: by name.

    Returns:
        The pairs there are.

    Example:
        >>> opposite_splits({'xsub_train': [], 'xsub_val': [], 'all': []})
        [('xsub_train', 'xsub_val')]
    """
    pairs = []
    for split in splits:
        protocol, _, side = split.rpartition('_')
        if side == 'train' or split == 'train':
            others = [f'{protocol}_{s}' if protocol else s for s in TEST_SIDES]
            pairs += [(split, other) for other in others if other in splits]
    return pairs


def _leaks(data: SkeletonSet) -> Iterator[Finding]:
    for train, test in opposite_splits(data.splits):
        names = set(data.splits[train]), set(data.splits[test])
        both = sorted(names[0] & names[1])
        yield Finding(LEAK, f'{len(both):,} clips are in {train} and {test}', (*both,))
        copies = _copies(data.clips, *names)
        title = f'{len(copies):,} skeletons are in {train} and {test} under two names'
        yield Finding(LEAK, title, copies)
        field = _APART.get(train.rpartition('_')[0])
        if field is not None:
            shared = _shared(data.clips, *names, field)
            title = f'{len(shared)} {field}s are in {train} and {test}: '
            yield Finding(
                LEAK,
                title + ', '.join(map(str, shared)),
                _clips_of(data.clips, names[1], field, shared),
            )


def _values(clips: Mapping[str, ScannedClip], names: set[str], field: str) -> set[int]:
    known = [clips[name].ntu for name in names if name in clips]
    return {getattr(ntu, field) for ntu in known if ntu is not None}


def _shared(clips, train: set[str], test: set[str], field: str) -> list[int]:
    return sorted(_values(clips, train, field) & _values(clips, test, field))


def _clips_of(clips, names: set[str], field: str, values: list[int]) -> tuple[str, ...]:
    return tuple(
        name
        for name in sorted(names)
        if name in clips
        and clips[name].ntu is not None
        and getattr(clips[name].ntu, field) in values
    )


def _copies(clips, train: set[str], test: set[str]) -> tuple[str, ...]:
    by_digest = defaultdict(list)
    for name in sorted(train):
        # clips without a joint are all alike
        if name in clips and clips[name].facts.num_skeletons:
            by_digest[clips[name].facts.digest].append(name)
    return tuple(
        f'{by_digest[clips[name].facts.digest][0]} = {name}'
        for name in sorted(test - train)
        if name in clips and clips[name].facts.digest in by_digest
    )


def _unusable(data: SkeletonSet, num_classes, video_frames) -> Iterator[Finding]:
    bad = tuple(data.bad_clips)
    yield Finding(UNUSABLE, f'{len(bad):,} clips cannot be read', bad)
    empty = _named(data, lambda clip: not clip.facts.num_skeletons)
    yield Finding(UNUSABLE, f'{len(empty):,} clips have no joint in any frame', empty)
    if num_classes is not None:
        high = tuple(
            f'{clip.name}: label {clip.label}'
            for clip in data.clips.values()
            if clip.label >= num_classes
        )
        title = f'{len(high):,} labels are not below {num_classes} classes'
        yield Finding(UNUSABLE, title, high)
    # those that cannot be read are told already
    unreadable = ' '.join(data.bad_clips)
    for split, names in data.splits.items():
        absent = tuple(
            name
            for name in names
            if name not in data.clips and f'"{name}"' not in unreadable
        )
        title = f'{len(absent):,} clips of split {split} are not in the annotations'
        yield Finding(UNUSABLE, title, absent)
    yield from _bad_videos(data, video_frames or {})


def _bad_videos(
    data: SkeletonSet, video_frames: Mapping[str, int | str]
) -> Iterator[Finding]:
    lost = tuple(told for told in video_frames.values() if isinstance(told, str))
    yield Finding(UNUSABLE, f'{len(lost):,} clips have no video to read', lost)
    short = _differences(data, video_frames, lambda more: more < 0)
    title = f'{len(short):,} videos are shorter than their annotation'
    yield Finding(UNUSABLE, title, short)


def _differences(data: SkeletonSet, video_frames, is_odd) -> tuple[str, ...]:
    return tuple(
        f'{name}: {data.clips[name].facts.num_frames} frames annotated, the video has '
        f'{frames}'
        for name, frames in video_frames.items()
        if not isinstance(frames, str)
        and is_odd(frames - data.clips[name].facts.num_frames)
    )


def _notes(data: SkeletonSet, num_classes, video_frames) -> Iterator[Finding]:
    nan = _named(data, lambda clip: clip.facts.num_not_numbers)
    title = f'{len(nan):,} clips have NaN or infinite values: those joints are missing'
    yield Finding(NOTE, title, nan)
    single = _named(data, lambda clip: clip.facts.num_frames == 1)
    title = f'{len(single):,} clips have a single frame, which is repeated'
    yield Finding(NOTE, title, single)
    long = _differences(data, video_frames or {}, lambda more: more > _MANY_FRAMES)
    title = f'{len(long):,} videos are more than {_MANY_FRAMES} frames longer'
    yield Finding(NOTE, title, long)
    unknown = _named(data, lambda clip: clip.ntu is None)
    title = f'{len(unknown):,} clips have no NTU name: their subjects are not known'
    yield Finding(NOTE, title, unknown)
    named = {name for names in data.splits.values() for name in names}
    rest = tuple(name for name in data.clips if name not in named)
    if data.splits:
        yield Finding(NOTE, f'{len(rest):,} clips are in no split', rest)
    highest = max((clip.label for clip in data.clips.values()), default=-1)
    for split, names in data.splits.items():
        labels = {data.clips[name].label for name in names if name in data.clips}
        absent = sorted(set(range(num_classes or highest + 1)) - labels)
        title = f'{len(absent)} classes have no clip in {split}'
        yield Finding(NOTE, title, tuple(f'class {label}' for label in absent))


def _named(data: SkeletonSet, is_such) -> tuple[str, ...]:
    return tuple(name for name, clip in data.clips.items() if is_such(clip))
