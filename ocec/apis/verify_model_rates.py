"""Check of the learning rates: the curve of the run, and whether it covers the run."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence

from mmengine.config import Config

from ocec.apis.plot_lr import prepare_rates, simulate_rates
from ocec.apis.verify_model_result import FAIL, OK, WARN, Verdict, worst
from ocec.apis.verify_model_subject import Subject

# iterations that are counted through; longer runs get shorter epochs
MAX_ITERATIONS = 100_000
# of a run whose data are not there
PRETENDED_ITERATIONS = 100
WAY_OUT = 'make param_scheduler end where train_cfg.max_epochs ends'
ONE_DIRECTION = ('CosineAnnealingLR',)


def check_rates(subject: Subject) -> Verdict:
    """Count through the learning rates of the run."""
    cfg = subject.cfg
    if not cfg.train_cfg.get('by_epoch', True):
        return Verdict(OK, 'the run counts iterations: its rates are not drawn')
    size, iterations = _pretended_size(subject)
    rates_cfg = copy.deepcopy(cfg)
    rates_cfg.work_dir, rates_cfg.log_level = str(subject.folder), 'ERROR'
    curves, notes = simulate_rates(prepare_rates(rates_cfg, size), shows_progress=False)
    rates = [rate for rate in curves.rate[-1] if not math.isnan(rate)]
    if not rates or not all(map(math.isfinite, rates)) or max(rates) <= 0:
        return Verdict(
            FAIL,
            f'the learning rate is {rates[0] if rates else "never used"}',
            'set optim_wrapper.optimizer.lr',
        )
    peak = max(rates)
    epoch = rates.index(peak) / curves.iters_per_epoch
    told = (
        f'lr {rates[0]:.3g} first, {peak:.3g} at its peak (epoch {epoch:.3g}), '
        f'{rates[-1]:.3g} last; {curves.num_epochs} epochs of {iterations:,} iterations'
    )
    problems = [
        Verdict(WARN, text, WAY_OUT)
        for text in find_gaps(_schedulers(cfg), curves.num_epochs, iterations)
    ]
    found = worst(problems, good=f'{told}{subject.made_up}')
    return Verdict(
        found.status,
        found.text,
        found.way_out,
        details=[
            *([told] if problems else []),
            *notes,
            *_effective_batch(cfg),
        ],
        facts={'first': rates[0], 'peak': peak, 'last': rates[-1]},
    )


def find_gaps(
    schedulers: Sequence[Mapping], max_epochs: int, iterations: int
) -> list[str]:
    """Say where schedulers do not cover a run.

    Args:
        schedulers: their configs.
        max_epochs: length of the run.
        iterations: of an epoch.

    Returns:
        A text for each gap; none where they cover it.
    """
    texts, ends = [], []
    for settings in schedulers:
        by_epoch = settings.get('by_epoch', True)
        run = max_epochs if by_epoch else max_epochs * iterations
        unit = 'epoch' if by_epoch else 'iteration'
        name, begin = settings['type'], settings.get('begin', 0)
        end = settings.get('end', math.inf)
        ends.append(end / run)
        if begin >= run:
            texts.append(f'{name} begins at {unit} {begin}, the run ends at {run}')
            continue
        texts += _late_milestones(settings, run, unit)
        if settings.get('T_max') is not None and name in ONE_DIRECTION:
            length = min(end, run) - begin
            if settings['T_max'] < length:
                texts.append(
                    f'{name} is down at {unit} {begin + settings["T_max"]} (T_max='
                    f'{settings["T_max"]}) and rises again until {begin + length}'
                )
            if settings['T_max'] > length:
                texts.append(
                    f'{name} is not down at {unit} {begin + length}, where it ends '
                    f'(T_max={settings["T_max"]})'
                )
    if ends and max(ends) < 1:
        texts.append(
            f'the last scheduler ends after {max(ends) * max_epochs:g} of {max_epochs} '
            'epochs; the rate stays where it is then'
        )
    return texts


def _late_milestones(settings: Mapping, run: int, unit: str) -> Iterator[str]:
    late = [m for m in settings.get('milestones') or () if m >= run]
    if late:
        yield (
            f'{settings["type"]} steps at {unit} {", ".join(map(str, late))}, the run '
            f'ends at {run}'
        )


def _schedulers(cfg: Config) -> list[Mapping]:
    found = cfg.get('param_scheduler') or []
    return list(found) if isinstance(found, (list, tuple)) else [found]


def _pretended_size(subject: Subject) -> tuple[int, int]:
    """Samples to count through, and the true iterations of an epoch."""
    cfg = subject.cfg
    batch = cfg.train_dataloader.get('batch_size') or 1
    iterations = PRETENDED_ITERATIONS
    if not subject.data_problem:
        size = len(subject.datasets['train_dataloader'])
        drops = cfg.train_dataloader.get('drop_last', False)
        iterations = max(1, size // batch if drops else math.ceil(size / batch))
    counted = iterations
    # curves by epoch have the same form with shorter epochs
    if all(s.get('by_epoch', True) for s in _schedulers(cfg)):
        counted = max(1, min(iterations, MAX_ITERATIONS // cfg.train_cfg.max_epochs))
    return counted * batch, iterations


def _effective_batch(cfg: Config) -> list[str]:
    base = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    batch = cfg.train_dataloader.get('batch_size') or 1
    batch *= cfg.optim_wrapper.get('accumulative_counts', 1)
    if base is None or base == batch:
        return []
    return [
        f'the rate is meant for a batch of {base}, one process has {batch}: '
        f'{base / batch:g} processes, or --auto-scale-lr'
    ]
