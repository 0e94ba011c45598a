"""Every shipped config for pairs trains, and holds the numbers of its stage."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from ocec.engine.runner import Runner
from ocec.registry import MODELS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / 'configs' / 'pair'
CONFIGS = sorted(path.name for path in FOLDER.glob('pair-*.py'))
STAGES = {
    'pair-stage0-compare_1xb64-50e_digits-28x28.py': ('BCELoss', False),
    'pair-stage1-cbam-fusion6_1xb64-50e_digits-28x28.py': ('BCELoss', False),
    'pair-stage2-resnet333_1xb64-100e_digits-28x28.py': ('SmoothFocalLoss', True),
    'pair-stage2-resnet222-fusion5_1xb64-80e_digits-28x28.py': (
        'SmoothFocalLoss',
        True,
    ),
    'pair-stage2-resnet222_1xb64-80e_digits-28x28.py': ('SmoothFocalLoss', True),
    'pair-stage3-resnet333_1xb64-50e_digits-28x28.py': ('SmoothFocalLoss', True),
    'pair-stage3-fpn_1xb64-60e_digits-28x28.py': ('SmoothFocalLoss', True),
    'pair-stage3-fusion5_1xb64-50e_digits-28x28.py': ('SmoothFocalLoss', True),
}


def load(name: str) -> Config:
    return Config.fromfile(FOLDER / name)


@pytest.fixture(scope='module')
def pairs(tmp_path_factory):
    """A folder as make_digit_pairs.py writes it, of noise."""
    folder = tmp_path_factory.mktemp('digit_pairs')
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        digit = np.array([[3, 4], [8, 7], [0, 1], [6, 2]] * 2, np.int8)
        np.savez(
            folder / f'{split}.npz',
            x=rng.integers(0, 256, (8, 28, 56), np.uint8),
            y=(digit[:, 0] > digit[:, 1]).astype(np.int64),
            id=np.array([f'{split[:3].upper()}_{row:07d}' for row in range(8)]),
            digit=digit,
            source=np.arange(16, dtype=np.int32).reshape(8, 2),
            block=np.zeros(8, np.int32),
            occluded=np.zeros((8, 2), np.float32),
        )
    np.savez(
        folder / 'digits.npz',
        x=rng.integers(0, 256, (20, 28, 28), np.uint8),
        digit=np.arange(20, dtype=np.int8) % 10,
        split=np.array(['train'] * 20),
        block=np.arange(20, dtype=np.int32) // 10,
    )
    return folder


def make_runner(name, pairs, work_dir) -> Runner:
    cfg = load(name)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(batch_size=8, num_workers=0)
        loader.dataset.data = str(pairs)
    if cfg.train_dataloader.dataset.type == 'PairStream':
        cfg.train_dataloader.dataset.length = 8
    cfg.work_dir = str(work_dir)
    cfg.visualizer.vis_backends = []
    cfg.train_cfg.max_epochs = 1
    if 'width_mult' in cfg.model.backbone:  # full size is built in test_configs.py
        cfg.model.backbone.width_mult = 0.125
    cfg.test_dataloader = cfg.test_cfg = cfg.test_evaluator = None
    if distillation := cfg.model.get('distillation'):
        [teacher] = distillation.teachers
        teacher.config = str(ROOT / teacher.config)
        teacher.checkpoint = str(work_dir / 'teacher.pth')
        save_untrained(teacher.config, teacher.checkpoint)
    return Runner.from_cfg(cfg)


def save_untrained(config, checkpoint):
    with DefaultScope.overwrite_default_scope('ocec'):
        model = MODELS.build(Config.fromfile(config).model)
    Path(checkpoint).parent.mkdir(parents=True, exist_ok=True)
    torch.save({'state_dict': model.state_dict()}, checkpoint)


@pytest.mark.parametrize('name', CONFIGS)
def test_config_trains_and_validates(name, pairs, tmp_path, monkeypatch):
    torch.manual_seed(0)
    runner = make_runner(name, pairs, tmp_path / 'run')
    before = {n: p.detach().clone() for n, p in runner.model.named_parameters()}
    losses, metrics = [], []
    step, call = runner.model.train_step, runner.call_hook

    def train_step(*args, **kwargs):
        losses.append(step(*args, **kwargs))
        return losses[-1]

    def call_hook(place, **kwargs):
        if place == 'after_val_epoch':
            metrics.append(kwargs['metrics'])
        call(place, **kwargs)

    monkeypatch.setattr(runner.model, 'train_step', train_step)
    monkeypatch.setattr(runner, 'call_hook', call_hook)
    runner.train()
    [loss] = losses
    assert torch.isfinite(loss['loss'])
    frozen = [n for n, p in runner.model.named_parameters() if p.equal(before[n])]
    assert frozen == []
    [metrics] = metrics
    assert sum(metrics[f'pair/{kind}'] for kind in ('tp', 'fp', 'tn', 'fn')) == 8
    assert 'pair/accuracy' in metrics
    assert list((tmp_path / 'run').glob('best_pair_accuracy_*.pth'))


@pytest.mark.parametrize('name', STAGES)
def test_stages_have_the_numbers_of_the_guide(name):
    cfg = load(name)
    loss, is_late = STAGES[name]
    assert cfg.train_dataloader.batch_size == 64
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == (
        'AdamW',
        1e-3,
        5e-4,
    )
    plateau = cfg.param_scheduler
    assert (plateau.monitor, plateau.factor, plateau.patience) == (
        'pair/accuracy',
        0.5,
        3,
    )
    assert cfg.model.head.loss.type == loss
    if loss == 'SmoothFocalLoss':
        assert cfg.model.head.loss.label_smooth_val == 0.1
        assert cfg.model.head.loss.gamma == 2.0
    amp = 'AmpOptimWrapper' if is_late else 'OptimWrapper'
    assert cfg.optim_wrapper.type == amp
    is_clipped = is_late and 'fpn' not in name
    assert cfg.optim_wrapper.get('clip_grad') == (
        {'max_norm': 1.0} if is_clipped else None
    )
    [stop] = cfg.custom_hooks
    assert (stop.type, stop.monitor, stop.patience) == (
        'EarlyStoppingHook',
        'pair/accuracy',
        10,
    )
    assert cfg.randomness.seed == 42


def test_all_shipped_stages_are_looked_at():
    assert {name for name in CONFIGS if '-stage' in name} == set(STAGES)
    assert 'pair-stage0-compare_1xb64-50e_digits-28x28.py' in CONFIGS


@pytest.mark.parametrize('name', CONFIGS)
def test_no_config_flips_images(name):
    preprocessor = load(name).model.data_preprocessor
    assert preprocessor.type == 'PairPreprocessor'
    assert not [a for a in preprocessor.get('batch_augments', []) if 'Flip' in a.type]
