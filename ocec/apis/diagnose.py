"""Where a model goes wrong on a split: numbers, plots, lists and pictures in a folder.

Shapes: N samples, D features, H x W pixels.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import Dataset

from ocec.apis.diagnose_lists import draw_list, write_list
from ocec.apis.diagnose_numbers import diagnostic_numbers
from ocec.apis.sample_facts import class_names_of
from ocec.functional.calibration import reliability
from ocec.functional.classification import ConfusionCounts
from ocec.functional.probability import CLOSED, DEFAULT_THRESHOLD, OPEN
from ocec.functional.thresholds import sweep_thresholds
from ocec.preparation.contact_sheet import encode_png
from ocec.visualization import diagnostic_plots as plots
from ocec.visualization.embedding_projection import (
    draw_samples,
    project_pca,
    project_tsne,
)
from ocec.visualization.sample_lists import SampleList, sample_lists

# more points hide each other
PCA_SAMPLES = 2000
# fewer have no shape
MIN_PROJECTED = 3
MONTAGE_PER_CLASS = 24
NOT_HELD_OUT = 'probable_label_errors'


@dataclass(frozen=True)
class Diagnosis:
    """What was found out about a split.

    Args:
        folder: where the files are.
        numbers: of :func:`ocec.apis.diagnose_numbers.diagnostic_numbers`.
        lists: samples worth a look, by name.
        images: (H, W, 3) uint8 RGB plots and montages, by name.
    """

    folder: Path
    numbers: dict[str, float | None]
    lists: dict[str, SampleList]
    images: dict[str, np.ndarray]


def diagnose(
    scores: dict[str, np.ndarray],
    dataset: Dataset,
    folder: str | Path,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    tsne_samples: int = 0,
    list_limit: int = 200,
    is_held_out: bool = True,
    seed: int = 0,
    about: Mapping[str, str | int] | None = None,
) -> Diagnosis:
    """Write what describes a split into a folder, whole or not at all.

    ``metrics.json`` holds the numbers and how each list was made; each list is a CSV
    and, where the dataset shows pictures, a montage of its first samples.

    Args:
        scores: fields of :class:`ocec.structures.BatchScores` as arrays, as
            ``BinaryMetric.last_scores``. Samples without a label or a finite score
            are left out, with a warning.
        dataset: what the scores are of.
        folder: where to; replaced if it exists.
        threshold: P(open) from which a sample counts as open, in [0, 1].
        tsne_samples: embeddings to lay out with t-SNE, 0 for none; needs
            scikit-learn, and 1,000 take 4 s on one core.
        list_limit: samples of each list at most, > 0.
        is_held_out: the model was not trained on these samples; if it was, no label
            errors are looked for: it knows their labels by heart.
        seed: of the samples drawn for projections, and of t-SNE.
        about: more to note in ``metrics.json``, as the epoch.

    Returns:
        The numbers, lists and pictures.

    Raises:
        ImportError: ``tsne_samples`` is set and scikit-learn is not installed.
        ValueError: an argument is out of range.
    """
    scores = _usable_rows(scores)
    numbers = diagnostic_numbers(scores, threshold=threshold)
    lists = sample_lists(scores, threshold=threshold, limit=list_limit)
    if not is_held_out:
        del lists[NOT_HELD_OUT]
    images = _draw_plots(scores, numbers, class_names_of(dataset))
    images |= _draw_projections(scores, threshold, dataset, tsne_samples, seed)
    folder = Path(folder)
    building = folder.with_name(f'.{folder.name}.{os.getpid()}.tmp')
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        for name, samples in lists.items():
            write_list(samples, scores, dataset, building / f'{name}.csv')
            sheet = draw_list(samples, scores, dataset, num=MONTAGE_PER_CLASS)
            if sheet is not None:
                images[name] = sheet
        for name, image in images.items():
            (building / f'{name}.png').write_bytes(encode_png(image))
        facts = {**(about or {}), 'dataset': str(dataset)}
        (building / 'metrics.json').write_text(_report(facts, numbers, lists))
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Diagnosis(folder, numbers, lists, images)


def _usable_rows(scores: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Leave out samples without a label, or whose score or embedding is not finite."""
    usable_N = np.isfinite(scores['prob_B']) & np.isin(
        scores['label_B'], (CLOSED, OPEN)
    )
    if 'embedding_BD' in scores:
        usable_N &= np.isfinite(scores['embedding_BD']).all(axis=1)
    if usable_N.all():
        return scores
    print_log(
        f'diagnostics: {(~usable_N).sum():,} of {len(usable_N):,} samples have no '
        'label, or no finite score or embedding, and are left out',
        logger='current',
        level=logging.WARNING,
    )
    return {field: values[usable_N] for field, values in scores.items()}


