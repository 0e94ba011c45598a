import multiprocessing
from types import SimpleNamespace

import pytest
import torch
from mmengine.model.wrappers import MMDistributedDataParallel
from torch import nn

from ocec.engine.hooks import GradientCompressionHook

METHODS = {
    'plain': None,
    'bf16': {'method': 'bf16'},
    'fp16': {'method': 'fp16'},
    'powersgd': {'method': 'powersgd', 'rank': 1, 'start': 2},
}
STEPS = 4


def inputs_of(rank, step):
    generator = torch.Generator().manual_seed(2 * step + rank)
    return torch.randn(1, 16, generator=generator)


def reduce_as(rank, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2
    )
    found = {}
    for name, settings in METHODS.items():
        torch.manual_seed(0)
        net = nn.Linear(16, 12)
        model = MMDistributedDataParallel(module=net, device_ids=None)
        if settings is not None:
            runner = SimpleNamespace(model=model, distributed=True, iter=0)
            GradientCompressionHook(**settings).before_train(runner)
        found[name] = []
        for step in range(STEPS):
            net.zero_grad()
            model(inputs_of(rank, step)).square().sum().backward()
            found[name].append(net.weight.grad.clone())
    torch.save(found, folder / f'{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.fixture(scope='module')
def gradients(tmp_path_factory):
    """Gradients after the exchange of two ranks: of each rank by method and step."""
    folder = tmp_path_factory.mktemp('compression')
    # fork: spawned children would take seconds to import torch again
    context = multiprocessing.get_context('fork')
    children = [
        context.Process(target=reduce_as, args=(rank, folder)) for rank in (0, 1)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    return [torch.load(folder / f'{rank}.pth', weights_only=True) for rank in (0, 1)]


def mean_of_ranks(step):
    torch.manual_seed(0)
    net = nn.Linear(16, 12)
    found = []
    for rank in (0, 1):
        net.zero_grad()
        net(inputs_of(rank, step)).square().sum().backward()
        found.append(net.weight.grad.clone())
    return torch.stack(found)


def test_all_ranks_get_the_same(gradients):
    for name in METHODS:
        for a, b in zip(*(of_rank[name] for of_rank in gradients), strict=True):
            assert torch.equal(a, b), name


@pytest.mark.parametrize(
    ('name', 'dtype'), [('bf16', torch.bfloat16), ('fp16', torch.float16)]
)
def test_halves_are_the_mean_of_rounded_numbers(gradients, name, dtype):
    for step, found in enumerate(gradients[0][name]):
        # torch's hooks round, divide by the ranks, and add
        rounded = [grad.to(dtype).div(2) for grad in mean_of_ranks(step)]
        assert torch.equal(found, (rounded[0] + rounded[1]).float())
        assert not torch.equal(found, gradients[0]['plain'][step])


def test_powersgd_is_the_mean_at_first_and_of_low_rank_later(gradients):
    for step, found in enumerate(gradients[0]['powersgd']):
        rank = torch.linalg.matrix_rank(found, rtol=1e-4).item()
        if step < 2:
            torch.testing.assert_close(found, mean_of_ranks(step).mean(0))
            assert rank == 2  # one outer product from each rank
        else:
            assert rank == 1


def test_one_process_is_warned(log_records):
    runner = SimpleNamespace(model=nn.Linear(1, 1), distributed=False, iter=0)
    GradientCompressionHook('bf16').before_train(runner)
    assert 'bf16: one process exchanges no gradients' in log_records[-1].getMessage()


def test_a_resumed_powersgd_is_warned(log_records):
    class Wrapped(nn.parallel.DistributedDataParallel):
        def __init__(self):
            nn.Module.__init__(self)

        def register_comm_hook(self, state, hook):
            self.registered = state

    runner = SimpleNamespace(model=Wrapped(), distributed=True, iter=5)
    GradientCompressionHook('powersgd', rank=3, start=7).before_train(runner)
    assert 'not bit for bit the one that was stopped' in log_records[-1].getMessage()
    state = runner.model.registered
    assert (state.matrix_approximation_rank, state.start_powerSGD_iter) == (3, 7)


def test_another_wrapper_is_refused():
    runner = SimpleNamespace(model=nn.Linear(1, 1), distributed=True, iter=0)
    with pytest.raises(ValueError, match='on MMDistributedDataParallel, .* a Linear'):
        GradientCompressionHook('bf16').before_train(runner)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'method': 'int8'}, "method must be one of .*, got 'int8'"),
        ({'method': 'powersgd', 'rank': 0}, 'rank must be >= 1, got 0'),
        ({'method': 'powersgd', 'start': 1}, 'start must be >= 2, got 1'),
    ],
)
def test_arguments_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        GradientCompressionHook(**settings)
