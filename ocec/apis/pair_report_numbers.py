"""What a report on digit pairs shows, as numbers.

Shapes: N pairs, K errors shown, 2 sides.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.measure_models import MeasuredModel, ModelRow
from ocec.apis.score_checkpoint import ScoredSplit
from ocec.functional.binned_accuracy import BinAccuracy, binned_accuracy
from ocec.functional.classification import ConfusionCounts, confusion_counts

OCCLUDED_EDGES = (0.0, 0.35, 0.45, 0.55, 0.65, 1.0 + 1e-6)
DIFFERENCE_EDGES = tuple(range(1, 11))
UNKNOWN = -1
#: accuracies that the training guide names, of val
TARGETS = {'stage1': 0.85, 'stage2': 0.88, 'stage3': 0.87, 'stage4': 0.90}


@dataclass(frozen=True)
class PairError:
    """A pair that was called wrong.

    Args:
        name: id of the pair.
        x_HW: (28, 56) uint8, left and right.
        left: digit, None where it is not known.
        right: as left.
        label: 1 the left one is larger.
        prob: P(left larger), in [0, 1].
        occluded: covered share of the worse side; NaN where it is not known.
    """

    name: str
    x_HW: np.ndarray
    left: int | None
    right: int | None
    label: int
    prob: float
    occluded: float

    @property
    def difference(self) -> int | None:
        """How far the digits lie apart."""
        return None if self.left is None else abs(self.left - self.right)


@dataclass(frozen=True)
class Contender:
    """A member or a combiner of an ensemble.

    Args:
        name: to show.
        kind: ``member`` or ``method``.
        is_final: whether the ensemble predicts with it.
        accuracy: in [0, 1], as the next two.
        low: of the 95 % interval.
        high: of the 95 % interval.
        gain: against the plain mean.
        p_value: of McNemar's test against the plain mean.
    """

    name: str
    kind: str
    is_final: bool
    accuracy: float
    low: float
    high: float
    gain: float
    p_value: float


@dataclass(frozen=True)
class Ensemble:
    """What a stacking found.

    Args:
        contenders: the best first.
        split: what the accuracies are of, in words.
        sha256: of the file of the test pairs; None where it is not recorded.
    """

    contenders: list[Contender]
    split: str
    sha256: str | None

    @property
    def final(self) -> Contender:
        """The combiner that it predicts with."""
        return next(found for found in self.contenders if found.is_final)


def choose_model(models: Sequence[MeasuredModel], name: str | None) -> MeasuredModel:
    """Choose the model whose errors are shown.

    Args:
        models: measured ones and others.
        name: of it; None takes the highest accuracy on val, so that nothing is chosen
            on the split that is reported.

    Returns:
        A measured model.

    Raises:
        ConfigError: there is no such model, or none could be measured.
    """
    usable = [model for model in models if model.scored is not None]
    if not usable:
        listed = ''.join(f'\n  {m.row.name}: {m.row.problem}' for m in models)
        raise ConfigError(f'no model could be measured:{listed}')
    if name is None:
        return max(usable, key=lambda model: model.row.val_accuracy or 0.0)
    for model in usable:
        if name in (model.row.name, model.row.name.rsplit('/', 1)[-1]):
            return model
    listed = ', '.join(model.row.name for model in usable)
    raise ConfigError(
        f'--model {name}: no such model was measured. There are: {listed}'
    )


def confusion_of(scored: ScoredSplit) -> ConfusionCounts:
    """Count decisions; positive is "left larger"."""
    return confusion_counts(scored.scores['prob_B'], scored.scores['label_B'])


def accuracy_by_occlusion(scored: ScoredSplit) -> list[BinAccuracy]:
    """Measure by the covered share of the worse side.

    Args:
        scored: pairs with scores.

    Returns:
        Bins; none where it is not known.
    """
    row_N = scored.dataset.indices_of(scored.scores['sample_id_B'])
    worse_N = scored.dataset.occluded[row_N].max(axis=1)
    return _bins(scored, worse_N, OCCLUDED_EDGES)


def accuracy_by_difference(scored: ScoredSplit) -> list[BinAccuracy]:
    """Measure by how far the digits lie apart.

    Args:
        scored: pairs with scores.

    Returns:
        A bin for each of 1 to 9; none where the digits are not known.
    """
    row_N = scored.dataset.indices_of(scored.scores['sample_id_B'])
    digit_N2 = scored.dataset.digits[row_N].astype(np.int64)
    apart_N = np.abs(digit_N2[:, 0] - digit_N2[:, 1]).astype(np.float64)
    apart_N[(digit_N2 == UNKNOWN).any(axis=1)] = np.nan
    return _bins(scored, apart_N, DIFFERENCE_EDGES)


def find_errors(scored: ScoredSplit, limit: int) -> list[PairError]:
    """Collect wrong decisions, the most confident first.

    Args:
        scored: pairs with scores.
        limit: how many at most.

    Returns:
        K errors.
    """
    scores, dataset = scored.scores, scored.dataset
    wrong = np.flatnonzero(~_is_right(scored))
    confident = np.argsort(-np.abs(scores['prob_B'][wrong] - 0.5), kind='stable')
    chosen = wrong[confident][:limit]
    row_K = dataset.indices_of(scores['sample_id_B'][chosen])
    x_K2HW = dataset.__getitems__(row_K)['inputs'].numpy()
    return [
        PairError(
            name=str(dataset.ids[row]),
            x_HW=np.concatenate(list(x_2HW), axis=1),
            left=_known(dataset.digits[row, 0]),
            right=_known(dataset.digits[row, 1]),
            label=int(scores['label_B'][at]),
            prob=float(scores['prob_B'][at]),
            occluded=float(dataset.occluded[row].max()),
        )
        for at, row, x_2HW in zip(chosen, row_K, x_K2HW, strict=True)
    ]


def read_ensemble(path: str | Path) -> Ensemble:
    """Read what a stacking found.

    Args:
        path: its ``stack.json``.

    Returns:
        Test numbers where it has some, else those out of fold.

    Raises:
        ConfigError: the file is missing or no such record.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
        has_test = 'test' in content['data']
        kinds = {'member': content['members'], 'method': content['methods']}
        found = [
            _contender(entry, kind, has_test, content['final'])
            for kind, entries in kinds.items()
            for entry in entries
        ]
        fingerprint = content['data']['test' if has_test else 'stack']['fingerprint']
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f'--stack {path}: no record of a stacking: {error!r}'
        ) from error
    split = 'test' if has_test else 'stack, out of fold'
    found.sort(key=lambda contender: -contender.accuracy)
    return Ensemble(found, split, fingerprint.get('sha256'))


