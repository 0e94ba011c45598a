"""Fixtures of whole runs."""

from pathlib import Path

import pytest

from ocec.apis.make_sample_actions import make_sample_actions

RECIPE = (
    Path(__file__).parents[2]
    / 'configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu60_finetune.py'
)
# the recipe's own settings, but for sizes
SMALL_ACTIONS = f"""
_base_ = {str(RECIPE)!r}
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
    backbone=dict(
        rgb_path=dict(depths=(1, 1, 1, 1), base_channels=8),
        pose_path=dict(depths=(1, 1, 1), base_channels=8),
    ),
    head=dict(num_classes=4),
)
train_cfg = dict(max_epochs=2)
default_hooks = dict(diagnostics=None, verdict=None, hparams=None)
visualizer = dict(vis_backends=[])
"""


@pytest.fixture
def write_action_config(tmp_path_factory):
    """Return a factory of 24 drawn clips and a config that trains both streams.

    Returns of the factory: the config, and the data for it.
    """
    pytest.importorskip('av')

    def write():
        folder = tmp_path_factory.mktemp('actions')
        data = make_sample_actions(
            folder / 'clips',
            **dict(num_clips=24, classes=['phone', 'nod', 'drink', 'hug']),
            **dict(num_subjects=6, size=(80, 64), frames=(8, 10), jobs=1),
        )
        config = folder / 'actions.py'
        config.write_text(SMALL_ACTIONS)
        return config, data

    return write
