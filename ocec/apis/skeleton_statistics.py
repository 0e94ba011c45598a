"""Statistics of a pickle of skeletons: what is in it, and what is wrong with it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.apis.process_map import map_in_processes
from ocec.apis.progress import track
from ocec.apis.skeleton_statistics_findings import (
    LEAK,
    NOTE,
    UNUSABLE,
    Finding,
    find_problems,
)
from ocec.apis.skeleton_statistics_numbers import summarise
from ocec.apis.skeleton_statistics_page import render_page
from ocec.apis.skeleton_statistics_scan import SkeletonSet, scan_skeletons
from ocec.apis.skeleton_statistics_text import format_statistics
from ocec.datasets.action_table import read_action_table
from ocec.datasets.frame_count import count_frames
from ocec.datasets.rgb_source import find_videos
from ocec.datasets.video_reader import VideoError
from ocec.preparation.atomic_files import new_file


class SkeletonSetError(ValueError):
    """The splits of a set leak, or clips of it are of no use."""


@dataclass(frozen=True)
class SkeletonReport:
    """What was found.

    Args:
        headline: the verdict, a colon, and its reason.
        numbers: of :func:`ocec.apis.skeleton_statistics_numbers.summarise`.
        findings: leaks first, then clips of no use, then notes.
    """

    headline: str
    numbers: dict
    findings: tuple[Finding, ...]


def skeleton_statistics(
    annotations: str | os.PathLike,
    *,
    videos: str | os.PathLike | None = None,
    layout: str = 'auto',
    num_joints: int | None = None,
    num_classes: int | None = None,
    json_file: str | os.PathLike | None = None,
    html: str | os.PathLike | None = None,
    jobs: int | None = None,
) -> SkeletonReport:
    """Read a pickle, print its statistics, write the reports.

    With more than one job the calling script needs the usual
    ``if __name__ == '__main__'``.

    Args:
        annotations: pickle in the layout of mmaction2 and pyskl, of any joints, in
            pixels or in three dimensions.
        videos: folder; their frames are counted, not decoded.
        layout: of the videos, see :data:`ocec.datasets.rgb_source.LAYOUTS`.
        num_joints: K that every clip must have; None is that of most.
        num_classes: labels must be below; None is one more than the highest.
        json_file: where to write all numbers and findings.
        html: where to write a page with figures.
        jobs: processes that count frames, >= 1; None takes all cores.

    Returns:
        What was found.

    Raises:
        ConfigError: videos are asked for and the skeletons have three dimensions.
        FileNotFoundError: a file is not there.
        ValueError: the pickle is damaged.
    """
    file = Path(annotations)
    if not file.is_file():
        raise FileNotFoundError(f'{file}: no such pickle')
    data = scan_skeletons(file, num_joints=num_joints)
    frames = None
    if videos is not None:
        frames = _count_all(data, Path(videos), layout, jobs)
    numbers = summarise(data, frames)
    findings = find_problems(data, num_classes=num_classes, video_frames=frames)
    headline = judge(findings, numbers)
    print(format_statistics(headline, numbers, findings))
    report = SkeletonReport(headline, numbers, tuple(findings))
    if json_file is not None:
        _write(json.dumps(asdict(report), indent=1) + '\n', Path(json_file))
    if html is not None:
        _write(render_page(headline, numbers, findings), Path(html))
    return report


def require_good_skeletons(annotations: str | os.PathLike, **settings) -> None:
    """Write the statistics, and fail when splits leak or clips are of no use.

    Args:
        annotations: pickle.
        **settings: those of :func:`skeleton_statistics`.

    Raises:
        SkeletonSetError: there is a leak or a clip of no use.
    """
    report = skeleton_statistics(annotations, **settings)
    if any(finding.level != NOTE for finding in report.findings):
        raise SkeletonSetError(report.headline)


def judge(findings: Sequence[Finding], numbers: dict) -> str:
    """Come to a verdict.

    Args:
        findings: what is wrong.
        numbers: of :func:`ocec.apis.skeleton_statistics_numbers.summarise`.

    Returns:
        ``LEAK FOUND``, ``CLIPS OF NO USE`` or ``NO LEAK FOUND``, a colon, and why.
    """
    for level, verdict in ((LEAK, 'LEAK FOUND'), (UNUSABLE, 'CLIPS OF NO USE')):
        titles = [finding.title for finding in findings if finding.level == level]
        if titles:
            return f'{verdict}: {"; ".join(titles)}'
    compared = '' if numbers['overlaps'] else ', no two splits to compare'
    return f'NO LEAK FOUND: {numbers["clips"]:,} clips{compared}'


def _count_all(
    data: SkeletonSet, folder: Path, layout: str, jobs: int | None
) -> dict[str, int | str]:
    """Frames of the video of each clip, or why there are none."""
    if data.num_dimensions == 3:
        raise ConfigError(
            'error: skeletons in three dimensions belong to no frames of videos, which '
            'pyskl leaves out where there is no body: do without --videos'
        )
    table = read_action_table(data.file, num_joints=data.num_joints)
    row_of = {str(name): row for row, name in enumerate(table.name_N)}
    rows = [row_of[name] for name in data.clips]
    source, missing = find_videos(folder, table, rows, layout=layout)
    names = [name for name in data.clips if row_of[name] not in missing]
    paths = [folder / str(source.path_N[row_of[name]]) for name in names]
    results = map_in_processes(_count, paths, jobs=jobs)
    counts = track(results, total=max(len(paths), 1), what='counting frames')
    found = {table.name_N[row].item(): told for row, told in missing.items()}
    for name, count in zip(names, counts, strict=True):
        found[name] = f'clip "{name}": {count}' if isinstance(count, str) else count
    return found


def _count(path: Path) -> int | str:
    """Frames of a video, or what is wrong with it; runs in a worker."""
    try:
        return count_frames(path)
    except VideoError as error:
        return str(error)


def _write(text: str, path: Path) -> None:
    with new_file(path) as stream:
        stream.write(text.encode())
    print(f'written: {path}')
