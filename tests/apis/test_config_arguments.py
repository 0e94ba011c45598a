import pytest
from mmengine.hooks import CheckpointHook, EMAHook, LoggerHook
from mmengine.optim import AmpOptimWrapper, ConstantLR
from torch.optim import SGD

from ocec.apis.config_arguments import Arguments, arguments_of


class Parent:
    def __init__(self, width, depth=1, *, name='x'):
        pass


class PassesUp(Parent):
    def __init__(self, own, **kwargs):
        super().__init__(8, name='child', **kwargs)


class PassesUpOldStyle(Parent):
    def __init__(self, **options):
        super(PassesUpOldStyle, self).__init__(**options)  # noqa: UP008


class Takes(Parent):
    def __init__(self, **kwargs):
        self.color = kwargs.pop('color', None)
        self.size = kwargs['size']
        super().__init__(**kwargs)


class Swallows(Parent):
    def __init__(self, own=1, **kwargs):
        self.rest = kwargs


class GrandChild(PassesUp):
    pass


class Plain:
    pass


def function(batch, pad=0):
    return batch


def open_function(batch, **kwargs):
    return batch


@pytest.mark.parametrize(
    ('target', 'names', 'required'),
    [
        (Parent, {'width', 'depth', 'name'}, ['width']),
        # width is filled by position, name by keyword
        (PassesUp, {'own', 'depth'}, ['own']),
        (GrandChild, {'own', 'depth'}, ['own']),
        (PassesUpOldStyle, {'width', 'depth', 'name'}, ['width']),
        (Takes, {'color', 'size', 'width', 'depth', 'name'}, ['width']),
        (Plain, set(), []),
        (function, {'batch', 'pad'}, ['batch']),
    ],
)
def test_closed_arguments(target, names, required):
    arguments = arguments_of(target)
    assert set(arguments.names) == names
    assert arguments.required == required
    assert not arguments.is_open


@pytest.mark.parametrize('target', [Swallows, open_function, max])
def test_open_arguments(target):
    assert arguments_of(target).is_open


def test_stock_scheduler_takes_its_own_and_its_parents_arguments():
    arguments = arguments_of(ConstantLR)
    assert {'factor', 'begin', 'by_epoch'} <= set(arguments.names)
    assert 'param_name' not in arguments.names  # LRSchedulerMixin fills it in
    assert not arguments.is_open


def test_stock_classes():
    assert 'clip_grad' in arguments_of(AmpOptimWrapper).names
    assert 'params' in arguments_of(SGD).required
    assert arguments_of(LoggerHook).defaults['interval'] == 10
    assert not arguments_of(CheckpointHook).is_open  # from the table
    assert not arguments_of(EMAHook).is_open


def test_no_arguments():
    assert Arguments().names == Arguments().required == []
