"""What a classifier says of pictures. Shapes: N pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ocec.functional.probability import CLASS_NAMES


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is said of one picture.

    Args:
        path: of the picture file, or of the parquet that holds it; '' for an array.
        row: of the parquet; of an array, how many pictures came before it; None for a
            picture file.
        prob_open: P(open) in [0, 1]; NaN where the picture cannot be used.
        is_open: whether P(open) reaches the threshold.
        error: why the picture cannot be used; '' if nothing is wrong.
    """

    path: str
    row: int | None
    prob_open: float
    is_open: bool
    error: str = ''

    @property
    def name(self) -> str:
        """Path, number, or ``path#row``."""
        return '#'.join(
            str(part) for part in (self.path, self.row) if part not in ('', None)
        )

    @property
    def state(self) -> str:
        """``open``, ``closed``, or '' where the picture cannot be used."""
        return '' if self.error else CLASS_NAMES[self.is_open]


@dataclass(frozen=True)
class Predictions:
    """What is said of N pictures, in their order.

    Args:
        prob_open_N: (N,) float32 in [0, 1]; NaN where a picture cannot be used.
        is_open_N: (N,) bool; False there.
        names: path, number, or ``path#row`` of each.
        errors: why a picture cannot be used; '' if nothing is wrong.
    """

    prob_open_N: np.ndarray
    is_open_N: np.ndarray
    names: list[str]
    errors: list[str]

    def __len__(self) -> int:
        """Return the number of pictures N."""
        return len(self.names)
