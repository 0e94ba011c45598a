"""What a search for leaks could not compare: where one could still hide.

Shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ocec.datasets.eye_table import NO_GROUP, SPLITS, EyeTable

# share of the pictures of a split that may be unreadable: copies and look-alikes of so
# few change no metric by more
MAX_UNREADABLE_SHARE = 0.01


def find_gaps(table: EyeTable, readable_N: np.ndarray) -> Iterator[str]:
    """Look for what keeps a data set without a known leak from being called clean.

    Args:
        table: the rows.
        readable_N: (N,) bool, whether the picture could be read.

    Yields:
        a text for each gap.
    """
    if without := int((table.split_N < 0).sum()):
        yield f'{without:,} of {len(table):,} rows have no known split'
    present = [
        name for code, name in enumerate(SPLITS) if (table.split_N == code).any()
    ]
    if len(present) == 1:
        yield f'{present[0]} is the only split: there is nothing to compare it with'
    for code, name in enumerate(SPLITS):
        readable = readable_N[table.split_N == code]
        unread = int((~readable).sum())
        if unread > MAX_UNREADABLE_SHARE * len(readable):
            yield (
                f'{unread:,} of {len(readable):,} pictures of {name} cannot be read '
                f'(more than {MAX_UNREADABLE_SHARE:.0%})'
            )
    if missing := int((table.group_N == NO_GROUP).sum()):
        yield f'{missing:,} of {len(table):,} rows have no known group'