def _draw_plots(
    scores: dict[str, np.ndarray], numbers: dict, class_names: tuple[str, str]
) -> dict[str, np.ndarray]:
    prob_N, label_N = scores['prob_B'], scores['label_B']
    threshold = numbers['threshold']
    counts = ConfusionCounts(*(numbers[name] for name in ConfusionCounts._fields))
    sweep = sweep_thresholds(prob_N, label_N)
    chosen = {
        'best F1': numbers['threshold_best_f1'],
        'precision 99 %': numbers['threshold_precision'],
        'false alarms 1 %': numbers['threshold_false_alarm'],
    }
    bins, ece = reliability(prob_N, label_N), numbers['ece']
    names = {'class_names': class_names}
    at = {'threshold': threshold, **names}
    figures = {
        'confusion': plots.plot_confusion(counts, **at),
        'roc': plots.plot_roc(sweep, auc=numbers['auc'], counts=counts, **names),
        'pr': plots.plot_pr(sweep, ap=numbers['ap'], counts=counts, **names),
        'reliability': plots.plot_reliability(bins, ece=ece, **names),
        'scores': plots.plot_score_histogram(prob_N, label_N, **at),
        'thresholds': plots.plot_threshold_curve(
            sweep, threshold=threshold, chosen=chosen
        ),
    }
    return {name: plots.figure_pixels(figure) for name, figure in figures.items()}


def _draw_projections(
    scores: dict[str, np.ndarray],
    threshold: float,
    dataset: Dataset,
    tsne_samples: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Draw the embeddings, where the model tells them and there are enough."""
    if len(scores.get('embedding_BD', ())) < MIN_PROJECTED:
        return {}
    embedding_ND, label_N = scores['embedding_BD'], scores['label_B']
    is_error_N = (scores['prob_B'] >= threshold) != (label_N == OPEN)
    names = class_names_of(dataset)

    def draw(point_M2, rows_M, title, axis_names=('', '')):
        figure = plots.plot_embedding(
            point_M2,
            label_N[rows_M],
            is_error_N=is_error_N[rows_M],
            title=f'{title} of {len(rows_M):,} embeddings',
            axis_names=axis_names,
            class_names=names,
        )
        return plots.figure_pixels(figure)

    # the axes are those of all samples; only the drawing is of some
    projection = project_pca(embedding_ND)
    rows_M = draw_samples(len(embedding_ND), PCA_SAMPLES, seed=seed)
    shares = [f'{share:.1%} of the variance' for share in projection.share_K]
    images = {'pca': draw(projection.point_NK[rows_M], rows_M, 'PCA', shares)}
    if tsne_samples:
        rows_M = draw_samples(len(embedding_ND), tsne_samples, seed=seed)
        point_M2 = project_tsne(embedding_ND[rows_M], seed=seed)
        images['tsne'] = draw(point_M2, rows_M, 't-SNE')
    return images


def _report(facts: dict, numbers: dict, lists: dict[str, SampleList]) -> str:
    """Return the text of ``metrics.json``; what has no value is null."""
    report = {
        **facts,
        'metrics': {
            name: None if value is None or not math.isfinite(value) else value
            for name, value in numbers.items()
        },
        'lists': {
            name: {
                'method': samples.method,
                'found': samples.num_found,
                'listed': len(samples.index_K),
            }
            for name, samples in lists.items()
        },
    }
    return json.dumps(report, indent=2) + '\n'
