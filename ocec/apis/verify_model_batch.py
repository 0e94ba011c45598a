"""Small batches to try a model on: of its data, or made up in the same shape.

Shapes: N images, pairs or clips.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor
from torch.utils.data import Dataset

from ocec.functional.skeleton_layouts import custom_layout, skeleton_layout
from ocec.structures import ActionTargets, BatchTargets, PairTargets

#: what one sample is called, by the type of the model
UNITS = {
    'ImageClassifier': 'image',
    'PairClassifier': 'pair',
    'ActionRecognizer': 'clip',
}
# a clip of EPAM-Net costs seconds on a CPU; batch norm needs two
NUM_CLIPS = 2
NUM_IMAGES = 64
PAIR_SIZE = 28
FRAME_HW = (240, 320)
NUM_DIGITS = 10


def unit_of(cfg: Config) -> str:
    """Return what one sample of a config is called."""
    return UNITS.get(cfg.model.get('type', '').removeprefix('ocec.'), 'sample')


def num_tried(cfg: Config) -> int:
    """Return how many samples a config is tried on: 2 clips, else up to 64."""
    if unit_of(cfg) == 'clip':
        return NUM_CLIPS
    return max(2, min(NUM_IMAGES, cfg.train_dataloader.get('batch_size') or 1))


def choose_samples(dataset: Dataset, num: int) -> list[int]:
    """Choose samples of as many classes as there are.

    Args:
        dataset: ``labels`` (len(dataset),) tells their classes; without it the first
            are taken.
        num: N, how many; fewer where the dataset has fewer.

    Returns:
        N different numbers in [0, len(dataset)): one of each class by turns.
    """
    labels = getattr(dataset, 'labels', None)
    if labels is None:
        return list(range(min(num, len(dataset))))
    labels = np.asarray(labels)
    rank = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        rank[labels == label] = np.arange(np.count_nonzero(labels == label))
    return np.lexsort((labels, rank))[:num].tolist()


def read_batch(dataset: Dataset, num: int) -> dict:
    """Read a batch of as many classes as there are.

    Args:
        dataset: with ``__getitems__``.
        num: samples.

    Returns:
        As the dataset gives it.
    """
    return dataset.__getitems__(choose_samples(dataset, num))


def make_up_batch(cfg: Config, loader: str, num: int) -> dict:
    """Make a batch of noise in the shape of the data of a config.

    Args:
        cfg: the config that runs.
        loader: whose dataset it stands for, as ``train_dataloader``.
        num: samples N.

    Returns:
        As the dataset would give it.

    Raises:
        ValueError: nobody knows what the data of such a model look like.
    """
    generator = torch.Generator().manual_seed(0)
    kind = unit_of(cfg)
    if kind == 'clip':
        return _make_up_clips(cfg, cfg[loader]['dataset'], num, generator)
    if kind not in ('image', 'pair'):
        raise ValueError(
            f'without its data, nothing is known of what {cfg.model.get("type")} takes'
        )
    id_N = torch.arange(num)
    known = {'label_B': id_N % 2, 'sample_id_B': id_N, 'group_id_B': id_N}
    if kind == 'image':
        shape = (num, 3, *cfg.model['input_size'])
        targets = BatchTargets(**known)
    else:
        shape = (num, 2, PAIR_SIZE, PAIR_SIZE)
        digit_N2 = torch.stack((id_N % NUM_DIGITS, (id_N + 1) % NUM_DIGITS), 1)
        targets = PairTargets(**known, digit_B2=digit_N2)
    noise = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
    return {'inputs': noise, 'data_samples': targets}


def take_one(batch: object, index: int) -> object:
    """Return one sample of a batch, as a batch of one.

    Args:
        batch: tensors with N rows, in dicts, lists and structs of arrays.
        index: in [0, N).

    Returns:
        The same with one row.
    """
    if isinstance(batch, Tensor):
        return batch[index : index + 1]
    if isinstance(batch, Mapping):
        return {key: take_one(value, index) for key, value in batch.items()}
    if is_dataclass(batch):
        values = {f.name: getattr(batch, f.name) for f in fields(batch)}
        return replace(batch, **{k: take_one(v, index) for k, v in values.items()})
    return batch


def describe_shapes(value: object, name: str) -> list[str]:
    """Say what tensors there are.

    Args:
        value: a tensor, or a mapping of tensors.
        name: of the whole.

    Returns:
        ``name (2, 3, 16, 224, 224) float32`` for each.
    """
    if isinstance(value, Tensor):
        kind = str(value.dtype).removeprefix('torch.')
        return [f'{name} {tuple(value.shape)} {kind}']
    items: Iterable = value.items() if isinstance(value, Mapping) else ()
    return [line for key, item in items for line in describe_shapes(item, str(key))]


def _make_up_clips(
    cfg: Config, dataset: Mapping, num: int, generator: torch.Generator
) -> dict:
    layout = cfg.model['data_preprocessor'].get('layout', 'coco17')
    layout = (
        skeleton_layout(layout) if isinstance(layout, str) else custom_layout(**layout)
    )
    num_pose = dataset.get('num_pose_frames', 48)
    size_2 = torch.tensor([FRAME_HW[1], FRAME_HW[0]])
    shape = (num, 1, 1, num_pose, layout.num_joints)
    box_4 = torch.tensor([0.0, 0.0, *size_2.tolist()])
    inputs = {
        'keypoint': torch.rand(*shape, 2, generator=generator) * size_2,
        'score': torch.ones(shape),
        'box': box_4.repeat(num, 1),
        'frame_hw': torch.tensor(FRAME_HW).repeat(num, 1),
    }
    if dataset.get('rgb') is not None:
        frames = (num, 1, dataset.get('num_rgb_frames', 16))
        size = tuple(dataset.get('frame_size', (224, 224)))
        inputs['frames'] = torch.randint(
            256, (*frames, *size, 3), generator=generator, dtype=torch.uint8
        )
    id_N = torch.arange(num)
    label_N = id_N % cfg.model['head']['num_classes']
    return {'inputs': inputs, 'data_samples': ActionTargets(label_N, id_N, id_N)}
