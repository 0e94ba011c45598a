"""From whatever a user has to single pictures, one at a time.

Nothing is collected: a source may have no end, a folder millions of files.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ocec.apis.eye_classifier_arrays import iterate_arrays
from ocec.apis.eye_classifier_parquet import count_rows, stream_parquet
from ocec.datasets.picture_decode import PictureError, decode_picture
from ocec.preparation.list_folder import PICTURE_SUFFIXES

# cameras for science write TIFF, and it can be decoded
SUFFIXES = (*PICTURE_SUFFIXES, '.tif', '.tiff')
PARQUET = '.parquet'


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that may not have been read yet.

    Args:
        content: (h, w, 3) uint8 RGB; the bytes of a picture file; where they lie; or
            what is wrong.
        path: of the picture file, or of the parquet that holds it; '' for an array.
        row: in that parquet; None for what is no row.
    """

    content: np.ndarray | bytes | Path | PictureError
    path: str = ''
    row: int | None = None

    @property
    def is_decoded(self) -> bool:
        """Whether the pixels are there."""
        return isinstance(self.content, np.ndarray)

    def decode(self) -> np.ndarray:
        """Read and decode the picture, as training does.

        Returns:
            (h, w, 3) uint8 RGB.

        Raises:
            PictureError: it cannot be used.
        """
        content = self.content
        if isinstance(content, PictureError):
            raise content
        if isinstance(content, np.ndarray):
            return content
        if isinstance(content, Path):
            content = _read_file(content)
        image = decode_picture(np.frombuffer(content, np.uint8))
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def iterate_pictures(
    images: object, *, column: str | None = None, allow_outside: bool = False
) -> Iterator[Picture]:
    """Yield the pictures of anything that holds some.

    Args:
        images: an array (see :func:`iterate_arrays`); the bytes of a picture file; a
            picture file, a folder, a pattern or a parquet file; or any iterable of
            those, which may have no end.
        column: of parquet files, see :func:`stream_parquet`.
        allow_outside: see there.

    Yields:
        the pictures in order; files that cannot be read are among them.

    Raises:
        TypeError: something else, as a tensor.
        ValueError: an array that is no picture, a folder without pictures, or a
            parquet file without a column of pictures.
        FileNotFoundError: a pattern matches nothing.
    """
    if isinstance(images, np.ndarray):
        for pixels in iterate_arrays(images):
            yield Picture(pixels)
    elif isinstance(images, bytes):
        yield Picture(images)
    elif isinstance(images, (str, os.PathLike)):
        yield from _from_path(Path(images), column, allow_outside)
    elif hasattr(images, 'detach') or isinstance(images, Mapping):
        raise TypeError(_refusal(images))
    elif isinstance(images, Iterable):
        for number, item in enumerate(images):
            if isinstance(item, np.ndarray):
                yield from _from_array(item, number)
            else:
                yield from iterate_pictures(
                    item, column=column, allow_outside=allow_outside
                )
    else:
        raise TypeError(_refusal(images))


def count_pictures(sources: Iterable[str | Path]) -> tuple[int, Counter]:
    """Count pictures by their names only.

    Args:
        sources: files, folders and patterns.

    Returns:
        How many there are, and how many files of folders are passed over, by suffix.

    Raises:
        FileNotFoundError: a source is not there.
        ValueError: a folder has no pictures.
    """
    passed_over: Counter = Counter()
    number = 0
    for source in sources:
        for path, problem in _expand(require_source(source), passed_over):
            is_parquet = not problem and path.suffix.lower() == PARQUET
            number += count_rows(path) if is_parquet else 1
    return number, passed_over


def is_among(file: Path, sources: Iterable[str | Path]) -> bool:
    """Tell whether a file is one of those that sources name.

    Args:
        file: that exists.
        sources: files, folders and patterns.

    Returns:
        True if it is, by whatever name.

    Raises:
        FileNotFoundError: a source is not there.
        ValueError: a folder has no pictures.
    """
    return any(
        path.exists() and path.samefile(file)
        for source in sources
        for path, problem in _expand(require_source(source), Counter())
        if not problem
    )


