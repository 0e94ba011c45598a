"""A checkpoint that tells open eyes from closed ones, without a data set.

Shapes: B images, H x W pixels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from ocec.apis.errors import ConfigError
from ocec.apis.eye_classifier_arrays import resize_picture
from ocec.apis.run_config import read_config, set_input_size
from ocec.apis.stored_config import write_stored_config
from ocec.apis.threshold_report import metric_threshold
from ocec.compat import check_torchvision
from ocec.datasets.cache import INTERPOLATIONS
from ocec.datasets.eye_parquet import parse_image_size
from ocec.datasets.mixed_eyes import source_configs
from ocec.engine.checkpoint_io import load_safely
from ocec.engine.start_plan import OtherModelError, plan_start
from ocec.engine.start_weights import read_weights
from ocec.functional.probability import CLASS_NAMES, prob_open
from ocec.registry import MODELS

EYE_MODEL = 'ImageClassifier'
# the test loader first: it is what tools/test.py reads images with
LOADERS = ('test_dataloader', 'val_dataloader', 'train_dataloader')


class TorchNetwork:
    """The network of a checkpoint in torch, with the images that it was tested on.

    Args:
        path: the checkpoint; of a run with EMA, the averaged weights are used.
        config: the config file; by default the config that the checkpoint holds.
        threads: of torch, in the whole process; None leaves torch as it is set.
        trust: unpickle anything when loading, and run the config in it.

    Raises:
        ConfigError: there is no config or no image size in it, or the checkpoint is
            one of another task or of another model.
        FileNotFoundError: there is no such checkpoint.
        ValueError: the checkpoint is damaged or not trusted.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        config: str | Path | None = None,
        threads: int | None = None,
        trust: bool = False,
    ) -> None:
        check_torchvision()
        content = load_safely(path, trust=trust)
        cfg = _read_config(content, path, config, trust)
        _check_task(cfg, content, path)
        set_input_size(cfg)
        dataset = _test_dataset(cfg)
        #: (H, W) in pixels
        self.image_size = _image_size(cfg, dataset, path)
        #: as chosen in training; None where the checkpoint holds none
        self.thresholds: Mapping | None = content.get('thresholds')
        #: of the config's metric, for a checkpoint that holds none
        self.metric_threshold: float = metric_threshold(
            cfg.get('test_evaluator') or cfg.get('val_evaluator')
        )
        self._prepare = _preparation(dataset, self.image_size)
        self._model = _load_model(cfg, content, path)
        if threads is not None:
            torch.set_num_threads(threads)

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Bring a picture to the size of the network, as the data set does.

        Args:
            image: (h, w, 3) uint8 RGB.

        Returns:
            (H, W, 3) uint8 RGB.
        """
        return self._prepare(image)

    @torch.inference_mode()
    def prob_open(self, images_BHWC: np.ndarray) -> np.ndarray:
        """Return P(open) of prepared pictures.

        Args:
            images_BHWC: (B, H, W, 3) uint8 RGB.

        Returns:
            (B,) float32 in [0, 1].
        """
        inputs_BCHW = torch.from_numpy(images_BHWC).permute(0, 3, 1, 2)
        data = self._model.data_preprocessor({'inputs': inputs_BCHW})
        return prob_open(self._model(data['inputs'])).numpy()


def _read_config(
    content: dict, path: str | Path, config: str | Path | None, trust: bool
) -> Config:
    if config is not None:
        return read_config(config)
    with tempfile.TemporaryDirectory(prefix='ocec-infer-') as folder:
        file = Path(folder) / 'stored.py'
        write_stored_config(content, path, file, trust=trust)
        return read_config(file)


def _check_task(cfg: Config, content: dict, path: str | Path) -> None:
    """Refuse models of pairs, of other classes, and what this package did not make."""
    kind = str((cfg.get('model') or {}).get('type')).rsplit('.', 1)[-1]
    if kind != EYE_MODEL:
        raise ConfigError(
            f'{path}: a model of another task: its config builds a {kind}, and eyes '
            f'need an {EYE_MODEL}'
        )
    meta = content.get('meta') or {}
    classes = tuple((meta.get('dataset_meta') or {}).get('classes') or CLASS_NAMES)
    if classes != CLASS_NAMES:
        raise ConfigError(
            f'{path}: a model of another task: it was trained on the classes '
            f'{classes}, not on {CLASS_NAMES}'
        )


def _test_dataset(cfg: Config) -> dict:
    """Return the config of the data set that is tested, {} if there is none."""
    for name in LOADERS:
        dataset = (cfg.get(name) or {}).get('dataset')
        if dataset:
            # the sources of a mix share the size, and what the first does with it
            return next(iter(source_configs(dataset).values()), {})
    return {}


def _image_size(cfg: Config, dataset: dict, path: str | Path) -> tuple[int, int]:
    size = dataset.get('image_size') or cfg.model.get('input_size')
    if size is None:
        raise ConfigError(
            f'{path}: its config tells no size of the images: no data set has an '
            'image_size, and the model no input_size'
        )
    return parse_image_size(size)


def _preparation(
    dataset: dict, image_size: tuple[int, int]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what a data set does with a decoded picture."""
    if dataset.get('pipeline'):
        init_default_scope('ocec')
        return _PicturePipeline(dataset['pipeline'])
    interpolation = INTERPOLATIONS[dataset.get('interpolation', 'bilinear')]
    return lambda image: resize_picture(image, image_size, interpolation)


class _PicturePipeline:
    """The per-image transforms of a data set, which work on BGR."""

    def __init__(self, transforms: Sequence[dict]) -> None:
        self._transforms = Compose(transforms)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        image = np.ascontiguousarray(image[..., ::-1])
        size = image.shape[:2]
        results = self._transforms({'img': image, 'img_shape': size, 'ori_shape': size})
        image = results['img'] if 'img' in results else results['inputs']
        if isinstance(image, torch.Tensor):
            image = image.permute(1, 2, 0).numpy()
        return np.ascontiguousarray(image[..., ::-1])


def _load_model(cfg: Config, content: dict, path: str | Path) -> torch.nn.Module:
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
