"""What the methods of a fine-tune report say of the same images of A and of B.

Shapes: N images that all of them have scored.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from ocec.apis.finetune_report_runs import ReportRun
from ocec.apis.progress import track
from ocec.apis.score_checkpoint import ScoredSplit, score_checkpoint
from ocec.functional.probability import CLOSED, DEFAULT_THRESHOLD, OPEN
from ocec.visualization.run_provenance import describe_data

SIDES = ('B', 'A')
"""The new camera first: it is what the fine-tuning is for."""


@dataclass
class RunScores:
    """What one checkpoint says of one data set.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        threshold: its own, from which a sample counts as open.
        origin: of the threshold, in words.
        is_chosen_here: threshold and, for a best checkpoint, epoch were chosen on
            these very images.
        source: name of this data set in a training that was validated on several.
    """

    prob_N: np.ndarray
    threshold: float
    origin: str
    is_chosen_here: bool = False
    source: str | None = None


@dataclass
class Side:
    """One data set, and what everybody says of it.

    Args:
        letter: ``A`` or ``B``.
        data: file, folder or pattern.
        split: that was scored.
        label_N: (N,) 1 open, 0 closed.
        group_N: (N,) group, -1 where unknown.
        sample_id_N: (N,) ids in ``dataset``.
        dataset: for pictures and names.
        scores: method to what each of its runs says.
        notes: what the reader should know.
    """

    letter: str
    data: str
    split: str
    label_N: np.ndarray
    group_N: np.ndarray
    sample_id_N: np.ndarray
    dataset: Dataset
    scores: dict[str, list[RunScores]]
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """How it is called in texts, as ``B (webeyes)``."""
        return f'{self.letter} ({Path(self.data).stem})'

    @property
    def fingerprint(self) -> str:
        """Its images in words; equal texts are equal images."""
        return describe_data(self.dataset.fingerprint())


def score_sides(
    methods: Mapping[str, Sequence[ReportRun]],
    data: Mapping[str, str],
    *,
    split: str = 'val',
    trust_checkpoint: bool = False,
) -> dict[str, Side]:
    """Score every checkpoint on A and on B, each with its own config.

    Args:
        methods: name to its runs.
        data: ``A`` and ``B`` to file, folder or pattern.
        split: of both.
        trust_checkpoint: unpickle anything when loading.

    Returns:
        ``B`` and ``A`` to what was found there.

    Raises:
        ConfigError: a checkpoint or its config is wrong.
        ValueError: a checkpoint is damaged, weights are broken, or there is no
            labelled image.
    """
    runs = [(name, run) for name, found in methods.items() for run in found]
    jobs = [(letter, name, run) for name, run in runs for letter in SIDES]
    scored: dict[str, dict[str, list[ScoredSplit]]] = {letter: {} for letter in SIDES}
    for letter, name, run in track(jobs, total=len(jobs), what='scoring checkpoints'):
        # what the runner says goes beside the table, not into it
        with redirect_stdout(sys.stderr):
            found = score_checkpoint(
                run.checkpoint,
                data=data[letter],
                split=split,
                trust_checkpoint=trust_checkpoint,
            )
        if not np.isfinite(found.scores['prob_B']).all():
            raise ValueError(
                f'{run.checkpoint}: {(~np.isfinite(found.scores["prob_B"])).sum():,} '
                f'scores on {data[letter]} are not finite: the weights are broken'
            )
        scored[letter].setdefault(name, []).append(found)
    return {
        letter: build_side(letter, data[letter], split, scored[letter])
        for letter in SIDES
    }


def build_side(
    letter: str, data: str, split: str, scored: Mapping[str, Sequence[ScoredSplit]]
) -> Side:
    """Put side by side what all checkpoints say of the images they share.

    Args:
        letter: ``A`` or ``B``.
        data: that was scored.
        split: of it.
        scored: method to the scores of its runs, at least one.

    Returns:
        The labelled images that every run has scored.

    Raises:
        ValueError: there is none, or the runs disagree on a label.
    """
    splits = [part for found in scored.values() for part in found]
    first = splits[0].scores
    common = first['sample_id_B']
    for part in splits[1:]:
        common = np.intersect1d(common, part.scores['sample_id_B'])
    place = np.searchsorted(first['sample_id_B'], common)
    is_labelled_N = np.isin(first['label_B'][place], (CLOSED, OPEN))
    ids = common[is_labelled_N]
    if not len(ids):
        reason = 'has a label' if len(common) else 'was scored by every run'
        raise ValueError(f'{data}: no image of {split} {reason}')
    label_N, group_N = (
        first[key][place][is_labelled_N] for key in ('label_B', 'group_id_B')
    )
    side = Side(letter, data, split, label_N, group_N, ids, splits[0].dataset, {})
    for name, found in scored.items():
        side.scores[name] = [_scores_of(part, side) for part in found]
    num_most = max(len(part.scores['sample_id_B']) for part in splits)
    if num_most > len(common):
        side.notes.append(
            f'{side.name}: {num_most - len(common):,} of {num_most:,} images are left '
            'out: not every run has scored them (other split settings or bad rows)'
        )
    if not is_labelled_N.all():
        side.notes.append(
            f'{side.name}: {(~is_labelled_N).sum():,} images without a label are left '
            'out'
        )
    return side


def find_source(thresholds: Mapping | None, fingerprint: Mapping) -> str | None:
    """Return under which name a training was validated on a data set.

    Args:
        thresholds: that the checkpoint holds; None for none.
        fingerprint: of the data set, of any split.

    Returns:
        Name of the source that is read from the same files; None where the training
        was validated on one data set only, or on others.
    """
    sources = ((thresholds or {}).get('data') or {}).get('sources') or {}
    wanted = _file_digests(fingerprint)
    found = [name for name, part in sources.items() if _file_digests(part) == wanted]
    return found[0] if found and wanted else None


def stored_threshold(
    thresholds: Mapping | None, source: str | None
) -> tuple[float, str]:
    """Return the threshold a checkpoint was stored with.

    Args:
        thresholds: that the checkpoint holds; None for none.
        source: whose own threshold is wanted, where there is one.

    Returns:
        The threshold of the best F1 in training, 0.5 where none is stored, and where
        it is from.
    """
    thresholds = thresholds or {}
    own = (thresholds.get('sources') or {}).get(source) or {}
    if own.get('best_f1') is not None:
        return float(own['best_f1']), f'stored, of the source {source}'
    if thresholds.get('best_f1') is not None:
        return float(thresholds['best_f1']), 'stored'
    return DEFAULT_THRESHOLD, 'none is stored'


def is_chosen_on(thresholds: Mapping | None, fingerprint: str) -> bool:
    """Say whether a checkpoint was validated on these images.

    Args:
        thresholds: that the checkpoint holds; None for none.
        fingerprint: of the images, by ``describe_data``.

    Returns:
        True where they are all it was validated on, or one source of it.
    """
    data = (thresholds or {}).get('data') or {}
    parts = [data, *(data.get('sources') or {}).values()]
    return any(describe_data(part) == fingerprint for part in parts if part)


def _scores_of(part: ScoredSplit, side: Side) -> RunScores:
    place = np.searchsorted(part.scores['sample_id_B'], side.sample_id_N)
    if not np.array_equal(part.scores['label_B'][place], side.label_N):
        raise ValueError(
            f'{side.data}: the configs of two runs give one image different labels'
        )
    source = find_source(part.thresholds, part.dataset.fingerprint())
    value, origin = stored_threshold(part.thresholds, source)
    return RunScores(
        part.scores['prob_B'][place],
        value,
        origin,
        is_chosen_on(part.thresholds, side.fingerprint),
        source,
    )


def _file_digests(fingerprint: Mapping) -> list[str]:
    return sorted(file['footer_sha256'] for file in fingerprint.get('files') or ())
