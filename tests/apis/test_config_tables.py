from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from ocec.apis.config_tables import (
    DEFAULT_HOOKS,
    OTHER_NAMES,
    dataloader_keys,
    top_level_keys,
)


def test_top_level_keys_are_those_the_runner_reads():
    keys = top_level_keys()
    assert {'model', 'work_dir', 'optim_wrapper', 'compile'} <= set(keys)
    assert 'trust_checkpoint' in keys
    assert 'self' not in keys
    assert 'cfg' not in keys


def test_dataloader_keys():
    keys = dataloader_keys()
    assert {'dataset', 'sampler', 'num_batch_per_epoch', 'pin_memory'} <= set(keys)
    assert 'self' not in keys


def test_other_names_lead_to_keys_that_exist():
    targets = {name.split('.')[0] for name in OTHER_NAMES.values()}
    assert targets <= set(top_level_keys())
    assert not set(OTHER_NAMES) & set(top_level_keys())


def test_default_hooks_are_those_of_mmengine(monkeypatch):
    class Recorder:
        def __init__(self):
            self.types = []

        def register_hook(self, hook):
            self.types.append(hook)

    recorder = Recorder()
    # every name of the table can be turned off or is unknown to mmengine
    own = dict.fromkeys(DEFAULT_HOOKS[:6])
    Runner.register_default_hooks(recorder, own)
    assert recorder.types == []


def test_default_hooks_of_the_base_config_are_known():
    root = Path(__file__).parents[2]
    base = Config.fromfile(root / 'configs/_base_/default_runtime.py')
    of_mmengine = set(DEFAULT_HOOKS[:7])
    assert 'watchdog' in base.default_hooks
    assert set(base.default_hooks) - of_mmengine == set(DEFAULT_HOOKS) - of_mmengine
