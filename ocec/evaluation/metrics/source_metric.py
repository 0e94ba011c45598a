"""Metrics of several data sets at once. Shapes: N images of all, of S sources."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ocec.evaluation.metrics.binary_metric import BinaryMetric
from ocec.functional.probability import DEFAULT_THRESHOLD
from ocec.registry import METRICS

SETTINGS = ('threshold', 'weight')
COUNTS = ('tp', 'fp', 'fn', 'tn')


@METRICS.register_module()
class SourceMetric(BinaryMetric):
    """What :class:`BinaryMetric` gives, of each source, and their weighted mean.

    For a dataset such as ``MixedEyes``, whose ``metainfo`` tells the sample ids of
    its sources::

        val_evaluator = dict(
            type='SourceMetric',
            sources=dict(mrl=dict(weight=1), webeyes=dict(weight=3, threshold=0.4)),
        )

    gives ``mrl/f1``, ``webeyes/f1`` and ``mean/f1``, 1/4 and 3/4 of them; each may be
    monitored. A mean is undefined where one source's value is. ``last_scores`` are
    those of all sources, ``parts`` those of each.

    Args:
        sources: name of each source to its ``threshold``, P(open) from which an eye
            counts as open, 0.5 if not given, and its ``weight`` in the mean, >= 0, 1
            if not given.
        prefix: of the mean.

    Raises:
        ValueError: there is no source, a setting is unknown or out of range, or the
            mean would have the name of a source.
    """

    default_prefix = 'mean'

    def __init__(
        self, sources: Mapping[str, Mapping[str, float]], *, prefix: str | None = None
    ) -> None:
        super().__init__(DEFAULT_THRESHOLD, prefix=prefix)
        if not sources:
            raise ValueError('sources must name at least one source, got none')
        for name, settings in sources.items():
            if unknown := sorted(set(settings) - set(SETTINGS)):
                raise ValueError(
                    f'source {name}: {unknown} are no settings; there are {SETTINGS}'
                )
        if self.prefix in sources:
            raise ValueError(
                f'a source is called {self.prefix!r}, as the mean: give another prefix'
            )
        self.sources = {
            name: BinaryMetric(
                settings.get('threshold', DEFAULT_THRESHOLD), prefix=name
            )
            for name, settings in sources.items()
        }
        weights = [settings.get('weight', 1.0) for settings in sources.values()]
        if min(weights) < 0 or not sum(weights) > 0:
            raise ValueError(f'weights must be >= 0 and not all 0, got {weights}')
        self.weight_S = np.array(weights) / sum(weights)

    @classmethod
    def list_metrics(cls, settings: Mapping) -> list[str]:
        """Return the names of the metrics that a config of this class gives.

        Args:
            settings: the config.

        Returns:
            Full names: of each source, then of the mean.
        """
        prefix = settings.get('prefix') or cls.default_prefix
        means = [name for name in cls.metric_names if name not in COUNTS]
        listed = [
            f'{source}/{name}'
            for source in settings.get('sources') or ()
            for name in cls.metric_names
        ]
        return [*listed, *(f'{prefix}/{name}' for name in means)]

    @property
    def parts(self) -> list[BinaryMetric]:
        """A metric of each source, with its ``last_scores``; none before there are."""
        if self.last_scores is None:
            return []
        for name, scores in self._split(self.last_scores).items():
            self.sources[name].last_scores = scores
        return list(self.sources.values())

    def compute_metrics(self, results: dict[str, np.ndarray]) -> dict[str, float]:
        """Compute the metrics of each source and their mean.

        Args:
            results: fields of :class:`BatchScores` as (N,) arrays.

        Returns:
            full name to value.

        Raises:
            ValueError: the dataset does not tell these sources, or there is none of
                their images.
        """
        found = {
            name: self.sources[name].compute_metrics(scores)
            for name, scores in self._split(results).items()
        }
        first = next(iter(found.values()))
        mean = {
            name: float(self._mean([values[name] for values in found.values()]))
            for name in first
            if name not in COUNTS
        }
        return {
            f'{source}/{name}': value
            for source, values in {**found, self.prefix: mean}.items()
            for name, value in values.items()
        }

    def _mean(self, values: list[float]) -> float:
        # a source of weight 0 does not make the mean undefined
        value_S, counts_S = np.array(values, np.float64), self.weight_S > 0
        return (self.weight_S * value_S)[counts_S].sum()

    def _split(self, scores: dict[str, np.ndarray]) -> dict[str, dict]:
        """Divide the scores by the source of their sample ids."""
        bounds = (self.dataset_meta or {}).get('sources')
        if bounds is None or set(bounds) != set(self.sources):
            told = 'none' if bounds is None else ', '.join(bounds)
            raise ValueError(
                f'SourceMetric expects the sources {", ".join(self.sources)}; the '
                f'dataset tells {told}'
            )
        id_N = scores['sample_id_B']
        parts = {}
        for name in self.sources:
            start, end = bounds[name]
            of_source_N = (id_N >= start) & (id_N < end)
            if not of_source_N.any():
                raise ValueError(f'SourceMetric: no image of {name} was scored')
            parts[name] = {field: x[of_source_N] for field, x in scores.items()}
        return parts

    def _with_prefix(self, metrics: dict[str, float]) -> dict[str, float]:
        return metrics
