"""The full commands of the training guides, on a few drawn eyes and one epoch."""

import json

import pytest

from ocec.__main__ import main

# as the guides have them, but for paths, epochs, and sixteen workers
CONVNEXT = """
    --batch_size 1024 --train_ratio 0.8 --val_ratio 0.2 --image_size 32x64
    --base_channels 48 --num_blocks 4 --arch_variant convnext --margin_method cosface
    --lr 1.2e-4 --weight_decay 1e-4 --seed 42 --device auto --warmup_epochs 20
"""
FINETUNE = """
    --batch_size 1024 --train_ratio 0.8 --val_ratio 0.2 --image_size 32x64
    --base_channels 32 --num_blocks 4 --arch_variant baseline --margin_method cosface
    --lr 5e-5 --weight_decay 1e-4 --seed 42 --device auto --warmup_epochs 10 --use_amp
"""


@pytest.fixture
def run(make_eye_parquet, tmp_path, monkeypatch):
    """Return a function that runs a command and returns its folder."""
    monkeypatch.chdir(tmp_path)
    data = make_eye_parquet()

    def run(flags, folder, *more):
        given = ['--data_root', str(data), '--output_dir', str(tmp_path / folder)]
        shorter = ['--epochs', '1', '--num_workers', '0']
        assert main(['train', *given, *flags.split(), *shorter, *more]) == 0
        return tmp_path / folder

    return run


def phases_of(folder):
    return [json.loads(line)['phase'] for line in (folder / 'metrics.jsonl').open()]


def test_convnext_with_cosface(run, capsys):
    assert 'val' in phases_of(run(CONVNEXT, 'convnext'))
    assert 'tools/train.py' in capsys.readouterr().out


def test_fine_tuning_from_a_pattern(run, capsys):
    first = run(FINETUNE, 'first')
    second = run(FINETUNE, 'second', '--pretrain', str(first / 'best_*.pth'))
    (best,) = first.glob('best_*.pth')
    assert best.name in capsys.readouterr().out
    assert 'val' in phases_of(second)
