"""Positive-class metrics of open / closed. Shapes: N images of the whole split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from ocec.functional import classification
from ocec.functional.probability import DEFAULT_THRESHOLD
from ocec.functional.separation import fisher_ratio
from ocec.registry import METRICS
from ocec.structures import BatchScores

FIELDS = ('prob_B', 'loss_B', 'label_B', 'sample_id_B', 'group_id_B')
OPTIONAL_FIELDS = ('embedding_BD',)


@METRICS.register_module()
class BinaryMetric(BaseMetric):
    """Precision, recall, F1 of the open class, and what surrounds them.

    Images are counted once by their sample id, so padding of a distributed sampler
    changes nothing and two ranks give the numbers of one.

    Args:
        threshold: P(open) from which an eye counts as open, in [0, 1].
        prefix: put before each name, as in ``eye/f1``.

    Raises:
        ValueError: ``threshold`` is out of range.
    """

    default_prefix = 'eye'
    metric_names = (
        'f1',
        'precision',
        'recall',
        'accuracy',
        'auc',
        'ap',
        'loss',
        'fisher',
        'tp',
        'fp',
        'fn',
        'tn',
    )

    def __init__(
        self, threshold: float = DEFAULT_THRESHOLD, *, prefix: str | None = None
    ) -> None:
        super().__init__(prefix=prefix)
        if not 0 <= threshold <= 1:
            raise ValueError(f'threshold must be in [0, 1], got {threshold}')
        self.threshold = threshold
        #: scores of the last evaluation by field, sorted by sample id (main process)
        self.last_scores: dict[str, np.ndarray] | None = None

    def process(self, data_batch: dict, data_samples: Sequence[BatchScores]) -> None:
        """Keep the scores of a batch.

        Args:
            data_batch: not used.
            data_samples: a list of one :class:`BatchScores`.
        """
        self.results.extend(data_samples)

    def evaluate(self, size: int) -> dict[str, float]:
        """Gather all ranks and compute.

        Args:
            size: images in the split.

        Returns:
            ``prefix/name`` to value; ratios in [0, 1], ``loss`` in nats, counts.

        Raises:
            RuntimeError: an image is missing from the gathered scores.
        """
        gathered = all_gather_object(self._local_scores())
        self.results.clear()
        metrics: list[dict | str | None] = [None]
        if is_main_process():
            self.last_scores = _merge(gathered)
            found = len(self.last_scores['sample_id_B'])
            if found == size:
                metrics = [self._with_prefix(self.compute_metrics(self.last_scores))]
            else:
                metrics = [f'{found:,} of {size:,} images were scored']
        broadcast_object_list(metrics)
        if isinstance(metrics[0], str):  # raised on every rank: none waits for another
            raise RuntimeError(metrics[0])
        return metrics[0]

    def compute_metrics(self, results: dict[str, np.ndarray]) -> dict[str, float]:
        """Compute the metrics of a whole split.

        Args:
            results: fields of :class:`BatchScores` as (N,) arrays.

        Returns:
            name to value, see ``metric_names``.
        """
        prob_N, label_N = results['prob_B'], results['label_B']
        counts = classification.confusion_counts(
            prob_N, label_N, threshold=self.threshold
        )
        _alarm_on_collapse(counts)
        return {
            'f1': classification.f1_score(counts),
            'precision': classification.precision(counts),
            'recall': classification.recall(counts),
            'accuracy': classification.accuracy(counts),
            'auc': classification.roc_auc(prob_N, label_N),
            'ap': classification.average_precision(prob_N, label_N),
            'loss': float(results['loss_B'].astype(np.float64).mean()),
            **_separation(results),
            **counts._asdict(),
        }

    def _local_scores(self) -> dict[str, np.ndarray]:
        if not self.results:
            return {}
        present = [
            f for f in OPTIONAL_FIELDS if getattr(self.results[0], f) is not None
        ]
        return {
            field: torch.cat([getattr(scores, field) for scores in self.results])
            .cpu()
            .numpy()
            for field in (*FIELDS, *present)
        }

    def _with_prefix(self, metrics: dict[str, float]) -> dict[str, float]:
        return {f'{self.prefix}/{name}': value for name, value in metrics.items()}


def _merge(gathered: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Join the ranks; each sample once, sorted by its id."""
    gathered = [scores for scores in gathered if scores]
    if not gathered:
        return {field: np.empty(0) for field in FIELDS}
    joined = {
        field: np.concatenate([scores[field] for scores in gathered])
        for field in gathered[0]
    }
    _, first = np.unique(joined['sample_id_B'], return_index=True)
    return {field: values[first] for field, values in joined.items()}


def _separation(results: dict[str, np.ndarray]) -> dict[str, float]:
    """Return how far apart the classes lie, where the model tells its embeddings."""
    if 'embedding_BD' not in results:
        return {}
    return {'fisher': fisher_ratio(results['embedding_BD'], results['label_B'])}


def _alarm_on_collapse(counts: classification.ConfusionCounts) -> None:
    """Warn when every image gets one answer although both classes are there."""
    tp, fp, fn, tn = counts
    said_open, said_closed = tp + fp, fn + tn
    if (said_open and said_closed) or not (tp + fn and fp + tn):
        return
    answer = 'open' if said_open else 'closed'
    MMLogger.get_current_instance().warning(
        f'COLLAPSE: all {sum(counts):,} images are called {answer}, though '
        f'{tp + fn:,} are open and {fp + tn:,} are closed. Look at the learning rate, '
        'the labels and the class weights before you trust any number of this epoch'
    )
