"""What flows: one structure per batch instead of one object per image.

Shapes: B images in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


class _StructOfArrays:
    """Moves every tensor field at once; a mix of devices cannot arise."""

    def to(self, device: torch.device | str, *, non_blocking: bool = False):
        """Return a copy whose tensors lie on ``device``."""
        return self._map(lambda x: x.to(device, non_blocking=non_blocking))

    def pin_memory(self):
        """Return a copy in page-locked memory; called by ``DataLoader``."""
        return self._map(Tensor.pin_memory)

    def __len__(self) -> int:
        """Return the number of images B."""
        return len(getattr(self, fields(self)[0].name))

    def _map(self, function):
        return replace(
            self,
            **{
                f.name: function(value)
                for f in fields(self)
                if isinstance(value := getattr(self, f.name), Tensor)
            },
        )


@dataclass(frozen=True)
class BatchTargets(_StructOfArrays):
    """What is known of a batch before the model sees it.

    Args:
        label_B: (B,) int64, 1 open, 0 closed; 1 left is larger, for pairs of digits.
        sample_id_B: (B,) int64, row number in the dataset's source; identifies an
            image through shuffling, padding and ranks.
        group_id_B: (B,) int64, code of the subject or recording; -1 is unknown.
        soft_label_B: (B,) float32 share of open in [0, 1], of mixed images; or None.
    """

    label_B: Tensor
    sample_id_B: Tensor
    group_id_B: Tensor
    soft_label_B: Tensor | None = None

    @property
    def target_B(self) -> Tensor:  # noqa: N802  a shape suffix, as for the fields
        """What a loss is to compare with: the soft labels where there are some."""
        return self.label_B if self.soft_label_B is None else self.soft_label_B


@dataclass(frozen=True)
class PairTargets(BatchTargets):
    """What is known of a batch of digit pairs.

    Args:
        digit_B2: (B, 2) int64, the digits shown left and right, in [0, 9]; -1 where a
            digit is not known; or None.
    """

    digit_B2: Tensor | None = None


@dataclass(frozen=True)
class BatchScores(_StructOfArrays):
    """What a model says of a batch, beside what is known of it.

    Args:
        prob_B: (B,) float32 in [0, 1], P(label 1): of open for eyes.
        loss_B: (B,) float32, validation loss of each image in nats.
        label_B: (B,) int64, 1 open, 0 closed.
        sample_id_B: (B,) int64, as in :class:`BatchTargets`.
        group_id_B: (B,) int64, as in :class:`BatchTargets`.
        embedding_BD: (B, D) float32, what the last layer decides on; or None.
    """

    prob_B: Tensor
    loss_B: Tensor
    label_B: Tensor
    sample_id_B: Tensor
    group_id_B: Tensor
    embedding_BD: Tensor | None = None
