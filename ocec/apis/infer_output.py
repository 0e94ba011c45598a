"""Predictions to CSV or parquet as they come; the file appears when it is complete."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ocec.apis.errors import ConfigError
from ocec.apis.eye_classifier_predictions import Prediction
from ocec.preparation.atomic_files import new_file
from ocec.preparation.eye_listing import printable

SCHEMA = pa.schema(
    {
        'path': pa.string(),
        'row': pa.int64(),
        'prob_open': pa.float32(),
        'state': pa.string(),
        'error': pa.string(),
    }
)
ROWS_PER_GROUP = 65_536

Write = Callable[[Prediction], None]


def check_output(path: str | Path) -> Path:
    """Refuse names of other files than can be written, before the work is done.

    Args:
        path: of the output.

    Returns:
        The path.

    Raises:
        ConfigError: it ends neither in ``.csv`` nor in ``.parquet``, or is a folder.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in ('.csv', '.parquet') or path.is_dir():
        raise ConfigError(f'--out {path}: name a file that ends in .csv or .parquet')
    return path


@contextmanager
def open_output(path: Path) -> Iterator[Write]:
    """Open a file for predictions; memory holds some rows of it.

    Columns: ``path``; ``row`` of a parquet, else empty; ``prob_open``, of six digits
    in a CSV; ``state``; ``error``.

    Args:
        path: ``.csv`` or ``.parquet``; an old file stays until the block ends well.

    Yields:
        a function that takes the predictions one by one.
    """
    kind = _csv_rows if path.suffix.lower() == '.csv' else _parquet_rows
    with new_file(path) as file, kind(file) as write:
        yield write


@contextmanager
def _csv_rows(file: BinaryIO) -> Iterator[Write]:
    text = io.TextIOWrapper(file, encoding='utf-8', newline='')
    writer = csv.writer(text)
    writer.writerow(SCHEMA.names)

    def write(item: Prediction) -> None:
        prob = '' if item.error else f'{item.prob_open:.6f}'
        row = '' if item.row is None else item.row
        writer.writerow([printable(item.path), row, prob, item.state, item.error])

    yield write
    text.flush()
    text.detach()  # the file is closed by who opened it


@contextmanager
def _parquet_rows(file: BinaryIO) -> Iterator[Write]:
    rows: list[tuple] = []
    with pq.ParquetWriter(file, SCHEMA) as writer:

        def flush() -> None:
            if not rows:
                return
            columns = zip(*rows, strict=True)
            arrays = [
                pa.array(column, field.type)
                for column, field in zip(columns, SCHEMA, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
            rows.clear()

        def write(item: Prediction) -> None:
            prob = None if item.error else item.prob_open
            rows.append(
                (
                    printable(item.path),
                    item.row,
                    prob,
                    item.state or None,
                    item.error or None,
                )
            )
            if len(rows) == ROWS_PER_GROUP:
                flush()

        yield write
        flush()