def require_source(source: str | Path) -> Path:
    """Refuse a source that is not there; in a list it would be one file of many.

    Args:
        source: file, folder or pattern.

    Returns:
        The path, with the home folder for ``~``.

    Raises:
        FileNotFoundError: there is no such file or folder, and it is no pattern.
    """
    path = Path(source).expanduser()
    if not path.exists() and not _is_pattern(path):
        raise FileNotFoundError(f'{source}: no such file, folder or pattern')
    return path


def _from_array(images: np.ndarray, number: int) -> Iterator[Picture]:
    """Yield the pictures of an item; its number is named if it is none."""
    try:
        for pixels in iterate_arrays(images):
            yield Picture(pixels)
    except ValueError as error:
        raise ValueError(f'item {number}: {error}') from error


def _from_path(
    source: Path, column: str | None, allow_outside: bool
) -> Iterator[Picture]:
    for path, problem in _expand(source, Counter()):
        if problem:
            yield Picture(PictureError(problem), str(path))
        elif path.suffix.lower() == PARQUET:
            for row, content in stream_parquet(
                path, column=column, allow_outside=allow_outside
            ):
                yield Picture(content, str(path), row)
        else:
            yield Picture(path, str(path))


def _expand(source: Path, passed_over: Counter) -> Iterator[tuple[Path, str]]:
    """Yield each file, and what is wrong with it or ''."""
    source = source.expanduser()
    if source.is_dir():
        yield from _expand_folder(source, passed_over)
    elif source.exists() or not _is_pattern(source):
        yield source, ''  # a missing one is found out when it is read
    else:
        matches = sorted(map(Path, glob.glob(str(source), recursive=True)))
        files = [match for match in matches if not match.is_dir()]
        if not files:
            raise FileNotFoundError(f'{source}: the pattern matches no file')
        for file in files:
            yield file, ''


def _expand_folder(root: Path, passed_over: Counter) -> Iterator[tuple[Path, str]]:
    """Yield the pictures below a folder; where there are none, its parquet files."""
    found = False
    for suffixes in (SUFFIXES, (PARQUET,)):
        passed_over_here: Counter = Counter()
        for path, problem in _walk(root, suffixes, passed_over_here):
            found = True
            yield path, problem
        if found:
            passed_over.update(passed_over_here)
            return
    raise ValueError(
        f'{root}: no pictures ({", ".join(SUFFIXES)}) and no parquet file in this '
        'folder'
    )


def _walk(
    root: Path, suffixes: tuple[str, ...], passed_over: Counter
) -> Iterator[tuple[Path, str]]:
    """Yield the files with these suffixes, folder by folder, sorted."""
    unreadable: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=unreadable.append):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        if links:
            passed_over['linked folders'] += len(links)
        for name in sorted(files):
            suffix = os.path.splitext(name)[1].lower()
            if suffix in suffixes:
                yield Path(folder, name), ''
            else:
                passed_over[f'*{suffix}' if suffix else 'without suffix'] += 1
    for error in unreadable:
        yield Path(error.filename), f'the folder cannot be read: {error.strerror}'


def _is_pattern(source: Path) -> bool:
    return glob.escape(str(source)) != str(source)


def _read_file(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise PictureError('neither a file nor a folder')
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        if isinstance(error, PictureError):
            raise
        raise PictureError(getattr(error, 'strerror', None) or str(error)) from error


def _refusal(images: object) -> str:
    kind = type(images)
    text = (
        'pictures are arrays, paths, the bytes of picture files, or iterables of '
        f'those, got {kind.__module__}.{kind.__qualname__}'
    )
    if hasattr(images, 'detach'):
        return f'{text}; of uint8 (N, 3, h, w) take x.permute(0, 2, 3, 1).numpy()'
    if hasattr(images, 'convert'):
        return f"{text}; use numpy.asarray(image.convert('RGB'))"
    return text
