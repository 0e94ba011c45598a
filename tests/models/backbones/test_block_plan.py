import pytest
import torch
from torch import nn

from ocec.models.backbones.block_plan import (
    check_input_size,
    check_positive,
    halved_size,
    name_stages,
    plan_blocks,
    run_blocks,
)


def test_every_second_block_halves_and_doubles():
    plans = plan_blocks(32, 8)
    assert [p.in_channels for p in plans] == [32, 32, 32, 64, 64, 128, 128, 256]
    assert [p.out_channels for p in plans] == [32, 32, 64, 64, 128, 128, 256, 256]
    assert [p.stride for p in plans] == [1, 1, 2, 1, 2, 1, 2, 1]


@pytest.mark.parametrize('num_blocks', range(1, 12))
def test_width_at_the_end(num_blocks):
    plans = plan_blocks(8, num_blocks)
    assert plans[-1].out_channels == 8 * 2 ** ((num_blocks - 1) // 2)
    assert len(plans) == num_blocks


@pytest.mark.parametrize(
    ('num_blocks', 'rates'), [(1, [0.0]), (2, [0.0, 0.3]), (4, [0.0, 0.1, 0.2, 0.3])]
)
def test_drop_path_grows_linearly(num_blocks, rates):
    plans = plan_blocks(8, num_blocks, 0.3)
    assert [p.drop_path for p in plans] == pytest.approx(rates)
    assert all(p.drop_path == 0 for p in plan_blocks(8, num_blocks))


@pytest.mark.parametrize('rate', [-0.1, 1.0, float('nan')])
def test_drop_path_out_of_range_is_named(rate):
    message = rf'drop_path_rate must be in \[0, 1\), got {rate}'
    with pytest.raises(ValueError, match=message):
        plan_blocks(8, 4, rate)


@pytest.mark.parametrize('name', ['base_channels', 'num_blocks'])
@pytest.mark.parametrize('value', [0, -1])
def test_widths_that_are_not_positive_are_named(name, value):
    arguments = {'base_channels': 8, 'num_blocks': 4, name: value}
    with pytest.raises(ValueError, match=f'{name} must be > 0, got {value}'):
        plan_blocks(**arguments)


@pytest.mark.parametrize('value', [0, -0.5, float('nan')])
def test_the_first_value_that_is_not_positive_is_named(value):
    check_positive(first=1, second=1e-6)
    with pytest.raises(ValueError, match=f'second must be > 0, got {value}'):
        check_positive(first=1, second=value)


def test_sizes_of_images():
    assert check_input_size([24, 40]) == (24, 40)
    for size in ((0, 8), (8, -1), (8,), (3, 8, 8)):
        message = rf'input_size must be \(height, width\), both >= 1, got \({size[0]}'
        with pytest.raises(ValueError, match=message):
            check_input_size(size)


@pytest.mark.parametrize('num_halvings', [0, 1, 2, 4])
@pytest.mark.parametrize('size', [(1, 1), (24, 40), (7, 33), (17, 16)])
def test_halving_is_that_of_a_padded_convolution(size, num_halvings):
    x = torch.zeros(1, 1, *size)
    conv = nn.Conv2d(1, 1, 3, stride=2, padding=1)
    for _ in range(num_halvings):
        x = conv(x)
    assert halved_size(size, num_halvings) == tuple(x.shape[2:])


@pytest.mark.parametrize(
    ('with_cp', 'is_training', 'runs'), [(1, 1, 2), (1, 0, 1), (0, 1, 1)]
)
def test_blocks_are_checkpointed_in_training_only(with_cp, is_training, runs):
    calls = []
    blocks = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1))
    blocks.train(bool(is_training))
    for index, block in enumerate(blocks):
        block.register_forward_pre_hook(lambda *_, index=index: calls.append(index))
    x = torch.randn(2, 1, 3, 3)
    out = run_blocks(blocks, x, with_cp=bool(with_cp))
    assert calls == [0, 1]
    assert torch.equal(out, blocks[1](blocks[0](x)))
    calls.clear()
    out.sum().backward()
    assert len(calls) == 2 * (runs - 1)


def test_stages_from_the_image_on():
    stem, *blocks = (nn.Linear(1, 1) for _ in range(3))
    stages = name_stages(stem, nn.Sequential(*blocks))
    assert list(stages) == ['stem', 'blocks.0', 'blocks.1']
    assert [modules for modules in stages.values()] == [
        [stem],
        [blocks[0]],
        [blocks[1]],
    ]
