"""Every shipped config loads, tells the truth in its name, and trains."""

import ast
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from ocec.apis.config_check import check_config
from ocec.apis.run_config import set_input_size
from ocec.engine.runner import Runner
from ocec.registry import MODELS

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.glob('configs/**/*.py')
    # stackings and sweeps are no trainings: test_sweep_configs.py
    if not {'_base_', 'sweeps'} & set(path.parts) and not path.name.startswith('stack')
)
EYE_CONFIGS = [
    name
    for name in CONFIGS
    # those that start from a model: test_finetune_configs.py
    if name.startswith('configs/ocec/') and 'finetune' not in name
]
PAIR_SIZE = (28, 28)  # of each side; pairs have no other
GUIDE = 'configs/ocec/ocec-baseline-b64-n8_2xb4096-1000e_eye-32x64.py'


def load(name: str) -> Config:
    """Return a config as a run has it."""
    cfg = Config.fromfile(ROOT / name)
    set_input_size(cfg)
    return cfg


def gaps_in_name(name: str, cfg: Config) -> list[str]:
    """Return where a file name and its config disagree."""
    patterns = {
        'batch': r'_\d+xb(\d+)(?=[-_])',
        'epochs': r'[-_](\d+)e(?=[-_])',
        'height': r'-(\d+)x\d+\.py$',
        'width': r'-\d+x(\d+)\.py$',
    }
    named = {}
    for what, pattern in patterns.items():
        match = re.search(pattern, name)
        named[what] = int(match.group(1)) if match else None
    gpus = re.search(r'_(\d+)xb\d+', name)
    height, width = size_of(cfg, 'train')
    held = {
        'batch': cfg.train_dataloader.batch_size,
        'epochs': cfg.train_cfg.max_epochs,
        'height': height,
        'width': width,
    }
    base = cfg.auto_scale_lr.base_batch_size
    effective = int(gpus.group(1)) * held['batch'] if gpus else None
    gaps = [
        f'{w}: {named[w]} named, {held[w]} held' for w in held if named[w] != held[w]
    ]
    if effective != base:
        gaps.append(f'effective batch: {effective} named, {base} in auto_scale_lr')
    for split in ('val', 'test'):
        size = size_of(cfg, split)
        if size != (height, width):
            gaps.append(f'{split} has another size: {size}')
    return gaps


def size_of(cfg: Config, split: str) -> tuple[int, int]:
    """Return (height, width) of the images of one loader."""
    dataset = cfg[f'{split}_dataloader'].dataset
    return PAIR_SIZE if dataset.type.startswith('Pair') else tuple(dataset.image_size)


def test_configs_are_found():
    assert len(CONFIGS) >= 3
    assert GUIDE in CONFIGS


@pytest.mark.parametrize('name', CONFIGS)
def test_config_has_no_findings(name):
    assert [str(finding) for finding in check_config(load(name))] == []


@pytest.mark.parametrize(
    # named by the guide, without sizes: test_skeleton_configs.py
    'name',
    [name for name in CONFIGS if not name.startswith('configs/skeleton/')],
)
def test_name_tells_the_truth(name):
    assert gaps_in_name(name, load(name)) == []


@pytest.mark.parametrize(
    ('name', 'gap'),
    [
        ('ocec-baseline_1xb128-20e_eye-32x64.py', 'batch: 128 named, 256 held'),
        ('ocec-baseline_1xb256-8e_eye-32x64.py', 'epochs: 8 named, 20 held'),
        ('ocec-baseline_1xb256-20e_eye-24x64.py', 'height: 24 named, 32 held'),
        ('ocec-baseline_1xb256-20e_eye-32x40.py', 'width: 40 named, 64 held'),
        ('ocec-baseline_2xb256-20e_eye-32x64.py', 'effective batch: 512 named, 256 in'),
        ('ocec-baseline_20e_eye-32x64.py', 'batch: None named'),
    ],
)
def test_checker_finds_a_name_that_lies(name, gap):
    cfg = load('configs/ocec/ocec-baseline_1xb256-20e_eye-32x64.py')
    assert gaps_in_name(name, cfg)[0].startswith(gap)


