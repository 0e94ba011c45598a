"""The loader of a training: never with a last batch of one image, never empty."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable

from mmengine.logging import print_log
from torch.utils.data import DataLoader


def build_train_dataloader(
    cfg: dict,
    build: Callable[..., DataLoader],
    *,
    seed: int | None,
    diff_rank_seed: bool,
) -> DataLoader:
    """Build the loader of a training.

    Batch norm over one pooled feature has no variance, and torch refuses it: a last
    batch of one image is left out.

    Args:
        cfg: of the loader; not changed.
        build: makes a loader of a config, ``seed`` and ``diff_rank_seed``.
        seed: of the run.
        diff_rank_seed: whether ranks draw other numbers.

    Returns:
        The loader.

    Raises:
        ValueError: there are fewer than two images, or than a batch has with
            ``drop_last``.
    """
    cfg = copy.deepcopy(cfg)
    seeds = {'seed': seed, 'diff_rank_seed': diff_rank_seed}
    loader = build(cfg, **seeds)
    batch_size = loader.batch_sampler.batch_size
    # a batch sampler of the config has settings of its own
    is_ours = cfg.get('batch_sampler') is None and not loader.drop_last
    if is_ours and len(loader.sampler) % batch_size == 1 < batch_size:
        print_log(
            f'the last batch of an epoch would hold one image, which batch norm '
            f'cannot train on: it is left out ({len(loader.sampler):,} images of '
            f'this rank, batch_size {batch_size})',
            logger='current',
            level=logging.WARNING,
        )
        cfg.update(dataset=loader.dataset, drop_last=True)
        loader = build(cfg, **seeds)
    if len(loader.sampler) < 2:
        raise ValueError(
            f'the train split has {len(loader.sampler)} images for this rank, and '
            'batch norm needs two in a batch: add images, or use fewer ranks'
        )
    if len(loader) == 0:
        raise ValueError(
            f'the train split has {len(loader.sampler):,} images for this rank, '
            f'fewer than train_dataloader.batch_size={batch_size} with '
            'drop_last=True: choose a smaller batch_size'
        )
    return loader
