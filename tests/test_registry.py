import importlib
import subprocess
import sys

import mmengine.hooks
import mmengine.registry
import pytest
from mmengine.registry import DefaultScope

from ocec import registry
from ocec.registry import HOOKS, MODELS

REGISTRIES = {
    name: value
    for name, value in vars(registry).items()
    if isinstance(value, mmengine.registry.Registry) and not name.startswith('MMENGINE')
}
# there is no such thing in mmengine
WITHOUT_PARENT = {'BATCH_AUGMENTS'}


def test_all_registries_are_found():
    assert {'HOOKS', 'MODELS', 'DATASETS', 'METRICS', *WITHOUT_PARENT} <= set(
        REGISTRIES
    )


@pytest.mark.parametrize('name', sorted(REGISTRIES))
def test_parent_scope_and_locations(name):
    ours = REGISTRIES[name]
    theirs = getattr(mmengine.registry, name, None)
    assert ours.scope == 'ocec'
    assert (theirs is None) == (name in WITHOUT_PARENT)
    assert ours.parent is theirs
    if theirs is not None:
        assert theirs.children['ocec'] is ours
    assert ours._locations
    for location in ours._locations:
        importlib.import_module(location)


def test_every_registry_that_a_runner_asks_has_a_child():
    # else mmengine warns at every lookup under our scope; what a runner never builds
    # from a config needs none
    not_asked = {'INFERENCERS', 'RUNNER_CONSTRUCTORS', 'STRATEGIES', 'TASK_UTILS'}
    theirs = {
        name
        for name, value in vars(mmengine.registry).items()
        if isinstance(value, mmengine.registry.Registry)
    }
    assert theirs - set(REGISTRIES) - not_asked == set()


def test_our_class_wins_over_one_of_the_same_name():
    ours = importlib.import_module('ocec.engine.hooks').CheckpointHook
    assert ours is not mmengine.hooks.CheckpointHook
    assert HOOKS.get('CheckpointHook') is ours
    with DefaultScope.overwrite_default_scope('ocec'):
        built = mmengine.registry.HOOKS.build(dict(type='CheckpointHook'))
    assert type(built) is ours
    assert HOOKS.get('mmengine.CheckpointHook') is mmengine.hooks.CheckpointHook


def test_classes_are_found_without_importing_them_by_hand():
    code = "from ocec.registry import MODELS; assert MODELS.get('OCECBaseline')"
    subprocess.run([sys.executable, '-c', code], check=True, timeout=60)
    # mmengine's own are reached through the parent
    assert MODELS.get('ExponentialMovingAverage').__module__.startswith('mmengine')


def test_importing_the_package_stays_light():
    code = (
        'import sys, ocec; '
        "heavy = {'torch', 'mmengine', 'mmcv', 'numpy', 'cv2', 'pyarrow'}; "
        'print(sorted(heavy & set(sys.modules)), ocec.__version__)'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('[] ')