def compare_with_targets(
    rows: Sequence[ModelRow], ensemble: Ensemble | None
) -> list[dict]:
    """Set the guide's targets beside what was reached.

    Args:
        rows: of the models.
        ensemble: for stage 4.

    Returns:
        ``stage``, ``target``, ``val`` and ``test``, the best of the stage; None where
        nothing was measured.
    """
    found = []
    for stage, target in TARGETS.items():
        of_stage = [row for row in rows if row.stage == stage]
        val = max((r.val_accuracy for r in of_stage if r.val_accuracy), default=None)
        test = max((r.accuracy for r in of_stage if r.accuracy), default=None)
        if stage == 'stage4' and ensemble is not None:
            test = ensemble.final.accuracy
        found.append({'stage': stage, 'target': target, 'val': val, 'test': test})
    return found


def _contender(entry: Mapping, kind: str, has_test: bool, final: str) -> Contender:
    other = 'stack_out_of_fold' if kind == 'method' else 'stack'
    numbers = entry['test' if has_test else other]
    names = ('accuracy', 'low', 'high', 'gain', 'p_value')
    values = [math.nan if numbers[n] is None else numbers[n] for n in names]
    is_final = kind == 'method' and entry['name'] == final
    return Contender(entry['name'], kind, is_final, *values)


def _is_right(scored: ScoredSplit) -> np.ndarray:
    says_larger_N = scored.scores['prob_B'] >= 0.5
    return says_larger_N == (scored.scores['label_B'] == 1)


def _bins(scored: ScoredSplit, value_N, edges) -> list[BinAccuracy]:
    if np.isnan(value_N).all():
        return []
    group_N = scored.scores['group_id_B']
    return binned_accuracy(_is_right(scored), value_N, edges, group_N=group_N)


def _known(digit: int) -> int | None:
    return None if digit == UNKNOWN else int(digit)
