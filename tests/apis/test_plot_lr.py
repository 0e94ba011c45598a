import math

import cv2
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.plot_lr import plot_lr

STAGED = """
optim_wrapper = dict(
    optimizer=dict(lr=1e-3),
    constructor='LayerWiseLR',
    paramwise_cfg=dict(stem_lr_mult=0.1, head_lr_mult=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.5, by_epoch=True, end=2),
    dict(type='ReduceOnPlateauLR', monitor='eye/loss', begin=2),
]
custom_hooks = [
    dict(type='EMAHook'),
    dict(
        type='FreezeHook',
        freeze='backbone',
        unfreeze=[
            dict(stages='blocks.*', epoch=2),
            dict(stages='all', monitor='eye/f1', value=0.9, epoch=3),
        ],
        warmup_epochs=0.5,
    ),
]
train_cfg = dict(max_epochs=4)
"""
FROZEN = float('nan')


def test_curves_are_those_of_the_run(write_config, tmp_path, capsys):
    out = tmp_path / 'folder' / 'a.png'
    # 60 images in batches of 16
    curves = plot_lr(write_config(STAGED), dataset_size=60, out=out)
    assert (curves.num_epochs, curves.iters_per_epoch) == (4, 4)
    assert curves.epoch == [step / 4 for step in range(16)]
    by_stage = curves.by_stage()
    assert list(by_stage) == ['stem', 'blocks.0', 'blocks.1', 'head']
    # two halves of the warmup of the run, then of two iterations after each step
    assert by_stage['head'] == pytest.approx([1e-3] * 4 + [2e-3] * 12)
    late = [FROZEN] * 8 + [0.5e-3] + [1e-3] * 7
    assert by_stage['blocks.1'] == pytest.approx(late, nan_ok=True)
    stem = [FROZEN] * 12 + [0.5e-4] + [1e-4] * 3
    assert by_stage['stem'] == pytest.approx(stem, nan_ok=True)
    assert cv2.imread(str(out)).shape == (600, 1080, 3)
    said = capsys.readouterr().out
    assert 'note: the plateau scheduler waits for metrics and is not drawn' in said
    assert 'note: unfreeze[1] waits for eye/f1: drawn at its earliest, epoch 3' in said
    assert f'4 epochs of 4 iterations: {out}' in said
    assert 'stage     tensors' in said


def test_images_are_counted_where_no_number_is_given(write_config, tmp_path):
    # half of the 64 rows are of the train split: two batches of 16
    curves = plot_lr(write_config(), out=tmp_path / 'a.png')
    assert (curves.num_epochs, curves.iters_per_epoch) == (2, 2)
    assert list(curves.by_stage()) == ['all']
    assert not any(map(math.isnan, curves.rate[0]))


def test_arguments_out_of_range(write_config):
    with pytest.raises(ConfigError, match='--dataset-size must be >= 1, got 0'):
        plot_lr(write_config(), dataset_size=0)


def test_a_run_by_iterations(write_config):
    text = 'train_cfg = dict(_delete_=True, by_epoch=False, max_iters=10)'
    with pytest.raises(ConfigError, match=r'train_cfg must count epochs'):
        plot_lr(write_config(text), dataset_size=9, no_check=True)


def test_a_config_without_training(write_config):
    text = 'train_dataloader = None\ntrain_cfg = None\noptim_wrapper = None\n'
    with pytest.raises(ConfigError, match='there is no train_dataloader'):
        plot_lr(write_config(text + 'param_scheduler = None'), no_check=True)
