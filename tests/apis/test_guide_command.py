"""The printed call of tools/train.py must build what the command trains."""

import importlib.util
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from ocec.__main__ import parse_args
from ocec.apis import guide_command
from ocec.apis import train as train_module
from ocec.apis.errors import ConfigError
from ocec.apis.guide_command import CONFIG, build_call, train_by_guide
from ocec.apis.guide_settings import GuideSettings, default_of
from ocec.apis.run_config import load_run_config
from ocec.engine.runner import Runner
from ocec.registry import MODELS

ROOT = Path(__file__).parents[2]
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
# the full commands of the guides, without their paths
CONVNEXT = """--epochs 1000 --batch_size 1024 --num_workers 16 --train_ratio 0.8
--val_ratio 0.2 --image_size 32x64 --base_channels 48 --num_blocks 4 --arch_variant
convnext --margin_method cosface --lr 1.2e-4 --weight_decay 1e-4 --seed 42 --device
auto --warmup_epochs 20"""
FINETUNE = """--epochs 200 --batch_size 1024 --num_workers 16 --train_ratio 0.8
--val_ratio 0.2 --image_size 32x64 --base_channels 32 --num_blocks 4 --arch_variant
baseline --margin_method cosface --lr 5e-5 --weight_decay 1e-4 --seed 42 --device auto
--warmup_epochs 10 --use_amp"""
# fast to train: no worker processes, one epoch
QUICK = '--epochs 1 --num_workers 0 --base_channels 8 --num_blocks 2 --image_size 32x64'


@pytest.fixture
def configs(monkeypatch):
    """List that fills with the configs that would be trained."""
    caught = []

    class Caught:
        @classmethod
        def from_cfg(cls, cfg):
            caught.append(cfg)
            return cls()

        train_loop = None

        def register_hook(self, hook):
            pass

        def train(self):
            pass

    monkeypatch.setattr(train_module, 'Runner', Caught)
    # --device cpu is refused where GPUs were seen before
    monkeypatch.setattr(guide_command, 'get_device', lambda: 'cpu')
    return caught


@pytest.fixture
def settings_of(make_eye_parquet, tmp_path):
    """Return a reader of flags, with data and a folder for the run."""

    def read(flags, **parquet):
        data = make_eye_parquet(**{'num_rows': 16, **parquet})
        paths = ['--data_root', str(data), '--output_dir', str(tmp_path / 'my run')]
        return parse_args(['train', *paths, *shlex.split(flags)])

    return read


def printed_call(text):
    """Words of the call that the command printed."""
    call = text.split('The same with the config system:\n')[1].split('\n\n')[0]
    return call, shlex.split(call.replace('\\\n', ' '))


def run_tool(words, monkeypatch):
    """Do what tools/train.py does, in this process."""
    [position] = [i for i, word in enumerate(words) if word.endswith('tools/train.py')]
    spec = importlib.util.spec_from_file_location('train_tool', words[position])
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(sys, 'argv', words[position:])
    assert tool.main() == 0


@pytest.mark.parametrize(
    'flags',
    [
        *(
            f'--arch_variant {variant} --margin_method {margin}'
            for variant in ('baseline', 'inverted_se', 'convnext')
            for margin in ('none', 'arcface', 'cosface')
        ),
        '',
        CONVNEXT,
        FINETUNE,
        '--arch_variant convnext --token_mixer_grid 2x3 --token_mixer_layers 3',
        '--token_mixer_grid 2x3 --head_variant avgmax_mlp --dropout .5 --verbose',
        '--resplit --seed 7 --train_ratio .6 --test_ratio .1 --device cpu',
        '--warmup_epochs 0 --num_workers 0 --resume',
    ],
)
def test_printed_call_builds_the_same_config(
    settings_of, configs, capsys, monkeypatch, flags
):
    train_by_guide(settings_of(flags))
    _, words = printed_call(capsys.readouterr().out)
    run_tool(words, monkeypatch)
    ours, theirs = configs
    assert ours.to_dict() == theirs.to_dict()


