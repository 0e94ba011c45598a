"""Crop all videos of a data set to their persons, once, so that training reads less."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ocec.apis.crop_persons_clip import (
    BAD,
    KEPT,
    MADE,
    CropJob,
    CroppedClip,
    crop_clip,
)
from ocec.apis.crop_persons_folder import (
    check_folder,
    locked_folder,
    write_boxes,
    write_problems,
)
from ocec.apis.crop_persons_progress import track_rate
from ocec.apis.errors import ConfigError
from ocec.apis.process_map import map_in_processes
from ocec.datasets.action_selection import (
    BAD_CLIP_POLICIES,
    SHOWN_CLIPS,
    select_clips,
)
from ocec.datasets.action_table import ActionTable, read_action_table
from ocec.datasets.rgb_source import RgbSource, find_videos
from ocec.functional.person_box import person_box
from ocec.preparation.crop_settings import CropSettings

# clips cropped at first, to see how large they are
_NUM_PILOTS = 4
_RESERVE = 1.1
_MB = 1e6


def crop_persons(
    annotations: str | os.PathLike,
    videos: str | os.PathLike,
    out: str | os.PathLike,
    *,
    settings: CropSettings | Mapping | None = None,
    layout: str = 'auto',
    split: str | None = None,
    num_joints: int = 17,
    num_classes: int | None = None,
    left_out: str | os.PathLike | None = None,
    bad_clips: str = 'error',
    jobs: int | None = None,
) -> Counter:
    """Write a crop of each video around all its persons, and a list of the boxes.

    :class:`ocec.datasets.rgb_pose.RGBPose` reads the folder in place of the videos: its
    box and its skeletons stay as they are. Each video is read once, to the last frame
    of its annotation. A run that was stopped is taken up where it was: crops that are
    complete stay. With more than one job the calling script needs the usual
    ``if __name__ == '__main__'``.

    Args:
        annotations: pickle with skeletons in pixels.
        videos: folder of the videos that show whole frames.
        out: folder to write: ``NAME_rgb.mp4`` or ``NAME.zip``, ``boxes.csv``,
            ``crop_persons.json`` with the settings.
        settings: how, or its fields by name.
        layout: of the videos, see :data:`ocec.datasets.rgb_source.LAYOUTS`.
        split: only these clips; None takes all.
        num_joints: K that every clip must have.
        num_classes: labels must be below; None lets all pass.
        left_out: text file of clips that are not cropped.
        bad_clips: ``error``: fail at the end when clips have no crop; ``skip``: only
            say so. Either way the others are cropped, and these listed in
            ``bad_clips.txt``.
        jobs: processes, >= 1; None takes all cores.

    Returns:
        How many clips were ``made``, ``kept`` from an earlier run, and are ``bad``.

    Raises:
        ConfigError: an argument is wrong.
        FileExistsError: the folder holds something else, crops made otherwise, or
            another process writes into it.
        FileNotFoundError: there are no annotations or no videos.
        OSError: there is not enough room, or a file cannot be written.
        ValueError: the annotations cannot be read, or clips have no crop.
    """
    settings = _check(settings, bad_clips, jobs)
    videos, out = Path(videos), Path(out)
    if out.resolve() == videos.resolve():
        raise ConfigError(f'error: {out} holds the videos; write to another folder')
    check_folder(out, settings)
    table = read_action_table(annotations, num_joints=num_joints)
    rows, problems = select_clips(
        table,
        split,
        num_classes=2**31 if num_classes is None else num_classes,
        left_out=left_out,
    )
    source, missing = find_videos(videos, table, rows, layout=layout)
    if source.layout == 'crops':
        raise ConfigError(f'error: {videos} holds crops already, not whole frames')
    problems += missing.values()
    rows = [row for row in rows.tolist() if row not in missing]
    if not rows:
        why = problems[0] if problems else 'it holds none'
        raise ValueError(f'{table.file}: no clip can be cropped; {why}')
    planned = [_plan(table, source, row, out, settings) for row in rows]
    start = time.monotonic()
    with locked_folder(out):
        write_boxes(out, planned, settings)
        clips = list(_crop_all(planned, settings, out, jobs))
        problems += [clip.problem for clip in clips if clip.status == BAD]
        listing = write_problems(out, problems)
    counts = Counter({name: 0 for name in (MADE, KEPT)})
    counts.update(clip.status for clip in clips)
    counts[BAD] = len(problems)
    _print_summary(out, planned, clips, counts, time.monotonic() - start)
    _report(problems, listing, bad_clips)
    return counts


def _check(
    settings: CropSettings | Mapping | None, bad_clips: str, jobs: int | None
) -> CropSettings:
    if bad_clips not in BAD_CLIP_POLICIES:
        raise ConfigError(
            f'error: bad_clips must be one of {BAD_CLIP_POLICIES}, got {bad_clips!r}'
        )
    if jobs is not None and jobs < 1:
        raise ConfigError(f'error: jobs must be >= 1, got {jobs}')
    if isinstance(settings, CropSettings):
        return settings
    try:
        return CropSettings(**settings or {})
    except ValueError as error:
        raise ConfigError(f'error: {error}') from error


def _plan(
    table: ActionTable, source: RgbSource, row: int, out: Path, settings: CropSettings
) -> CropJob:
    keypoint_PFK2, _ = table.skeletons(row)
    frame_hw = table.frame_hw_N2[row].tolist()
    box_4 = person_box(keypoint_PFK2, frame_hw, **settings.box)
    name = str(table.name_N[row])
    return CropJob(
        name=name,
        source=source.root / str(source.path_N[row]),
        target=out / f'{name}{settings.suffix}',
        box=tuple(box_4.astype(int).tolist()),
        frame_hw=tuple(frame_hw),
        num_frames=int(table.num_frames_N[row]),
    )


def _crop_all(
    planned: Sequence[CropJob], settings: CropSettings, out: Path, jobs: int | None
) -> Iterator[CroppedClip]:
    function = partial(crop_clip, settings=settings)
    # spread over the list: clips of one subject are alike
    first = np.linspace(0, len(planned) - 1, min(_NUM_PILOTS, len(planned)))
    first = set(first.astype(int).tolist())
    pilots = [planned[number] for number in sorted(first)]
    rest = [job for number, job in enumerate(planned) if number not in first]
    pilot_clips = [function(job) for job in pilots]
    yield from pilot_clips
    if rest:
        _require_room(pilots, pilot_clips, rest, out)
        results = map_in_processes(function, rest, jobs=jobs)
        yield from track_rate(
            results, total=len(rest), what='cropping persons', unit='clips'
        )


def _require_room(
    pilots: Sequence[CropJob],
    pilot_clips: Sequence[CroppedClip],
    rest: Sequence[CropJob],
    out: Path,
) -> None:
    """Compare what the rest will take, by those made at first, with what is free."""
    pairs = zip(pilots, pilot_clips, strict=True)
    num_frames = sum(job.num_frames for job, clip in pairs if clip.num_bytes)
    if not num_frames:
        return  # none of them can be read: nothing is known
    per_frame = sum(clip.num_bytes for clip in pilot_clips) / num_frames
    wanted = [job for job in rest if not job.target.exists()]
    needed = per_frame * sum(job.num_frames for job in wanted) * _RESERVE
    free = shutil.disk_usage(out).free
    told = (
        f'{len(wanted):,} clips still need about {needed / _MB:,.1f} MB (by '
        f'{num_frames} frames of {len(pilots)} clips), {free / _MB:,.1f} MB are free'
    )
    if needed > free:
        raise OSError(f'{out}: {told}; make room and start again, what is done stays')
    print(f'{out}: {told}')


def _print_summary(
    out: Path,
    planned: Sequence[CropJob],
    clips: Sequence[CroppedClip],
    counts: Counter,
    seconds: float,
) -> None:
    num_bytes = sum(clip.num_bytes for clip in clips)
    num_good = max(counts[MADE] + counts[KEPT], 1)
    whole = [j for j in planned if j.box == (0, 0, *j.frame_hw[::-1])]
    print(
        f'{out}: {counts[MADE]:,} clips cropped, {counts[KEPT]:,} were there, '
        f'{counts[BAD]:,} have no crop; {num_bytes / _MB:,.1f} MB, '
        f'{num_bytes / num_good / 1e3:,.1f} kB a clip; {len(whole):,} show the whole '
        f'frame; {seconds:,.0f} s, {len(clips) / max(seconds, 1e-9):,.1f} clips/s'
    )


def _report(problems: Sequence[str], listing: Path, bad_clips: str) -> None:
    if not problems:
        return
    more = len(problems) - SHOWN_CLIPS
    lines = [f'{len(problems):,} clips have no crop, all listed in {listing}:']
    lines += [f'  {problem}' for problem in problems[:SHOWN_CLIPS]]
    lines += [f'  and {more:,} more'] if more > 0 else []
    if bad_clips == 'error':
        how = 'Leave them out with bad_clips skip (--bad-clips skip)'
        raise ValueError('\n'.join([*lines, how]))
    print('\n'.join(lines))
