"""What an exported file says of itself: one JSON text in the metadata of the ONNX file.

Normalisation, size, threshold and origin travel with the weights, so that no program
that uses the file has to guess them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocec.export.onnx_limits import MAX_BYTES, check_graph
from ocec.functional.json_text import parse_json
from ocec.functional.probability import CLASS_NAMES, DEFAULT_THRESHOLD

if TYPE_CHECKING:
    import onnx

KEY = 'ocec'
FORMAT = 1
TASK = 'eye'
CHOICES = {
    'input': ('resized', 'raw'),
    'dtype': ('float32', 'uint8'),
    'layout': ('NCHW', 'NHWC'),
    'precision': ('fp32', 'fp16', 'int8'),
}
INSTALL = 'ONNX files need the extra export: pip install "ocec[export]"'


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The contract of an exported file.

    Args:
        input: ``resized``, images of the network's size, or ``raw``, of any size.
        dtype: of the input, ``float32`` or ``uint8``; its pixels are in [0, 255]
            unless the normalisation is outside.
        layout: of the input, ``NCHW`` for ``resized``, ``NHWC`` for ``raw``.
        image_size: (H, W) of the network in pixels.
        normalized_inside: whether the graph subtracts ``mean`` and divides by ``std``.
        mean: of R, G and B, in pixel values [0, 255].
        std: of R, G and B, in pixel values, > 0.
        precision: ``fp32``, ``fp16`` or ``int8``.
        interpolation: of the training's resize.
        pipeline: whether the training prepared images with transforms of its own, which
            the file does not hold.
        threshold: in [0, 1]; P(open) from there on means open.
        thresholds: as the training chose them on its validation split; None for none.
        temperature: of temperature scaling, > 0; None for none. Not applied inside.
        embedding: whether there is a second output ``embedding``.
        config: name of the config file.
        ocec_version: of this package.
        git: commit of the training; None where it is not known.
        data: fingerprint of the validation data; None where it is not known.
        metrics: what the parity gate measured on them; None where it did not run.
        parity: ``passed``, or ``not checked`` for an export without the gate.
        checkpoint_sha256: of the checkpoint, hexadecimal.
        format: version of this contract.
        task: ``eye``.
        color: order of the channels.
        classes: names of class 0 and 1.
        output: name of the output.

    Raises:
        ValueError: a field has a value that the contract does not know.
    """

    input: str
    dtype: str
    layout: str
    image_size: tuple[int, int]
    normalized_inside: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    precision: str = 'fp32'
    interpolation: str = 'bilinear'
    pipeline: bool = False
    threshold: float = DEFAULT_THRESHOLD
    thresholds: Mapping[str, Any] | None = None
    temperature: float | None = None
    embedding: bool = False
    config: str = ''
    ocec_version: str = ''
    git: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    metrics: Mapping[str, Any] | None = None
    parity: str = 'not checked'
    checkpoint_sha256: str = ''
    format: int = FORMAT
    task: str = TASK
    color: str = 'RGB'
    classes: tuple[str, ...] = CLASS_NAMES
    output: str = 'prob_open'

    def __post_init__(self) -> None:
        """Refuse what no reader would understand."""
        for name in ('image_size', 'mean', 'std', 'classes'):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f'{name} must be one of {choices}, got {getattr(self, name)!r}'
                )
        if len(self.image_size) != 2 or min(self.image_size) < 1:
            raise ValueError(f'image_size must be (H, W), got {self.image_size}')
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError(
                'mean and std must have three values and std be > 0, got '
                f'{self.mean} and {self.std}'
            )
        if not 0 <= self.threshold <= 1:
            raise ValueError(f'threshold must be in [0, 1], got {self.threshold}')


def write_metadata(model: onnx.ModelProto, card: ModelCard) -> None:
    """Put a card into a model, in place of the one it has, if any.

    Args:
        model: changed in place; its other metadata are left alone.
        card: what to write.
    """
    others = [entry for entry in model.metadata_props if entry.key != KEY]
    kept = [(entry.key, entry.value) for entry in others]
    del model.metadata_props[:]
    for key, value in [*kept, (KEY, json.dumps(asdict(card)))]:
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value


def read_metadata(path: str | Path) -> ModelCard:
    """Read the card of an exported file.

    Args:
        path: of the ONNX file.

    Returns:
        The card.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: onnx is not installed.
        ValueError: the file is no complete ONNX file, none that this package exported,
            or one of another task.
    """
    return card_of(load_proto(path), path)


def card_of(model: onnx.ModelProto, path: str | Path) -> ModelCard:
    """Return the card of a loaded model.

    Args:
        model: as loaded.
        path: of its file, for messages.

    Returns:
        The card.

    Raises:
        ValueError: as in :func:`read_metadata`.
    """
    texts = [entry.value for entry in model.metadata_props if entry.key == KEY]
    if not texts:
        raise ValueError(
            f'{path}: an ONNX file without the metadata of ocec, so its normalisation '
            'and threshold are not known. Export it again with tools/export_onnx.py'
        )
    try:
        values = parse_json(texts[0])
        task, version = values.get('task'), values.get('format')
    except (ValueError, AttributeError) as error:
        raise ValueError(f'{path}: its metadata cannot be read: {error}') from error
    if task != TASK:
        raise ValueError(
            f'{path}: a model of the task {task!r}, not one that tells open eyes from '
            f'closed ones ({TASK!r})'
        )
    if version != FORMAT:
        raise ValueError(
            f'{path}: metadata of format {version}, this version reads {FORMAT}; '
            'export the checkpoint again'
        )
    known = {field.name for field in fields(ModelCard)}
    try:
        return ModelCard(**{k: v for k, v in values.items() if k in known})
    except (TypeError, ValueError) as error:
        raise ValueError(f'{path}: its metadata are incomplete: {error}') from error


def load_proto(path: str | Path) -> onnx.ModelProto:
    """Load an ONNX file whose weights are all in it.

    Args:
        path: of the file.

    Returns:
        The model.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: onnx is not installed.
        ValueError: the file is truncated, no ONNX file, keeps weights elsewhere, or
            makes values that fill the memory.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise ImportError(INSTALL) from error
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such model')
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f'{path}: no ONNX file: more than {MAX_BYTES:,} bytes')
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError(f'{path}: truncated, or no ONNX file ({error})') from error
    if not model.graph.node or not model.graph.output:
        raise ValueError(f'{path}: truncated, or no ONNX file (it has no graph)')
    check_graph(model, path)
    return model
