"""What ``python -m ocec train`` can be told.

Imports the standard library only, so that the command has its help text at once.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

# name on the command line -> type in a config
ARCHITECTURES = {
    'baseline': 'OCECBaseline',
    'inverted_se': 'OCECInvertedSE',
    'convnext': 'OCECConvNeXt',
}
HEADS = {
    'auto': 'AutoHead',
    'avg': 'AvgHead',
    'avgmax_mlp': 'AvgMaxMLPHead',
    'transformer': 'TransformerHead',
    'mlp_mixer': 'MLPMixerHead',
}
MARGINS = {'none': None, 'arcface': 'ArcFace', 'cosface': 'CosFace'}
DEVICES = ('auto', 'cuda', 'cpu')
# shares that differ by less are one
SHARE_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class GuideSettings:
    """One call of ``python -m ocec train``; the defaults are those of the command.

    Args:
        data_root: parquet file, or folder of them.
        output_dir: folder of the run.
        epochs: > 0.
        batch_size: images per training batch, > 0.
        num_workers: processes that load training batches, >= 0.
        train_ratio: share of the images, in (0, 1].
        val_ratio: share of the images, in (0, 1).
        test_ratio: share of the images, in [0, 1); what the three leave over is added.
        resplit: split by the ratios although the file has splits.
        image_size: (H, W) in pixels, as ``32x64``.
        base_channels: channels of the stem, > 0.
        num_blocks: blocks of the backbone, > 0.
        dropout: probability in [0, 1).
        arch_variant: a key of ``ARCHITECTURES``.
        head_variant: a key of ``HEADS``.
        token_mixer_grid: (rows, columns) of tokens, as ``2x4``; None: the one nearest
            to 2x4 that fits.
        token_mixer_layers: > 0; None: two.
        margin_method: a key of ``MARGINS``.
        lr: learning rate, > 0.
        weight_decay: >= 0.
        seed: of all random numbers and of the split.
        device: ``auto``, ``cuda`` or ``cpu``.
        warmup_epochs: over which the rate grows to ``lr``, >= 0.
        use_amp: mixed precision.
        pretrain: files, patterns or folders, of which the best gives the weights.
        resume: checkpoint to go on from, ``auto`` for the last of ``output_dir``.
        verbose: log everything.

    Raises:
        ValueError: settings that do not go together, or ratios out of range.
    """

    data_root: str
    output_dir: str
    epochs: int = 30
    batch_size: int = 32
    num_workers: int = 4
    train_ratio: float = 0.8
    val_ratio: float = 0.2
    test_ratio: float = 0.0
    resplit: bool = False
    image_size: str = '48'
    base_channels: int = 32
    num_blocks: int = 4
    dropout: float = 0.3
    arch_variant: str = 'baseline'
    head_variant: str = 'auto'
    token_mixer_grid: str | None = None
    token_mixer_layers: int | None = None
    margin_method: str = 'cosface'
    lr: float = 1e-4
    weight_decay: float = 1e-4
    seed: int = 42
    device: str = 'auto'
    warmup_epochs: int = 5
    use_amp: bool = False
    pretrain: tuple[str, ...] = ()
    resume: str | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        """Refuse what can be seen to be wrong before any data are read."""
        if not 0 < self.train_ratio <= 1:
            raise ValueError(f'--train_ratio must be in (0, 1], got {self.train_ratio}')
        if not 0 < self.val_ratio < 1:
            raise ValueError(
                f'--val_ratio must be in (0, 1), got {self.val_ratio}: the learning '
                'rate and the best checkpoint follow validation'
            )
        if not 0 <= self.test_ratio < 1:
            raise ValueError(f'--test_ratio must be in [0, 1), got {self.test_ratio}')
        total = round(self.train_ratio + self.val_ratio + self.test_ratio, SHARE_DIGITS)
        if total > 1:
            raise ValueError(
                f'--train_ratio {self.train_ratio:g}, --val_ratio {self.val_ratio:g} '
                f'and --test_ratio {self.test_ratio:g} sum to {total:g}, more than 1'
            )
        if self.pretrain and self.resume is not None:
            raise ValueError(
                '--pretrain begins a training with old weights, --resume goes on with '
                'an old training: give one of them'
            )

    @property
    def ratios(self) -> dict[str, float]:
        """Shares > 0 by split; they sum to 1, the test split has what is left over."""
        left_over = round(1 - self.train_ratio - self.val_ratio, SHARE_DIGITS)
        shares = {'train': self.train_ratio, 'val': self.val_ratio, 'test': left_over}
        return {name: share for name, share in shares.items() if share > 0}

    def is_default(self, name: str) -> bool:
        """Tell whether a setting is what it is without its flag.

        Args:
            name: of a field that has a default.

        Returns:
            True if it is.
        """
        return getattr(self, name) == default_of(name)


def default_of(name: str) -> Any:
    """Return the default of a setting.

    Args:
        name: of a field of :class:`GuideSettings` that has a default.

    Returns:
        The default.

    Example:
        >>> default_of('epochs')
        30
    """
    [field] = [f for f in dataclasses.fields(GuideSettings) if f.name == name]
    return field.default
