import re

import pytest
from mmengine.config import Config

from ocec.apis.errors import ConfigError
from ocec.apis.stored_config import write_stored_config

PLAIN = """model = dict(
    backbone=dict(type='mmpretrain.MobileNetV3', arch='small'),
    mean=[1, -2.5], size=(24, 40), names={'a.b': None, 'c': {1, 2}}, type='X')
test_dataloader = dict(collate_fn=dict(type='ocec.batch_collate'))
"""


def stored(text):
    return {'meta': {'cfg': text}}


def test_plain_config_is_written_as_it_is(tmp_path):
    path = tmp_path / 'stored.py'
    write_stored_config(stored(PLAIN), 'a.pth', path)
    assert path.read_text() == PLAIN
    assert Config.fromfile(path).model.mean == [1, -2.5]


@pytest.mark.parametrize(
    'checkpoint', [{}, {'meta': None}, {'meta': {'cfg': ' '}}, {'meta': {'cfg': 3}}]
)
def test_checkpoint_without_a_config(tmp_path, checkpoint):
    message = 'a.pth holds no config: name its file with --config'
    with pytest.raises(ConfigError, match=re.escape(message)):
        write_stored_config(checkpoint, 'a.pth', tmp_path / 'stored.py')


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('import os', "line 1: 'import os' is no plain value"),
        ('a = 1\nb = dict(x=[print(3)])', "line 2: 'print(3)' is no plain value"),
        ('a = dict(**b)', "line 1: 'b' is no plain value"),
        ('a = {**b}', "line 1: '{**b}' is no plain value"),
        ('a = f"{b}"', 'line 1: '),
        ('a.b = 1', "line 1: 'a.b = 1' is no plain value"),
        ('a = = 1', 'line 1: invalid syntax'),
        ("_base_ = ['x.py']", 'line 1: "_base_ = [\'x.py\']" is no plain value'),
        ("custom_imports = dict(imports=['x'])", 'line 1: "custom_imports'),
        # mmengine would fill the template in, and its text would end the string
        ("a = '{{$NO:'+str(3)+'}}'", '{{ is a template'),
        ("a = dict(type='os.system')", "type 'os.system' is in no registry"),
        ("a = dict(ema_type='os.system')", "type 'os.system' is in no registry"),
        ("a = {'type': 'torch.hub.load'}", "type 'torch.hub.load' is in no registry"),
        ("a = [dict(type='mmengine.load')]", "type 'mmengine.load' is in no registry"),
        ("a = dict(type='mmcv.imread')", "type 'mmcv.imread' is in no registry"),
    ],
)
def test_config_that_could_run_code_is_refused(tmp_path, text, problem):
    path = tmp_path / 'stored.py'
    start = f'a.pth: the config in it could run code ({problem}'
    with pytest.raises(ConfigError, match=re.escape(start)):
        write_stored_config(stored(text), 'a.pth', path)
    assert not path.exists()
    write_stored_config(stored(text), 'a.pth', path, trust=True)
    assert path.read_text() == text
