"""Average a model and what was fine-tuned from it: the curve of both data sets."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import torch
from mmengine.runner import Runner
from torch import Tensor

from ocec.apis.average_weights_plot import AveragePoint, draw_average_curve
from ocec.apis.batch_norm_statistics import estimate_batch_norm, even_batches
from ocec.apis.errors import ConfigError
from ocec.apis.score_checkpoint import open_test_runner
from ocec.engine.checkpoint_io import (
    file_sha256,
    load_safely,
    save_atomically,
    write_text_atomically,
)
from ocec.engine.last_scores import scored_parts
from ocec.engine.model_settings import margin_type
from ocec.engine.start_weights import read_weights
from ocec.functional.weight_average import choose_alpha, interpolate_weights

DEFAULT_ALPHAS = tuple(step / 10 for step in range(11))
BATCH_NORMS = ('interpolate', 'reestimate')
METRICS = ('f1', 'auc', 'accuracy', 'loss')


def average_weights(
    checkpoint_a: str | Path,
    checkpoint_b: str | Path,
    *,
    out_dir: str | Path,
    data_a: str | Path,
    data_b: str | Path,
    alphas: Sequence[float] = DEFAULT_ALPHAS,
    split: str = 'val',
    weight_b: float = 0.5,
    keep_a: float | None = None,
    batch_norm: str = 'interpolate',
    config: str | Path | None = None,
    trust_checkpoint: bool = False,
) -> list[AveragePoint]:
    """Score the models between two checkpoints and write the one that is chosen.

    ``out_dir`` gets ``averaged.pth``, ``curve.json``, ``curve.txt`` and ``curve.png``.
    The checkpoint holds no thresholds: those of A and B are of other weights.

    Args:
        checkpoint_a: the model that the fine-tuning started from.
        checkpoint_b: the fine-tuned model.
        out_dir: folder to write.
        data_a: parquet file, folder or pattern with images of A.
        data_b: the same of B.
        alphas: shares of B in [0, 1]; 0 and 1 are added where they are missing.
        split: of both that is scored and that the choice is made on.
        weight_b: of B in the mean F1, whose highest is chosen, in [0, 1].
        keep_a: choose the highest F1 on B instead, among those that lose at most this
            much F1 on A; 0.01 is one point.
        batch_norm: statistics of batch norms: ``interpolate`` them as the weights, or
            ``reestimate`` them from images of ``train`` of A and B in equal numbers.
        config: of both models; by default the one that ``checkpoint_b`` holds.
        trust_checkpoint: unpickle anything when loading.

    Returns:
        The points, by rising alpha.

    Raises:
        ConfigError: an argument is wrong, or the checkpoints do not go together.
        ValueError: a checkpoint is damaged or not trusted.
    """
    alphas = _check_alphas(alphas)
    try:  # before anything is scored
        choose_alpha([0], [0.0], [0.0], weight_b=weight_b, keep_a=keep_a)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if batch_norm not in BATCH_NORMS:
        raise ConfigError(f'batch_norm must be one of {BATCH_NORMS}, got {batch_norm}')
    state_a, state_b = _read_pair(checkpoint_a, checkpoint_b, trust_checkpoint)

    with ExitStack() as stack:

        def open_data(data: str | Path, of_split: str) -> Runner:
            runner, _ = stack.enter_context(
                open_test_runner(
                    checkpoint_b,
                    config=config,
                    data=data,
                    split=of_split,
                    trust_checkpoint=trust_checkpoint,
                )
            )
            return runner

        runner_a, runner_b = open_data(data_a, split), open_data(data_b, split)
        trained = []
        if batch_norm == 'reestimate':
            trained = [open_data(data, 'train') for data in (data_a, data_b)]
        datasets = [runner.test_dataloader.dataset for runner in trained]

        def weights_at(alpha: float) -> dict[str, Tensor]:
            state = interpolate_weights(state_a, state_b, alpha)
            # at the ends stand A and B as they were trained
            if not trained or alpha in (0, 1):
                return state
            model = trained[0].model
            model.load_state_dict(state)
            estimate_batch_norm(model, even_batches(datasets))
            return {name: x.cpu() for name, x in model.state_dict().items()}

        points = [
            _score(alpha, weights_at(alpha), runner_a, runner_b) for alpha in alphas
        ]
        f1_a, f1_b = ([getattr(p, s)['f1'] for p in points] for s in 'ab')
        best = choose_alpha(alphas, f1_a, f1_b, weight_b=weight_b, keep_a=keep_a)
        chosen = points[best]
        rule = _rule_text(split, weight_b, keep_a)
        _write(
            Path(out_dir),
            points,
            chosen,
            {
                'a': _identify(checkpoint_a),
                'b': _identify(checkpoint_b),
                'data_a': runner_a.test_dataloader.dataset.fingerprint(),
                'data_b': runner_b.test_dataloader.dataset.fingerprint(),
                'split': split,
                'batch_norm': batch_norm,
                'rule': rule,
            },
            weights_at,
            load_safely(checkpoint_b, trust=trust_checkpoint).get('meta') or {},
        )
    return points


def curve_text(points: Sequence[AveragePoint], chosen: AveragePoint, rule: str) -> str:
    """Write the curve as a table for the terminal.

    Args:
        points: the models on the line.
        chosen: one of them.
        rule: why.

    Returns:
        Several lines.
    """
    columns = [f'{name} {side.upper()}' for side in 'ab' for name in METRICS]
    lines = ['alpha  ' + ''.join(f'{column:>12}' for column in columns)]
    for point in points:
        values = [
            'undefined' if (x := side[name]) is None else f'{x:.4f}'
            for side in (point.a, point.b)
            for name in METRICS
        ]
        mark = '  chosen' if point is chosen else ''
        lines.append(
            f'{point.alpha:<7.3g}' + ''.join(f'{v:>12}' for v in values) + mark
        )
    lines.append(f'alpha 0 is A, 1 is B; chosen: {rule}')
    return '\n'.join(lines)


def _check_alphas(alphas: Sequence[float]) -> list[float]:
    if wrong := [alpha for alpha in alphas if not 0 <= alpha <= 1]:
        raise ConfigError(f'alphas must be in [0, 1], got {wrong[0]:g}')
    return sorted({0.0, 1.0, *map(float, alphas)})


def _read_pair(
    checkpoint_a: str | Path, checkpoint_b: str | Path, trust: bool
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Read the weights of both models, and refuse two that do not go together."""
    states, margins = [], []
    for file in (checkpoint_a, checkpoint_b):
        if not Path(file).is_file():
            raise ConfigError(f'{file}: no such checkpoint')
        content = load_safely(file, trust=trust)
        weights = read_weights(content, str(file))
        states.append(weights.state)
        margins.append(margin_type(weights.model))
    try:
        interpolate_weights(*states, 0.0)
    except ValueError as error:
        raise ConfigError(f'{checkpoint_a}, {checkpoint_b}: {error}') from error
    if None not in margins and margins[0] != margins[1]:
        raise ConfigError(
            f'A was trained with the margin {margins[0]}, B with {margins[1]}: their '
            'last layers have one shape but not one meaning. Fine-tune with the margin '
            'of A'
        )
    for name in ('data_preprocessor.mean', 'data_preprocessor.std'):
        a, b = (state.get(name) for state in states)
        if a is not None and not torch.allclose(a, b):
            raise ConfigError(
                f'A and B were trained with other {name}, so what lies between them '
                'has no meaning: fine-tune with the constants of A'
            )
    return states[0], states[1]


