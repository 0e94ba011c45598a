"""Score pictures without labels: files, folders, patterns and parquet files."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.apis.eye_classifier import EyeClassifier
from ocec.apis.eye_classifier_predictions import Prediction
from ocec.apis.eye_classifier_sources import count_pictures, is_among
from ocec.apis.infer_output import check_output, open_output
from ocec.apis.progress import track
from ocec.functional.probability import CLASS_NAMES

# how many unreadable files are named on the terminal; the output names all
SHOWN = 10


@dataclass
class InferCounts:
    """What became of the pictures.

    Args:
        state: ``open`` and ``closed`` to how many.
        problems: the first that could not be read, and why.
        num_unreadable: how many there are.
        seconds: of reading and scoring.
    """

    state: Counter = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    num_unreadable: int = 0
    seconds: float = 0.0

    @property
    def num_scored(self) -> int:
        """Pictures with an answer."""
        return self.state.total()

    def add(self, item: Prediction) -> None:
        """Count one picture.

        Args:
            item: what is said of it.
        """
        if not item.error:
            self.state[item.state] += 1
            return
        self.num_unreadable += 1
        if len(self.problems) < SHOWN:
            self.problems.append(f'{item.name}: {item.error}')


def infer(
    model: str | Path,
    sources: Sequence[str | Path],
    *,
    out: str | Path,
    config: str | Path | None = None,
    threshold: float | None = None,
    batch_size: int = 256,
    data_column: str | None = None,
    allow_outside: bool = False,
    threads: int | None = None,
    strict: bool = False,
    trust_checkpoint: bool = False,
) -> InferCounts:
    """Write what a model says of pictures; memory does not grow with their number.

    Args:
        model: ``.onnx`` file, checkpoint, or folder of a run.
        sources: picture files, folders, patterns and parquet files.
        out: ``.csv`` or ``.parquet`` to write, complete or not at all.
        config: of a checkpoint, in place of the one that it holds.
        threshold: from which P(open) an eye counts as open; by default the model's.
        batch_size: pictures at once, >= 1.
        data_column: of parquet files, that holds the pictures.
        allow_outside: also read pictures that a parquet names outside its folder.
        threads: of decoding and network, >= 1.
        strict: fail where a picture cannot be read, after all others are written.
        trust_checkpoint: unpickle anything when loading.

    Returns:
        The counts.

    Raises:
        ConfigError: an argument does not fit, the output would replace a source, or
            the model is one of another task.
        FileNotFoundError: a source or the model is not there.
        ValueError: no picture can be read, or with ``strict`` one cannot.
    """
    out = check_output(out)
    if not sources:
        raise ConfigError('name pictures, folders, patterns or parquet files')
    if out.exists() and is_among(out, sources):
        raise ConfigError(f'--out {out} is one of the sources, and would replace it')
    classifier = EyeClassifier(
        model,
        config=config,
        threshold=threshold,
        batch_size=batch_size,
        threads=threads,
        trust_checkpoint=trust_checkpoint,
    )
    total, passed_over = count_pictures(sources)
    counts, start = InferCounts(), time.perf_counter()
    predictions = classifier.stream(
        map(Path, sources), column=data_column, allow_outside=allow_outside
    )
    with open_output(out) as write:
        for item in track(predictions, total=max(total, 1), what='scoring pictures'):
            write(item)
            counts.add(item)
    counts.seconds = time.perf_counter() - start
    _report(out, classifier, counts, passed_over)
    if not counts.num_scored:
        raise ValueError(f'none of {counts.num_unreadable:,} pictures could be read')
    if strict and counts.num_unreadable:
        raise ValueError(f'{_unreadable_text(counts)} (--strict)')
    return counts


def _report(
    out: Path, classifier: EyeClassifier, counts: InferCounts, passed_over: Counter
) -> None:
    """Print what was done, and on stderr what was not."""
    if passed_over:
        shown = ', '.join(f'{n:,} {what}' for what, n in sorted(passed_over.items()))
        print(f'passed over in folders: {shown}', file=sys.stderr)
    for problem in counts.problems:
        print(f'cannot be read: {problem}', file=sys.stderr)
    if counts.num_unreadable > len(counts.problems):
        more = counts.num_unreadable - len(counts.problems)
        print(f'... and {more:,} more, all in {out}', file=sys.stderr)
    states = ', '.join(
        f'{counts.state[name]:,} {name}' for name in reversed(CLASS_NAMES)
    )
    print(
        f'{out}: {counts.num_scored:,} pictures, {states}; '
        f'{counts.num_unreadable:,} could not be read; threshold '
        f'{classifier.threshold:.4f} ({classifier.threshold_source}); '
        f'{counts.num_scored / counts.seconds:,.0f} pictures/s'
    )


def _unreadable_text(counts: InferCounts) -> str:
    total = counts.num_unreadable + counts.num_scored
    return f'{counts.num_unreadable:,} of {total:,} pictures could not be read'
