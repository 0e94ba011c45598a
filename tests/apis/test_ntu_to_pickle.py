import pickle

import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.ntu_to_pickle import ntu_to_pickle
from ocec.datasets.action_pickle import read_pickle
from ocec.datasets.action_table import read_action_table

NAMES = ['S001C001P001R001A001', 'S002C002P003R001A060']


def skeleton_text(frames, x=0.5):
    joints = '\n'.join(
        f'{x + j / 25} {j / 10} 3 1 2 {900 + j} 500 0 0 0 1 2' for j in range(25)
    )
    return f'{frames}\n' + f'1\n7 0 1 1 1 1 0 0 0 2\n25\n{joints}\n' * frames


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / 'nturgb+d_skeletons'
    for number, name in enumerate(NAMES):
        path = folder / f'part{number}' / f'{name}.skeleton'
        path.parent.mkdir(parents=True)
        path.write_text(skeleton_text(3 + number))
    (folder / '._S001C001P001R001A001.skeleton').write_text('of an archive')
    return folder


def test_the_pickle_is_read_back_without_being_run(folder, tmp_path, capsys):
    out = ntu_to_pickle(folder, tmp_path / 'ntu.pkl', jobs=1)
    content = read_pickle(out)
    assert content['split'] == {
        'xsub_train': [NAMES[0]],
        'xsub_val': [NAMES[1]],
        'xview_train': [NAMES[1]],
        'xview_val': [NAMES[0]],
    }
    assert [a['frame_dir'] for a in content['annotations']] == NAMES
    assert [a['label'] for a in content['annotations']] == [0, 59]
    assert content['annotations'][1]['keypoint'].shape == (1, 4, 25, 3)
    assert 'keypoint_score' not in content['annotations'][0]
    # and as others read it
    plain = pickle.loads(out.read_bytes())
    assert plain['annotations'][0]['keypoint'].dtype == np.float32
    assert '2 clips, 7 frames, 2 classes, 2 subjects' in capsys.readouterr().out


def test_pixels_are_what_the_dataset_reads(folder, tmp_path):
    out = ntu_to_pickle(folder, tmp_path / 'ntu.pkl', coords='color', jobs=1)
    table = read_action_table(out, num_joints=25)
    assert not table.bad_clips
    keypoint, score = table.skeletons(0)
    assert keypoint[0, 0, 7].tolist() == [907.0, 500.0]
    assert score.min() == 1.0
    assert table.frame_hw_N2.tolist() == [[1080, 1920]] * 2


@pytest.mark.slow
def test_several_processes_write_the_same(folder, tmp_path):
    one = ntu_to_pickle(folder, tmp_path / '1.pkl', jobs=1)
    two = ntu_to_pickle(folder, tmp_path / '2.pkl', jobs=2)
    first, second = (pickle.loads(file.read_bytes()) for file in (one, two))
    assert first['split'] == second['split']
    for a, b in zip(first['annotations'], second['annotations'], strict=True):
        np.testing.assert_array_equal(a['keypoint'], b['keypoint'])


def test_damaged_files_stop_it_or_are_left_out(folder, tmp_path, capsys):
    bad = folder / 'S001C001P001R001A002.skeleton'
    bad.write_text(skeleton_text(3)[:500])
    out = tmp_path / 'ntu.pkl'
    with pytest.raises(ValueError, match=r'(?s)1 files .*A002.skeleton: cut off in fr'):
        ntu_to_pickle(folder, out, jobs=1)
    assert not out.exists()
    listing = tmp_path / 'ntu.pkl.bad_files.txt'
    assert listing.read_text() == f'{bad}: cut off in frame 1 of 3\n'
    ntu_to_pickle(folder, out, bad_files='skip', jobs=1)
    assert len(read_pickle(out)['annotations']) == 2
    assert 'A002.skeleton: cut off' in capsys.readouterr().out
    bad.unlink()
    ntu_to_pickle(folder, out, overwrite=True, jobs=1)
    assert not listing.exists()


def test_missing_skeletons_are_left_out(folder, tmp_path):
    listing = tmp_path / 'missing.txt'
    listing.write_text(f'Missing skeletons\n{NAMES[0]}\n')
    out = ntu_to_pickle(folder, tmp_path / 'a.pkl', missing=listing, jobs=1)
    assert [a['frame_dir'] for a in read_pickle(out)['annotations']] == [NAMES[1]]
    listing.write_text('\n'.join(NAMES))
    with pytest.raises(ValueError, match='lists every clip'):
        ntu_to_pickle(folder, tmp_path / 'b.pkl', missing=listing, jobs=1)


def test_actions_above_60_are_of_the_larger_set(folder, tmp_path):
    name = 'S018C001P045R001A120'
    (folder / f'{name}.skeleton').write_text(skeleton_text(3))
    splits = read_pickle(ntu_to_pickle(folder, tmp_path / 'a.pkl', jobs=1))['split']
    assert splits['xset_train'] == [NAMES[1], name]
    assert name in splits['xsub_train']
    with pytest.raises(ValueError, match=f'{name}: its action 120 is above 60'):
        ntu_to_pickle(folder, tmp_path / 'b.pkl', dataset='ntu60', jobs=1)


def test_what_exists_is_not_overwritten(folder, tmp_path):
    out = tmp_path / 'ntu.pkl'
    out.write_bytes(b'mine')
    with pytest.raises(FileExistsError, match=r'ntu.pkl exists; .*--overwrite'):
        ntu_to_pickle(folder, out, jobs=1)
    assert out.read_bytes() == b'mine'
    ntu_to_pickle(folder, out, overwrite=True, jobs=1)
    assert len(read_pickle(out)['annotations']) == 2


def test_folders_without_use(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match='no such folder of skeleton files'):
        ntu_to_pickle(tmp_path / 'nowhere', tmp_path / 'a.pkl')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match=r'no \*.skeleton file'):
        ntu_to_pickle(tmp_path / 'empty', tmp_path / 'a.pkl')
    (folder / f'{NAMES[0]}.skeleton').write_text(skeleton_text(3))
    with pytest.raises(ValueError, match='the same clip twice: '):
        ntu_to_pickle(folder, tmp_path / 'a.pkl')
    only_bad = tmp_path / 'bad'
    only_bad.mkdir()
    (only_bad / f'{NAMES[0]}.skeleton').write_text('')
    with pytest.raises(ValueError, match='no usable skeleton file is left'):
        ntu_to_pickle(only_bad, tmp_path / 'a.pkl', bad_files='skip')


@pytest.mark.parametrize(
    'wrong', [{'coords': 'x'}, {'dataset': 'ucf'}, {'bad_files': 'hide'}]
)
def test_wrong_settings(folder, tmp_path, wrong):
    with pytest.raises(ConfigError, match=f'{next(iter(wrong))} must be one of'):
        ntu_to_pickle(folder, tmp_path / 'a.pkl', **wrong)
