"""Learning rates that fall from the head to the image."""

from __future__ import annotations

import logging

from mmengine.logging import print_log
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from torch import nn

from ocec.engine.model_stages import (
    HEAD,
    MARGIN,
    backbone_stages,
    parameter_stages,
)
from ocec.engine.optim.param_groups import group_table
from ocec.registry import OPTIM_WRAPPER_CONSTRUCTORS

STEM = 'stem'
DEFAULTS: dict[str, float | None] = {
    'stem_lr_mult': None,
    'block_lr_mult': 1.0,
    'layer_decay_rate': 1.0,
    'head_lr_mult': 1.0,
    'margin_lr_mult': None,
    'norm_decay_mult': 1.0,
    'bias_decay_mult': 1.0,
    'flat_decay_mult': 1.0,
}
"""What ``paramwise_cfg`` may hold; None follows from the others."""
NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerWiseLR(DefaultOptimWrapperConstructor):
    """Give each stage of the model a learning rate of its own, and print them.

    Rates are multiples of ``optimizer.lr``, so that all of them scale together; each
    scheduler multiplies the rate of every group. Bounds that are rates, as
    ``eta_min``, are the same for all groups: ``eta_min_ratio`` is not. Every parameter
    is in the optimizer, also one that ``FreezeHook`` freezes::

        optim_wrapper = dict(
            optimizer=dict(type='AdamW', lr=5e-5, weight_decay=1e-4),
            constructor='LayerWiseLR',
            paramwise_cfg=dict(stem_lr_mult=0.2, head_lr_mult=2, margin_lr_mult=4),
        )

    Keys of ``paramwise_cfg``, each at least 0:

    * ``block_lr_mult``: of the last stage of the backbone; 1.
    * ``layer_decay_rate``: each stage nearer to the image has this share of the next
      one's rate; 1.
    * ``stem_lr_mult``: of the stem; None goes on with the decay.
    * ``head_lr_mult``: of the head; 1.
    * ``margin_lr_mult``: of a margin in the head; None is that of the head.
    * ``norm_decay_mult``, ``bias_decay_mult``, ``flat_decay_mult``: weight decay of
      norms, of other biases, of further one-dimensional parameters as layer scales;
      1, and 0 for none.

    Args:
        optim_wrapper_cfg: config of the optim wrapper; ``optimizer`` in it has ``lr``,
            and ``weight_decay`` where a multiple of it is asked for.
        paramwise_cfg: see above.

    Raises:
        ValueError: an unknown key, one out of range, or nothing to multiply.

    Source:
        The decay: Clark et al., ELECTRA, ICLR 2020, arXiv:2003.10555, section 3.1.
    """

    def __init__(
        self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None
    ) -> None:
        given = dict(paramwise_cfg or {})
        _check(given)
        super().__init__(optim_wrapper_cfg)
        self.paramwise_cfg = {**DEFAULTS, **given}
        if self.base_lr is None:
            raise ValueError('LayerWiseLR needs optim_wrapper.optimizer.lr')
        decays = [key for key in given if key.endswith('_decay_mult')]
        if self.base_wd is None and decays:
            raise ValueError(
                f'paramwise_cfg.{decays[0]} needs optim_wrapper.optimizer.weight_decay'
            )

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optim wrapper and print its groups.

        Args:
            model: wrapped or not.

        Returns:
            The optim wrapper; its groups have a ``stage``.
        """
        optim_wrapper = super().__call__(model)
        table = group_table(optim_wrapper.optimizer)
        print_log(f'layer-wise learning rates\n{table}', logger='current')
        return optim_wrapper

    def add_params(
        self,
        params: list[dict],
        module: nn.Module,
        prefix: str = '',
        is_dcn_module: int | float | None = None,
    ) -> None:
        """Add the groups of a model.

        Args:
            params: list to add to.
            module: the model.
            prefix: not used.
            is_dcn_module: not used.
        """
        stages = parameter_stages(module)
        multiples = self.lr_multiples(stages, backbone_stages(module))
        decays = self._decay_multiples(module)
        by_name = dict(module.named_parameters())
        groups: dict[tuple[str, float], dict] = {}
        for stage, names in stages.items():
            for name in names:
                if not by_name[name].requires_grad:  # left alone by its owner
                    continue
                decay = decays[name]
                group = groups.setdefault((stage, decay), {'params': []})
                group['params'].append(by_name[name])
                group.update(stage=stage, lr=self.base_lr * multiples[stage])
                if self.base_wd is not None:
                    group['weight_decay'] = self.base_wd * decay
        params.extend(groups.values())

    def lr_multiples(
        self, stages: dict[str, list[str]], of_backbone: list[str]
    ) -> dict[str, float]:
        """Return what each stage multiplies the learning rate by.

        Args:
            stages: of the model.
            of_backbone: those of its backbone, from the image on.

        Returns:
            Stage to multiple.
        """
        cfg = self.paramwise_cfg
        for key, stage in (('stem_lr_mult', STEM), ('margin_lr_mult', MARGIN)):
            if cfg[key] is not None and stage not in stages:
                _warn(
                    f'paramwise_cfg.{key}={cfg[key]:g} has no effect: the stages of '
                    f'this model are {", ".join(stages)}'
                )
        in_backbone = [stage for stage in of_backbone if stage in stages]
        multiples = dict.fromkeys(stages, cfg['block_lr_mult'])
        for depth, stage in enumerate(reversed(in_backbone)):
            multiples[stage] *= cfg['layer_decay_rate'] ** depth
        own = {STEM: 'stem_lr_mult', HEAD: 'head_lr_mult', MARGIN: 'margin_lr_mult'}
        for stage, key in own.items():
            if stage in stages and cfg[key] is not None:
                multiples[stage] = cfg[key]
        if cfg['margin_lr_mult'] is None and MARGIN in stages:
            multiples[MARGIN] = cfg['head_lr_mult']
        return multiples

    def _decay_multiples(self, model: nn.Module) -> dict[str, float]:
        """Name of each parameter to the multiple of its weight decay."""
        cfg, multiples = self.paramwise_cfg, {}
        for prefix, module in model.named_modules():
            for name, param in module.named_parameters(recurse=False):
                if isinstance(module, NORMS):
                    kind = 'norm_decay_mult'
                elif name == 'bias' or name.endswith('_bias'):
                    kind = 'bias_decay_mult'
                else:
                    kind = 'flat_decay_mult' if param.ndim == 1 else None
                full_name = f'{prefix}.{name}' if prefix else name
                multiples[full_name] = 1.0 if kind is None else cfg[kind]
        return multiples


def _check(paramwise_cfg: dict) -> None:
    for key, value in paramwise_cfg.items():
        if key not in DEFAULTS:
            raise ValueError(
                f'paramwise_cfg.{key}: LayerWiseLR has no such key, only '
                f'{", ".join(DEFAULTS)}'
            )
        if value is None and DEFAULTS[key] is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise ValueError(f'paramwise_cfg.{key} must be >= 0, got {value!r}')


def _warn(message: str) -> None:
    print_log(message, logger='current', level=logging.WARNING)
