import dataclasses

import pytest
import torch

from ocec.engine.checkpoint_io import rng_state, save_atomically
from ocec.engine.non_finite_file import BadBatch, read_bad_batch, write_bad_batch
from ocec.structures import ActionTargets, PairTargets


def make_bad(batch):
    return BadBatch(
        epoch=2,
        step=7,
        rank=1,
        batch=batch,
        rng=rng_state(),
        state_dict={'weight': torch.ones(2, requires_grad=True)},
        cfg='a = 1\n',
        amp={'device_type': 'cpu', 'dtype': 'bfloat16'},
        loss_scale=2.0,
        found={'loss': float('nan'), 'inputs': []},
        steps_late=1,
    )


IDS = torch.tensor([3, 4])
PAIR = {
    'inputs': torch.zeros(2, 1, dtype=torch.uint8),
    'data_samples': PairTargets(IDS, IDS, IDS, digit_B2=torch.ones(2, 2)),
}
ACTION = {
    'inputs': {'frames': torch.rand(2, 3), 'names': ('a', 'b')},
    'data_samples': ActionTargets(IDS, IDS, IDS),
}


@pytest.mark.parametrize('batch', [PAIR, ACTION])
def test_what_was_written_is_read(tmp_path, batch):
    bad = make_bad(batch)
    write_bad_batch(bad, tmp_path / 'bad.pth')
    # without trust: nothing in it can run code
    read = read_bad_batch(tmp_path / 'bad.pth')
    for field in ('epoch', 'step', 'rank', 'cfg', 'amp', 'loss_scale', 'steps_late'):
        assert getattr(read, field) == getattr(bad, field)
    assert torch.equal(read.state_dict['weight'], torch.ones(2))
    targets, expected = read.batch['data_samples'], batch['data_samples']
    assert type(targets) is type(expected)
    for field in dataclasses.fields(expected):
        value, other = getattr(targets, field.name), getattr(expected, field.name)
        assert value is other is None or torch.equal(value, other)
    if batch is ACTION:
        frames = read.batch['inputs']['frames']
        assert torch.equal(frames, batch['inputs']['frames'])
        assert list(read.batch['inputs']['names']) == ['a', 'b']


def test_another_file_is_refused(tmp_path):
    save_atomically({'state_dict': {}}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='a.pth: no batch to replay: NonFiniteHook'):
        read_bad_batch(tmp_path / 'a.pth')
    with pytest.raises(FileNotFoundError, match='b.pth: no such checkpoint'):
        read_bad_batch(tmp_path / 'b.pth')


def test_an_unknown_structure_is_refused(tmp_path):
    batch = {'data_samples': {'__structure__': 'Popen', 'args': 'ls'}}
    write_bad_batch(make_bad(batch), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match="a batch of 'Popen' is not known"):
        read_bad_batch(tmp_path / 'a.pth')
