"""Files of decisions: ``id,label``, one line for each row of the data."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ocec.engine.checkpoint_io import write_text_atomically

COLUMNS = ['id', 'label']
# how many ids an error message shows
SHOWN_IDS = 3


def write_submission(
    ids: Sequence[str], labels: Sequence[int], path: str | Path
) -> None:
    """Write decisions, and check what was written.

    Args:
        ids: of the rows, in their order.
        labels: 0 or 1 of each.
        path: of the CSV.

    Raises:
        ValueError: an id occurs twice, or a label is neither 0 nor 1; nothing is
            left then.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    writer.writerow(COLUMNS)
    writer.writerows(
        (name, int(label)) for name, label in zip(ids, labels, strict=True)
    )
    _check(stream.getvalue(), ids, str(path))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(stream.getvalue(), path)


def check_submission(path: str | Path, ids: Sequence[str]) -> None:
    """Refuse a file of decisions that does not fit the data.

    Args:
        path: of the CSV.
        ids: of all rows of the data.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the columns are not exactly ``id,label``, a label is neither 0 nor
            1, or an id is missing, not in the data, or there twice.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}: no such file of decisions')
    _check(Path(path).read_text(encoding='utf-8-sig'), ids, str(path))


def _check(text: str, ids: Sequence[str], where: str) -> None:
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise ValueError(f'{where}: no CSV: {error}') from error
    header = rows[0] if rows else []
    if header != COLUMNS:
        raise ValueError(
            f'{where}: the columns must be exactly {",".join(COLUMNS)}, found '
            f'{",".join(header) or "nothing"}'
        )
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(COLUMNS):
            raise ValueError(
                f'{where}, line {line}: there must be 2 values, found {len(row)}'
            )
        if row[1] not in ('0', '1'):
            raise ValueError(
                f'{where}, line {line}: label must be 0 or 1, got {row[1]!r}'
            )
    found = [row[0] for row in rows[1:]]
    _check_ids(found, [str(name) for name in ids], where)


def _check_ids(found: Sequence[str], wanted: Sequence[str], where: str) -> None:
    repeated = [name for name, count in Counter(found).items() if count > 1]
    missing = sorted(set(wanted) - set(found))
    extra = sorted(set(found) - set(wanted))
    for names, what in (
        (repeated, 'ids occur more than once'),
        (missing, f'of {len(set(wanted)):,} ids are missing'),
        (extra, 'ids are not in the data'),
    ):
        if names:
            shown = ', '.join(names[:SHOWN_IDS])
            more = ', ...' if len(names) > SHOWN_IDS else ''
            raise ValueError(f'{where}: {len(names):,} {what} ({shown}{more})')
