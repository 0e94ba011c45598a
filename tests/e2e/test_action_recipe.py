"""The official recipe: each stream alone, put together, fine-tuned, tested."""

import csv
import json
from pathlib import Path

import pytest
import torch

from ocec.apis.make_sample_actions import make_sample_actions
from ocec.apis.merge_streams import merge_streams
from ocec.apis.test import test as run_test
from ocec.apis.train import train

FOLDER = Path(__file__).parents[2] / 'configs/skeleton/posec3d/rgbpose_conv3d'
CLASSES = ['phone', 'nod', 'drink', 'hug']

# the recipes' own settings, but for sizes
SMALL = """
_base_ = {recipe!r}
val_dataloader = test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        num_pose_frames=8, num_rgb_frames=4, frame_size=(32, 32), num_classes=4
    ),
)
train_dataloader = dict(val_dataloader, batch_size=4)
model = dict(
    data_preprocessor=dict(frame_size=(32, 32), heatmap_size=(8, 8)),
    backbone=dict({paths}),
    head=dict(num_classes=4),
)
train_cfg = dict(max_epochs=1)
visualizer = dict(vis_backends=[])
"""
PATHS = {
    'rgb': 'rgb_path=dict(depths=(1, 1, 1, 1), base_channels=8)',
    'pose': 'pose_path=dict(depths=(1, 1, 1), base_channels=8)',
}


@pytest.fixture
def write_small(tmp_path):
    def write(name, *streams):
        path = tmp_path / f'{name}.py'
        paths = ', '.join(PATHS[stream] for stream in streams)
        recipe = str(FOLDER / f'epam_ntu60_{name}.py')
        path.write_text(SMALL.format(recipe=recipe, paths=paths))
        return path

    return write


def weights_of(checkpoint):
    return torch.load(checkpoint, weights_only=True)['state_dict']


@pytest.mark.slow
def test_streams_alone_then_together(write_small, tmp_path):
    pytest.importorskip('av')
    data = make_sample_actions(
        tmp_path / 'data',
        **dict(num_clips=24, classes=CLASSES, num_subjects=6, size=(80, 64)),
        **dict(frames=(8, 10), jobs=1),
    )
    alone = {}
    for stream in ('rgb', 'pose'):
        run = train(write_small(stream, stream), data=data, work_dir=tmp_path / stream)
        alone[stream] = run.work_dir / 'epoch_1.pth'
    config = write_small('finetune', 'rgb', 'pose')
    merged = tmp_path / 'streams.pth'
    report = merge_streams(alone['rgb'], alone['pose'], out=merged, config=config)
    # nothing but the attention begins anew
    assert report.fresh
    assert all(name.startswith('backbone.attention.') for name in report.fresh)

    run = train(config, data=data, pretrain=[str(merged)], work_dir=tmp_path / 'both')
    begun, ended = weights_of(merged), weights_of(run.work_dir / 'epoch_1.pth')
    for name, weight in begun.items():
        if weight.ndim == 4:
            # one epoch at a rate of 0.0015: near the streams, other draws are far
            moved = (ended[name] - weight).norm() / weight.norm()
            assert 0 <= moved < 0.2, name
    assert any((ended[name] != weight).any() for name, weight in begun.items())
    lines = (run.work_dir / 'metrics.jsonl').read_text().splitlines()
    [trained] = [x for x in map(json.loads, lines) if x['phase'] == 'train_epoch']
    assert {'fused_top1', 'rgb_top1', 'pose_top1'} <= set(trained)

    best = run.work_dir / 'best_acc_fused_top1_epoch_1.pth'
    out = tmp_path / 'clips.csv'
    metrics = run_test(config, best, data=data, work_dir=tmp_path / 'test', out=out)
    [validated] = [x for x in map(json.loads, lines) if x['phase'] == 'val']
    # the validation clips are those of the test
    assert {n: validated[n] for n in metrics} == pytest.approx(metrics, abs=1e-6)
    with open(out, newline='') as stream:
        assert len(list(csv.DictReader(stream))) == 6
