"""The network as it leaves the house: pixels in, P(open) out.

Shapes: B images, C channels, H x W pixels, D channels of the embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ocec.functional.probability import prob_open


class ExportGraph(nn.Module):
    """Normalisation, backbone, head and the map to P(open).

    Args:
        model: with ``backbone`` and ``head`` as :class:`ImageClassifier` has them; its
            weights are shared, not copied.
        mean: (R, G, B) in pixel values, taken off the pixels; None: the input is
            normalised already.
        std: (R, G, B) in pixel values, > 0; None as well.
        embedding: also return what the last layer decides on.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        mean: Tensor | None = None,
        std: Tensor | None = None,
        embedding: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = model.backbone
        self.head = model.head
        self.is_normalizing = mean is not None
        if self.is_normalizing:
            self.register_buffer('mean', mean.detach().float().view(1, -1, 1, 1))
            self.register_buffer('std', std.detach().float().view(1, -1, 1, 1))
        self.has_embedding = embedding

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return P(open) of each image.

        Args:
            images: (B, C, H, W) uint8 or float32, in [0, 255] or normalised.

        Returns:
            (B,) float32 in [0, 1]; with ``embedding`` also (B, D) float32.
        """
        x_BCHW = images.to(torch.float32)
        if self.is_normalizing:
            x_BCHW = (x_BCHW - self.mean) / self.std
        feats = self.backbone(x_BCHW)
        feats = feats if isinstance(feats, (tuple, list)) else (feats,)
        embedding_BD = self.head.embed(feats)
        prob_B = prob_open(self.head.logits(embedding_BD))
        return (prob_B, embedding_BD.float()) if self.has_embedding else prob_B
