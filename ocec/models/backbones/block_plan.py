"""What OCEC's backbones share: the blocks' widths and strides, how blocks are run."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from ocec.models.layers import checkpoint_block


@dataclass(frozen=True)
class BlockPlan:
    """One block of a backbone.

    Args:
        in_channels: channels of its input.
        out_channels: channels of its output.
        stride: 1 or 2.
        drop_path: probability in [0, 1) that an image skips the block in training.
    """

    in_channels: int
    out_channels: int
    stride: int
    drop_path: float


def plan_blocks(
    base_channels: int, num_blocks: int, drop_path_rate: float = 0.0
) -> list[BlockPlan]:
    """Plan the blocks after the stem.

    Block i (from 0) has stride 2 and doubles the channels when i is even and > 0.

    Args:
        base_channels: channels of the stem, > 0.
        num_blocks: blocks after the stem, > 0.
        drop_path_rate: drop path of the last block, in [0, 1); it grows linearly
            from 0 at the first.

    Returns:
        ``num_blocks`` plans.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> [(p.in_channels, p.out_channels, p.stride) for p in plan_blocks(32, 4)]
        [(32, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1)]
    """
    check_positive(base_channels=base_channels, num_blocks=num_blocks)
    if not 0 <= drop_path_rate < 1:
        raise ValueError(f'drop_path_rate must be in [0, 1), got {drop_path_rate}')
    plans, channels = [], base_channels
    for index in range(num_blocks):
        halves = index > 0 and index % 2 == 0
        out_channels = channels * 2 if halves else channels
        drop_path = drop_path_rate * index / max(1, num_blocks - 1)
        plans.append(BlockPlan(channels, out_channels, 1 + halves, drop_path))
        channels = out_channels
    return plans


def check_positive(**arguments: float) -> None:
    """Refuse arguments that are not positive.

    Args:
        **arguments: name to value.

    Raises:
        ValueError: with the first such name.
    """
    for name, value in arguments.items():
        if not value > 0:
            raise ValueError(f'{name} must be > 0, got {value}')


def check_input_size(input_size: tuple[int, int]) -> tuple[int, int]:
    """Refuse what is no size of an image.

    Args:
        input_size: (height, width) in pixels.

    Returns:
        (height, width).

    Raises:
        ValueError: they are not two positive numbers.
    """
    if len(input_size) != 2 or min(input_size) < 1:
        raise ValueError(
            f'input_size must be (height, width), both >= 1, got {tuple(input_size)}'
        )
    height, width = input_size
    return height, width


def halved_size(input_size: tuple[int, int], num_halvings: int) -> tuple[int, int]:
    """Return the size of a map after padded 3x3 convolutions of stride 2.

    Args:
        input_size: (height, width) before, >= 1.
        num_halvings: number of such convolutions; each rounds upwards.

    Returns:
        (height, width), >= 1: no image is too small.

    Example:
        >>> halved_size((24, 40), 4)
        (2, 3)
    """
    height, width = input_size
    for _ in range(num_halvings):
        height, width = (height + 1) // 2, (width + 1) // 2
    return height, width


def run_blocks(blocks: nn.Sequential, x_BCHW: Tensor, *, with_cp: bool) -> Tensor:
    """Run blocks one after the other.

    Args:
        blocks: each maps one tensor to one tensor.
        x_BCHW: the output of the stem.
        with_cp: in training, do not keep the inside of the blocks for the backward
            pass but compute it again: less memory, more time, the same gradient.

    Returns:
        The output of the last block.
    """
    for block in blocks:
        is_checkpointed = with_cp and blocks.training
        x_BCHW = checkpoint_block(block, x_BCHW) if is_checkpointed else block(x_BCHW)
    return x_BCHW


def name_stages(stem: nn.Module, blocks: Iterable[nn.Module]) -> dict[str, list]:
    """Name the stages of a backbone, the one nearest to the image first.

    Args:
        stem: what the image goes through first.
        blocks: in the order in which they run.

    Returns:
        ``stem``, ``blocks.0``, ``blocks.1`` ... to lists of one module each.

    Example:
        >>> list(name_stages(nn.Identity(), [nn.Identity(), nn.Identity()]))
        ['stem', 'blocks.0', 'blocks.1']
    """
    numbered = {f'blocks.{index}': [block] for index, block in enumerate(blocks)}
    return {'stem': [stem], **numbered}
