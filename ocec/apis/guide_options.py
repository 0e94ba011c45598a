"""From settings of ``python -m ocec train`` to ``--cfg-options``."""

from __future__ import annotations

from collections.abc import Mapping

from ocec.apis.errors import ConfigError
from ocec.apis.guide_settings import (
    ARCHITECTURES,
    HEADS,
    MARGINS,
    GuideSettings,
    default_of,
)
from ocec.apis.guide_split import GuideSplit
from ocec.apis.run_config import LOADERS
from ocec.datasets.eye_parquet import parse_image_size
from ocec.models.heads.token_head import TokenHead
from ocec.registry import MODELS

# setting -> keys of the config that hold it as it is
KEYS = {
    'epochs': ('train_cfg.max_epochs',),
    # the rate given is meant for the batch given
    'batch_size': (
        'train_dataloader.batch_size',
        'auto_scale_lr.base_batch_size',
    ),
    'num_workers': ('train_dataloader.num_workers',),
    'base_channels': ('model.backbone.base_channels',),
    'num_blocks': ('model.backbone.num_blocks',),
    'dropout': ('model.head.dropout',),
    'lr': ('optim_wrapper.optimizer.lr',),
    'weight_decay': ('optim_wrapper.optimizer.weight_decay',),
}


def config_options(
    settings: GuideSettings, *, split: GuideSplit, plateau: Mapping
) -> list[str]:
    """Return what the command changes in its config.

    Args:
        settings: of the command.
        split: how the data are split.
        plateau: config of the scheduler that follows the warmup.

    Returns:
        ``KEY=VALUE`` texts, only of what differs from the config.

    Raises:
        ConfigError: a size cannot be read.
    """
    options = [
        *_plain_options(settings),
        *_size_options(settings),
        *_model_options(settings),
        *_warmup_options(settings, plateau),
        *_split_options(settings, split),
    ]
    if _has_tokens(settings):
        options += _token_options(settings).values()
    return [*options, 'log_level=DEBUG'] if settings.verbose else options


def notes_on_options(settings: GuideSettings) -> list[str]:
    """Return what the user should know: settings that have no or another effect.

    Args:
        settings: of the command.

    Returns:
        A line each.

    Raises:
        ConfigError: a size cannot be read.
    """
    notes = []
    if not _has_tokens(settings):
        notes = [
            f'note: the head is {_head_of(settings)}, without tokens: {flag} has no '
            'effect and is left out'
            for flag in _token_options(settings)
        ]
    if settings.warmup_epochs >= settings.epochs:
        reached = settings.epochs / settings.warmup_epochs
        notes.append(
            f'note: --warmup_epochs {settings.warmup_epochs} do not end before '
            f'--epochs {settings.epochs}: the rate gets to {reached:.0%} of --lr, and '
            'the plateau never cuts it'
        )
    return notes


def _plain_options(settings: GuideSettings) -> list[str]:
    options = [
        f'{key}={getattr(settings, name)}'
        for name, keys in KEYS.items()
        if not settings.is_default(name)
        for key in keys
    ]
    if settings.num_workers == 0:  # torch refuses workers that stay but are not there
        options.append('train_dataloader.persistent_workers=false')
    return options


def _size_options(settings: GuideSettings) -> list[str]:
    height, width = _parse_size('image_size', settings.image_size, '32x64 or 48')
    if (height, width) == parse_image_size(default_of('image_size')):
        return []
    return [f'{name}.dataset.image_size={height},{width}' for name in LOADERS]


def _model_options(settings: GuideSettings) -> list[str]:
    options = []
    if not settings.is_default('arch_variant'):
        options.append(f'model.backbone.type={ARCHITECTURES[settings.arch_variant]}')
    if not settings.is_default('head_variant'):
        options.append(f'model.head.type={HEADS[settings.head_variant]}')
    if settings.margin_method == 'none':
        options.append('model.head.margin=none')
    elif not settings.is_default('margin_method'):
        options.append(f'model.head.margin.type={MARGINS[settings.margin_method]}')
    return options


def _token_options(settings: GuideSettings) -> dict[str, str]:
    """Return ``KEY=VALUE`` by flag, of the flags about tokens that were given."""
    options = {}
    if (grid := settings.token_mixer_grid) is not None:
        rows, columns = _parse_size('token_mixer_grid', grid, '2x4')
        options[f'--token_mixer_grid {grid}'] = (
            f'model.head.token_grid={rows},{columns}'
        )
    if (layers := settings.token_mixer_layers) is not None:
        options[f'--token_mixer_layers {layers}'] = f'model.head.num_layers={layers}'
    return options


def _head_of(settings: GuideSettings) -> str:
    if settings.head_variant == 'auto':
        return MODELS.get(ARCHITECTURES[settings.arch_variant]).default_head
    return HEADS[settings.head_variant]


def _has_tokens(settings: GuideSettings) -> bool:
    return issubclass(MODELS.get(_head_of(settings)), TokenHead)


def _warmup_options(settings: GuideSettings, plateau: Mapping) -> list[str]:
    epochs = settings.warmup_epochs
    if settings.is_default('warmup_epochs'):
        return []
    if epochs:
        return [
            f'param_scheduler.0.end={epochs}',
            f'param_scheduler.0.start_factor={1 / epochs}',
            f'param_scheduler.1.begin={epochs}',
        ]
    words = ','.join(f'{k}={value}' for k, value in plateau.items() if k != 'begin')
    return [f'param_scheduler=[dict({words})]']


def _split_options(settings: GuideSettings, split: GuideSplit) -> list[str]:
    options = []
    if split.ratios is not None:
        shares = ','.join(f'{name}={share}' for name, share in split.ratios.items())
        for loader in LOADERS:
            options.append(f'{loader}.dataset.split_ratios=dict({shares})')
            if not settings.is_default('seed'):
                options.append(f'{loader}.dataset.split_seed={settings.seed}')
    if split.has_test:
        options.append('test_dataloader.dataset.split=test')
    return options


def _parse_size(name: str, text: str, example: str) -> tuple[int, int]:
    try:
        return parse_image_size(text)
    except ValueError:
        raise ConfigError(
            f'--{name} must be two positive numbers such as {example}, got {text!r}'
        ) from None
