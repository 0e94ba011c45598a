"""Train the head first, then the last blocks, then everything."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn

from ocec.engine.freeze_schedule import UnfreezeStep, parse_steps, plan_freezing
from ocec.engine.model_stages import describe_stages, parameter_stages
from ocec.engine.unfreeze_warmup import UnfreezeWarmup
from ocec.registry import HOOKS

# batch and instance norms, the layers whose training mode changes statistics
NORMS_WITH_STATISTICS = nn.modules.batchnorm._NormBase


@HOOKS.register_module()
class FreezeHook(Hook):
    """Freeze parts of the model and unfreeze them step by step.

    Frozen parameters have no gradient, and so neither weight decay nor a place in the
    optimizer's moments; their norms are in evaluation mode and keep their statistics.
    They are in the optimizer all the same, so that every checkpoint of a run resumes.
    Dropout inside frozen parts stays as it is. Head, then last blocks, then all::

        dict(
            type='FreezeHook',
            freeze='backbone',
            unfreeze=[
                dict(stages='blocks[-2:]', epoch=10),
                dict(stages='all', monitor='eye/f1', value=0.85, latest=40),
            ],
            warmup_epochs=3,
        )

    A step is made before the first epoch at which its conditions hold, and never
    before those above it; a metric counts from the first validation after the step
    above.

    Args:
        freeze: what is frozen at the start: ``all``, stages (``stem``, ``blocks.*``,
            ``blocks[:2]``, ``head``), modules (``backbone``) or parameters
            (``*.bias``), one or several.
        unfreeze: arguments of :class:`ocec.engine.freeze_schedule.UnfreezeStep` each.
        warmup_epochs: after a step the rate grows over so many epochs, from the first
            to the last iteration by equal amounts, to what the schedulers say, >= 0.
        warmup_of: ``unfrozen``: the rate of what was unfrozen, whose parameter groups
            must be apart, as ``LayerWiseLR`` makes them; ``all``: every rate.

    Raises:
        ValueError: an argument is out of range.
    """

    # the rate of a warmup is put back between LoggerHook (BELOW_NORMAL), which logs
    # it, and ParamSchedulerHook (LOW), which goes on from it
    priority = 65

    def __init__(
        self,
        freeze: str | Sequence[str],
        unfreeze: Sequence[dict] = (),
        *,
        warmup_epochs: float = 0,
        warmup_of: str = 'unfrozen',
    ) -> None:
        self.freeze = freeze
        self.steps = parse_steps(unfreeze)
        self._warmup = UnfreezeWarmup(warmup_epochs, warmup_of)
        #: iteration at which each step was made
        self.made_at: list[int] = []
        self._metrics: dict[str, float] = {}
        self._params: dict[str, nn.Parameter] = {}
        self._frozen_norms: list[nn.Module] = []

    def before_train(self, runner: Runner) -> None:
        """Freeze what is frozen at this point of the run.

        Args:
            runner: the runner.

        Raises:
            ValueError: a pattern matches nothing, everything is frozen, a step
                unfreezes nothing, groups are not apart, the run counts no epochs, or
                the checkpoint has made more steps than there are.
        """
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ValueError('FreezeHook counts epochs: set train_cfg.by_epoch=True')
        if len(self.made_at) > len(self.steps):
            raise ValueError(
                f'the checkpoint has made {len(self.made_at)} steps of '
                f'FreezeHook.unfreeze, the config has {len(self.steps)}: resume with '
                'the config it was trained with'
            )
        model = _bare(runner.model)
        # what the model itself has frozen stays so
        self._params = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._stages = {
            stage: [name for name in names if name in self._params]
            for stage, names in parameter_stages(model).items()
        }
        self._stages = {stage: names for stage, names in self._stages.items() if names}
        self._frozen, self._freed = plan_freezing(self._stages, self.freeze, self.steps)
        groups = [
            [self._params[name] for name in sorted(names)] for names in self._freed
        ]
        self._warmup.find_groups(runner.optim_wrapper.optimizer, groups)
        self._apply(runner)
        if runner.iter == 0:
            self._copy_into_averages(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        """Make the steps that are due.

        Args:
            runner: the runner.
        """
        done = len(self.made_at)
        while len(self.made_at) < len(self.steps) and self.steps[
            len(self.made_at)
        ].is_due(runner.epoch, self._metrics):
            self.made_at.append(runner.iter)
            self._metrics = {}
        if len(self.made_at) > done:
            self._apply(runner)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Keep frozen norms in evaluation mode; warm up.

        Args:
            runner: the runner.
            batch_idx: not used.
            data_batch: not used.
        """
        # the loop sets the whole model to training mode after before_train_epoch
        for norm in self._frozen_norms:
            if norm.training:
                norm.eval()
        self._warmup.lower(runner, self.made_at)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Put the rates of a warmup back.

        Args:
            runner: the runner.
            batch_idx: not used.
            data_batch: not used.
            outputs: not used.
        """
        self._warmup.restore(runner)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Keep the metric that the next step waits for.

        Args:
            runner: the runner.
            metrics: of this validation.

        Raises:
            KeyError: the metric is not among them.
        """
        for step in self.steps[len(self.made_at) :][:1]:
            if step.monitor is None:
                continue
            if step.monitor not in metrics:
                raise KeyError(
                    f'FreezeHook.unfreeze: monitor={step.monitor!r} is not a '
                    f'validation metric; there are {sorted(metrics)}'
                )
            self._metrics = {step.monitor: float(metrics[step.monitor])}

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the steps made.

        Args:
            runner: the runner.
            checkpoint: what will be saved.
        """
        checkpoint['freeze'] = {
            'made_at': list(self.made_at),
            'metrics': dict(self._metrics),
        }

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the steps over on resume.

        Args:
            runner: the runner.
            checkpoint: what was loaded.
        """
        if runner._resume and 'freeze' in checkpoint:
            self.made_at = list(checkpoint['freeze']['made_at'])
            self._metrics = dict(checkpoint['freeze']['metrics'])

    def assume_metrics_pass(self) -> list[str]:
        """Let metrics pass at once, to count through a run that is not trained.

        Returns:
            What was assumed.
        """
        assumed, steps = [], []
        for index, step in enumerate(self.steps):
            epoch = step.epoch or 1
            if step.monitor is not None:
                assumed.append(
                    f'unfreeze[{index}] waits for {step.monitor}: drawn at its '
                    f'earliest, epoch {epoch}'
                )
            steps.append(UnfreezeStep(step.stages, epoch=epoch))
        self.steps = steps
        return assumed

    def _apply(self, runner: Runner) -> None:
        """Set ``requires_grad`` and find the frozen norms, as the steps made say."""
        freed = set().union(*self._freed[: len(self.made_at)])
        frozen = self._frozen - freed
        changed = False
        for name, param in self._params.items():
            changed |= param.requires_grad == (name in frozen)
            param.requires_grad_(name not in frozen)
        model = _bare(runner.model)
        self._frozen_norms = _frozen_norms(model, frozen)
        if changed and is_model_wrapper(runner.model):
            # a wrapper waits for the gradients that it was built for
            wrapper = runner.cfg.get('model_wrapper_cfg')
            runner.model = runner.wrap_model(wrapper, model)
        count = sum(self._params[name].numel() for name in frozen)
        total = sum(param.numel() for param in self._params.values())
        runner.logger.info(
            f'epoch {runner.epoch + 1}: frozen '
            f'{describe_stages(self._stages, frozen) or "nothing"}, {count:,} of '
            f'{total:,} parameters; trained '
            f'{describe_stages(self._stages, set(self._params) - frozen)}'
        )

    @torch.no_grad()
    def _copy_into_averages(self, runner: Runner) -> None:
        """Make frozen parts of averaged models equal to the model's.

        EMAHook copies the model before its weights are initialised.
        """
        live = _bare(runner.model)
        for hook in runner.hooks:
            if not hasattr(hook, 'ema_model'):
                continue
            averaged = hook.ema_model.module
            averaged_params = dict(averaged.named_parameters())
            for name in self._frozen:
                averaged_params[name].copy_(self._params[name])
            modules = {id(module): name for name, module in live.named_modules()}
            for norm in self._frozen_norms:
                other = averaged.get_submodule(modules[id(norm)])
                other.load_state_dict(norm.state_dict())


def _bare(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model


def _frozen_norms(model: nn.Module, frozen: set[str]) -> list[nn.Module]:
    """Norms whose parameters are frozen, or, without any, those around them."""
    norms = []
    for name, module in model.named_modules():
        if not isinstance(module, NORMS_WITH_STATISTICS):
            continue
        owner, prefix = module, name
        while prefix and next(owner.parameters(), None) is None:
            prefix = prefix.rpartition('.')[0]
            owner = model.get_submodule(prefix)
        names = [f'{prefix}.{own}' for own, _ in owner.named_parameters()]
        if names and all(own in frozen for own in names):
            norms.append(module)
    return norms
