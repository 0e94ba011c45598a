"""The numbers of a set of skeletons, ready for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ocec.apis.skeleton_statistics_findings import opposite_splits
from ocec.apis.skeleton_statistics_scan import ScannedClip, SkeletonSet
from ocec.functional.ntu import ntu_classes
from ocec.functional.skeleton_layouts import LAYOUTS

_BINS = 20


def summarise(
    data: SkeletonSet, video_frames: Mapping[str, int | str] | None = None
) -> dict:
    """Count and measure a set.

    Args:
        data: the set.
        video_frames: by the name of the clip, frames of its video, or why there are
            none.

    Returns:
        Numbers, texts, lists and dicts of them.
    """
    clips = list(data.clips.values())
    facts = [clip.facts for clip in clips]
    ranges = [fact.score_range for fact in facts if fact.score_range]
    known = [clip.ntu for clip in clips if clip.ntu is not None]
    return {
        'file': str(data.file),
        'clips': len(clips),
        'bad_clips': len(data.bad_clips),
        'dimensions': data.num_dimensions,
        'unit': 'metres' if data.num_dimensions == 3 else 'pixels',
        'joints': data.num_joints,
        'dtypes': dict(Counter(fact.dtype for fact in facts)),
        'frames': _spread([fact.num_frames for fact in facts]),
        'frames_histogram': _histogram([fact.num_frames for fact in facts]),
        'persons': _counted(fact.num_persons for fact in facts),
        'frame_sizes': dict(
            Counter(
                f'{clip.frame_hw[1]} x {clip.frame_hw[0]}'
                for clip in clips
                if clip.frame_hw
            ).most_common()
        ),
        'scores': [min(low for low, _ in ranges), max(high for _, high in ranges)]
        if ranges
        else None,
        'clips_without_joint': sum(not fact.num_skeletons for fact in facts),
        'clips_with_nan': sum(fact.num_not_numbers > 0 for fact in facts),
        'missing_joints': _missing(data),
        'subjects': len({ntu.subject for ntu in known}),
        'cameras': _counted(ntu.camera for ntu in known),
        'setups': _counted(ntu.setup for ntu in known),
        'splits_by_names': data.splits_by_names,
        'splits': [_split(data.clips, name, names) for name, names in _named(data)],
        'overlaps': [
            {'splits': [a, b], 'clips': len({*data.splits[a]} & {*data.splits[b]})}
            for a, b in opposite_splits(data.splits)
        ],
        'classes': _classes(data),
        'videos': _videos(data, video_frames),
    }


def _named(data: SkeletonSet) -> list[tuple[str, Sequence[str]]]:
    return [('all', list(data.clips)), *data.splits.items()]


def _spread(numbers: Sequence[int]) -> dict | None:
    if not numbers:
        return None
    return {
        'min': int(min(numbers)),
        'median': float(np.median(numbers)),
        'max': int(max(numbers)),
        'sum': int(sum(numbers)),
    }


def _histogram(numbers: Sequence[int]) -> dict | None:
    if not numbers:
        return None
    # whole numbers: no bin is narrower than one
    bins = min(_BINS, max(numbers) - min(numbers) + 1)
    counts, edges = np.histogram(numbers, bins=bins)
    return {'edges': edges.tolist(), 'counts': counts.tolist()}


def _counted(values) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items())}


def _missing(data: SkeletonSet) -> list[dict]:
    """Share of the skeletons that are there in which each joint is missing."""
    facts = [clip.facts for clip in data.clips.values()]
    num_skeletons = sum(fact.num_skeletons for fact in facts)
    missing_K = sum((fact.num_missing_K for fact in facts), np.zeros(data.num_joints))
    names = _joint_names(data.num_joints)
    return [
        {'joint': name, 'share': missing / num_skeletons if num_skeletons else 0.0}
        for name, missing in zip(names, missing_K.tolist(), strict=True)
    ]


def _joint_names(num_joints: int) -> list[str]:
    known = {layout.num_joints: layout.joints for layout in LAYOUTS.values()}
    names = known.get(num_joints, [''] * num_joints)
    return [f'{number} {name}'.strip() for number, name in enumerate(names)]


def _split(clips: Mapping[str, ScannedClip], split: str, names: Sequence[str]) -> dict:
    found = [clips[name] for name in dict.fromkeys(names) if name in clips]
    known = [clip.ntu for clip in found if clip.ntu is not None]
    return {
        'split': split,
        'clips': len(found),
        'classes': len({clip.label for clip in found}),
        'subjects': len({ntu.subject for ntu in known}),
        'cameras': len({ntu.camera for ntu in known}),
        'setups': len({ntu.setup for ntu in known}),
        'frames': _spread([clip.facts.num_frames for clip in found]),
    }


def _classes(data: SkeletonSet) -> list[dict]:
    counts = {
        split: Counter(data.clips[name].label for name in names if name in data.clips)
        for split, names in _named(data)
    }
    highest = max(counts['all'], default=-1)
    is_ntu = all(clip.ntu is not None for clip in data.clips.values())
    # the names of NTU's classes belong to no other set
    names = data.classes or (is_ntu and ntu_classes(highest + 1)) or ()
    return [
        {
            'label': label,
            'name': names[label] if label < len(names) else '',
            'clips': {split: counts[split][label] for split in counts},
        }
        for label in range(highest + 1)
    ]


def _videos(
    data: SkeletonSet, video_frames: Mapping[str, int | str] | None
) -> dict | None:
    if video_frames is None:
        return None
    more = [
        frames - data.clips[name].facts.num_frames
        for name, frames in video_frames.items()
        if not isinstance(frames, str)
    ]
    return {
        'read': len(more),
        'lost': len(video_frames) - len(more),
        'frames_more_than_annotated': _counted(more),
    }
