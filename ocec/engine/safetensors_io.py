"""Checkpoints as safetensors: tensors and text, no pickle.

The weights keep their names, so that other programs can read them. Everything beside
them lies in the header, one JSON text for each key of the checkpoint::

    ocec             ["meta", "state_dict", "thresholds"]
    ocec.meta        {"cfg": "...", "dataset_meta": {"classes": ...}, ...}
    ocec.thresholds  {"best_f1": 0.49, ...}
    ocec.state_dict  {"$tensors": ["backbone.stem.0.weight", ...]}

What JSON has no word for is marked by a ``$``: tuples, keys that are no texts, numbers
that are not finite, and tensors below other keys than ``state_dict``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

SUFFIX = '.safetensors'
#: of the header with every text in it; that of a run with optimizer has about 1 MB
MAX_HEADER_BYTES = 32 * 2**20
_KEYS = 'ocec'
_WEIGHTS = 'state_dict'


def is_safetensors(path: str | Path) -> bool:
    """Return whether a path names a safetensors file, by its ending."""
    return Path(path).suffix == SUFFIX


def encode_safetensors(checkpoint: Mapping) -> bytes:
    """Return the content of a safetensors file.

    Args:
        checkpoint: tensors and plain Python values only, keys are texts.

    Returns:
        The bytes; equal checkpoints give equal bytes.

    Raises:
        ImportError: safetensors is not installed.
        ValueError: the checkpoint holds something that the format cannot.
    """
    save = _import_safetensors().torch.save
    tensors: dict[str, Tensor] = {}
    texts = {}
    for key, value in checkpoint.items():
        if not isinstance(key, str):
            raise ValueError(f'safetensors: the key {key!r} is no text')
        encoded = _encode(value, (key,), tensors)
        texts[f'{_KEYS}.{key}'] = json.dumps(encoded, allow_nan=False)
    header = {'format': 'pt', _KEYS: json.dumps(list(checkpoint)), **texts}
    # a name for each: two that share memory are refused otherwise
    content = save({name: _dense_copy(name, x) for name, x in tensors.items()}, header)
    content = _with_ordered_header(content, header)
    size = int.from_bytes(content[:8], 'little')
    if size > MAX_HEADER_BYTES:
        raise ValueError(
            f'safetensors: {size:,} bytes of text beside the weights, at most '
            f'{MAX_HEADER_BYTES:,} are read back'
        )
    return content


def read_safetensors(path: str | Path) -> dict:
    """Read a checkpoint to the CPU; nothing in the file can run code.

    Args:
        path: of the file.

    Returns:
        The checkpoint that :func:`encode_safetensors` got; of a file of another
        program its names and tensors.

    Raises:
        ImportError: safetensors is not installed.
        ValueError: the file is damaged.
    """
    library = _import_safetensors()
    _check_header_size(Path(path))
    try:
        with library.safe_open(path, framework='pt', device='cpu') as file:
            header, names = file.metadata() or {}, file.keys()
            # copies: the file may change while they live
            tensors = {name: file.get_tensor(name).clone() for name in names}
    # a type of numbers that this torch does not know is no SafetensorError
    except (library.SafetensorError, RuntimeError, LookupError, TypeError) as error:
        raise ValueError(f'{path}: damaged checkpoint: {error}') from error
    if _KEYS not in header:
        return tensors
    try:
        return {
            key: _decode(json.loads(header[f'{_KEYS}.{key}']), tensors)
            for key in json.loads(header[_KEYS])
        }
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        told = f'{type(error).__name__}: {error}'
        raise ValueError(f'{path}: damaged checkpoint: {told}') from error


def _import_safetensors():
    try:
        import safetensors
        import safetensors.torch
    except ImportError as error:
        raise ImportError(
            'a .safetensors file needs safetensors: pip install "ocec[export]"'
        ) from error
    return safetensors


def _check_header_size(path: Path) -> None:
    """Refuse a header that would fill the memory, or reaches past the file."""
    with open(path, 'rb') as stream:
        size = int.from_bytes(stream.read(8), 'little')
    present = path.stat().st_size
    if size > MAX_HEADER_BYTES:
        raise ValueError(
            f'{path}: damaged checkpoint: a header of {size:,} bytes, at most '
            f'{MAX_HEADER_BYTES:,} are read'
        )
    if size + 8 > present:
        raise ValueError(
            f'{path}: damaged checkpoint: it has {present:,} bytes and a header of '
            f'{size:,}'
        )


def _with_ordered_header(content: bytes, header: Mapping[str, str]) -> bytes:
    """Put the texts in order: the library writes them in another at every call."""
    end = 8 + int.from_bytes(content[:8], 'little')
    found = json.loads(content[8:end])
    ordered = {**found, '__metadata__': header}
    text = json.dumps(ordered, separators=(',', ':'), ensure_ascii=False).encode()
    text += b' ' * (-len(text) % 8)  # the tensors stay aligned
    return len(text).to_bytes(8, 'little') + text + content[end:]


def _dense_copy(name: str, x: Tensor) -> Tensor:
    if x.layout != torch.strided or x.is_quantized:
        raise ValueError(f'safetensors: {name} is no dense tensor')
    # channels-last memory is not contiguous
    return x.detach().cpu().contiguous().clone()


def _encode(value, place: tuple, tensors: dict[str, Tensor]):
    """Return a value as JSON can hold it; its tensors go into ``tensors``."""

    def inner(item, key):
        return _encode(item, (*place, key), tensors)

    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {'$float': repr(value)}
    if isinstance(value, Tensor):
        return {'$tensor': _add_tensor(value, place, tensors)}
    if isinstance(value, list):
        return [inner(item, index) for index, item in enumerate(value)]
    if isinstance(value, tuple):
        return {'$tuple': [inner(item, index) for index, item in enumerate(value)]}
    if not isinstance(value, Mapping):
        where = '.'.join(map(str, place))
        kind = type(value).__name__
        raise ValueError(f'safetensors: {where} is a {kind}, neither tensor nor text')
    if all(isinstance(key, str) and not key.startswith('$') for key in value):
        encoded = {key: inner(item, key) for key, item in value.items()}
        if place == (_WEIGHTS,) and encoded == {key: {'$tensor': key} for key in value}:
            return {'$tensors': list(value)}  # a third of the text
        return encoded
    pairs = [[inner(key, 'key'), inner(item, key)] for key, item in value.items()]
    return {'$dict': pairs}


def _add_tensor(x: Tensor, place: tuple, tensors: dict[str, Tensor]) -> str:
    """Name a tensor: weights as they are called, others by their place."""
    is_weight = len(place) == 1 or (len(place) == 2 and place[0] == _WEIGHTS)
    name = str(place[-1]) if is_weight else '/' + '/'.join(map(str, place))
    while name in tensors:
        name += "'"
    tensors[name] = x
    return name


def _decode(value, tensors: Mapping[str, Tensor]):
    """Undo :func:`_encode`."""
    if isinstance(value, list):
        return [_decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(mark, content)] = value.items()
        if mark in _MARKS:
            return _MARKS[mark](content, tensors)
    return {key: _decode(item, tensors) for key, item in value.items()}


def _decode_pairs(pairs: list, tensors: Mapping[str, Tensor]) -> dict:
    return {_decode(key, tensors): _decode(item, tensors) for key, item in pairs}


_MARKS: dict[str, Callable] = {
    '$float': lambda text, _: float(text),
    '$tensor': lambda name, tensors: tensors[name],
    '$tensors': lambda names, tensors: {name: tensors[name] for name in names},
    '$tuple': lambda items, tensors: tuple(_decode(item, tensors) for item in items),
    '$dict': _decode_pairs,
}
