"""Checks of the network itself: size, outputs, first loss, gradients.

Shapes: N samples, C classes, D features.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ocec.apis.get_flops import count_macs, count_parameters
from ocec.apis.verify_model_batch import describe_shapes, take_one, unit_of
from ocec.apis.verify_model_result import FAIL, OK, WARN, Verdict, worst
from ocec.apis.verify_model_subject import Subject
from ocec.structures import ActionTargets, BatchTargets

# nats of a cross-entropy: logits of a new network that vary by 1 cost up to 0.5
LOSS_TOLERANCE = 0.5
# beyond this factor something is wrong, not only noisy
LOSS_FACTOR = 3.0
# steps in which a parameter behind a factor of zero must get a gradient: one opens a
# block that begins as its shortcut, a second one a block within it
GRADIENT_STEPS = 2
SHOWN = 8
SUM_TOLERANCE = 1e-3


def check_build(subject: Subject) -> Verdict:
    """Build the model; count parameters and multiply-accumulates."""
    model = subject.model
    parts = {'backbone': getattr(model, 'backbone', None)}
    if isinstance(getattr(parts['backbone'], 'out_channels', None), Mapping):
        for name, part in parts['backbone'].named_children():
            parts[f'backbone.{name}'] = part
    parts['head'] = getattr(model, 'head', None)
    fc = getattr(parts['head'], 'fc', None)
    if isinstance(fc, nn.ModuleDict):
        parts |= {f'head.fc.{name}': part for name, part in fc.items()}
    counts = {n: count_parameters(part) for n, part in parts.items() if part}
    total = count_parameters(model)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    macs, unknown = _count_macs(subject)
    told = f'{macs / 1e9:.3f} GMAC' if macs is not None else f'MACs: {unknown}'
    frozen = f', {total - trained:,} of them frozen' if trained < total else ''
    return Verdict(
        OK if trained else FAIL,
        f'{total:,} parameters{frozen}, {told} for one {unit_of(subject.cfg)}',
        '' if trained else 'train something: nothing requires a gradient',
        details=[', '.join(f'{name} {count:,}' for name, count in counts.items())],
        facts={'parameters': total, 'parts': counts, 'macs': macs},
    )


def check_forward(subject: Subject) -> Verdict:
    """Run the three modes, and look at what comes out."""
    model = subject.model
    train = subject.prepare(subject.train_batch, training=True)
    model.train()
    with torch.no_grad():
        losses = model(**train, mode='loss')
        model.eval()
        val = subject.prepare(subject.val_batch, training=False)
        [scores] = model(**val, mode='predict')
        logits = model(val['inputs'], mode='tensor')
    prob = getattr(scores, 'prob_BC', getattr(scores, 'prob_B', None))
    lines = {
        'read': describe_shapes(subject.train_batch['inputs'], 'inputs'),
        'network': describe_shapes(train['inputs'], 'inputs'),
        'loss': [f'{name} {_show(value)}' for name, value in losses.items()],
        'predict': describe_shapes({'prob': prob}, 'prob'),
        'tensor': describe_shapes(logits, 'logits'),
    }
    problems = [*_loss_problems(losses), *_probability_problems(prob, val)]
    return Verdict(
        FAIL if problems else OK,
        '; '.join(problems) or f'loss, predict and tensor{subject.made_up}',
        'look at the data (missing values), data_preprocessor.std, and the weights'
        if problems
        else '',
        details=[f'{mode}: {", ".join(told)}' for mode, told in lines.items()],
        facts={'losses': {name: float(value) for name, value in losses.items()}},
    )


def check_first_loss(subject: Subject) -> Verdict:
    """Compare the first loss with that of a network that knows nothing."""
    model = subject.model.train()
    data = subject.prepare(subject.train_batch, training=True)
    with torch.no_grad():
        losses = model(**data, mode='loss')
        expected = chance_losses(model, data['data_samples'])
    if not expected:
        terms = ', '.join(n for n in losses if 'loss' in n)
        return Verdict(
            OK,
            f'{terms} of {type(model).__name__}: nothing known to compare with',
            facts={'losses': {name: float(value) for name, value in losses.items()}},
        )
    verdicts = [
        _compare_loss(name, float(losses[name]), *chance)
        for name, chance in expected.items()
        if name in losses
    ]
    told = ', '.join(v.details[0] for v in verdicts)
    found = worst(verdicts, good=f'{told}{subject.made_up}')
    return Verdict(found.status, found.text, found.way_out, facts=found.facts)


@torch.no_grad()
def chance_losses(
    model: nn.Module, targets: ActionTargets | BatchTargets
) -> dict[str, tuple[float, int]]:
    """Return the losses of a network whose features are all zero.

    That is ln C for a cross-entropy of C classes. Weights of classes, focal losses,
    smoothed labels and margins are counted in, since the head's own loss is asked.

    Args:
        model: one of ours, in training mode.
        targets: of the batch.

    Returns:
        Name of each loss that trains to its value in nats and the number of classes
        C; none for other models.
    """
    head = getattr(model, 'head', None)
    if hasattr(head, 'losses') and hasattr(head, 'streams'):
        zero_NC = torch.zeros(len(targets), head.num_classes).to(targets.label_B.device)
        losses = head.losses(dict.fromkeys(head.streams, zero_NC), targets.label_B)
        return {
            f'{stream}_loss_cls': (float(loss_N.mean()), head.num_classes)
            for stream, loss_N in losses.items()
        }
    if not hasattr(head, 'loss_module'):
        return {}
    target_N, weight, name = targets.target_B, 1.0, 'loss'
    distillation = getattr(model, 'distillation', None)
    if distillation is not None:
        weight, name = 1 - distillation.weight, 'loss_label'
    zero_N = torch.zeros(len(target_N), device=target_N.device)
    if not hasattr(head, 'embedding_channels'):
        loss = float(head.loss_module(zero_N, target_N).mean())
        known = {'loss_pair': (weight * loss, 2)}
        if head.digit_loss_weight:
            num = head.digit_fc.out_features
            known['loss_digit'] = (head.digit_loss_weight * math.log(num), num)
        return known
    if head.margin is not None:
        zero_ND = zero_N[:, None].expand(-1, head.embedding_channels)
        logits = head.margin(zero_ND, target_N)
    else:
        logits = zero_N if head.num_logits == 1 else zero_N[:, None].expand(-1, 2)
    return {name: (weight * float(head.loss_module(logits, target_N).mean()), 2)}


def check_gradients(subject: Subject) -> Verdict:
    """Look for trained parameters that no gradient reaches."""
    subject.restore()
    model = subject.model.train()
    optimizer = subject.build_optimizer().optimizer
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    missing, broken, late = set(named), set(), 0
    for _ in range(1 + GRADIENT_STEPS):
        optimizer.zero_grad(set_to_none=True)
        data = subject.prepare(subject.train_batch, training=True)
        loss, _ = model.parse_losses(model(**data, mode='loss'))
        if not loss.requires_grad:
            return Verdict(
                FAIL,
                'the loss depends on no parameter',
                'is something detached, or everything frozen?',
            )
        loss.backward()
        broken |= {n for n, p in named.items() if not _is_finite(p.grad)}
        missing -= {n for n, p in named.items() if p.grad is not None and p.grad.any()}
        late = late or len(missing)
        if broken or not missing:
            break
        optimizer.step()
    subject.restore()
    facts = {'without_gradient': sorted(missing), 'not_finite': sorted(broken)}
    if broken:
        return Verdict(
            FAIL,
            f'gradients of {len(broken)} of {len(named)} parameters are not finite: '
            f'{_listed(broken)}',
            'look at the data and the loss; if only after a step, at the learning rate',
            facts=facts,
        )
    if missing:
        return Verdict(
            FAIL,
            f'{len(missing)} of {len(named)} parameters get no gradient: '
            f'{_listed(missing)}',
            'is their output used, and not detached? freeze them on purpose with '
            'requires_grad=False or FreezeHook',
            facts=facts,
        )
    after = f'; {late} of them only after a step, behind factors that begin as 0'
    return Verdict(
        OK,
        f'all {len(named)} trained parameters get finite gradients'
        f'{after if late else ""}{subject.made_up}',
        facts=facts,
    )


def _count_macs(subject: Subject) -> tuple[int | None, str]:
    """Count at one sample; else say why not."""
    model = subject.model.eval()
    try:
        inputs = subject.prepare(subject.val_batch, training=False)['inputs']
        return count_macs(model, take_one(inputs, 0)), ''
    except Exception as error:  # the next check tells that a model cannot run
        return None, f'not counted ({type(error).__name__}: {error})'


def _compare_loss(name: str, loss: float, chance: float, classes: int) -> Verdict:
    # a loss of another scale has a tolerance of that scale
    allowed = LOSS_TOLERANCE * abs(chance) / math.log(classes)
    told = (
        f'{name} {loss:.3f}, of a network that knows nothing {_show_chance(chance)} '
        f'+- {allowed:.2g}'
    )
    facts = {name: loss, f'{name}_of_chance': chance, f'{name}_tolerance': allowed}
    if math.isfinite(loss) and abs(loss - chance) <= allowed:
        return Verdict(OK, '', details=[told], facts=facts)
    is_wrong = not math.isfinite(loss) or not (
        chance / LOSS_FACTOR <= loss <= chance * LOSS_FACTOR
    )
    return Verdict(
        FAIL if is_wrong else WARN,
        told,
        'look at the initialisation of the last layer, data_preprocessor.mean and std, '
        'and the weights of the loss',
        details=[told],
        facts=facts,
    )


def _show_chance(chance: float) -> str:
    for classes in (2, *range(3, 1001)):
        if math.isclose(chance, math.log(classes), rel_tol=1e-5):
            return f'{chance:.3f} = ln {classes}'
    return f'{chance:.3f}'


def _loss_problems(losses: Mapping[str, Tensor]) -> list[str]:
    trained = {name: value for name, value in losses.items() if 'loss' in name}
    if not trained:
        return ['mode loss gives no loss']
    return [
        f'{name} is {_show(value)}'
        for name, value in trained.items()
        if value.numel() != 1 or not torch.isfinite(value).all()
    ]


def _probability_problems(prob: Tensor | None, batch: dict) -> list[str]:
    num = len(batch['data_samples'])
    if prob is None:
        return ['mode predict gives no probabilities']
    if len(prob) != num:
        return [f'mode predict gives {len(prob)} answers to {num} samples']
    if not torch.isfinite(prob).all() or prob.min() < 0 or prob.max() > 1:
        return ['probabilities are not in [0, 1]']
    if prob.ndim == 2 and (prob.sum(1) - 1).abs().max() > SUM_TOLERANCE:
        return ['the probabilities of the classes do not sum to 1']
    return []


def _show(value: Tensor) -> str:
    return f'{value.item():.4f}' if value.numel() == 1 else f'{tuple(value.shape)}'


def _is_finite(grad: Tensor | None) -> bool:
    return grad is None or bool(torch.isfinite(grad).all())


def _listed(names: set[str]) -> str:
    more = f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''
    return ', '.join(sorted(names)[:SHOWN]) + more
