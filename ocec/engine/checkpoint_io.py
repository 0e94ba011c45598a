"""Checkpoints on disk: written whole or not at all, read without running code."""

from __future__ import annotations

import errno
import hashlib
import io
import pickle
import random
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from ocec.engine.checkpoint_limits import check_archive, check_content
from ocec.engine.safetensors_io import (
    encode_safetensors,
    is_safetensors,
    read_safetensors,
)
from ocec.functional.file_ops import replace_file

# what torch raises on a file whose bytes were changed
DAMAGES = (
    *(RuntimeError, EOFError, OSError, ValueError, TypeError, LookupError),
    *(AttributeError, AssertionError, ArithmeticError, MemoryError, struct.error),
)


def save_atomically(checkpoint: dict, path: str | Path) -> str:
    """Write a checkpoint so that readers see the old file or the new one.

    The bytes are made in memory, so that a disk never holds half of them under the
    name; ``PATH.sha256`` is written beside it in the format of ``sha256sum``.

    Args:
        checkpoint: tensors and plain Python values only.
        path: where to; ``.safetensors`` gives that format.

    Returns:
        The SHA-256 of the file in hexadecimal.

    Raises:
        ImportError: the format needs safetensors, which is not installed.
        OSError: it cannot be written; the old file is as it was.
        ValueError: the format cannot hold something in the checkpoint.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_safetensors(path):
        content = encode_safetensors(checkpoint)
    else:
        stream = io.BytesIO()
        torch.save(checkpoint, stream)
        content = stream.getbuffer()
    digest = hashlib.sha256(content).hexdigest()
    # a crash in between leaves a file without a digest, never one with a wrong one
    replace_file(path, content, outdated=[digest_path(path)])
    write_text_atomically(f'{digest}  {path.name}\n', digest_path(path))
    return digest


def remove_checkpoint(path: str | Path) -> None:
    """Remove a checkpoint and its digest; a missing one is no error.

    Args:
        path: of the checkpoint.
    """
    Path(path).unlink(missing_ok=True)
    digest_path(path).unlink(missing_ok=True)


def digest_path(path: str | Path) -> Path:
    """Return where the digest of a checkpoint lies."""
    return Path(f'{path}.sha256')


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with open(path, 'rb') as stream:
        return hashlib.file_digest(stream, 'sha256').hexdigest()


def write_text_atomically(text: str, path: str | Path) -> None:
    """Write a small text file so that readers see the old one or the new one.

    Args:
        text: the whole content.
        path: where to.
    """
    replace_file(path, text.encode(), sync_name=False)


def check_digest(path: str | Path) -> None:
    """Compare a file with the digest beside it; without one there is nothing to do.

    Args:
        path: of the checkpoint.

    Raises:
        ValueError: the file is not the one that was written.
    """
    record = digest_path(path)
    if not record.is_file():
        return
    expected = record.read_text(encoding='utf-8', errors='replace').split(' ')[0]
    found = file_sha256(path)
    if found != expected.strip():
        raise ValueError(
            f'{path}: damaged checkpoint: its SHA-256 is {found}, and {record.name} '
            f'beside it says {expected.strip()[:64]}. Copy both again, or name '
            'another; if you have changed the file yourself, remove the .sha256'
        )


def load_safely(path: str | Path, *, trust: bool = False) -> dict:
    """Read a checkpoint to the CPU.

    Args:
        path: of the checkpoint; a ``.safetensors`` file is never unpickled.
        trust: unpickle anything. A pickle can run any program as you: only for files
            whose origin you know.

    Returns:
        The checkpoint.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or not the one that its digest beside it is of,
            or it holds more than tensors and plain values and is not trusted.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}: no such checkpoint')
    check_digest(path)
    if is_safetensors(path):
        return read_safetensors(path)
    check_archive(path)
    try:
        checkpoint = torch.load(path, map_location='cpu', weights_only=not trust)
    except pickle.UnpicklingError as error:
        reason = str(error).split('\n')[0]
        raise ValueError(
            f'{path}: this checkpoint holds more than tensors and plain values, and '
            f'loading it could run code ({reason}). If you know where it comes from, '
            'load it with --trust-checkpoint'
        ) from error
    except DAMAGES as error:
        # of a file cut off in its last bytes torch makes an invalid place to seek
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise ValueError(
            f'{path}: damaged checkpoint: {error}. Copy it again, or name another'
        ) from error
    if not isinstance(checkpoint, Mapping):
        kind = type(checkpoint).__name__
        raise ValueError(f'{path}: no checkpoint: it holds a {kind}, not a dict')
    check_content(checkpoint, path)
    return checkpoint


def rng_state() -> dict:
    """Return the state of every random generator of this process, as plain values.

    Returns:
        States of Python, numpy, torch and the current CUDA device.
    """
    version, internal, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    return {
        'python': {'version': version, 'internal': list(internal), 'gauss': gauss},
        'numpy': {
            'name': name,
            'keys': torch.from_numpy(keys.astype(np.int64)),
            'position': int(position),
            'has_gauss': int(has_gauss),
            'cached': float(cached),
        },
        'torch': torch.get_rng_state(),
        'cuda': torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def set_rng_state(state: dict) -> None:
    """Put every random generator of this process back.

    Args:
        state: what :func:`rng_state` returned.
    """
    python = state['python']
    random.setstate((python['version'], tuple(python['internal']), python['gauss']))
    numpy_state = state['numpy']
    np.random.set_state(
        (
            numpy_state['name'],
            numpy_state['keys'].numpy().astype(np.uint32),
            numpy_state['position'],
            numpy_state['has_gauss'],
            numpy_state['cached'],
        )
    )
    torch.set_rng_state(state['torch'])
    if torch.cuda.is_available() and state['cuda'] is not None:
        torch.cuda.set_rng_state(state['cuda'])
