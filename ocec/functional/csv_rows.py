"""Rows of a CSV with a header, whose errors name file and line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


class NamedRows(csv.DictReader):
    """``csv.DictReader`` for files that somebody else may have written.

    Args:
        stream: the open file.
        path: of the file, for messages.

    Raises:
        ValueError: the header cannot be read; the message names the file.

    Example:
        >>> list(NamedRows(['id,label', 'a,1'], 'labels.csv'))
        [{'id': 'a', 'label': '1'}]
    """

    def __init__(self, stream: TextIO, path: str | Path) -> None:
        super().__init__(stream)
        self.path = path
        with self._named():
            self.columns = list(self.fieldnames or ())

    def __next__(self) -> dict[str, str | None]:
        """Return the next row that is not blank.

        Returns:
            Column to text; None where the row is too short.

        Raises:
            ValueError: the row is no CSV, no UTF-8, or longer than the header; the
                message names file and line.
        """
        with self._named():
            row = super().__next__()
            if None in row:
                raise csv.Error(
                    f'{len(self.columns) + len(row[None])} cells, the header has '
                    f'{len(self.columns)}'
                )
        return row

    @contextmanager
    def _named(self) -> Iterator[None]:
        line = self.line_num
        try:
            yield
        except (csv.Error, UnicodeDecodeError) as error:
            # a text that cannot be decoded is not counted
            line = max(line + 1, self.line_num)
            raise ValueError(f'{self.path}, line {line}: {error}') from error
