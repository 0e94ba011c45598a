"""Filters on size and shape that treat both classes alike, and say what they cost.

A filter that drops more of one class teaches the model that size tells the class.
Shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocec.functional.probability import CLASS_NAMES

# a difference between the classes is worth a warning if it is no accident (3 standard
# errors) and large enough to matter
_STANDARD_ERRORS, _MIN_DIFFERENCE = 3, 0.01


@dataclass(frozen=True)
class SizeFilter:
    """Which pictures are kept; None everywhere keeps all.

    Args:
        min_size: least (height, width) in pixels.
        max_size: largest (height, width) in pixels.
        min_aspect: least width / height.
        max_aspect: largest width / height.
    """

    min_size: Sequence[int] | None = None
    max_size: Sequence[int] | None = None
    min_aspect: float | None = None
    max_aspect: float | None = None

    def apply(
        self, height_N: np.ndarray, width_N: np.ndarray, label_N: np.ndarray
    ) -> tuple[np.ndarray, list[str]]:
        """Decide row by row.

        Args:
            height_N: (N,) in pixels, > 0.
            width_N: (N,) in pixels, > 0.
            label_N: (N,) 1 open, 0 closed.

        Returns:
            (N,) bool, whether the row is kept, and lines for the user: what each
            filter drops of each class, on its own.
        """
        aspect_N = width_N / np.maximum(height_N, 1)
        passes = {}
        for name, sizes, compare in (
            ('min_size', self.min_size, np.greater_equal),
            ('max_size', self.max_size, np.less_equal),
        ):
            if sizes is not None:
                ok_N = compare(height_N, sizes[0]) & compare(width_N, sizes[1])
                passes[f'{name} {sizes[0]} x {sizes[1]}'] = ok_N
        if self.min_aspect is not None:
            passes[f'min_aspect {self.min_aspect:g}'] = aspect_N >= self.min_aspect
        if self.max_aspect is not None:
            passes[f'max_aspect {self.max_aspect:g}'] = aspect_N <= self.max_aspect
        keep_N = np.ones(len(label_N), bool)
        told = []
        for name, ok_N in passes.items():
            keep_N &= ok_N
            told += _tell(name, ~ok_N, label_N)
        if len(passes) > 1:
            told += _tell('all filters together', ~keep_N, label_N)
        return keep_N, told


def _tell(name: str, dropped_N: np.ndarray, label_N: np.ndarray) -> list[str]:
    total_C = np.bincount(label_N, minlength=2)
    dropped_C = np.bincount(label_N[dropped_N], minlength=2)
    share_C = dropped_C / np.maximum(total_C, 1)
    shown = ', '.join(
        f'{dropped_C[c]:,} of {total_C[c]:,} {CLASS_NAMES[c]} ({share_C[c]:.1%})'
        for c in (0, 1)
    )
    lines = [f'filter {name} drops {shown}']
    if _differs(dropped_C, total_C):
        lines.append(
            f'WARNING: filter {name} drops the classes unequally, so that size or '
            'shape tells the class in what is left'
        )
    return lines


def _differs(dropped_C: np.ndarray, total_C: np.ndarray) -> bool:
    """Test of two proportions."""
    if not total_C.all():
        return False
    share = dropped_C.sum() / total_C.sum()
    error = (share * (1 - share) * (1 / total_C).sum()) ** 0.5
    difference = abs(np.subtract(*(dropped_C / total_C)))
    return bool(difference > max(_STANDARD_ERRORS * error, _MIN_DIFFERENCE))
