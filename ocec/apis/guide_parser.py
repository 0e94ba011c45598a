"""Arguments of ``python -m ocec train``.

Imports the standard library only, so that the command has its help text at once.
"""

from __future__ import annotations

import argparse

from ocec.apis.guide_settings import (
    ARCHITECTURES,
    DEVICES,
    HEADS,
    MARGINS,
    default_of,
)


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the flags of the training guides.

    Each has two spellings, ``--data_root`` and ``--data-root``.

    Args:
        parser: gets one argument per field of
            :class:`ocec.apis.guide_settings.GuideSettings`.
    """
    _add_data(parser)
    _add_model(parser)
    _add_optimisation(parser)
    _add_run(parser)


def _add_data(parser: argparse.ArgumentParser) -> None:
    _add(parser, 'data_root', required=True, help='parquet file, or folder of them')
    _add(parser, 'output_dir', required=True, help='folder of the run')
    _add(
        parser,
        'image_size',
        help='height and width in pixels: 32x64; one number is a square',
    )
    for split in ('train', 'val', 'test'):
        _add(
            parser,
            f'{split}_ratio',
            type=float,
            help=f'share of {split}; counts where the file has no splits',
        )
    _add(
        parser,
        'resplit',
        action='store_true',
        help='split by the ratios although the file has splits',
    )
    _add(parser, 'batch_size', type=_positive, help='images of a training batch')
    _add(
        parser,
        'num_workers',
        type=_not_negative,
        help='processes that load training batches',
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    _add(parser, 'arch_variant', choices=ARCHITECTURES, help='backbone')
    _add(parser, 'base_channels', type=_positive, help='channels of the stem')
    _add(parser, 'num_blocks', type=_positive, help='blocks of the backbone')
    _add(
        parser,
        'head_variant',
        choices=HEADS,
        help='auto: avg for baseline, avgmax_mlp for inverted_se, transformer for '
        'convnext',
    )
    _add(
        parser,
        'token_mixer_grid',
        metavar='ROWSxCOLUMNS',
        help='tokens of transformer and mlp_mixer; by default the grid nearest to 2x4 '
        'that divides the feature map',
    )
    _add(
        parser,
        'token_mixer_layers',
        type=_positive,
        help='layers of transformer and mlp_mixer; by default 2',
    )
    _add(parser, 'dropout', type=float, help='probability in [0, 1)')
    _add(
        parser,
        'margin_method',
        choices=MARGINS,
        help='as in the guides, cosface unless given; none: one logit, without margin',
    )


def _add_optimisation(parser: argparse.ArgumentParser) -> None:
    _add(parser, 'epochs', type=_positive, help='length of the training')
    _add(parser, 'lr', type=float, help='learning rate of AdamW')
    _add(parser, 'weight_decay', type=float, help='weight decay of AdamW')
    _add(
        parser,
        'warmup_epochs',
        type=_not_negative,
        help='epochs in which the rate grows to --lr; 0: none',
    )
    _add(parser, 'use_amp', action='store_true', help='mixed precision')
    _add(
        parser,
        'pretrain',
        nargs='+',
        metavar='PATH',
        help='begin with the weights of this checkpoint; of several, of a quoted '
        'pattern or of the folder of a run: of the best, never of the newest',
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add(
        parser,
        'resume',
        nargs='?',
        const='auto',
        help='go on from a checkpoint; without one, from the last of the output_dir',
    )
    _add(parser, 'seed', type=int, help='seed of all random numbers and the split')
    _add(parser, 'device', choices=DEVICES, help='auto: a GPU if there is one')
    _add(parser, 'verbose', action='store_true', help='log everything')


def _add(parser: argparse.ArgumentParser, name: str, **settings) -> None:
    """Add a flag in both spellings, with the default of its setting."""
    if not settings.get('required'):
        settings['default'] = default = default_of(name)
        is_told = isinstance(default, str | float) or type(default) is int
        settings['help'] += ' (default: %(default)s)' if is_told else ''
    spellings = dict.fromkeys((f'--{name}', f'--{name.replace("_", "-")}'))
    parser.add_argument(*spellings, dest=name, **settings)


def _positive(text: str) -> int:
    return _whole_number(text, least=1)


def _not_negative(text: str) -> int:
    return _whole_number(text, least=0)


def _whole_number(text: str, *, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or value < least:
        raise argparse.ArgumentTypeError(
            f'must be a whole number >= {least}, got {text}'
        )
    return value
