"""The fine-tuning recipes hold the guide's numbers, and train from a model."""

import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from ocec.apis.errors import ConfigError
from ocec.apis.run_config import set_input_size
from ocec.apis.train import train
from ocec.datasets.mixed_eyes import is_mix
from ocec.engine.runner import Runner
from ocec.registry import MODELS

FOLDER = Path(__file__).parents[1] / 'configs/ocec/finetune'
NAMES = sorted(path.name for path in FOLDER.glob('*.py'))
GUIDE = 'ocec-baseline-cosface_1xb1024-200e_eye-32x64.py'
SMALL = 'ocec-baseline-smalldata_1xb64-20e_eye-32x64.py'


def load(name):
    cfg = Config.fromfile(FOLDER / name)
    set_input_size(cfg)
    return cfg


def remedy(tag):
    return load(GUIDE.replace('cosface', f'cosface-{tag}'))


@pytest.fixture
def prepared(make_eye_parquet, tmp_path):
    """Return a function that makes a config small, and says where it starts from."""

    def prepare(name):
        cfg = load(name)
        data = str(make_eye_parquet(num_rows=16))
        for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
            loader.update(batch_size=8, num_workers=0, persistent_workers=False)
            if is_mix(loader.dataset):
                for source in loader.dataset.sources.values():
                    source.data = data
            else:
                loader.dataset.data = data
        with DefaultScope.overwrite_default_scope('ocec'):
            start = MODELS.build(cfg.model)
        file = tmp_path / 'start.pth'
        torch.save({'state_dict': start.state_dict()}, file)
        if cfg.load_from is not None:
            cfg.load_from = str(file)
        cfg.work_dir = str(tmp_path / 'run')
        cfg.visualizer.vis_backends = []
        cfg.train_cfg.max_epochs = 1
        return cfg, start

    return prepare


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.slow
def test_config_trains_from_a_model(name, prepared):
    cfg, start = prepared(name)
    runner = Runner.from_cfg(cfg)
    metrics = []
    validated = runner.call_hook

    def call_hook(place, **kwargs):
        if place == 'after_val_epoch':
            metrics.append(kwargs['metrics'])
        validated(place, **kwargs)

    runner.call_hook = call_hook
    runner.train()
    before = dict(start.named_parameters())
    moved = {
        n.split('.')[0]
        for n, p in runner.model.named_parameters()
        if not p.equal(before[n])
    }
    freezes = any(hook.type == 'FreezeHook' for hook in cfg.custom_hooks)
    assert moved == ({'head'} if freezes else {'backbone', 'head'})
    prefixes = ('home', 'new') if is_mix(cfg.val_dataloader.dataset) else ('eye',)
    for prefix in prefixes:
        counts = [metrics[0][f'{prefix}/{kind}'] for kind in ('tp', 'fp', 'tn', 'fn')]
        assert sum(counts) == 4


@pytest.mark.parametrize('name', [name for name in NAMES if 'scratch' not in name])
@pytest.mark.slow
def test_without_a_model_to_start_from_it_says_so(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match='work_dirs/home'):
        train(FOLDER / name, work_dir=tmp_path / 'run')


def test_numbers_of_the_guide():
    cfg = load(GUIDE)
    assert cfg.train_cfg.max_epochs == 200
    assert cfg.train_dataloader.batch_size == 1024
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper.optimizer.lr == 5e-5
    assert cfg.optim_wrapper.optimizer.weight_decay == 1e-4
    assert cfg.model.backbone == {
        'type': 'OCECBaseline',
        'base_channels': 32,
        'num_blocks': 4,
    }
    assert cfg.model.head.margin.type == 'CosFace'
    assert cfg.param_scheduler[0].end == cfg.param_scheduler[1].begin == 10
    assert cfg.randomness.seed == 42


@pytest.mark.parametrize(('tag', 'rate'), [('lr2e-5', 2e-5), ('lr1e-5', 1e-5)])
def test_rates_of_the_remedies(tag, rate):
    assert remedy(tag).optim_wrapper.optimizer.lr == rate


@pytest.mark.parametrize(
    ('tag', 'warmup', 'factor'),
    [('warmup15', 15, 0.5), ('warmup20', 20, 0.5), ('plateau0.3', 10, 0.3)],
)
def test_schedules_of_the_remedies(tag, warmup, factor):
    first, second = remedy(tag).param_scheduler
    assert (first.end, second.begin, second.factor) == (warmup, warmup, factor)


def test_rates_by_layer_are_those_of_the_guide():
    settings = remedy('layerwise').optim_wrapper
    rate, by_layer = settings.optimizer.lr, settings.paramwise_cfg
    assert math.isclose(rate * by_layer.stem_lr_mult, 1e-5)
    # the first of four blocks, and the last
    assert 1e-5 <= rate * by_layer.layer_decay_rate**3 <= rate == 5e-5
    assert math.isclose(rate * by_layer.head_lr_mult, 1e-4)
    assert math.isclose(rate * by_layer.margin_lr_mult, 2e-4)
