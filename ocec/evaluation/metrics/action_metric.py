"""Accuracy of actions. Shapes: N videos of the whole split, C classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from ocec.functional.top_k import label_rank, mean_class_accuracy, top_k_accuracy
from ocec.registry import METRICS
from ocec.structures import ActionScores

FIELDS = ('prob_BC', 'loss_B', 'label_B', 'sample_id_B', 'group_id_B')
STREAM_FIELDS = {'rgb': 'rgb_prob_BC', 'pose': 'pose_prob_BC'}
FUSED, TOP = 'fused', 5


@METRICS.register_module()
class ActionMetric(BaseMetric):
    """Top-1, top-5 and mean class accuracy, of all streams together and of each.

    Videos are counted once by their sample id, so padding of a distributed sampler
    changes nothing and two ranks give the numbers of one. A model of one stream has
    the names with ``fused`` only, so that whatever watches them fits every model.

    Args:
        ratios: further ways to fuse, each (weight of RGB, weight of pose) >= 0 for the
            mean of the probabilities: (2, 1) gives ``rgb2_pose1_top1`` and so on,
            where the model has both streams.
        prefix: put before each name, as in ``acc/fused_top1``.

    Raises:
        ValueError: a ratio is out of range.
    """

    default_prefix = 'acc'
    metric_names = (
        *(
            f'{name}_{number}'
            for name in (FUSED, *STREAM_FIELDS)
            for number in ('top1', 'top5', 'mean_class')
        ),
        'loss',
    )

    def __init__(
        self,
        *,
        ratios: Sequence[tuple[float, float]] = (),
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        for ratio in ratios:
            if len(ratio) != 2 or min(ratio) < 0 or not sum(ratio) > 0:
                raise ValueError(
                    'ratios must be pairs of weights >= 0, of RGB and of pose, not '
                    f'both 0, got {tuple(ratio)}'
                )
        self.ratios = [tuple(ratio) for ratio in ratios]
        #: scores of the last evaluation by field, sorted by sample id (main process)
        self.last_action_scores: dict[str, np.ndarray] | None = None

    @classmethod
    def list_metrics(cls, settings: Mapping) -> list[str]:
        """Return the names of the metrics that a config of this class gives.

        Args:
            settings: the config.

        Returns:
            Full names; those of the single streams only where the model has both.
        """
        prefix = settings.get('prefix') or cls.default_prefix
        fused = [
            f'{_ratio_name(ratio)}_{number}'
            for ratio in settings.get('ratios') or ()
            for number in ('top1', 'top5', 'mean_class')
        ]
        return [f'{prefix}/{name}' for name in (*cls.metric_names, *fused)]

    def process(self, data_batch: dict, data_samples: Sequence[ActionScores]) -> None:
        """Keep the scores of a batch.

        Args:
            data_batch: not used.
            data_samples: a list of one :class:`ActionScores`.
        """
        self.results.extend(data_samples)

    def evaluate(self, size: int) -> dict[str, float]:
        """Gather all ranks and compute.

        Args:
            size: videos in the split.

        Returns:
            ``prefix/name`` to value; ratios in [0, 1], ``loss`` in nats.

        Raises:
            RuntimeError: a video is missing from the gathered scores.
        """
        gathered = all_gather_object(self._local_scores())
        self.results.clear()
        metrics: list[dict | str | None] = [None]
        if is_main_process():
            self.last_action_scores = _merge(gathered)
            found = len(self.last_action_scores.get('sample_id_B', ()))
            if found == size:
                values = self.compute_metrics(self.last_action_scores)
                metrics = [{f'{self.prefix}/{k}': v for k, v in values.items()}]
            else:
                metrics = [f'{found:,} of {size:,} videos were scored']
        broadcast_object_list(metrics)
        if isinstance(metrics[0], str):  # raised on every rank: none waits for another
            raise RuntimeError(metrics[0])
        return metrics[0]

    def compute_metrics(self, results: dict[str, np.ndarray]) -> dict[str, float]:
        """Compute the metrics of a whole split.

        Args:
            results: fields of :class:`ActionScores` as arrays.

        Returns:
            name to value, see ``metric_names``; ``top5`` counts all classes where there
            are fewer than five.
        """
        label_N = results['label_B']
        answers = {FUSED: results['prob_BC']}
        streams = {s: results.get(field) for s, field in STREAM_FIELDS.items()}
        if all(prob_NC is not None for prob_NC in streams.values()):
            answers |= streams
            for rgb, pose in self.ratios:
                mean_NC = rgb * streams['rgb'] + pose * streams['pose']
                answers[_ratio_name((rgb, pose))] = mean_NC / (rgb + pose)
        _alarm_on_collapse(answers[FUSED], label_N)
        metrics = {}
        for name, prob_NC in answers.items():
            rank_N = label_rank(prob_NC, label_N)
            metrics[f'{name}_top1'] = top_k_accuracy(rank_N, 1)
            # NaN has rank C, which fewer classes than five must not reach
            metrics[f'{name}_top5'] = top_k_accuracy(rank_N, min(TOP, prob_NC.shape[1]))
            metrics[f'{name}_mean_class'] = mean_class_accuracy(rank_N, label_N)
        return {**metrics, 'loss': float(results['loss_B'].astype(np.float64).mean())}

    def _local_scores(self) -> dict[str, np.ndarray]:
        if not self.results:
            return {}
        present = [
            field
            for field in STREAM_FIELDS.values()
            if getattr(self.results[0], field) is not None
        ]
        return {
            field: torch.cat([getattr(scores, field) for scores in self.results])
            .cpu()
            .numpy()
            for field in (*FIELDS, *present)
        }


def _merge(gathered: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Join the ranks; each sample once, sorted by its id."""
    gathered = [scores for scores in gathered if scores]
    if not gathered:
        return {}
    joined = {
        field: np.concatenate([scores[field] for scores in gathered])
        for field in gathered[0]
    }
    _, first = np.unique(joined['sample_id_B'], return_index=True)
    return {field: values[first] for field, values in joined.items()}


def _ratio_name(ratio: Sequence[float]) -> str:
    rgb, pose = ratio
    return f'rgb{rgb:g}_pose{pose:g}'


def _alarm_on_collapse(prob_NC: np.ndarray, label_N: np.ndarray) -> None:
    """Warn when every video gets one answer although there are several actions."""
    answers, actions = np.unique(prob_NC.argmax(axis=1)), np.unique(label_N)
    if len(answers) > 1 or len(actions) < 2:
        return
    MMLogger.get_current_instance().warning(
        f'COLLAPSE: all {len(label_N):,} videos are called action {answers[0]}, though '
        f'there are {len(actions):,} actions. Look at the learning rate and the labels '
        'before you trust any number of this epoch'
    )
