import json

import pytest
import torch
from mmengine.config import Config

from ocec.apis.train import train
from ocec.engine.checkpoint_io import save_atomically
from ocec.engine.runner import Runner
from ocec.engine.start_plan import OtherModelError

SMALL = 'model = dict(backbone=dict(base_channels=16, num_blocks=3))\n'
FROZEN = """
optim_wrapper = dict(optimizer=dict(lr=0.0, weight_decay=0.0))
param_scheduler = None
train_cfg = dict(max_epochs=1)
"""


def log_of(folder):
    (log,) = folder.glob('*.log')
    return log.read_text()


@pytest.fixture
def cosface(tmp_path, write_config):
    """Folder of a run with CosFace."""
    text = SMALL + "model['head'] = dict(margin=dict(type='CosFace'))"
    return train(write_config(text), work_dir=tmp_path / 'cosface').work_dir


def test_another_margin_starts_anew_and_says_so(cosface, tmp_path, write_config):
    file = cosface / 'epoch_2.pth'
    text = SMALL + "model['head'] = dict(margin=dict(type='ArcFace'))" + FROZEN
    folder = tmp_path / 'arcface'
    train(write_config(text + f'load_from = {str(file)!r}'), work_dir=folder)
    log = log_of(folder)
    assert 'starts anew: margin: checkpoint: CosFace, config: ArcFace' in log
    assert 'do not match exactly' not in log  # of mmengine
    before = torch.load(file)['state_dict']
    after = torch.load(folder / 'epoch_1.pth')
    weight = 'head.margin.weight'
    assert not torch.allclose(after['state_dict'][weight], before[weight], atol=0.01)
    # the average starts where the model does, not with another draw
    raw = after['ema_state_dict'][f'module.{weight}']
    assert torch.equal(after['state_dict'][weight], raw)
    stem = 'backbone.stem.0.weight'
    assert torch.equal(after['state_dict'][stem], before[stem])
    report = json.loads((folder / 'pretrained.json').read_text())
    assert report['names']['left_out'] == [weight]
    assert report['modules']['head.margin']['share'] == 0
    assert report['modules']['backbone.stem']['share'] == 1
    assert report['weights'] == 'averaged (EMA) weights'
    for module in report['modules']:
        assert f'\n{module} ' in log


def test_hooks_hear_what_starts_anew(cosface, tmp_path, write_config):
    text = SMALL + "model['head'] = dict(margin=dict(type='ArcFace'))" + FROZEN
    hook = "dict(type='L2SPHook', anchored=['backbone', 'head.margin', 'head.norm'])"
    text += f'custom_hooks = [{hook}]\nload_from = {str(cosface / "epoch_2.pth")!r}'
    folder = train(write_config(text), work_dir=tmp_path / 'arcface').work_dir
    anchored = torch.load(folder / 'epoch_1.pth')['l2_sp']['anchor']
    assert 'head.norm.weight' in anchored
    assert 'head.margin.weight' not in anchored


def test_a_test_takes_the_averaged_weights(cosface, tmp_path, write_config):
    text = SMALL + "model['head'] = dict(margin=dict(type='CosFace'))"
    # the run that the config is of started from raw ones
    cfg = Config.fromfile(write_config(text + "\nload_weights = 'raw'"))
    cfg.work_dir, cfg.load_from = str(tmp_path), str(cosface / 'epoch_2.pth')
    cfg.train_cfg = cfg.train_dataloader = cfg.optim_wrapper = None
    cfg.param_scheduler, cfg.custom_hooks = None, []
    runner = Runner.from_cfg(cfg)
    runner.test()
    content = torch.load(cosface / 'epoch_2.pth')
    averaged = content['state_dict']['head.margin.weight']
    assert not torch.equal(
        averaged, content['ema_state_dict']['module.head.margin.weight']
    )
    assert torch.equal(runner.model.head.margin.weight, averaged)


def test_a_test_lets_nothing_start_anew(cosface, tmp_path, write_config):
    cfg = Config.fromfile(write_config(SMALL))
    cfg.work_dir, cfg.load_from = str(tmp_path), str(cosface / 'epoch_2.pth')
    cfg.train_cfg = cfg.train_dataloader = cfg.optim_wrapper = None
    cfg.param_scheduler = None
    cfg.custom_hooks = []
    with pytest.raises(OtherModelError, match='margin CosFace, config: margin none'):
        Runner.from_cfg(cfg).test()
    assert not (tmp_path / 'pretrained.json').exists()


def test_from_the_original(tmp_path, write_config):
    first = train(write_config(SMALL), work_dir=tmp_path / 'first').work_dir
    ours = torch.load(first / 'epoch_2.pth')['state_dict']
    theirs = {
        name.replace('backbone.stem', 'stem')
        .replace('backbone.blocks', 'features')
        .replace('head.norm', 'head.0')
        .replace('head.fc', 'head.2'): value
        for name, value in ours.items()
        if not name.startswith(('data_preprocessor', 'head.loss_module'))
    }
    constants = {'mean': [0.4, 0.3, 0.2], 'std': [0.2, 0.25, 0.3]}
    checkpoint = {'model_state': theirs, 'normalization': constants}
    save_atomically(checkpoint, tmp_path / 'ocec_best_epoch0004_f1_0.93.pt')
    text = f'{SMALL}{FROZEN}load_from = {str(tmp_path / "ocec_best*.pt")!r}'
    folder = train(write_config(text), work_dir=tmp_path / 'run').work_dir
    state = torch.load(folder / 'epoch_1.pth')['state_dict']
    assert torch.equal(state['head.fc.weight'], theirs['head.2.weight'])
    mean = state['data_preprocessor.mean'].flatten().tolist()
    assert mean == pytest.approx([102, 76.5, 51])
    log = log_of(folder)
    assert 'weights of the original trainer' in log
    assert 'normalisation: the checkpoint was trained with mean [102, 76.5, 51]' in log


def test_names_can_be_revised(cosface, tmp_path, write_config):
    content = torch.load(cosface / 'epoch_2.pth')
    for part in ('ema_state_dict', 'optimizer'):
        del content[part]
    weights = content['state_dict']
    content['state_dict'] = {f'net.{name}': x for name, x in weights.items()}
    save_atomically(content, tmp_path / 'renamed.pth')
    text = SMALL + "model['head'] = dict(margin=dict(type='CosFace'))"
    cfg = Config.fromfile(write_config(text))
    cfg.work_dir, cfg.custom_hooks = str(tmp_path / 'run'), []
    runner = Runner.from_cfg(cfg)
    file = str(tmp_path / 'renamed.pth')
    with pytest.raises(OtherModelError, match='checkpoint of another model'):
        runner.load_checkpoint(file)
    loaded = runner.load_checkpoint(file, revise_keys=[(r'^net\.', '')])
    for name, value in runner.model.state_dict().items():
        assert torch.equal(value, weights[name]), name
    assert loaded['meta'] == content['meta']
