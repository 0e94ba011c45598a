"""What is known of the samples of a split besides their scores.

Shapes: N samples of the split, K of them shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch.utils.data import Dataset

from ocec.apis.check_dataset_scan import read_pictures
from ocec.apis.errors import ConfigError
from ocec.apis.sample_facts import pictures_of
from ocec.datasets.eye_columns import COLUMNS
from ocec.datasets.eye_table import EyeTable

UNKNOWN = 'unknown'
# columns that are facts of their own, or pictures
KNOWN_COLUMNS = {*COLUMNS, 'image_bytes'}
# a filter with more entries than this is no help
MAX_CATEGORIES = 50
# numbers of more values than this are put into bins with as many samples each
MAX_NUMBERS, NUM_BINS = 12, 4


def sample_places(dataset: Dataset, sample_id_K: np.ndarray) -> list[tuple[str, int]]:
    """Say where samples lie on disk.

    Args:
        dataset: of any kind.
        sample_id_K: (K,) sample ids.

    Returns:
        K file names and rows in them; no name and the id where there is no file.
    """
    table = getattr(dataset, 'table', None)
    if isinstance(table, EyeTable):
        return [table.locate(row) for row in sample_id_K.tolist()]
    file = str(getattr(table, 'file', ''))
    return [(file, number) for number in sample_id_K.tolist()]


def sample_columns(dataset: Dataset, sample_id_N: np.ndarray) -> dict[str, list[str]]:
    """Read the further columns of a data set, as categories to filter by.

    Args:
        dataset: of any kind; one of parquet files has the columns that those add to
            the ones of an OCEC parquet, as ``source`` or ``glasses``; one of digit
            pairs the digits.
        sample_id_N: (N,) sample ids.

    Returns:
        name -> N texts. Numbers of many values are put into bins; columns with one
        value, or with more than 50 different texts, are left out.
    """
    table = getattr(dataset, 'table', None)
    columns = {}
    if isinstance(table, EyeTable):
        columns = _parquet_columns(table, sample_id_N)
    elif hasattr(dataset, 'digits'):
        digit_N2 = np.asarray(dataset.digits)[sample_id_N]
        columns = {'left digit': digit_N2[:, 0], 'right digit': digit_N2[:, 1]}
        columns = {name: pa.array(values) for name, values in columns.items()}
    found = {name: _categories(values) for name, values in columns.items()}
    return {
        name: texts
        for name, texts in found.items()
        if 1 < len(set(texts)) <= MAX_CATEGORIES
    }


def sample_images(
    dataset: Dataset, sample_id_K: np.ndarray, *, allow_outside: bool = False
) -> list[np.ndarray]:
    """Read pictures of samples, at native size where the dataset can tell it.

    Args:
        dataset: of any kind.
        sample_id_K: (K,) sample ids.
        allow_outside: also read pictures outside the folder of their parquet file.

    Returns:
        K pictures, (h, w, 3) uint8 RGB; the two of a pair side by side.

    Raises:
        ConfigError: the dataset shows no pictures.
    """
    table = getattr(dataset, 'table', None)
    native = {}
    if isinstance(table, EyeTable):
        rows = sample_id_K.tolist()
        native = read_pictures(table, rows, allow_outside=allow_outside)
    rest = [number for number in sample_id_K.tolist() if number not in native]
    found = pictures_of(dataset, rest)
    if found is None:
        raise ConfigError(f'{type(dataset).__name__} shows no pictures of its samples')
    native.update(zip(rest, found, strict=True))
    return [native[number] for number in sample_id_K.tolist()]


def _parquet_columns(table: EyeTable, row_N: np.ndarray) -> dict[str, pa.Array]:
    schemas = [pq.ParquetFile(file).schema_arrow for file in table.files]
    wanted = [
        field.name
        for field in schemas[0]
        if field.name not in KNOWN_COLUMNS
        and _is_plain(field.type)
        and all(field.name in schema.names for schema in schemas)
    ]
    if not wanted:
        return {}
    parts = [pq.read_table(file, columns=wanted) for file in table.files]
    return {
        name: pa.chunked_array(
            [_as_plain(chunk) for part in parts for chunk in part.column(name).chunks]
        ).take(pa.array(row_N))
        for name in wanted
    }


def _is_plain(kind: pa.DataType) -> bool:
    tests = pa.types.is_string, pa.types.is_large_string, pa.types.is_boolean
    numbers = pa.types.is_integer, pa.types.is_floating, pa.types.is_dictionary
    return any(test(kind) for test in (*tests, *numbers))


def _as_plain(chunk: pa.Array) -> pa.Array:
    """One type for the same column of several files: numbers stay, the rest is text."""
    if pa.types.is_integer(chunk.type) or pa.types.is_floating(chunk.type):
        return chunk.cast(pa.float64())
    return chunk.cast(pa.string())


def _categories(values: pa.Array | pa.ChunkedArray) -> list[str]:
    """Turn a column into texts, numbers of many values into bins."""
    listed = values.to_pylist()
    if not pa.types.is_floating(values.type):
        return [UNKNOWN if x is None or x == '' else str(x) for x in listed]
    x_N = np.array([np.nan if x is None else x for x in listed], np.float64)
    known = x_N[~np.isnan(x_N)]
    if len(np.unique(known)) <= MAX_NUMBERS:
        return [UNKNOWN if np.isnan(x) else f'{x:g}' for x in x_N.tolist()]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, NUM_BINS + 1)))
    names = _bin_names(edges)
    place_N = np.searchsorted(edges, x_N, side='right').clip(1, len(names)) - 1
    return [
        UNKNOWN if np.isnan(x) else names[place]
        for x, place in zip(x_N.tolist(), place_N.tolist(), strict=True)
    ]


def _bin_names(edges: Sequence[float]) -> list[str]:
    return [
        f'{low:.4g} to {high:.4g}'
        for low, high in zip(edges[:-1], edges[1:], strict=True)
    ]