@pytest.mark.parametrize('name', CONFIGS)
def test_docstring_gives_command_and_result(name):
    docstring = ast.get_docstring(ast.parse((ROOT / name).read_text(encoding='utf-8')))
    assert docstring is not None
    starts = [line.split(':')[0] for line in docstring.splitlines() if ':' in line]
    assert {'Train', 'Result'} <= set(starts)
    assert name in docstring


@pytest.mark.parametrize('name', CONFIGS)
def test_parameters_in_the_docstring_are_counted(name):
    docstring = ast.get_docstring(ast.parse((ROOT / name).read_text(encoding='utf-8')))
    numbers = re.findall(r'([\d,]+) parameters', docstring)
    assert numbers == [f'{count_parameters(load(name)):,}']


def count_parameters(cfg):
    with DefaultScope.overwrite_default_scope('ocec'):
        model = MODELS.build(cfg.model)
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize('name', EYE_CONFIGS)
def test_config_trains_and_validates(name, make_eye_parquet, tmp_path, monkeypatch):
    torch.manual_seed(0)
    cfg = load(name)
    # 8 of 16 rows train, 4 validate, 4 test
    data = make_eye_parquet(num_rows=16)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(batch_size=8, num_workers=0, persistent_workers=False)
        loader.dataset.data = str(data)
    cfg.work_dir = str(tmp_path / 'run')
    cfg.visualizer.vis_backends = []
    hooks = cfg.get('custom_hooks', [])
    cfg.custom_hooks = [h for h in hooks if h.type != 'GradHistogramHook']  # draws
    cfg.train_cfg.max_epochs = 1
    runner = Runner.from_cfg(cfg)
    before = {n: p.detach().clone() for n, p in runner.model.named_parameters()}
    losses, metrics = [], []
    step = runner.model.train_step
    validated = runner.call_hook

    def train_step(*args, **kwargs):
        losses.append(step(*args, **kwargs))
        return losses[-1]

    def call_hook(place, **kwargs):
        if place == 'after_val_epoch':
            metrics.append(kwargs['metrics'])
        validated(place, **kwargs)

    monkeypatch.setattr(runner.model, 'train_step', train_step)
    monkeypatch.setattr(runner, 'call_hook', call_hook)
    runner.train()
    assert len(losses) == 1
    assert torch.isfinite(losses[0]['loss'])
    frozen = [n for n, p in runner.model.named_parameters() if p.equal(before[n])]
    assert frozen == []
    [metrics] = metrics
    counted = [metrics[f'eye/{kind}'] for kind in ('tp', 'fp', 'tn', 'fn')]
    assert sum(counted) == 4
    assert metrics['eye/loss'] > 0


def test_run_of_the_guide():
    cfg = load(GUIDE)
    assert cfg.train_cfg.max_epochs == 1000
    assert cfg.train_dataloader.batch_size == 4096
    assert cfg.optim_wrapper.type == 'OptimWrapper'  # no mixed precision
    optimizer = cfg.optim_wrapper.optimizer
    assert optimizer.type == 'AdamW'
    assert (optimizer.lr, optimizer.weight_decay) == (1e-4, 1e-4)
    plateau = cfg.param_scheduler
    assert (plateau.type, plateau.monitor) == ('ReduceOnPlateauLR', 'eye/loss')
    assert (plateau.factor, plateau.patience, plateau.rule) == (0.5, 2, 'less')
    [ema] = cfg.custom_hooks
    assert (ema.type, ema.decay) == ('EMAHook', 0.999)
    backbone = cfg.model.backbone
    assert (backbone.base_channels, backbone.num_blocks) == (64, 8)
    assert tuple(cfg.train_dataloader.dataset.image_size) == (32, 64)
    assert cfg.randomness.seed == 42
    assert count_parameters(cfg) == 547_713
