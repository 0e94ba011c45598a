import pytest
from mmengine.config import Config

from ocec.apis.cfg_options import apply_cfg_options, parse_cfg_options
from ocec.apis.config_locations import ConfigLocations, Location

BASE = """\
pipe = [
    dict(type='A', p=1),
    dict(type='B'),
]
loader = dict(
    batch_size=1,
    dataset=dict(pipeline=pipe))
head = dict(type='H', loss=dict(a=1))
gone = dict(x=1, y=2)
"""
LEAF = """\
_base_ = 'base.py'
loader = dict(batch_size=2)
head = dict(
    loss={'a': 2})
gone = dict(_delete_=True, z=1)
more = [dict(
    q=1)] + []
extra = _base_.pipe
extra[0].p = 3
"""


@pytest.fixture
def cfg(tmp_path, monkeypatch):
    (tmp_path / 'base.py').write_text(BASE)
    (tmp_path / 'leaf.py').write_text(LEAF)
    monkeypatch.chdir(tmp_path)
    return Config.fromfile('leaf.py')


@pytest.mark.parametrize(
    ('key', 'place'),
    [
        ('pipe.0.p', 'base.py:2'),
        ('pipe.1', 'base.py:3'),
        ('loader', 'leaf.py:2'),
        ('loader.batch_size', 'leaf.py:2'),
        ('loader.dataset', 'base.py:7'),
        # a variable used as a value: where its items stand
        ('loader.dataset.pipeline.0.p', 'base.py:2'),
        ('head.type', 'base.py:8'),
        ('head.loss.a', 'leaf.py:4'),
        # not known: the nearest key around it
        ('head.loss.b', 'leaf.py:4'),
        ('gone.x', 'leaf.py:5'),
        ('gone.z', 'leaf.py:5'),
        ('more.0.q', 'leaf.py:6'),
        ('extra.1.type', 'base.py:3'),
        ('extra.0.p', 'leaf.py:9'),
    ],
)
def test_place_of_key(cfg, key, place):
    assert str(ConfigLocations(cfg).find(tuple(key.split('.')))) == place


def test_unknown_key_has_no_place(cfg):
    assert ConfigLocations(cfg).find(('nowhere', 'x')) is None


def test_list_of_a_leaf_replaces_that_of_the_base(tmp_path):
    (tmp_path / 'base.py').write_text(BASE)
    (tmp_path / 'leaf.py').write_text("_base_ = ['base.py']\npipe = [1]\n")
    cfg = Config.fromfile(tmp_path / 'leaf.py')
    found = ConfigLocations(cfg).find(('pipe', '1', 'type'))
    assert (found.line, found.file) == (2, str(tmp_path / 'leaf.py'))


def test_option_hides_the_file(cfg):
    apply_cfg_options(cfg, parse_cfg_options(['head.loss=dict(a=3, new=1)']))
    locations = ConfigLocations(cfg)
    assert str(locations.find(('head', 'loss', 'new'))) == '--cfg-options'
    assert str(locations.find(('head', 'loss', 'a'))) == '--cfg-options'
    assert str(locations.find(('head', 'type'))) == 'base.py:8'
    assert locations.is_from_command_line(('head',))
    assert not locations.is_from_command_line(('loader',))


def test_inherited(cfg):
    locations = ConfigLocations(cfg)
    assert locations.is_inherited(('pipe',))
    assert not locations.is_inherited(('loader',))
    assert not locations.is_inherited(('nowhere',))


def test_base_of_a_package_that_is_not_there_is_passed_over(tmp_path):
    path = tmp_path / 'leaf.py'
    path.write_text("_base_ = 'no_such_package::x.py'\na = 1\n")
    cfg = Config(dict(a=1), filename=str(path))
    assert ConfigLocations(cfg).find(('a',)).line == 2


def test_config_without_file_has_no_places():
    assert ConfigLocations(Config(dict(a=1))).find(('a',)) is None


def test_location_text():
    assert str(Location('x.py', 3)) == 'x.py:3'
    assert str(Location('--cfg-options')) == '--cfg-options'
