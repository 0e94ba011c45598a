"""Fixtures of the tools: members of an ensemble, made without training."""

from itertools import count

import pytest
import torch

from ocec.apis.run_config import load_run_config
from ocec.engine.checkpoint_io import save_atomically
from ocec.registry import MODELS


@pytest.fixture
def make_member(write_config, tmp_path):
    """Return a factory of checkpoints as a training leaves them, with random weights.

    Args of the factory:
        data: parquet file that the config in the checkpoint names.
        text: Python text put at the end of the config.
        seed: of the weights.

    Returns of the factory: the path of the checkpoint.
    """
    numbers = count()

    def make(data, text: str = '', seed: int = 0):
        config = write_config(text, num_rows=16)
        cfg = load_run_config(config, data=str(data))
        torch.manual_seed(seed)
        model = MODELS.build(cfg.model)
        model.head.loss_module.set_class_counts(16, 16)  # as training does
        weights = model.state_dict()
        path = tmp_path / f'run{next(numbers)}' / 'best.pth'
        save_atomically({'meta': {'cfg': cfg.pretty_text}, 'state_dict': weights}, path)
        return path

    return make


@pytest.fixture
def own_data(make_eye_parquet):
    """What members were trained on: subjects s000 to s015."""
    return make_eye_parquet(num_rows=64)


@pytest.fixture
def unseen_data(make_eye_parquet):
    """Subjects that no member has seen: 80 rows to stack on, 40 to test on."""
    return make_eye_parquet(
        num_rows=120,
        seed=7,
        splits={'val': 2 / 3, 'test': 1 / 3},
        group=[f'new{row // 4}' for row in range(120)],
    )