def test_config_holds_the_defaults_of_the_command():
    cfg = Config.fromfile(ROOT / CONFIG)
    held = {
        'epochs': cfg.train_cfg.max_epochs,
        'batch_size': cfg.train_dataloader.batch_size,
        'num_workers': cfg.train_dataloader.num_workers,
        'base_channels': cfg.model.backbone.base_channels,
        'num_blocks': cfg.model.backbone.num_blocks,
        'dropout': cfg.model.head.dropout,
        'lr': cfg.optim_wrapper.optimizer.lr,
        'weight_decay': cfg.optim_wrapper.optimizer.weight_decay,
        'seed': cfg.randomness.seed,
        'warmup_epochs': cfg.param_scheduler[0].end,
    }
    assert held == {name: default_of(name) for name in held}
    assert [tuple(cfg[name].dataset.image_size) for name in LOADERS] == [(48, 48)] * 3
    assert cfg.model.backbone.type == 'OCECBaseline'
    assert (cfg.model.head.type, cfg.model.head.margin.type) == ('AutoHead', 'CosFace')
    assert cfg.optim_wrapper.type == 'OptimWrapper'
    assert cfg.train_dataloader.dataset.get('split_ratios') is None


def test_command_of_the_convnext_guide(settings_of, configs):
    train_by_guide(settings_of(CONVNEXT))
    [cfg] = configs
    shipped = 'ocec-convnext-b48-cosface_1xb1024-1000e_eye-32x64.py'
    shipped = load_run_config(ROOT / 'configs/ocec' / shipped)
    for key in ('param_scheduler', 'optim_wrapper', 'train_cfg', 'custom_hooks'):
        assert cfg[key] == shipped[key], key
    assert cfg.model.input_size == (32, 64)
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 1024
    with DefaultScope.overwrite_default_scope('ocec'):
        ours, theirs = MODELS.build(cfg.model), MODELS.build(shipped.model)
    assert str(ours) == str(theirs)
    assert (ours.head.margin.m, ours.head.margin.s) == (0.35, 8.0)


def test_command_of_the_finetuning_guide(settings_of, configs, tmp_path):
    for name in ('ocec_best_epoch0055_f1_0.7759.pt', 'ocec_best_epoch0009_f1_0.7.pt'):
        (tmp_path / name).touch()
    pattern = tmp_path / 'ocec_best_epoch*.pt'
    train_by_guide(settings_of(f"{FINETUNE} --pretrain '{pattern}'"))
    [cfg] = configs
    assert cfg.load_from == str(tmp_path / 'ocec_best_epoch0055_f1_0.7759.pt')
    assert not cfg.resume
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper.optimizer.lr == 5e-5
    warmup, plateau = cfg.param_scheduler
    assert (warmup.start_factor, warmup.end, plateau.begin) == (0.1, 10, 10)
    assert cfg.train_cfg.max_epochs == 200


