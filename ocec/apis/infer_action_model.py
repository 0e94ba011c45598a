"""A checkpoint that tells actions apart, without a data set.

Shapes: C classes, K joints, T frames, h x w cells.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ocec.apis.action_data import is_action_dataset
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import read_config
from ocec.apis.stored_config import write_stored_config
from ocec.compat import check_torchvision
from ocec.datasets.clip_batch import ClipSample, stack_samples
from ocec.datasets.clip_reader import ClipReader
from ocec.engine.checkpoint_io import load_safely
from ocec.engine.start_plan import OtherModelError, plan_start
from ocec.engine.start_weights import read_weights
from ocec.functional.ntu import ntu_classes
from ocec.functional.skeleton_layouts import SkeletonLayout
from ocec.registry import MODELS

ACTION_MODEL = 'ActionRecognizer'
RGB, FUSED = 'rgb', 'fused'
# the test loader first: clips are read as tools/test.py reads them
LOADERS = ('test_dataloader', 'val_dataloader', 'train_dataloader')
READER_SETTINGS = (
    *('num_pose_frames', 'num_rgb_frames', 'frame_size', 'num_clips', 'max_persons'),
    'box',
)


class ActionModel:
    """The network of a checkpoint, and how the clips of its test are read.

    Args:
        path: the checkpoint; of a run with EMA, the averaged weights are used.
        config: the config file; by default the config that the checkpoint holds.
        device: of torch, as ``cpu`` or ``cuda:1``.
        trust: unpickle anything when loading, and run the config in it.

    Raises:
        ConfigError: there is no config in it, the checkpoint is one of another task or
            of another model, or there is no such device.
        FileNotFoundError: there is no such checkpoint.
        ValueError: the checkpoint is damaged or not trusted.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        config: str | Path | None = None,
        device: str = 'cpu',
        trust: bool = False,
    ) -> None:
        check_torchvision()
        place = _check_device(device)
        content = load_safely(path, trust=trust)
        cfg = _read_config(content, path, config, trust)
        check_action_model(cfg, path)
        #: reads clips as those of the test
        self.reader = ClipReader(test_mode=True, **_reader_settings(cfg, path))
        self.network = load_action_weights(cfg, content, path).to(place)
        #: names by label
        self.classes = class_names(content, self.network.head.num_classes)

    @property
    def layout(self) -> SkeletonLayout:
        """Order of the joints."""
        return self.network.data_preprocessor.layout

    @property
    def has_rgb(self) -> bool:
        """Whether it looks at pictures, not at skeletons alone."""
        return RGB in self.network.head.streams

    def predict(self, sample: ClipSample) -> np.ndarray:
        """Return the probabilities of the clips of one video, averaged as in a test.

        Args:
            sample: what ``reader`` read; with frames if the model looks at them.

        Returns:
            (C,) float32, sums to 1.
        """
        return predict_batch(self.network, {'inputs': stack_samples([sample])})[0]


@torch.inference_mode()
def predict_batch(network: torch.nn.Module, batch: Mapping) -> np.ndarray:
    """Return the probabilities of a batch as it comes from the dataset.

    Args:
        network: an ``ActionRecognizer`` in evaluation mode.
        batch: with ``inputs``.

    Returns:
        (N, C) float32, rows sum to 1.
    """
    data = {'inputs': batch['inputs'], 'data_samples': None}
    inputs = network.data_preprocessor(data, False)['inputs']
    return network(inputs, mode='tensor')[FUSED].softmax(dim=1).cpu().numpy()


def check_action_model(cfg: Config, path: str | Path) -> None:
    """Refuse models of eyes, of pairs, and what this package did not make.

    Args:
        cfg: the config.
        path: of the checkpoint or config, for the message.

    Raises:
        ConfigError: it builds no model of actions.
    """
    kind = str((cfg.get('model') or {}).get('type')).rsplit('.', 1)[-1]
    if kind != ACTION_MODEL:
        raise ConfigError(
            f'{path}: a model of another task: its config builds a {kind}, and actions '
            f'need an {ACTION_MODEL}'
        )


def load_action_weights(
    cfg: Config, content: dict, path: str | Path
) -> torch.nn.Module:
    """Build the model of a config with the weights of a checkpoint.

    Args:
        cfg: the config.
        content: of the checkpoint.
        path: where it lies, for messages.

    Returns:
        The model in evaluation mode.

    Raises:
        ConfigError: the weights are those of another model.
    """
    init_default_scope(cfg.get('default_scope') or 'ocec')
    model = MODELS.build(cfg.model)
    try:
        start = plan_start(
            read_weights(content, str(path)),
            model,
            model_cfg=cfg.model,
            file=str(path),
            may_start_anew=False,
        )
    except OtherModelError as error:
        raise ConfigError(str(error)) from error
    model.load_state_dict(start.state)
    return model.eval()


def class_names(content: Mapping, num_classes: int) -> tuple[str, ...]:
    """Name the classes: as the checkpoint does, else as NTU RGB+D 60, else by label.

    Args:
        content: of the checkpoint.
        num_classes: C.

    Returns:
        C names.
    """
    stored = (content.get('meta') or {}).get('dataset_meta') or {}
    names = tuple(str(name) for name in stored.get('classes') or ())
    if len(names) == num_classes:
        return names
    return ntu_classes(num_classes) or tuple(map(str, range(num_classes)))


def _check_device(device: str) -> torch.device:
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split('\n')[0]
        raise ConfigError(f'--device {device}: cannot be used: {reason}') from error
    return place


def _read_config(
    content: dict, path: str | Path, config: str | Path | None, trust: bool
) -> Config:
    if config is not None:
        return read_config(config)
    with tempfile.TemporaryDirectory(prefix='ocec-infer-') as folder:
        file = Path(folder) / 'stored.py'
        write_stored_config(content, path, file, trust=trust)
        return read_config(file)


def _reader_settings(cfg: Config, path: str | Path) -> dict:
    for name in LOADERS:
        dataset = (cfg.get(name) or {}).get('dataset') or {}
        if is_action_dataset(dataset):
            settings = {key: dataset[key] for key in READER_SETTINGS if key in dataset}
            if name == LOADERS[-1]:  # of training there is one clip
                settings.pop('num_clips', None)
            return settings
    raise ConfigError(
        f'{path}: its config has no dataset of actions, which would say how clips are '
        'read; name a config file with --config'
    )
