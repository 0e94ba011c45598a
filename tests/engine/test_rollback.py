"""On the runner of a short training."""

import pytest
import torch
from mmengine.config import Config

from ocec.engine.checkpoint_io import load_safely, save_atomically
from ocec.engine.rollback import last_finite_checkpoint, roll_back
from ocec.engine.runner import Runner


@pytest.fixture
def runner(tmp_path, write_config):
    cfg = Config.fromfile(write_config('train_cfg = dict(max_epochs=2)'))
    cfg.work_dir = str(tmp_path / 'run')
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def spoil(path):
    checkpoint = load_safely(path)
    name = next(n for n in checkpoint['ema_state_dict'] if n.endswith('weight'))
    checkpoint['ema_state_dict'][name] *= float('nan')
    save_atomically(checkpoint, path)


def test_everything_that_is_trained_comes_back(runner, tmp_path):
    folder = tmp_path / 'run'
    (average,) = [hook.ema_model for hook in runner.hooks if hasattr(hook, 'ema_model')]
    optimizer = runner.optim_wrapper.optimizer
    rates = [group['lr'] for group in optimizer.param_groups]
    base = [list(s.base_values) for s in runner.param_schedulers]
    with torch.no_grad():
        for tensor in [*runner.model.parameters(), *average.parameters()]:
            tensor.fill_(float('nan'))
    roll_back(runner, 'epoch_1.pth', lr_factor=0.5)
    stored = load_safely(folder / 'epoch_1.pth')
    # the checkpoint has the averaged weights where models are loaded from
    for name, tensor in runner.model.state_dict().items():
        assert torch.equal(tensor, stored['ema_state_dict'][f'module.{name}']), name
    for name, tensor in average.module.state_dict().items():
        assert torch.equal(tensor, stored['state_dict'][name]), name
    moments = stored['optimizer']['state'][0]['exp_avg']
    assert torch.equal(optimizer.state_dict()['state'][0]['exp_avg'], moments)
    # rates are those of now, not of the checkpoint
    assert [g['lr'] for g in optimizer.param_groups] == [rate / 2 for rate in rates]
    halved = [[value / 2 for value in values] for values in base]
    assert [s.base_values for s in runner.param_schedulers] == halved
    assert runner.epoch == 2


def test_the_newest_finite_checkpoint_is_taken(runner, tmp_path):
    folder = tmp_path / 'run'
    assert last_finite_checkpoint(runner) == 'epoch_2.pth'
    spoil(folder / 'epoch_2.pth')
    assert last_finite_checkpoint(runner) == 'epoch_1.pth'
    (folder / 'epoch_1.pth').write_bytes(b'PK')
    assert last_finite_checkpoint(runner) is None
