"""The statistics of skeletons for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ocec.apis.skeleton_statistics_findings import Finding

SHOWN_CLIPS = 5


def format_statistics(
    headline: str, numbers: Mapping, findings: Sequence[Finding]
) -> str:
    """Write the statistics, the headline first.

    Args:
        headline: the verdict.
        numbers: of :func:`ocec.apis.skeleton_statistics_numbers.summarise`.
        findings: what is wrong.

    Returns:
        Lines of text.
    """
    lines = [headline, '', *_overview(numbers), '', *_splits(numbers), '']
    lines += [*_classes(numbers), '', *_joints(numbers)]
    for finding in findings:
        lines += ['', f'{finding.level}: {finding.title}']
        lines += [f'  {clip}' for clip in finding.clips[:SHOWN_CLIPS]]
        more = len(finding.clips) - SHOWN_CLIPS
        lines += [f'  and {more:,} more'] if more > 0 else []
    return '\n'.join(lines)


def _overview(n: Mapping) -> Iterator[str]:
    yield f'{n["file"]}: {n["clips"]:,} clips, {n["bad_clips"]:,} cannot be read'
    yield (
        f'skeletons: {n["joints"]} joints in {n["dimensions"]} dimensions, '
        f'{n["unit"]}, {_shown(n["dtypes"])}'
    )
    if n['frames']:
        yield 'frames: {min:,} to {max:,}, median {median:g}, {sum:,} in all'.format(
            **n['frames']
        )
    yield f'persons: {_shown(n["persons"])}'
    if n['frame_sizes']:
        yield f'frame sizes: {_shown(n["frame_sizes"])}'
    scores = n['scores']
    yield 'scores: ' + (f'{scores[0]:.3g} to {scores[1]:.3g}' if scores else 'none')
    yield (
        f'clips without any joint: {n["clips_without_joint"]:,}; with NaN: '
        f'{n["clips_with_nan"]:,}'
    )
    if n['subjects']:
        yield (
            f'subjects: {n["subjects"]}; cameras: {_shown(n["cameras"])}; setups: '
            f'{_shown(n["setups"])}'
        )
    if n['videos']:
        yield (
            f'videos: {n["videos"]["read"]:,} read, {n["videos"]["lost"]:,} not; '
            f'frames more than annotated: '
            f'{_shown(n["videos"]["frames_more_than_annotated"])}'
        )


def _shown(counts: Mapping[str, int]) -> str:
    """Write counts as ``1: 30, 2: 4``, a few of them."""
    pairs = [f'{key}: {count:,}' for key, count in counts.items()]
    rest = f' and {len(pairs) - 8} more' if len(pairs) > 8 else ''
    return (', '.join(pairs[:8]) + rest) or 'none'


def _splits(n: Mapping) -> Iterator[str]:
    rule = ', by the names of the clips' if n['splits_by_names'] else ''
    yield (
        f'{"split":14}{"clips":>9}{"classes":>9}{"subjects":>10}{"cameras":>9}'
        f'{"setups":>8}{"frames, median":>16}{rule}'
    )
    for split in n['splits']:
        median = f'{split["frames"]["median"]:g}' if split['frames'] else '-'
        yield (
            f'{split["split"]:14}{split["clips"]:>9,}{split["classes"]:>9}'
            f'{split["subjects"]:>10}{split["cameras"]:>9}{split["setups"]:>8}'
            f'{median:>16}'
        )
    for overlap in n['overlaps']:
        a, b = overlap['splits']
        yield f'in {a} and {b}: {overlap["clips"]:,} clips'


def _classes(n: Mapping) -> Iterator[str]:
    splits = [split['split'] for split in n['splits']]
    widths = [max(len(split), 6) + 2 for split in splits]
    columns = list(zip(splits, widths, strict=True))
    yield f'{"class":32}' + ''.join(f'{split:>{width}}' for split, width in columns)
    for row in n['classes']:
        counts = ''.join(f'{row["clips"][s]:>{width},}' for s, width in columns)
        yield f'{row["label"]:>4} {row["name"]:27.27}{counts}'


def _joints(n: Mapping) -> Iterator[str]:
    yield 'joints missing, share of the skeletons that are there'
    for joint in n['missing_joints']:
        yield f'  {joint["joint"]:24}{joint["share"]:>8.2%}'
