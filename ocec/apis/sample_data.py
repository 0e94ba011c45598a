"""The toolbox's own sample data: drawn eye crops in one parquet file."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from ocec.apis.process_map import map_in_processes
from ocec.preparation.eye_parquet_writer import LABELS, SPLITS, write_eye_parquet
from ocec.synthesis.eyes import DRAWING_VERSION, LOOKS, generate_subject

SAMPLE_KEY = b'ocec.sample'
"""Schema metadata that records how a file was drawn."""


def make_sample_eyes(
    out: str | os.PathLike,
    *,
    num_subjects: int = 96,
    crops_per_subject: int = 100,
    look: str = 'visible',
    seed: int = 42,
    val_share: float = 0.2,
    test_share: float = 0.2,
    jobs: int | None = None,
    force: bool = False,
) -> Path:
    """Draw eye crops, divide them by subject and write them to a parquet file.

    The pixels and the splits depend on the arguments alone, not on ``jobs``. A file
    that records the same arguments is left as it is. With more than one job the
    calling script needs the usual ``if __name__ == '__main__'``.

    Args:
        out: parquet file to write.
        num_subjects: subjects, >= 3 if all three splits have a share.
        crops_per_subject: crops of each subject, >= 1.
        look: ``visible`` or ``infrared``, different enough for two data sets.
        seed: of drawing and division, >= 0.
        val_share: share of the subjects for validation, in [0, 1).
        test_share: share of the subjects for the test, in [0, 1).
        jobs: processes, >= 1; None takes all cores.
        force: overwrite a file that is there, whatever it holds.

    Returns:
        ``out``.

    Raises:
        FileExistsError: ``out`` was not drawn with these arguments; needs ``force``.
        ValueError: an argument is out of range or the subjects are too few.
    """
    settings = {
        'num_subjects': num_subjects,
        'crops_per_subject': crops_per_subject,
        'look': look,
        'seed': seed,
        'val_share': val_share,
        'test_share': test_share,
        'drawing_version': DRAWING_VERSION,
    }
    return _make(Path(out), settings, jobs=jobs, force=force)


def split_subjects(
    num_subjects: int, *, val_share: float, test_share: float, seed: int
) -> list[str]:
    """Divide subjects among the splits in seeded random order.

    Args:
        num_subjects: number of subjects, >= 1.
        val_share: share for validation, in [0, 1).
        test_share: share for the test, in [0, 1).
        seed: >= 0; the same seed gives the same division.

    Returns:
        Split of subject 0, 1, ...; validation and test take their share rounded to
        whole subjects, but at least one if the share is positive.

    Raises:
        ValueError: a share is out of range or no subject is left for training.

    Example:
        >>> splits = split_subjects(10, val_share=0.2, test_share=0.1, seed=0)
        >>> splits.count('train'), splits.count('val'), splits.count('test')
        (7, 2, 1)
    """
    counts = {}
    for split, share in (('val', val_share), ('test', test_share)):
        if not 0 <= share < 1:
            raise ValueError(f'{split}_share must be in [0, 1), got {share}')
        counts[split] = max(1, round(share * num_subjects)) if share else 0
    if counts['val'] + counts['test'] >= num_subjects:
        raise ValueError(
            f'num_subjects must leave one for training beside {counts["val"]} for val '
            f'and {counts["test"]} for test, got {num_subjects}'
        )
    splits = np.full(num_subjects, 'train', dtype=object)
    order = np.random.default_rng(seed).permutation(num_subjects)
    splits[order[: counts['val']]] = 'val'
    splits[order[counts['val'] : counts['val'] + counts['test']]] = 'test'
    return splits.tolist()


def _make(out: Path, settings: dict, *, jobs: int | None, force: bool) -> Path:
    _check_settings(settings)
    seed = settings['seed']
    splits = split_subjects(
        settings['num_subjects'],
        val_share=settings['val_share'],
        test_share=settings['test_share'],
        seed=seed,
    )
    if out.exists() and not force:
        _require_same(out, settings)
        print(f'{out}: already drawn with these settings, nothing to do')
        return out
    draw = partial(
        _draw_rows,
        crops_per_subject=settings['crops_per_subject'],
        look=settings['look'],
        seed=seed,
    )
    counts: Counter = Counter()
    drawn = map_in_processes(draw, range(len(splits)), jobs=jobs)
    rows = _count(_labelled(_track(drawn, len(splits)), splits), counts)
    metadata = {SAMPLE_KEY.decode(): json.dumps(settings)}
    write_eye_parquet(rows, out, metadata=metadata)
    _print_counts(out, counts, splits)
    return out


def _check_settings(settings: dict) -> None:
    # before any process starts and any existing file is compared
    for name, least in (('num_subjects', 1), ('crops_per_subject', 1), ('seed', 0)):
        if settings[name] < least:
            raise ValueError(f'{name} must be >= {least}, got {settings[name]}')
    if settings['look'] not in LOOKS:
        raise ValueError(f'look must be one of {LOOKS}, got {settings["look"]!r}')


def _require_same(path: Path, settings: dict) -> None:
    try:
        recorded = (pq.read_schema(path).metadata or {}).get(SAMPLE_KEY)
    except pa.ArrowInvalid:
        recorded = None
    if recorded is None:
        raise FileExistsError(
            f'{path} exists and is no sample data of this tool; choose another name, '
            'or set force (--force) to overwrite it'
        )
    before = json.loads(recorded)
    changed = [
        f'{name} {before.get(name)} there, {value} asked for'
        for name, value in settings.items()
        if before.get(name) != value
    ]
    if changed:
        raise FileExistsError(
            f'{path} exists with other settings: {"; ".join(changed)}; choose another '
            'name, or set force (--force) to overwrite it'
        )


def _draw_rows(
    subject_index: int, *, crops_per_subject: int, look: str, seed: int
) -> list[dict]:
    """Rows of one subject, all columns but the split; runs in a worker."""
    person = f's{subject_index:03d}'
    rows = []
    crops = generate_subject(subject_index, crops_per_subject, look=look, seed=seed)
    for number, crop in enumerate(crops):
        label = LABELS[crop.label]
        rows.append(
            {
                'label': label,
                'class_id': crop.label,
                'image_path': f'{look}/{person}/{person}_{number:04d}_{label}.png',
                'source': f'drawn-{look}',
                'group': crop.subject,
                'image_bytes': _encode_png(crop.image),
            }
        )
    return rows


def _encode_png(image: np.ndarray) -> bytes:
    return cv2.imencode('.png', image[..., ::-1])[1].tobytes()


def _labelled(per_subject: Iterable[list[dict]], splits: list[str]) -> Iterator[dict]:
    for split, rows in zip(splits, per_subject, strict=True):
        for row in rows:
            yield {'split': split, **row}


def _track(per_subject: Iterable, total: int) -> Iterator:
    """Show progress on stderr: a bar on a terminal, else four lines."""
    console = Console(stderr=True)
    if not console.is_terminal:
        for done, item in enumerate(per_subject, start=1):
            yield item
            if done * 4 // total > (done - 1) * 4 // total:
                console.print(f'drawn {done} of {total} subjects')
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress('drawing subjects', *columns, console=console) as progress:
        yield from progress.track(per_subject, total=total)


def _count(rows: Iterable[dict], counts: Counter) -> Iterator[dict]:
    for row in rows:
        counts[row['split'], row['label']] += 1
        yield row


def _print_counts(out: Path, counts: Counter, splits: list[str]) -> None:
    print(f'{out}: {counts.total()} crops of {len(splits)} subjects')
    for split in SPLITS:
        shown = ', '.join(f'{counts[split, label]} {label}' for label in LABELS)
        subjects = splits.count(split)
        share = subjects / len(splits)
        print(f'  {split:5} {shown}, {subjects} subjects ({share:.1%})')
