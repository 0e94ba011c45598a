import multiprocessing

import pytest
import torch
from torch import nn

from ocec.engine.buffer_sync import average_buffers


class Net(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.norm.running_mean.fill_(value)
        self.norm.running_var.copy_(torch.tensor([1.0, 2.0, 3.0]) * value)
        self.norm.num_batches_tracked.fill_(int(value))
        nn.init.constant_(self.norm.weight, value)
        self.register_buffer('rounded', torch.full((2, 2), value, dtype=torch.bfloat16))
        self.register_buffer('empty', torch.zeros(0))
        self.register_buffer('scalar', torch.tensor(value))


def average_as(rank, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2
    )
    net = Net((2.0, 6.0)[rank])
    average_buffers(nn.Linear(1, 1))  # nothing to average is no error
    average_buffers(net)
    torch.save(net.state_dict(), folder / f'{rank}.pth')
    torch.distributed.destroy_process_group()


def test_two_ranks_hold_their_mean(tmp_path):
    # fork: spawned children would take seconds to import torch again
    context = multiprocessing.get_context('fork')
    children = [
        context.Process(target=average_as, args=(rank, tmp_path)) for rank in (0, 1)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    for rank, own in ((0, 2.0), (1, 6.0)):
        state = torch.load(tmp_path / f'{rank}.pth', weights_only=True)
        # (2 + 6) / 2 = 4
        assert torch.equal(state['norm.running_mean'], torch.full((3,), 4.0))
        assert torch.equal(state['norm.running_var'], torch.tensor([4.0, 8.0, 12.0]))
        expected = torch.full((2, 2), 4.0, dtype=torch.bfloat16)
        assert torch.equal(state['rounded'], expected)
        assert state['rounded'].dtype == torch.bfloat16
        assert state['scalar'] == 4.0
        # counters and parameters stay those of the rank
        assert state['norm.num_batches_tracked'] == own
        assert torch.equal(state['norm.weight'], torch.full((3,), own))


@pytest.mark.parametrize('value', [2.0, 0.1])
def test_one_process_changes_nothing(value):
    net = Net(value)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    average_buffers(net)
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before[name]), name
