import pytest
from mmengine.config import Config

from ocec.apis.cfg_options import apply_cfg_options, parse_cfg_options
from ocec.apis.config_locations import ConfigLocations
from ocec.apis.config_variables import check_variables

BASE = """\
data_root = 'data/'
dataset_type = 'Eyes'
img_norm_cfg = dict(mean=[1, 2], std=[3, 4])
train_pipeline = [dict(type='Flip', prob=0.5)]
train_dataloader = dict(dataset=dict(
    type=dataset_type, path=data_root + 'x.parquet', pipeline=train_pipeline))
model = dict(preprocessor=dict(type='P', **img_norm_cfg))
"""


@pytest.fixture
def check(tmp_path):
    (tmp_path / 'base.py').write_text(BASE)

    def _check(leaf='', *options):
        path = tmp_path / 'leaf.py'
        path.write_text(f"_base_ = 'base.py'\n{leaf}\n")
        cfg = Config.fromfile(path)
        apply_cfg_options(cfg, parse_cfg_options(options))
        return [str(f) for f in check_variables(cfg, ConfigLocations(cfg))]

    return _check


def test_variables_in_use(check):
    assert check() == []


def test_pipeline_that_changes_nothing(check):
    problem = (
        'train_pipeline: differs from train_dataloader.dataset.pipeline, '
        'so it has no effect'
    )
    assert check('train_pipeline = [dict(type="Crop")]') == [problem]
    assert check('', 'train_pipeline.0.prob=0') == [problem]


def test_pipeline_of_a_dataset_without_one(check):
    leaf = """
train_pipeline = [1]
train_dataloader = dict(dataset=dict(_delete_=True, type='Eyes', path='data/'))
"""
    assert check(leaf) == [
        'train_pipeline: train_dataloader.dataset has none, so it has no effect'
    ]


@pytest.mark.parametrize(
    ('leaf', 'problem'),
    [
        ("data_root = 'new/'", "data_root: no path holds 'new/', so it has no effect"),
        ("dataset_type = 'B'", 'dataset_type: no dataset has the type B, so it'),
        ('img_norm_cfg = dict(mean=[9])', 'img_norm_cfg: no dict holds these values'),
    ],
)
def test_value_that_changes_nothing(check, leaf, problem):
    [line] = check(leaf)
    assert line.startswith(problem)


def test_value_from_the_command_line_that_changes_nothing(check):
    [line] = check('', 'data_root=new/')
    assert line.startswith('data_root: no path holds')


def test_variables_that_a_base_left_behind_are_no_mistake(check):
    leaf = """
train_dataloader = dict(dataset=dict(
    type='B', path='y', pipeline=_base_.train_pipeline + [dict(type='C')]))
model = dict(preprocessor=dict(mean=[0]))
"""
    assert check(leaf) == []


def test_loader_that_the_command_line_changed_is_no_mistake(check):
    leaf = """
train_pipeline = [dict(type='Flip', prob=0)]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
"""
    assert check(leaf, 'train_dataloader.dataset.pipeline.0.prob=1') == []
    assert check('', 'train_dataloader.dataset.path=z') == []


def test_path_replaced_after_loading_is_no_mistake(tmp_path):
    # as --data does: variable and loader stand in one file
    path = tmp_path / 'one.py'
    path.write_text(BASE)
    cfg = Config.fromfile(path)
    cfg.train_dataloader.dataset.path = 'mine.parquet'
    assert list(check_variables(cfg, ConfigLocations(cfg))) == []


def test_left_over_delete(check):
    leaf = """
hooks = [dict(type='A', x=dict(_delete_=True))]
model = dict(head=dict(_delete_=True, type='H'))
"""
    assert check(leaf) == [
        'model.head._delete_: is left over: there was nothing to delete',
        'hooks.0.x._delete_: is left over: there was nothing to delete',
    ]
