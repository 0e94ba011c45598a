"""What all heads share: an embedding, then logits. Shapes: B images, D channels."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

from ocec.models.losses.zoo_loss import ZooLoss, takes_reduction
from ocec.registry import MODELS

LOGITS = (1, 2)


class BaseHead(BaseModule):
    """A head: own layers up to an embedding, then a linear layer or a margin.

    Subclasses implement ``embed``. With a margin there is no linear layer beside
    it, so every parameter is trained and what is trained is what predicts.

    Args:
        embedding_channels: D of what ``embed`` returns.
        num_classes: 1, a score of open for a sigmoid, or 2, closed and open for a
            softmax. A margin has two.
        dropout: probability in [0, 1).
        loss: config of a loss (MODELS), or a module: (B,) or (B, 2) logits and (B,)
            targets to (B,) losses. One of mmpretrain works too.
        margin: config of ``CosFace`` or ``ArcFace`` (MODELS), or None.

    Raises:
        ValueError: ``num_classes`` or ``dropout`` is out of range, or the loss is
            made for another number of logits.
    """

    def __init__(
        self,
        embedding_channels: int,
        num_classes: int = 1,
        *,
        dropout: float,
        loss: dict | nn.Module | None = None,
        margin: dict | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f'dropout must be in [0, 1), got {dropout}')
        if num_classes not in LOGITS:
            raise ValueError(
                'num_classes must be 1 (one logit, the score of open) or 2 (closed '
                f'and open), got {num_classes}'
            )
        #: (B,) for 1, (B, 2) for 2
        self.num_logits = 2 if margin is not None else num_classes
        self.embedding_channels = embedding_channels
        loss = {'type': 'BCELoss'} if loss is None else loss
        loss = loss if isinstance(loss, nn.Module) else MODELS.build(loss)
        self.loss_module = ZooLoss(loss) if takes_reduction(loss) else loss
        accepted = getattr(self.loss_module, 'num_classes', None)
        if accepted not in (None, self.num_logits):
            raise ValueError(
                f'{type(self).__name__} gives {self.num_logits} logits per image, '
                f'{type(loss).__name__} takes {accepted}'
            )
        self.margin = self.fc = None
        if margin is None:
            self.fc = nn.Linear(embedding_channels, num_classes)
        else:
            self.margin = MODELS.build({**margin, 'in_channels': embedding_channels})

    def init_weights(self) -> None:
        """Xavier-uniform linear layers; norms start as identity."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
            elif isinstance(module, (nn.BatchNorm1d, nn.LayerNorm)):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        if self.margin is not None:
            self.margin.init_weights()

    def embed(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the embedding that the last layer decides on.

        Args:
            feats: feature maps; the last one, (B, C, H, W), is used.

        Returns:
            (B, D).
        """
        raise NotImplementedError

    def logits(self, embedding_BD: Tensor, targets_B: Tensor | None = None) -> Tensor:
        """Return the logits of embeddings.

        Args:
            embedding_BD: (B, D).
            targets_B: (B,) hard or soft labels; in training a margin uses them.

        Returns:
            (B,) scores of open for one logit, else (B, 2) of closed and open.
        """
        if self.margin is not None:
            return self.margin(embedding_BD, targets_B)
        logits = self.fc(embedding_BD)
        return logits[:, 0] if self.num_logits == 1 else logits

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the logits that predict, without any margin.

        Args:
            feats: feature maps; the last one, (B, C, H, W), is used.

        Returns:
            (B,) scores of open for one logit, else (B, 2) of closed and open.
        """
        return self.logits(self.embed(feats))

    def loss(self, feats: tuple[Tensor, ...], targets_B: Tensor) -> Tensor:
        """Return the loss of each image; in training with the margin, if any.

        Args:
            feats: feature maps; the last one, (B, C, H, W), is used.
            targets_B: (B,) 1 open, 0 closed, or soft labels in [0, 1].

        Returns:
            (B,) float32, nats.
        """
        return self.loss_module(self.logits(self.embed(feats), targets_B), targets_B)
