"""Every shipped config for actions trains, and holds the numbers of its recipe."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from ocec.apis.command import run_command
from ocec.apis.train import train
from ocec.engine.runner import Runner

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / 'configs' / 'skeleton'
CONFIGS = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob('*.py'))
GUIDE = 'posec3d/rgbpose_conv3d'
BASELINE = f'{GUIDE}/epam_ntu60_baseline.py'
OPTIMIZED = f'{GUIDE}/epam_ntu60_optimized.py'
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
# training and validation by NTU's rules for subjects, for cameras and for setups
NAMES = (
    'S002C002P001R001A001',
    'S002C002P001R001A002',
    'S001C001P003R001A001',
    'S001C001P003R001A002',
)
FRAME_HW = (40, 48)


def load(name: str) -> Config:
    return Config.fromfile(FOLDER / name)


@pytest.fixture(scope='module')
def actions(tmp_path_factory):
    """A folder of four clips: a pickle, and videos of noise where PyAV is there."""
    av = pytest.importorskip('av')
    folder = tmp_path_factory.mktemp('actions')
    (folder / 'videos').mkdir()
    rng = np.random.default_rng(0)
    notes = []
    for label, name in enumerate(NAMES):
        notes.append(
            {
                'frame_dir': name,
                'label': label % 2,
                'img_shape': FRAME_HW,
                'original_shape': FRAME_HW,
                'total_frames': 10,
                'keypoint': rng.uniform(5, 35, (2, 10, 17, 2)).astype(np.float16),
                'keypoint_score': np.ones((2, 10, 17), np.float16),
            }
        )
        with av.open(str(folder / 'videos' / f'{name}.mp4'), 'w') as container:
            stream = container.add_stream('mpeg4', rate=30)
            stream.height, stream.width = FRAME_HW
            stream.pix_fmt = 'yuv420p'
            for _ in range(10):
                image = rng.integers(0, 256, (*FRAME_HW, 3), np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format='rgb24')
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    # fewer names than the recipes have classes, as of the generated actions
    content = {'annotations': notes, 'classes': ['wave', 'clap']}
    (folder / 'actions.pkl').write_bytes(pickle.dumps(content, 4))
    return folder


def make_runner(name, actions, work_dir) -> Runner:
    """Return a run of the config on tiny clips of two videos each."""
    cfg = load(name)
    is_joined = cfg.model.backbone.type == 'RGBPoseConv3D'
    for loader in (cfg[key] for key in LOADERS):
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        dataset = loader.dataset
        dataset.annotations = str(actions / 'actions.pkl')
        if dataset.get('rgb') is not None:
            dataset.rgb.root = str(actions / 'videos')
        dataset.num_pose_frames, dataset.num_rgb_frames = 8, 2 if is_joined else 4
        dataset.frame_size = (32, 32)
    cfg.model.data_preprocessor.update(
        frame_size=(32, 32),
        heatmap_size=(8, 8),
        test_frame_size=None,
        test_heatmap_size=None,
    )
    cfg.work_dir = str(work_dir)
    cfg.visualizer.vis_backends = []
    cfg.train_cfg.max_epochs = 1
    return Runner.from_cfg(cfg)


@pytest.mark.parametrize('name', CONFIGS)
@pytest.mark.slow
def test_config_trains_and_validates(name, actions, tmp_path, monkeypatch):
    torch.manual_seed(0)
    runner = make_runner(name, actions, tmp_path / 'run')
    losses, metrics, trained = [], [], set()
    step, call = runner.model.train_step, runner.call_hook
    parameters = dict(runner.model.named_parameters())

    def train_step(*args, **kwargs):
        losses.append(step(*args, **kwargs))
        return losses[-1]

    def call_hook(place, **kwargs):
        if place == 'before_train':
            open_blocks(runner.model)
            for key, parameter in parameters.items():
                parameter.register_post_accumulate_grad_hook(
                    lambda p, key=key: trained.add(key) if p.grad.any() else None
                )
        if place == 'after_val_epoch':
            metrics.append(kwargs['metrics'])
        call(place, **kwargs)

    monkeypatch.setattr(runner.model, 'train_step', train_step)
    monkeypatch.setattr(runner, 'call_hook', call_hook)
    runner.train()
    [loss] = losses
    assert torch.isfinite(loss['loss'])
    streams = set(runner.model.head.streams)
    assert {f'{stream}_loss_cls' for stream in streams} <= set(loss)
    assert 'fused_top1' in loss  # beside that of the validation
    assert set(parameters) - trained == set()
    [metrics] = metrics
    assert metrics['acc/fused_top1'] in (0, 0.5, 1)
    assert ('acc/rgb_top1' in metrics) == (streams == {'rgb', 'pose'})
    [best] = (tmp_path / 'run').glob('best_*.pth')
    assert best.name == 'best_acc_fused_top1_epoch_1.pth'


def open_blocks(model):
    """Let blocks that begin as their shortcut pass something on, and so learn."""
    for key, parameter in model.named_parameters():
        if key.endswith('weight') and not parameter.any():
            torch.nn.init.constant_(parameter, 0.5)


@pytest.mark.parametrize('name', [n for n in CONFIGS if '_1xb' in n])
def test_name_tells_batch_and_epochs(name):
    cfg = load(name)
    batch, epochs = map(int, re.search(r'_1xb(\d+)-(\d+)e_', name).groups())
    assert (batch, epochs) == (
        cfg.train_dataloader.batch_size,
        cfg.train_cfg.max_epochs,
    )
    assert cfg.auto_scale_lr.base_batch_size == batch


@pytest.mark.parametrize(
    ('name', 'lr', 'weight_decay'),
    [(BASELINE, 0.01, 1e-4), (OPTIMIZED, 0.0015, 3e-4)],
)
def test_numbers_of_the_guide(name, lr, weight_decay):
    cfg = load(name)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.momentum) == ('SGD', 0.9)
    assert (optimizer.lr, optimizer.weight_decay) == (lr, weight_decay)
    assert cfg.optim_wrapper.clip_grad == dict(max_norm=40, norm_type=2)
    assert cfg.train_cfg.max_epochs == 50
    assert (
        cfg.train_dataloader.batch_size * 2 == cfg.auto_scale_lr.base_batch_size == 16
    )
    assert cfg.default_hooks.checkpoint.save_best == 'acc/fused_top1'
    assert cfg.model.head.num_classes == 60
    train = cfg.train_dataloader.dataset
    assert (train.num_pose_frames, train.num_rgb_frames) == (48, 16)
    assert (train.split, cfg.val_dataloader.dataset.split) == ('xsub_train', 'xsub_val')
    preprocessor = cfg.model.data_preprocessor
    assert (preprocessor.frame_size, preprocessor.heatmap_size) == (
        (224, 224),
        (56, 56),
    )


@pytest.mark.parametrize(('name', 'guide'), [('step', BASELINE), ('cosine', OPTIMIZED)])
def test_small_runs_have_the_settings_of_the_guide(name, guide):
    small = load(f'{GUIDE}/epam-small-{name}_1xb8-50e_sample-actions.py')
    guide = load(guide)
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'randomness'):
        assert small[key] == guide[key]
    ours = load(f'{GUIDE}/epam-small_1xb8-60e_sample-actions.py')
    assert small.model == ours.model
    assert small.train_dataloader == ours.train_dataloader
    assert 'custom_hooks' not in small  # no average of the weights


@pytest.mark.parametrize('protocol', ['xsub', 'xset'])
def test_ntu_120_is_ntu_60_with_more_classes(protocol):
    cfg, expected = load(f'{GUIDE}/epam_ntu120_{protocol}.py'), load(OPTIMIZED)
    expected.model.head.num_classes = 120
    expected.data_root = 'data/ntu120'
    for loader, part in zip(LOADERS, ('train', 'val', 'val'), strict=True):
        expected[loader].dataset.update(
            annotations='data/ntu120/ntu120_2d.pkl',
            split=f'{protocol}_{part}',
            num_classes=120,
        )
        expected[loader].dataset.rgb.root = 'data/ntu120/videos'
    assert cfg.to_dict() == expected.to_dict()


@pytest.mark.parametrize('name', CONFIGS)
def test_loaders_share_no_settings(name):
    cfg = load(name)
    for loader in LOADERS:
        cfg[loader].dataset.split = loader
        cfg[loader].dataset.box = None
    assert [cfg[loader].dataset.split for loader in LOADERS] == list(LOADERS)


def test_schedules_of_the_guide():
    baseline, optimized = load(BASELINE), load(OPTIMIZED)
    steps = baseline.param_scheduler
    assert (steps.type, steps.milestones, steps.gamma) == ('MultiStepLR', [20, 40], 0.1)
    cosine = optimized.param_scheduler
    assert (cosine.type, cosine.eta_min) == ('CosineAnnealingLR', 1e-6)
    assert 'T_max' not in cosine  # all epochs, also where there are more
    assert baseline.randomness.seed is None
    assert (optimized.randomness.seed, optimized.randomness.deterministic) == (
        100,
        False,
    )


@pytest.mark.parametrize(
    ('child', 'key', 'value'),
    [
        ('lr0.002', 'optim_wrapper.optimizer.lr', 0.002),
        ('lr0.003', 'optim_wrapper.optimizer.lr', 0.003),
        ('wd5e-4', 'optim_wrapper.optimizer.weight_decay', 5e-4),
        ('80e', 'train_cfg.max_epochs', 80),
        (
            'colorjitter',
            'model.data_preprocessor.color_jitter',
            dict(brightness=0.2, contrast=0.2),
        ),
    ],
)
def test_remedies_change_one_setting(child, key, value):
    cfg = load(f'{GUIDE}/epam_ntu60_optimized_{child}.py')
    expected = load(OPTIMIZED)
    expected.merge_from_dict({key: value})
    assert cfg.to_dict() == expected.to_dict()


def test_warm_up_ends_where_the_cosine_begins():
    cfg = load(f'{GUIDE}/epam_ntu60_optimized_warmup5-cosine45.py')
    warm_up, cosine = cfg.param_scheduler
    assert (warm_up.type, warm_up.start_factor) == ('LinearLR', 0.1)
    assert (warm_up.begin, warm_up.end, cosine.begin, cosine.end) == (0, 5, 5, 50)
    assert (cosine.T_max, cosine.eta_min) == (45, 1e-6)


def test_official_recipe():
    cfg = load(f'{GUIDE}/epam_ntu60_finetune.py')
    assert cfg.train_cfg.max_epochs == 10
    assert (
        cfg.train_dataloader.batch_size * 2 == cfg.auto_scale_lr.base_batch_size == 24
    )
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.lr, optimizer.weight_decay) == (0.0015, 3e-4)
    assert cfg.param_scheduler.eta_min == 0
    assert cfg.param_scheduler.convert_to_iter_based


@pytest.mark.parametrize('name', [n for n in CONFIGS if '_ntu' in n])
def test_missing_data_are_named(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    dataset = load(name).train_dataloader.dataset
    assert run_command(train, config=FOLDER / name) == 2
    said = capsys.readouterr().err
    assert f'looked for from {tmp_path}' in said
    assert f'{dataset.annotations}: no such file of skeletons ({LOADERS[0]}' in said
    has_videos = dataset.get('rgb') is not None
    assert ('no such folder of videos' in said) == has_videos
    assert 'make_sample_actions.py data/sample_actions' in said
    assert '--data synthetic' in said
    assert not list(tmp_path.iterdir())