def _score(
    alpha: float, state: dict[str, Tensor], runner_a: Runner, runner_b: Runner
) -> AveragePoint:
    found = []
    for runner in (runner_a, runner_b):
        runner.model.load_state_dict(state)
        metrics = runner.test()
        [part] = scored_parts(runner.test_evaluator)
        values = {name: float(metrics[f'{part.prefix}/{name}']) for name in METRICS}
        found.append({n: x if math.isfinite(x) else None for n, x in values.items()})
    return AveragePoint(alpha, *found)


def _rule_text(split: str, weight_b: float, keep_a: float | None) -> str:
    if keep_a is None:
        return (
            f'the highest {1 - weight_b:g} F1 A + {weight_b:g} F1 B on {split}, which '
            'is too good for it: report it on other images'
        )
    return (
        f'the highest F1 B among those that lose at most {keep_a:g} F1 A on {split}; '
        'both are too good for it: report them on other images'
    )


def _identify(checkpoint: str | Path) -> dict[str, str]:
    return {'file': str(checkpoint), 'sha256': file_sha256(checkpoint)}


def _write(
    folder: Path,
    points: Sequence[AveragePoint],
    chosen: AveragePoint,
    about: dict,
    weights_at: Callable[[float], dict[str, Tensor]],
    meta: dict,
) -> None:
    """Write checkpoint, numbers, table and picture."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {key: meta[key] for key in ('cfg', 'dataset_meta', 'seed') if key in meta}
    average = {'alpha': chosen.alpha, **about}
    checkpoint = {
        'meta': {**kept, 'average': average},
        'state_dict': weights_at(chosen.alpha),
    }
    digest = save_atomically(checkpoint, folder / 'averaged.pth')
    content = {
        **about,
        'chosen': {**asdict(chosen), 'file': 'averaged.pth', 'sha256': digest},
        'points': [asdict(point) for point in points],
    }
    text = json.dumps(content, indent=2) + '\n'
    write_text_atomically(text, folder / 'curve.json')
    table = curve_text(points, chosen, about['rule'])
    write_text_atomically(table + '\n', folder / 'curve.txt')
    draw_average_curve(points, chosen, folder / 'curve.png')
    print(f'{table}\n{folder / "averaged.pth"}')
