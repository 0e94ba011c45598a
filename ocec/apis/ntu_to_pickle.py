"""Skeleton files of NTU RGB+D 60 or 120 to one pickle, as mmaction2 and pyskl read."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.apis.process_map import map_in_processes
from ocec.apis.progress import track
from ocec.datasets.action_split import read_names
from ocec.functional.ntu import NUM_CLASSES_60, parse_ntu_name
from ocec.preparation.atomic_files import new_file
from ocec.preparation.ntu_annotation import (
    COLOUR_HW,
    NtuSettings,
    annotate_skeleton,
    split_by_names,
)
from ocec.preparation.ntu_skeleton_file import SkeletonFileError

DATASETS = {'ntu60': 60, 'ntu120': 120}
BAD_FILE_POLICIES = ('error', 'skip')
SHOWN_FILES = 5
_PROTOCOL = 4  # Python 3.4 and later, and the reader of this toolbox
_REASONS = {
    'short': 'seen in too few frames',
    'spread': 'wider than a person',
    'third': 'a third at the same time',
}


def ntu_to_pickle(
    folder: str | os.PathLike,
    out: str | os.PathLike,
    *,
    coords: str = '3d',
    frames: str | None = None,
    dtype: str = 'float32',
    missing: str | os.PathLike | None = None,
    dataset: str = 'auto',
    bad_files: str = 'error',
    overwrite: bool = False,
    jobs: int | None = None,
) -> Path:
    """Read all skeleton files below a folder, choose the persons, write a pickle.

    The pickle appears when it is complete. With more than one job the calling script
    needs the usual ``if __name__ == '__main__'``.

    Args:
        folder: with ``*.skeleton`` files, at any depth.
        out: pickle to write.
        coords: ``3d`` or ``color``, see
            :class:`ocec.preparation.ntu_annotation.NtuSettings`. Both have the 25
            joints of the Kinect, not the 17 of COCO.
        frames: ``found`` or ``all``.
        dtype: ``float32`` or ``float16``.
        missing: text file of clips that are left out, such as NTU's list of missing
            skeletons.
        dataset: ``ntu60``, ``ntu120``, or ``auto``: the first unless there are actions
            above 60. It says which splits are written and which labels may be.
        bad_files: ``error``: stop when all were read and some cannot be used; ``skip``:
            leave them out. Either way they are listed in ``OUT.bad_files.txt``.
        overwrite: replace a pickle that exists.
        jobs: processes, >= 1; None takes all cores.

    Returns:
        ``out``.

    Raises:
        ConfigError: an argument is wrong.
        FileExistsError: ``out`` exists; needs ``overwrite``.
        FileNotFoundError: there is no such folder, or no skeleton file in it.
        ValueError: files cannot be used, two have the same name, or none is left.
    """
    settings = _check(coords, frames, dtype, dataset, bad_files)
    folder, out = Path(folder), Path(out)
    if out.exists() and not overwrite:
        raise FileExistsError(
            f'{out} exists; choose another name, or set overwrite (--overwrite)'
        )
    files = _find(folder, missing)
    read = partial(_annotate, settings=settings)
    results = map_in_processes(read, files, jobs=jobs)
    annotations, problems, dropped = [], [], Counter()
    for file, result in zip(
        files, track(results, total=len(files), what='reading skeletons'), strict=True
    ):
        if isinstance(result, str):
            problems.append(f'{file}: {result}')
        else:
            annotations.append(result[0])
            dropped += result[1]
    num_classes, too_high = _num_classes(annotations, dataset)
    problems += [f'{name}: {why}' for name, why in too_high.items()]
    annotations = [note for note in annotations if note['frame_dir'] not in too_high]
    _report(problems, out, bad_files)
    if not annotations:
        raise ValueError(f'{folder}: no usable skeleton file is left')
    names = [annotation['frame_dir'] for annotation in annotations]
    content = {'split': split_by_names(names, num_classes), 'annotations': annotations}
    with new_file(out) as stream:
        pickle.dump(content, stream, protocol=_PROTOCOL)
    _print_summary(out, content, settings, dropped)
    return out


def _check(coords, frames, dtype, dataset: str, bad_files: str) -> NtuSettings:
    for name, value, allowed in (
        ('dataset', dataset, ('auto', *DATASETS)),
        ('bad_files', bad_files, BAD_FILE_POLICIES),
    ):
        if value not in allowed:
            raise ConfigError(f'error: {name} must be one of {allowed}, got {value!r}')
    try:
        return NtuSettings(coords, frames, dtype)
    except ValueError as error:
        raise ConfigError(f'error: {error}') from error


def _find(folder: Path, missing: str | os.PathLike | None) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: no such folder of skeleton files')
    # archives of macOS bring files like ._NAME.skeleton
    files = [file for file in folder.rglob('*.skeleton') if file.name[0] != '.']
    files.sort(key=lambda file: file.name)
    if not files:
        raise FileNotFoundError(f'{folder}: no *.skeleton file in it or below it')
    for first, second in zip(files, files[1:], strict=False):
        if first.name == second.name:
            raise ValueError(f'the same clip twice: {first} and {second}')
    left_out = set(read_names(missing)) if missing is not None else set()
    kept = [file for file in files if file.stem not in left_out]
    if left_out:
        print(f'left out, listed in {missing}: {len(files) - len(kept):,} files')
    if not kept:
        raise ValueError(f'{folder}: {missing} lists every clip of it')
    return kept


def _annotate(path: Path, *, settings: NtuSettings) -> tuple[dict, Counter] | str:
    """The annotation of a file, or what is wrong with it; runs in a worker."""
    try:
        return annotate_skeleton(path, settings)
    except (SkeletonFileError, OSError) as error:
        return str(error)


def _num_classes(annotations: Sequence[dict], dataset: str) -> tuple[int, dict]:
    """Classes of the data set, and the clips whose labels are above."""
    highest = max((note['label'] for note in annotations), default=0)
    is_large = highest >= NUM_CLASSES_60
    found = DATASETS['ntu120' if is_large else 'ntu60']
    num_classes = DATASETS.get(dataset, found)
    return num_classes, {
        note['frame_dir']: f'its action {note["label"] + 1} is above {num_classes}'
        for note in annotations
        if note['label'] >= num_classes
    }


def _report(problems: list[str], out: Path, bad_files: str) -> None:
    listing = out.with_name(f'{out.name}.bad_files.txt')
    if not problems:
        listing.unlink(missing_ok=True)
        return
    with new_file(listing) as stream:
        stream.write('\n'.join([*problems, '']).encode())
    more = len(problems) - SHOWN_FILES
    lines = [f'{len(problems):,} files cannot be used, all listed in {listing}:']
    lines += [f'  {problem}' for problem in problems[:SHOWN_FILES]]
    lines += [f'  and {more:,} more'] if more > 0 else []
    if bad_files == 'error':
        how = 'Leave them out with bad_files skip (--bad-files skip)'
        raise ValueError('\n'.join([*lines, how]))
    print('\n'.join(lines))


def _print_summary(
    out: Path, content: dict, settings: NtuSettings, dropped: Counter
) -> None:
    annotations = content['annotations']
    subjects = {parse_ntu_name(note['frame_dir']).subject for note in annotations}
    num_two = sum(len(note['keypoint']) > 1 for note in annotations)
    num_frames = sum(note['total_frames'] for note in annotations)
    height, width = COLOUR_HW
    unit = 'metres' if settings.coords == '3d' else f'pixels of {width} x {height}'
    print(
        f'{out}: {len(annotations):,} clips, {num_frames:,} frames, '
        f'{len({note["label"] for note in annotations})} classes, {len(subjects)} '
        f'subjects, {num_two:,} clips with two persons; 25 Kinect joints in {unit}, '
        f'{settings.dtype}'
    )
    for split, names in content['split'].items():
        print(f'  {split:12}{len(names):>9,} clips')
    for reason, meaning in _REASONS.items():
        if dropped[reason]:
            print(f'  dropped: {dropped[reason]:,} bodies, {meaning}')
