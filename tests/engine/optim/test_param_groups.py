import torch
from torch import nn

from ocec.engine.optim.param_groups import (
    group_table,
    highest_rate,
    is_trained,
    trained_rates,
)


def make(**groups):
    """Optimizer with a group for each stage: its rate and the sizes of its tensors."""
    return torch.optim.AdamW(
        [
            {
                'params': [nn.Parameter(torch.zeros(size)) for size in sizes],
                'lr': lr,
                'stage': stage,
                'weight_decay': 0.05,
            }
            for stage, (lr, *sizes) in groups.items()
        ]
    )


def freeze(group):
    for param in group['params']:
        param.requires_grad_(False)


def test_rates_of_what_is_trained():
    optimizer = make(stem=(0.1, 2), head=(0.3, 1, 1))
    assert trained_rates(optimizer) == {'stem': 0.1, 'head': 0.3}
    assert highest_rate(optimizer) == 0.3
    stem, head = optimizer.param_groups
    freeze(head)
    assert not is_trained(head)
    assert trained_rates(optimizer) == {'stem': 0.1}
    assert highest_rate(optimizer) == 0.1
    freeze(stem)
    assert trained_rates(optimizer) == {}
    assert highest_rate(optimizer) == 0.3


def test_groups_without_stages_have_one_rate():
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.2)
    assert trained_rates(optimizer) == {}
    assert highest_rate(optimizer) == 0.2


def test_table():
    table = group_table(make(stem=(1e-5, 1000, 24), head=(2e-4, 3)))
    assert table.splitlines() == [
        'stage  tensors  parameters      lr  weight decay',
        'stem         2       1,024   1e-05          0.05',
        'head         1           3  0.0002          0.05',
    ]
    plain = torch.optim.Rprop(
        [{'params': [nn.Parameter(torch.zeros(1))], 'stage': 'head'}], lr=0.5
    )
    assert group_table(plain).splitlines()[1].split() == ['head', '1', '1', '0.5', '-']
