import sys

import pytest
from mmengine.hooks import LoggerHook
from torch.optim import SGD

from ocec.apis.config_types import closest, find_registry, find_type
from ocec.registry import MODELS


@pytest.fixture
def scratch_net():
    class ScratchNet:
        pass

    MODELS.register_module(module=ScratchNet)
    yield ScratchNet
    MODELS.module_dict.pop('ScratchNet')


@pytest.mark.parametrize(
    ('name', 'candidates', 'found'),
    [
        ('num_clases', ['in_channels', 'num_classes'], 'num_classes'),
        ('lrmult', ['lr_mult', 'decay_mult'], 'lr_mult'),
        ('emahook', ['EMAHook', 'Hook'], 'EMAHook'),
        ('zzz', ['lr'], None),
        ('x', [], None),
    ],
)
def test_closest(name, candidates, found):
    assert closest(name, candidates) == found


def test_own_class(scratch_net):
    assert find_type('ScratchNet', 'MODELS').target is scratch_net
    assert find_type('ocec.ScratchNet', 'MODELS').target is scratch_net


def test_class_of_mmengine_and_torch():
    assert find_type('mmengine.LoggerHook', 'HOOKS').target is LoggerHook
    assert find_type('SGD', 'OPTIMIZERS').target is SGD


def test_full_path_and_class_itself():
    assert find_type('torch.optim.SGD', 'OPTIMIZERS').target is SGD
    assert find_type(SGD, 'OPTIMIZERS').target is SGD


def test_value_that_is_no_type():
    found = find_type(3, 'MODELS')
    assert found.problem == 'type must be a name or a class, got 3'


def test_misspelt_class(scratch_net):
    found = find_type('ScrachNet', 'MODELS')
    assert found.target is None
    assert found.problem == 'ScrachNet is not in MODELS'
    assert found.suggestion == 'ScratchNet'


def test_name_of_a_module_is_no_class():
    # mmengine's registry would return the module `random`
    assert find_type('random', 'MODELS').problem == 'random is not in MODELS'


def test_class_that_only_the_zoo_has():
    assert find_type('ResNet_CIFAR', 'MODELS').suggestion == 'mmpretrain.ResNet_CIFAR'
    assert find_type('mmpretrain.ResNet_CIFAR', 'MODELS').target is not None


def test_package_that_does_not_exist():
    found = find_type('mmpretrian.ResNet', 'MODELS')
    assert found.problem == 'mmpretrian.ResNet: there is no package mmpretrian'
    assert found.suggestion == 'mmpretrain'


@pytest.mark.parametrize('part', ['__init__', 'registry'])
def test_true_import_error_is_shown(tmp_path, monkeypatch, part):
    package = tmp_path / 'broken_zoo'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / f'{part}.py').write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = find_type('broken_zoo.Net', 'MODELS')
    for name in [name for name in sys.modules if name.startswith('broken_zoo')]:
        del sys.modules[name]
    assert found.problem == (
        'broken_zoo.Net: cannot import broken_zoo: '
        'RuntimeError: operator torchvision::nms does not exist'
    )


def test_import_error_behind_a_registered_location(tmp_path, monkeypatch):
    package = tmp_path / 'late_zoo'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'registry.py').write_text(
        'from mmengine.registry import Registry, MODELS as PARENT\n'
        "MODELS = Registry('model', parent=PARENT, scope='late_zoo',\n"
        "                  locations=['late_zoo.models'])\n"
    )
    (package / 'models.py').write_text('import no_such_library')
    monkeypatch.syspath_prepend(tmp_path)
    found = find_type('late_zoo.Net', 'MODELS')
    MODELS.parent._children.pop('late_zoo')
    for name in [name for name in sys.modules if name.startswith('late_zoo')]:
        del sys.modules[name]
    assert "No module named 'no_such_library'" in found.problem


def test_scope_without_registry():
    found = find_type('X', 'MODELS', scope='no_such_scope')
    assert found.problem.startswith('cannot load the MODELS of no_such_scope')


def test_registry_of_a_scope_falls_back_to_mmengine(monkeypatch):
    assert find_registry('MODELS', 'ocec').scope == 'ocec'
    monkeypatch.delattr('ocec.registry.LOOPS', raising=False)
    assert find_registry('LOOPS', 'ocec').scope == 'mmengine'
    assert find_registry('MODELS', 'mmengine').scope == 'mmengine'


def test_registry_of_the_zoo_that_is_a_tree_of_its_own():
    found = find_type('mmpretrain.Mixup', 'BATCH_AUGMENTS')
    assert found.target.__module__.startswith('mmpretrain')
    assert find_type('BatchRandomFlip', 'BATCH_AUGMENTS').problem is None
    missing = find_type('mmpretrain.Mixap', 'BATCH_AUGMENTS')
    assert missing.target is None
    assert 'Mixap' in missing.problem
