import re

import pytest
from mmengine.config import Config

from ocec.apis.action_data import (
    check_action_files,
    is_action_dataset,
    point_at_actions,
)
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import load_run_config

NTU = 'configs/skeleton/posec3d/rgbpose_conv3d/epam_ntu60_baseline.py'
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


@pytest.fixture
def both_streams():
    return {
        'type': 'RGBPose',
        'annotations': 'old.pkl',
        'rgb': {'root': 'old', 'layout': 'auto'},
    }


def make_folder(folder, *, pickles=('actions.pkl',), videos=True):
    folder.mkdir(parents=True)
    for name in pickles:
        (folder / name).touch()
    if videos:
        (folder / 'videos').mkdir()
    return folder


@pytest.mark.parametrize(
    ('type_name', 'expected'),
    [('RGBPose', True), ('ocec.RGBPose', True), ('EyeParquet', False)],
)
def test_datasets_of_actions_are_told_by_their_type(type_name, expected):
    assert is_action_dataset({'type': type_name}) is expected
    assert not is_action_dataset({})


def test_folder_gives_pickle_and_videos(both_streams, tmp_path):
    folder = make_folder(tmp_path / 'a')
    changes = point_at_actions(both_streams, 'val_dataloader', folder)
    assert both_streams['annotations'] == str(folder / 'actions.pkl')
    assert both_streams['rgb'] == {'root': str(folder / 'videos'), 'layout': 'auto'}
    assert changes == [
        f"val_dataloader.dataset.annotations: 'old.pkl' -> '{folder / 'actions.pkl'}'",
        f"val_dataloader.dataset.rgb.root: 'old' -> '{folder / 'videos'}'",
    ]
    assert point_at_actions(both_streams, 'val_dataloader', str(folder)) == []


def test_pickle_takes_the_videos_beside_it_or_leaves_them(both_streams, tmp_path):
    beside = make_folder(tmp_path / 'a') / 'actions.pkl'
    alone = make_folder(tmp_path / 'b', videos=False) / 'actions.pkl'
    point_at_actions(both_streams, 'train_dataloader', alone)
    assert both_streams['annotations'] == str(alone)
    assert both_streams['rgb']['root'] == 'old'
    point_at_actions(both_streams, 'train_dataloader', beside)
    assert both_streams['annotations'] == str(beside)
    assert both_streams['rgb']['root'] == str(tmp_path / 'a' / 'videos')


def test_folder_without_videos_is_where_the_pickle_names_files(both_streams, tmp_path):
    folder = make_folder(tmp_path / 'a', videos=False)
    point_at_actions(both_streams, 'train_dataloader', folder)
    assert both_streams['rgb']['root'] == str(folder)


def test_dataset_of_skeletons_alone_gets_no_videos(tmp_path):
    dataset = {'type': 'RGBPose', 'annotations': 'old.pkl'}
    point_at_actions(dataset, 'train_dataloader', make_folder(tmp_path / 'a'))
    assert set(dataset) == {'type', 'annotations'}


def test_synthetic_is_the_folder_of_generated_actions(
    both_streams, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ConfigError, match=r'--data synthetic: data.sample_actions does not exist'
    ) as caught:
        point_at_actions(both_streams, 'train_dataloader', 'synthetic')
    assert 'make_sample_actions.py data/sample_actions' in str(caught.value)
    make_folder(tmp_path / 'data' / 'sample_actions')
    point_at_actions(both_streams, 'train_dataloader', 'synthetic')
    assert both_streams['annotations'] == 'data/sample_actions/actions.pkl'
    assert both_streams['rgb']['root'] == 'data/sample_actions/videos'


@pytest.mark.parametrize(
    ('pickles', 'found'), [((), 'none'), (('a.pkl', 'b.pkl'), 'a.pkl, b.pkl')]
)
def test_folder_must_hold_one_pickle(both_streams, tmp_path, pickles, found):
    folder = make_folder(tmp_path / 'a', pickles=pickles)
    with pytest.raises(
        ConfigError, match=f'must hold one .pkl of skeletons, there is {found}; name'
    ):
        point_at_actions(both_streams, 'train_dataloader', folder)
    assert both_streams['annotations'] == 'old.pkl'


def test_several_files_are_refused(both_streams):
    with pytest.raises(ConfigError, match='must be one pickle or folder of actions'):
        point_at_actions(both_streams, 'train_dataloader', ['a.pkl', 'b.pkl'])


def test_missing_files_are_all_named_once(tmp_path, monkeypatch):
    cfg = load_run_config(NTU)
    monkeypatch.chdir(tmp_path)
    users = ', '.join(LOADERS)
    with pytest.raises(
        ConfigError, match=re.escape(f'looked for from {tmp_path}')
    ) as caught:
        check_action_files(cfg)
    lines = str(caught.value).splitlines()
    assert lines[1:3] == [
        f'  data/ntu60/ntu60_2d.pkl: no such file of skeletons ({users})',
        f'  data/ntu60/videos: no such folder of videos ({users})',
    ]
    assert any('make_sample_actions.py' in line for line in lines)


def test_data_option_mends_what_is_missing(tmp_path):
    folder = make_folder(tmp_path / 'a')
    cfg = load_run_config(NTU, data=str(folder))
    check_action_files(cfg)
    for name in LOADERS:
        assert cfg[name].dataset.annotations == str(folder / 'actions.pkl')
        assert cfg[name].dataset.rgb.root == str(folder / 'videos')


def test_other_datasets_are_not_looked_at():
    dataset = {'type': 'EyeParquet', 'data': 'nowhere.parquet'}
    check_action_files(Config({'train_dataloader': {'dataset': dataset}}))
