"""Decay toward the weights that a fine-tuning starts from, instead of toward zero."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ocec.registry import HOOKS


@dataclass
class _Group:
    """Parameters of one group of the optimizer, and what pulls at them."""

    optimizer_group: dict
    anchored: list[nn.Parameter]
    anchors: list[Tensor]
    decayed: list[nn.Parameter]


@HOOKS.register_module()
class L2SPHook(Hook):
    """Pull loaded weights toward their start, and new layers toward zero.

    The penalty ``alpha / 2 |w - w0|^2 + beta / 2 |v|^2``, with w the loaded weights
    that ``anchored`` names, w0 their values at the start and v all others. It is
    decoupled, as AdamW's decay is: after each step w moves by ``lr * alpha`` of its
    way to w0 and v shrinks by ``lr * beta``, with the learning rate of their own group.
    It takes the place of the optimizer's weight decay, which must be 0: that one pulls
    the start toward zero. Frozen parameters stay as they are, and so do norms and
    biases of new layers.

    Checkpoints hold w0 under ``l2_sp``, as large as the weights, so that a resumed run
    has the same start.

    Args:
        alpha: pull toward the start, >= 0.; a step is forgotten over
            1 / (lr * alpha) others.
        beta: decay of what is not anchored, >= 0.
        anchored: patterns; a parameter is anchored if one is found at the beginning of
            its name and the checkpoint had it in this shape.

    Raises:
        ValueError: a strength is negative, or there is no pattern.

    Source:
        Li, Grandvalet and Davoine, Explicit Inductive Bias for Transfer Learning with
        Convolutional Networks, 2018, arXiv:1802.01483; decoupled as in Loshchilov and
        Hutter, 2019, arXiv:1711.05101.
    """

    # before EMAHook (NORMAL) averages, and before the schedulers change the rate
    priority = 'ABOVE_NORMAL'

    def __init__(
        self,
        alpha: float = 0.1,
        beta: float = 0.01,
        *,
        anchored: Sequence[str] = (r'backbone\.',),
    ) -> None:
        for name, value in (('alpha', alpha), ('beta', beta)):
            if not value >= 0:
                raise ValueError(f'{name} must be >= 0, got {value}')
        if not anchored:
            raise ValueError('anchored must name at least one pattern, got none')
        self.alpha = alpha
        self.beta = beta
        self.patterns = [re.compile(pattern) for pattern in anchored]
        self._loaded: dict[str, torch.Size] = {}
        self._anchor: dict[str, Tensor] | None = None
        self._groups: list[_Group] = []

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note what was loaded; on resume take the start over.

        Args:
            runner: the runner.
            checkpoint: what was loaded.

        Raises:
            ValueError: a run is resumed that had no start.
        """
        if runner._resume:
            if 'l2_sp' not in checkpoint:
                raise ValueError(
                    'L2SPHook: the checkpoint to resume from does not hold the weights '
                    'that its run started from; it was trained without this hook'
                )
            self._anchor = checkpoint['l2_sp']['anchor']
            return
        weights = checkpoint.get('state_dict', checkpoint)
        built = checkpoint.get('built', ())
        self._loaded = {
            name.removeprefix('module.'): value.shape
            for name, value in weights.items()
            if isinstance(value, Tensor) and name not in built
        }

    def before_train(self, runner: Runner) -> None:
        """Keep the start, and find which parameters it pulls at.

        Args:
            runner: the runner.

        Raises:
            ValueError: nothing was loaded, no parameter is anchored, or the optimizer
                decays weights itself.
        """
        model = _unwrapped(runner)
        if self._anchor is None:
            self._anchor = {
                name: parameter.detach().clone()
                for name, parameter in model.named_parameters()
                if self._loaded.get(name) == parameter.shape
                and any(pattern.match(name) for pattern in self.patterns)
            }
        if not self._anchor:
            patterns = [pattern.pattern for pattern in self.patterns]
            found = 'nothing was loaded: set load_from'
            if self._loaded:
                found = f'none of the loaded weights begins with one of {patterns}'
            raise ValueError(f'L2SPHook has no start to hold on to: {found}')
        decays = {group.get('weight_decay', 0) for group in _optimizer_groups(runner)}
        if decays != {0}:
            raise ValueError(
                f'L2SPHook takes the place of the weight decay, which is '
                f'{max(decays):g}: set optim_wrapper.optimizer.weight_decay=0 and give '
                'the hook a beta'
            )
        self._groups = self._divide(runner, model)
        runner.logger.info(
            f'L2-SP: {len(self._anchor)} parameters are pulled toward their start '
            f'(alpha {self.alpha:g}), '
            f'{sum(len(group.decayed) for group in self._groups)} toward zero '
            f'(beta {self.beta:g})'
        )

    @torch.no_grad()
    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Pull, after an optimizer step.

        Args:
            runner: the runner.
            batch_idx: not used.
            data_batch: not used.
            outputs: not used.
        """
        if not runner.optim_wrapper.should_update():
            return
        for group in self._groups:
            rate = group.optimizer_group['lr']
            pulled = [
                (parameter, anchor)
                for parameter, anchor in zip(group.anchored, group.anchors, strict=True)
                if parameter.requires_grad
            ]
            if pulled and self.alpha:
                parameters, anchors = map(list, zip(*pulled, strict=True))
                torch._foreach_lerp_(parameters, anchors, rate * self.alpha)
            decayed = [p for p in group.decayed if p.requires_grad]
            if decayed and self.beta:
                torch._foreach_mul_(decayed, 1 - rate * self.beta)

    def after_train_epoch(self, runner: Runner) -> None:
        """Say how far the weights have come.

        Args:
            runner: the runner.
        """
        runner.logger.info(
            f'L2-SP: the anchored weights are {self.distance():.3%} of their norm away '
            'from their start'
        )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store the start.

        Args:
            runner: the runner.
            checkpoint: what will be saved.
        """
        anchor = {name: value.cpu() for name, value in self._anchor.items()}
        checkpoint['l2_sp'] = {'anchor': anchor}

    @torch.no_grad()
    def distance(self) -> float:
        """Return ``|w - w0| / |w0|`` over all anchored weights."""
        pairs = [
            pair
            for group in self._groups
            for pair in zip(group.anchored, group.anchors, strict=True)
        ]
        moved = sum((parameter - anchor).pow(2).sum() for parameter, anchor in pairs)
        norm = sum(anchor.pow(2).sum() for _, anchor in pairs)
        return float((moved / norm).sqrt())

    def _divide(self, runner: Runner, model: nn.Module) -> list[_Group]:
        name_of = {id(p): name for name, p in model.named_parameters()}
        groups = []
        for optimizer_group in _optimizer_groups(runner):
            group = _Group(optimizer_group, [], [], [])
            for parameter in optimizer_group['params']:
                name = name_of[id(parameter)]
                if name in self._anchor:
                    # in the memory format of the parameter
                    anchor = torch.empty_like(parameter.detach())
                    group.anchored.append(parameter)
                    group.anchors.append(anchor.copy_(self._anchor[name]))
                elif parameter.ndim > 1:
                    group.decayed.append(parameter)
            groups.append(group)
        return groups


def _optimizer_groups(runner: Runner) -> list[dict]:
    return runner.optim_wrapper.optimizer.param_groups


def _unwrapped(runner: Runner) -> nn.Module:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
