"""Parameter groups of an optimizer that know their stage."""

from __future__ import annotations

from torch.optim import Optimizer


def trained_rates(optimizer: Optimizer) -> dict[str, float]:
    """Return the learning rate of each stage that is trained now.

    Args:
        optimizer: its groups have a ``stage`` if ``LayerWiseLR`` made them.

    Returns:
        Stage to learning rate; empty where groups know no stage.
    """
    return {
        group['stage']: group['lr']
        for group in optimizer.param_groups
        if 'stage' in group and is_trained(group)
    }


def highest_rate(optimizer: Optimizer) -> float:
    """Return the highest learning rate of what is trained now.

    Args:
        optimizer: with at least one group.

    Returns:
        The rate; over all groups where every one is frozen.
    """
    groups = optimizer.param_groups
    trained = [group for group in groups if is_trained(group)]
    return max(group['lr'] for group in trained or groups)


def is_trained(group: dict) -> bool:
    """Whether any parameter of a group has a gradient to come.

    Args:
        group: of an optimizer.

    Returns:
        False for a group that is frozen.
    """
    return any(param.requires_grad for param in group['params'])


def group_table(optimizer: Optimizer) -> str:
    """Write the groups of an optimizer as a table.

    Args:
        optimizer: its groups have a ``stage``.

    Returns:
        One line a group: stage, tensors, parameters, rate, weight decay.
    """
    rows = [('stage', 'tensors', 'parameters', 'lr', 'weight decay')]
    for group in optimizer.param_groups:
        params = group['params']
        rows.append(
            (
                group['stage'],
                str(len(params)),
                f'{sum(param.numel() for param in params):,}',
                f'{group["lr"]:.3g}',
                f'{group["weight_decay"]:.3g}' if 'weight_decay' in group else '-',
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return '\n'.join(
        f'{row[0]:<{widths[0]}}  '
        + '  '.join(f'{c:>{w}}' for c, w in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )
