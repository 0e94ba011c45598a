"""A few operations out of a list, drawn per image: RandAugment."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from ocec.functional.affine import affine
from ocec.functional.brightness_contrast import shift_brightness_contrast
from ocec.functional.color_planes import check_rgb_batch
from ocec.functional.crop import check_fill
from ocec.functional.elastic import bend
from ocec.functional.noise import add_gaussian_noise
from ocec.functional.per_image import change_chosen
from ocec.models.batch_augments.draws import check_probability
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width, R = rounds, K x K control points

# largest strength at magnitude 10, to both sides: degrees, pixels (two axes), factor,
# degrees, share of contrast, share of 255 levels, levels, pixels
STRENGTHS = {
    'rotate': 15.0,
    'translate': 2.0,
    'scale': 0.1,
    'shear': 5.0,
    'contrast': 0.2,
    'brightness': 0.2,
    'noise': 2.55,
    'elastic': 2.0,
}
MAX_MAGNITUDE = 10.0
# about 9 pixels apart in a digit: bends strokes, keeps them whole
CONTROL_POINTS = 4


@BATCH_AUGMENTS.register_module()
class BatchRandAugment(nn.Module):
    """Apply ``num_ops`` operations to each image, each drawn from a list.

    An operation may come twice for one image. Its strength is uniform up to
    ``magnitude / 10`` of its largest one (``STRENGTHS``), to both sides. The draws come
    from torch's CPU generator, so that a seed gives the same operations on every
    device; the field of the noise differs between kinds of devices.

    Args:
        num_ops: operations for each image, >= 1.
        magnitude: in [0, 10].
        ops: names out of ``rotate``, ``translate``, ``scale``, ``shear``, ``contrast``,
            ``brightness``, ``noise`` and ``elastic``; None takes all.
        prob: probability that an image is changed, in [0, 1].
        fill: what rotation and its like bring in: ``edge``, ``zero`` or ``reflect``.

    Raises:
        ValueError: an argument is out of range or an operation unknown.

    Source:
        Cubuk et al., RandAugment, arXiv:1909.13719, with draws per image and a list
        that keeps digits what they are.
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: float = 5.0,
        *,
        ops: Sequence[str] | None = None,
        prob: float = 1.0,
        fill: str = 'zero',
    ) -> None:
        super().__init__()
        if num_ops < 1:
            raise ValueError(f'num_ops must be >= 1, got {num_ops}')
        if not 0 <= magnitude <= MAX_MAGNITUDE:
            raise ValueError(f'magnitude must be in [0, 10], got {magnitude}')
        ops = tuple(STRENGTHS) if ops is None else tuple(ops)
        if not ops or not set(ops) <= set(STRENGTHS):
            raise ValueError(f'ops must be out of {tuple(STRENGTHS)}, got {ops}')
        check_probability(prob)
        check_fill(fill)
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.ops = ops
        self.prob = prob
        self.fill = fill

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Change the images.

        Args:
            x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
                format, H and W >= 2; left untouched.

        Returns:
            (B, 3, H, W) float32 levels in [0, 255], not rounded, fresh.

        Raises:
            ValueError: no RGB batch.
            TypeError: the images are neither uint8 nor float32.
        """
        check_rgb_batch(x_BCHW)
        out_BCHW = x_BCHW
        for op_B, strength_B2 in zip(*self.draw(len(x_BCHW)), strict=True):
            out_BCHW = self._run_round(out_BCHW, op_B, strength_B2)
        return out_BCHW

    def draw(self, num_images: int) -> tuple[Tensor, Tensor]:
        """Draw the operations of a batch.

        Args:
            num_images: B, >= 1.

        Returns:
            (R, B) int64 number of the operation in ``STRENGTHS``, -1 for none; and
            (R, B, 2) float32 strengths in its unit, of which only ``translate`` uses
            the second (down).
        """
        known = list(STRENGTHS)
        of_op = torch.tensor([known.index(op) for op in self.ops])
        op_RB = of_op[torch.randint(len(of_op), (self.num_ops, num_images))]
        largest = (
            torch.tensor(list(STRENGTHS.values())) * self.magnitude / MAX_MAGNITUDE
        )
        share_RB2 = 2 * torch.rand(self.num_ops, num_images, 2) - 1
        is_changed_B = torch.rand(num_images) < self.prob
        return (
            op_RB.where(is_changed_B, torch.tensor(-1)),
            share_RB2 * largest[op_RB][..., None],
        )

    def _run_round(self, x_BCHW: Tensor, op_B: Tensor, strength_B2: Tensor) -> Tensor:
        chosen = {op: op_B == number for number, op in enumerate(STRENGTHS)}

        def of(op: str, column: int = 0) -> Tensor:
            return strength_B2[:, column] * chosen[op]

        # operations of one kind share a call: those not chosen have no strength
        is_moved_B = (
            chosen['rotate'] | chosen['translate'] | chosen['scale'] | chosen['shear']
        )
        x_BCHW = change_chosen(
            x_BCHW,
            is_moved_B,
            partial(affine, fill=self.fill),
            of('rotate'),
            of('translate'),
            of('translate', 1),
            1 + of('scale'),
            of('shear'),
        )
        x_BCHW = change_chosen(
            x_BCHW,
            chosen['contrast'] | chosen['brightness'],
            shift_brightness_contrast,
            of('brightness'),
            1 + of('contrast'),
        )
        noise = partial(add_gaussian_noise, seed=_draw_seed(), per_channel=False)
        x_BCHW = change_chosen(x_BCHW, chosen['noise'], noise, of('noise').abs())
        field_B2KK = 2 * torch.rand(len(op_B), 2, CONTROL_POINTS, CONTROL_POINTS) - 1
        field_B2KK *= of('elastic')[:, None, None, None]
        elastic = partial(bend, fill=self.fill)
        return change_chosen(x_BCHW, chosen['elastic'], elastic, field_B2KK)


def _draw_seed() -> int:
    return int(torch.randint(2**63 - 1, ()))