def test_call_is_printed_for_a_shell(settings_of, configs, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    settings = settings_of('--lr 2e-4 --use_amp --seed 3 --resume x.pth --device cpu')
    with pytest.raises(ConfigError, match='--resume x.pth: no such checkpoint'):
        train_by_guide(settings)
    call, words = printed_call(capsys.readouterr().out)
    python = Path(sys.executable)
    shown = python.relative_to(ROOT) if python.is_relative_to(ROOT) else python
    assert call == (
        f'CUDA_VISIBLE_DEVICES= {shown} tools/train.py {CONFIG} \\\n'
        f"    --work-dir '{settings.output_dir}' \\\n"
        f'    --data {settings.data_root} \\\n'
        '    --seed 3 \\\n'
        '    --amp \\\n'
        '    --resume x.pth \\\n'
        '    --cfg-options \\\n'
        '    optim_wrapper.optimizer.lr=0.0002 \\\n'
        '    test_dataloader.dataset.split=test'
    )
    assert configs == []


def test_files_are_found_from_any_folder(settings_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, _ = build_call(settings_of(''))
    assert call.config == ROOT / CONFIG
    assert f' {ROOT / "tools/train.py"} {ROOT / CONFIG} ' in str(call)


def test_files_that_are_nowhere(settings_of, monkeypatch, tmp_path):
    monkeypatch.setattr(guide_command, '__file__', str(tmp_path / 'a' / 'b' / 'c.py'))
    message = f'{CONFIG}: not beside {tmp_path / "a"}; install the package again'
    with pytest.raises(ConfigError, match=re.escape(message)):
        build_call(settings_of(''))


@pytest.mark.parametrize('name', ['a.pth', '01,02', '[a', "it's.pth", '1e-3'])
def test_any_name_of_a_checkpoint(settings_of, configs, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    settings = GuideSettings(
        **{**vars(settings_of('')), 'pretrain': (name,)}  # no shell in between
    )
    train_by_guide(settings)
    assert configs[0].load_from == name


def test_device_that_is_not_there(settings_of, monkeypatch):
    monkeypatch.setattr(guide_command, 'get_device', lambda: 'cpu')
    message = '--device cuda: torch finds none here, it would run on cpu'
    with pytest.raises(ValueError, match=message):
        train_by_guide(settings_of('--device cuda'))
    monkeypatch.setattr(guide_command, 'get_device', lambda: 'cuda')
    with pytest.raises(ValueError, match='--device cpu: torch finds none here, it '):
        train_by_guide(settings_of('--device cpu'))


def test_notes_come_before_the_call(settings_of, configs, capsys):
    train_by_guide(settings_of('--epochs 2 --token_mixer_grid 2x3'))
    before = capsys.readouterr().out.split('\nThe same with')[0].splitlines()
    starts = ['split: that of', 'note: the head is AvgHead', 'note: --warmup_epochs 5']
    assert len(before) == 3
    assert all(map(str.startswith, before, starts))


@pytest.mark.parametrize(
    ('warmup', 'shares'), [(0, [1, 1, 1]), (1, [1, 1, 1]), (3, [1 / 3, 2 / 3, 1])]
)
def test_learning_rate_of_each_epoch(settings_of, monkeypatch, warmup, shares):
    without_board(monkeypatch)
    flags = f'{QUICK} --epochs 3 --warmup_epochs {warmup} --lr 3e-4'
    result = train_by_guide(settings_of(flags))
    lines = map(json.loads, (result.work_dir / 'metrics.jsonl').open())
    rates = [line['lr'] for line in lines if line['phase'] == 'train']
    assert rates == pytest.approx([3e-4 * share for share in shares], rel=1e-12)


def test_weights_of_a_run_begin_the_next(settings_of, monkeypatch, tmp_path, capsys):
    without_board(monkeypatch)
    first = train_by_guide(settings_of(QUICK))
    best = first.work_dir / first.best['file']
    capsys.readouterr()
    # a rate of 0 keeps them
    settings = settings_of(f"{QUICK} --lr 0 --pretrain '{first.work_dir}'")
    second = train_by_guide(
        GuideSettings(**{**vars(settings), 'output_dir': str(tmp_path / 'second')})
    )
    told = f'weights: {best} (eye/f1 {first.best["value"]:.4f} by best.json)'
    assert told in capsys.readouterr().out.splitlines()
    before, after = (
        torch.load(run.work_dir / run.best['file'], weights_only=True)['state_dict']
        for run in (first, second)
    )
    # the statistics of batch norm move on
    names = [name for name in before if name.endswith(('weight', 'bias'))]
    assert len(names) > 5
    for name in names:
        assert torch.allclose(before[name], after[name], atol=1e-7), name


def without_board(monkeypatch):
    """Leave TensorBoard out: it takes longer than the training."""
    build = Runner.from_cfg.__func__

    def from_cfg(cls, cfg):
        cfg.visualizer.vis_backends = []
        return build(cls, cfg)

    monkeypatch.setattr(Runner, 'from_cfg', classmethod(from_cfg))
