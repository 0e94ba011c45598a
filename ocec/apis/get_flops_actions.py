"""What goes into a model of actions, for counting its parameters and its work.

Shapes: P persons, T frames of the skeletons, T' of RGB, K joints, h x w pixels.
"""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.config import Config
from torch import Tensor, nn

from ocec.apis.action_data import is_action_dataset
from ocec.apis.errors import ConfigError

# of the datasets, where a config leaves them out
NUM_POSE_FRAMES, NUM_RGB_FRAMES, FRAME_SIZE = 48, 16, (224, 224)


def is_action_config(cfg: Config) -> bool:
    """Tell whether the model of a config sees actions.

    Args:
        cfg: the config.

    Returns:
        True where it trains on a dataset of actions.
    """
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    return is_action_dataset(dataset)


def raw_clip(cfg: Config) -> dict[str, Tensor]:
    """Return one empty clip as the training dataset of a config reads it.

    Args:
        cfg: the config, with ``train_dataloader.dataset`` of actions.

    Returns:
        ``keypoint`` (1, 1, P, T, K, 2), ``score``, ``box`` (1, 4) and, unless the
        dataset reads no videos, ``frames`` (1, 1, T', h, w, 3) uint8.
    """
    dataset = cfg.train_dataloader.dataset
    num_frames = dataset.get('num_pose_frames', NUM_POSE_FRAMES)
    num_joints = dataset.get('num_joints', 17)
    clip = {
        'keypoint': torch.zeros(1, 1, 1, num_frames, num_joints, 2),
        'score': torch.zeros(1, 1, 1, num_frames, num_joints),
        'box': torch.tensor([[0.0, 0.0, 1.0, 1.0]]),
    }
    if dataset.get('rgb') is not None:
        size = dataset.get('frame_size', FRAME_SIZE)
        num_frames = dataset.get('num_rgb_frames', NUM_RGB_FRAMES)
        clip['frames'] = torch.zeros(1, 1, num_frames, *size, 3, dtype=torch.uint8)
    return clip


def action_inputs(
    model: nn.Module, cfg: Config, config: str | Path
) -> dict[str, Tensor]:
    """Return what the network sees of one clip in training.

    Args:
        model: with ``data_preprocessor``, whose sizes count.
        cfg: the config of the model.
        config: its file, for the message.

    Returns:
        ``rgb`` (1, 3, T', H, W) and ``heatmap`` (1, K, T, H', W'), or one of them.

    Raises:
        ConfigError: the preprocessor cannot make anything of the clip.
    """
    # the draws of augmentation are no draws of the caller
    with torch.random.fork_rng(devices=[]):
        try:
            batch = model.data_preprocessor({'inputs': raw_clip(cfg)}, training=True)
        except ValueError as error:
            raise ConfigError(f'{config}: {error}') from error
    return batch['inputs']


def count_streams(model: nn.Module) -> dict[str, int]:
    """Count the parameters of each part of the backbone.

    Args:
        model: with ``backbone``.

    Returns:
        ``rgb``, ``pose``, ``attention`` and what else ``connections`` between the
        streams have, those that there are.
    """
    counts = {}
    for name in ('rgb_path', 'pose_path', 'attention'):
        part = getattr(model.backbone, name, None)
        if part is not None:
            counts[name.removesuffix('_path')] = _count(part)
    connections = _count(model.backbone) - sum(counts.values())
    return counts | ({'connections': connections} if connections else {})


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
