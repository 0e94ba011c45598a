"""A detector out of what the user writes on the command line."""

from __future__ import annotations

from ocec.apis.errors import ConfigError
from ocec.apis.eye_boxes import CsvBoxes, EyeDetector, FixedBoxes

FORMS = 'yunet:FILE.onnx, deim:FILE.onnx, csv:FILE.csv or boxes:x1,y1,x2,y2[;...]'


def open_detector(
    text: str, *, eye_class: int | None = None, min_score: float | None = None
) -> EyeDetector:
    """Open the detector that a text names.

    Args:
        text: ``yunet:FILE.onnx``, ``deim:FILE.onnx``, ``csv:FILE.csv`` or
            ``boxes:x1,y1,x2,y2`` with a second box after ``;``.
        eye_class: label of eyes, of a DEIMv2 detector only.
        min_score: least score in [0, 1], of YuNet and DEIMv2 only.

    Returns:
        The detector.

    Raises:
        ConfigError: the text is none of these, or a setting is not one of this
            detector.
    """
    kind, _, rest = text.partition(':')
    settings = {
        name: value
        for name, value in (('eye_class', eye_class), ('min_score', min_score))
        if value is not None
    }
    if kind not in _KINDS or not rest:
        raise ConfigError(f'detector must be {FORMS}, got {text!r}')
    build, known = _KINDS[kind]
    for name in settings:
        if name not in known:
            raise ConfigError(f'the detector {kind} takes no {name.replace("_", "-")}')
    if min_score is not None and not 0 <= min_score <= 1:
        raise ConfigError(f'min-score must be in [0, 1], got {min_score}')
    return build(rest, **settings)


def _open_yunet(path: str, **settings) -> EyeDetector:
    from ocec.apis.eye_boxes_yunet import YuNetDetector

    return YuNetDetector(path, **settings)


def _open_deim(path: str, **settings) -> EyeDetector:
    from ocec.apis.eye_boxes_deim import DeimDetector

    return DeimDetector(path, **settings)


def _read_boxes(text: str) -> EyeDetector:
    try:
        boxes = [[float(edge) for edge in box.split(',')] for box in text.split(';')]
        return FixedBoxes(boxes)
    except ValueError as error:
        raise ConfigError(f'boxes:{text}: {error}') from error


_KINDS = {
    'yunet': (_open_yunet, {'min_score'}),
    'deim': (_open_deim, {'eye_class', 'min_score'}),
    'csv': (CsvBoxes, set()),
    'boxes': (_read_boxes, set()),
}
