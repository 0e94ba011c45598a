from types import SimpleNamespace

import pytest
import torch
from torch import nn

from ocec.apis import benchmark_quality as module
from ocec.apis.benchmark_quality import time_ours, time_plain


@pytest.mark.parametrize(
    ('target', 'num_epochs'), [(1.1, 2), (0.0, 1)], ids=['never', 'at once']
)
@pytest.mark.parametrize('measure', [time_ours, time_plain])
def test_it_trains_until_the_target_is_reached(
    make_benchmark_setup, measure, target, num_epochs
):
    curve = measure(make_benchmark_setup(), target)
    assert len(curve) == num_epochs
    seconds = [second for second, _ in curve]
    assert 0 < seconds[0] <= seconds[-1]
    assert seconds == sorted(seconds)
    assert all(0 <= f1 <= 1 for _, f1 in curve)


def test_f1_of_the_plain_loop_by_hand():
    class Told(nn.Module):
        """Takes the log-odds from the pictures."""

        def forward(self, images, mode):
            assert mode == 'tensor'
            assert not self.training
            return images

    # P(open) 0.95, 0.05, 0.95, 0.05 for open, open, closed, closed
    batches = [
        (torch.tensor([[3.0], [-3.0]]), torch.tensor([1, 1])),
        (torch.tensor([[3.0], [-3.0]]), torch.tensor([0, 0])),
        # and one more right one
        (torch.tensor([[3.0]]), torch.tensor([1])),
    ]
    model = Told()
    # 2 true, 1 false alarm, 1 missed: 2 * 2 / (2 * 2 + 1 + 1)
    f1 = module._validate(model, batches, SimpleNamespace(device='cpu'))
    assert f1 == pytest.approx(2 / 3)
    assert model.training
