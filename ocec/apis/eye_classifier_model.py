"""From the name of a model to its network and threshold. Shapes: B images, H x W."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.start_checkpoint import choose_checkpoint
from ocec.functional.probability import DEFAULT_THRESHOLD

NONE_STORED = 'default: the model holds none'


class EyeNetwork(Protocol):
    """What a classifier asks of a network; ``image_size`` is (H, W) in pixels."""

    image_size: tuple[int, int]

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Resize (h, w, 3) uint8 RGB to (H, W, 3), as the data set does."""

    def prob_open(self, images_BHWC: np.ndarray) -> np.ndarray:
        """Return (B,) float32 P(open) of (B, H, W, 3) uint8 RGB."""


def open_network(
    model: str | Path, config: str | Path | None, threads: int | None, trust: bool
) -> tuple[EyeNetwork, tuple[float, str]]:
    """Open an exported file or a checkpoint.

    Args:
        model: ``.onnx`` file, checkpoint, or folder of a run.
        config: of a checkpoint; None takes the one that it holds.
        threads: of the network; None for its default.
        trust: unpickle anything when loading.

    Returns:
        The network, and the threshold stored with it: its value and where it is from.

    Raises:
        ConfigError: a config for an ONNX file, or a model of another task.
        FileNotFoundError: there is no such model.
        ValueError: the model is damaged or not trusted.
    """
    model = Path(model).expanduser()
    if model.is_dir():
        model = choose_checkpoint([str(model)], option='model').path
    if not model.is_file():
        raise FileNotFoundError(f'{model}: no such model')
    if model.suffix.lower() == '.onnx':
        if config is not None:
            raise ConfigError(
                f'config {config}: an ONNX file holds its settings itself; leave the '
                'config out'
            )
        from ocec.apis.eye_classifier_onnx import OnnxNetwork

        network = OnnxNetwork(model, threads=threads)
        return network, _threshold_of_card(network.card)
    from ocec.apis.eye_classifier_torch import TorchNetwork

    network = TorchNetwork(model, config=config, threads=threads, trust=trust)
    threshold, source = _stored_threshold(network.thresholds)
    if source == NONE_STORED and network.metric_threshold != threshold:
        # as tools/export_onnx.py writes it into the file
        return network, (network.metric_threshold, 'of the metric of the config')
    return network, (threshold, source)


def _stored_threshold(stored: Mapping | None) -> tuple[float, str]:
    best = (stored or {}).get('best_f1')
    if best is None or not math.isfinite(best):
        return DEFAULT_THRESHOLD, NONE_STORED
    return float(best), f'best F1 on {stored.get("split", "val")}'


def _threshold_of_card(card) -> tuple[float, str]:
    value, source = _stored_threshold(card.thresholds)
    if value == card.threshold:
        return value, source
    return card.threshold, 'of the ONNX file'
