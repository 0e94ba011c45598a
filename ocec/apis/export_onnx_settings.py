"""What a user may choose of an export, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from ocec.apis.errors import ConfigError
from ocec.export.onnx_metadata import CHOICES
from ocec.export.parity import MAX_DROP
from ocec.export.resize_graph import MIN_OPSET
from ocec.export.to_onnx import DEFAULT_OPSET, EXPORTERS, OPSETS

NORMALIZE = ('inside', 'outside')
PRECISIONS = CHOICES['precision']


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Settings of ``tools/export_onnx.py``.

    Args:
        input: ``resized`` or ``raw``.
        dtype: of the input, ``float32`` or ``uint8``; None takes float32 for
            ``resized`` and uint8 for ``raw``.
        normalize: ``inside`` or ``outside`` of the graph.
        precisions: of ``fp32``, ``fp16``, ``int8``, at least one.
        batch: images of a call; None for any number.
        embedding: also output what the last layer decides on.
        opset: of the ONNX file.
        exporter: ``auto``, ``dynamo`` or ``torchscript``.
        slim: let onnxslim simplify the graph.
        threshold: a number in [0, 1], or the name of a stored threshold
            (``best_f1``, ``precision``, ``false_alarm``); None takes ``best_f1``, or
            that of the config's metric where none is stored.
        parity: whether to compare with torch on real images.
        max_drop: of F1 by int8, in [0, 1].
        max_images: to compare on; 0 for the whole split.
        repeats: timed calls of each runtime, >= 1.

    Raises:
        ConfigError: a setting that does not exist, or two that exclude each other.
    """

    input: str = 'resized'
    dtype: str | None = None
    normalize: str = 'inside'
    precisions: tuple[str, ...] = ('fp32',)
    batch: int | None = None
    embedding: bool = False
    opset: int = DEFAULT_OPSET
    exporter: str = 'auto'
    slim: bool = False
    threshold: float | str | None = None
    parity: bool = True
    max_drop: float = MAX_DROP
    max_images: int = 10_000
    repeats: int = 300

    def __post_init__(self) -> None:
        """Refuse what cannot be exported."""
        choices = {
            'input': CHOICES['input'],
            'dtype': (None, *CHOICES['dtype']),
            'normalize': NORMALIZE,
            'exporter': EXPORTERS,
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f'--{name} must be one of {allowed}, got {getattr(self, name)!r}'
                )
        unknown = [p for p in self.precisions if p not in PRECISIONS]
        if unknown or not self.precisions:
            raise ConfigError(
                f'--precision must be of {PRECISIONS}, got {self.precisions}'
            )
        if self.opset not in OPSETS:
            raise ConfigError(
                f'--opset must be in {OPSETS.start} to {OPSETS.stop - 1}, got '
                f'{self.opset}'
            )
        self._check_numbers()
        self._check_together()

    def _check_numbers(self) -> None:
        if self.batch is not None and self.batch < 1:
            raise ConfigError(f'--batch must be >= 1, got {self.batch}')
        if not 0 <= self.max_drop <= 1:
            raise ConfigError(f'--max-drop must be in [0, 1], got {self.max_drop}')
        if self.max_images < 0 or self.repeats < 1:
            raise ConfigError('--max-images must be >= 0 and --repeats >= 1')

    def _check_together(self) -> None:
        if self.normalize == 'outside' and self.input == 'raw':
            raise ConfigError(
                '--input raw resizes inside the graph, so it normalises there too: '
                'leave out --normalize outside'
            )
        if self.input == 'raw' and self.opset < MIN_OPSET:
            raise ConfigError(
                f'--input raw needs --opset {MIN_OPSET} or more, got {self.opset}'
            )
        if self.normalize == 'outside' and self.dtype == 'uint8':
            raise ConfigError(
                'normalised pixels are no uint8: leave out --dtype uint8 or '
                '--normalize outside'
            )
        if 'int8' in self.precisions and not self.parity:
            raise ConfigError(
                'int8 is calibrated on real images, so --no-parity cannot be: name the '
                'data with --data'
            )

    @property
    def input_dtype(self) -> str:
        """``float32`` or ``uint8``, of the file's input."""
        return self.dtype or ('uint8' if self.input == 'raw' else 'float32')

    @property
    def core_dtype(self) -> str:
        """``float32`` or ``uint8``, of the network's input behind the resize."""
        return 'float32' if self.input == 'raw' else self.input_dtype
