"""Checks of the training: one batch learnt, scored, scored alone, the rates of the run.

Shapes: N samples.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence

import torch
from torch.nn.modules.dropout import _DropoutNd

from ocec.apis.verify_model_batch import num_tried, take_one, unit_of
from ocec.apis.verify_model_result import FAIL, OK, WARN, Verdict
from ocec.apis.verify_model_subject import Subject

# share by which the loss on one small batch must fall
MIN_FALL = 0.2
# losses whose mean is compared: a large rate makes them jump
WINDOW = 3
# of the config's rate, tried in this order
RATE_FACTORS = (1, 10, 100)
# some networks stay on a plateau first: ten times the steps, while they are quick
MORE_STEPS = 10
MORE_SECONDS = 30.0
# of probabilities in float32: convolutions of other batch sizes round otherwise
SCORE_TOLERANCE = 1e-4


def check_overfit(subject: Subject) -> Verdict:
    """Train on one small batch with the optimizer and rate of the config.

    A rate too small for so few steps is told from a network that cannot learn by
    trying larger ones.
    """
    tried = f'{num_tried(subject.cfg)} {unit_of(subject.cfg)}s'
    facts = {}
    for factor in RATE_FACTORS:
        losses, seconds = _train(subject, factor)
        subject.seconds_per_step = seconds
        at_rate = '' if factor == 1 else f' at {factor} times the lr'
        if not math.isfinite(losses[-1]):
            told = f'the loss is {losses[-1]} at step {len(losses)} on {tried}{at_rate}'
            if factor == 1:
                way_out = 'lower optim_wrapper.optimizer.lr, or set clip_grad'
                return Verdict(FAIL, told, way_out, facts={'losses': losses})
            break
        first, last, fall = _fall(losses)
        told = (
            f'loss on {tried} {first:.3f} -> {last:.3f} in {len(losses)} steps '
            f'({-fall:+.0%}){at_rate}'
        )
        found = {'losses': losses, 'fall': fall, 'seconds_per_step': seconds}
        facts = facts or found
        if fall >= MIN_FALL and factor == 1:
            return Verdict(OK, f'{told}{subject.made_up}', facts=facts)
        if fall >= MIN_FALL:
            return Verdict(
                WARN,
                f'{told}, {-facts["fall"]:+.0%} at the lr of the config',
                'fine for a long run; else raise the lr, or try more --steps',
                facts=facts,
            )
    return Verdict(
        FAIL,
        f'{told}, which is less than {MIN_FALL:.0%} down at any lr tried',
        'look at the labels, the loss, and what the optimizer trains; try more --steps',
        facts=facts,
    )


def check_eval(subject: Subject) -> Verdict:
    """Score a batch of the validation with the config's own metrics."""
    evaluator_cfg = subject.cfg.get('val_evaluator')
    if evaluator_cfg is None:
        return Verdict(
            WARN,
            'the config has no val_evaluator: nothing tells how good the model is',
            'add val_dataloader, val_cfg and val_evaluator',
        )
    model = subject.model.eval()
    with torch.no_grad():
        scores = model.val_step(subject.val_batch)
    evaluator = subject.runner.build_evaluator(evaluator_cfg)
    if not subject.data_problem:
        dataset = subject.datasets['val_dataloader']
        evaluator.dataset_meta = getattr(dataset, 'metainfo', None)
    evaluator.process(data_samples=scores, data_batch=subject.val_batch)
    metrics = evaluator.evaluate(len(subject.val_batch['data_samples']))
    hook = (subject.cfg.get('default_hooks') or {}).get('checkpoint') or {}
    wanted = hook.get('save_best')
    numbers = {k: v for k, v in metrics.items() if isinstance(v, (int, float))}
    told = ', '.join(f'{name} {value:.3g}' for name, value in numbers.items())
    if wanted is not None and wanted not in metrics:
        return Verdict(
            FAIL,
            f'save_best waits for {wanted}, the metrics are {", ".join(metrics)}',
            'set default_hooks.checkpoint.save_best to one of them',
            facts=numbers,
        )
    best = f'save_best {wanted}' if wanted else 'no save_best'
    return Verdict(
        OK if wanted else WARN,
        f'{len(metrics)} metrics, {best}{subject.made_up}',
        '' if wanted else 'set default_hooks.checkpoint.save_best',
        details=[told],
        facts=numbers,
    )


def check_batch_size(subject: Subject) -> Verdict:
    """Score samples together and one by one: the answers must be the same."""
    model, batch = subject.model.eval(), subject.val_batch
    with torch.no_grad():
        together_N = _scores(model, batch)
        alone_N = torch.cat(
            [_scores(model, take_one(batch, i)) for i in range(len(together_N))]
        )
    gap = float((together_N - alone_N).abs().max())
    told = (
        f'{len(together_N)} {unit_of(subject.cfg)}s together and alone differ by '
        f'{gap:.1g} in probability, allowed {SCORE_TOLERANCE:g}'
    )
    is_right = gap <= SCORE_TOLERANCE
    return Verdict(
        OK if is_right else FAIL,
        f'{told}{subject.made_up}',
        ''
        if is_right
        else 'something mixes the samples of a batch when it scores: a batch norm in '
        'training mode, a mean over the batch',
        facts={'gap': gap},
    )


def _train(subject: Subject, factor: float) -> tuple[list[float], float]:
    """Train a new model on one batch; return the losses and the seconds of a step.

    Without dropout and augmentation, so that only learning moves the loss.
    """
    subject.restore()
    model, wrapper = subject.model.train(), subject.build_optimizer()
    for module in model.modules():
        if isinstance(module, _DropoutNd):
            module.eval()
    for group in wrapper.optimizer.param_groups:
        group['lr'] *= factor
    start = time.perf_counter()
    subject.prepare(subject.train_batch, training=True)
    preparing = time.perf_counter() - start
    data = subject.prepare(subject.train_batch, training=False)
    accumulation = wrapper._accumulative_counts
    most = subject.num_steps * MORE_STEPS
    wrapper.initialize_count_status(model, 0, most * accumulation)
    losses, times = [], []
    for number in range(most):
        is_enough = number >= subject.num_steps
        if is_enough and (_fall(losses)[2] >= MIN_FALL or sum(times) > MORE_SECONDS):
            break
        start = time.perf_counter()
        for _ in range(accumulation):
            with wrapper.optim_context(model):
                loss, _ = model.parse_losses(model(**data, mode='loss'))
            wrapper.update_params(loss)
        losses.append(float(loss.detach()))
        times.append(time.perf_counter() - start)
        if not math.isfinite(losses[-1]):
            break
    # the first step is slower than the others
    return losses, statistics.median(times) + preparing


def _fall(losses: Sequence[float]) -> tuple[float, float, float]:
    """Mean of the first and of the last losses, and the share they fell by."""
    window = min(WINDOW, len(losses))
    first, last = sum(losses[:window]) / window, sum(losses[-window:]) / window
    return first, last, 1 - last / first


def _scores(model, batch: dict) -> torch.Tensor:
    [scores] = model.val_step(batch)
    prob = getattr(scores, 'prob_BC', None)
    return (scores.prob_B if prob is None else prob).float().cpu()
