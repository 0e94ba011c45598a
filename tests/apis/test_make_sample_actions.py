import json
import pickle
import re

import numpy as np
import pytest

from ocec.apis.make_sample_actions import make_sample_actions
from ocec.synthesis.action_clips import ClipSettings, draw_clip
from ocec.synthesis.action_plan import plan_clips

av = pytest.importorskip('av')

CLASSES = ['phone', 'nod', 'drink', 'hug']
SMALL = {
    'num_clips': 37,
    'classes': CLASSES,
    'num_subjects': 3,
    'seed': 5,
    'size': (80, 64),
    'frames': (4, 6),
    'jobs': 1,
}
# X-Sub of NTU RGB+D 60, Shahroudy et al., CVPR 2016, section 4.2
NTU_TRAIN = {1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return make_sample_actions(tmp_path_factory.mktemp('made') / 'actions', **SMALL)


def load(folder):
    return pickle.loads((folder / 'sample_actions_2d.pkl').read_bytes())


def decode(path):
    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
        return rate, [f.to_ndarray(format='rgb24') for f in container.decode(video=0)]


def test_pickle_has_the_layout_of_mmaction2(folder):
    content = load(folder)
    assert set(content) == {'split', 'annotations', 'classes'}
    assert content['classes'] == CLASSES
    assert len(content['annotations']) == 37
    for note in content['annotations']:
        assert set(note) == {
            *('frame_dir', 'label', 'img_shape', 'original_shape', 'total_frames'),
            *('keypoint', 'keypoint_score'),
        }
        parts = re.fullmatch(
            r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})', note['frame_dir']
        )
        assert note['label'] == int(parts[5]) - 1
        assert note['img_shape'] == note['original_shape'] == (64, 80)
        num_persons = 2 if CLASSES[note['label']] == 'hug' else 1
        shape = (num_persons, note['total_frames'], 17)
        assert 4 <= note['total_frames'] <= 6
        for key, expected in (('keypoint', (*shape, 2)), ('keypoint_score', shape)):
            assert note[key].shape == expected
            assert note[key].dtype == np.float16
            assert np.isfinite(note[key]).all()
        assert note['keypoint_score'].min() >= 0
        assert note['keypoint_score'].max() <= 1


def test_splits_follow_the_numbers_in_the_names(folder):
    content = load(folder)
    names = {note['frame_dir'] for note in content['annotations']}
    split = {key: set(value) for key, value in content['split'].items()}
    assert list(split) == ['xsub_train', 'xsub_val', 'xview_train', 'xview_val']
    trains = {name for name in names if int(name[9:12]) in NTU_TRAIN}
    sides = {name for name in names if name[4:8] in ('C002', 'C003')}
    assert split['xsub_train'] == trains
    assert split['xsub_val'] == names - trains
    assert split['xview_train'] == sides
    assert split['xview_val'] == names - sides
    assert all(split.values())


def test_videos_show_the_clips(folder):
    notes = load(folder)['annotations']
    videos = {path.stem: path for path in (folder / 'videos').iterdir()}
    assert {path.suffix for path in videos.values()} == {'.mp4'}
    assert set(videos) == {note['frame_dir'] for note in notes}
    settings = ClipSettings(80, 64, 4, 6, seed=5)
    clips = plan_clips(37, CLASSES, 3)
    for note, clip in list(zip(notes, clips, strict=True))[:6]:
        rate, frames = decode(videos[note['frame_dir']])
        assert rate == 30
        assert len(frames) == note['total_frames']
        drawn = draw_clip(clip, settings)
        away = np.abs(np.stack(frames).astype(int) - drawn.frames_THWC)
        assert away.mean() < 8
        np.testing.assert_array_equal(note['keypoint'], drawn.keypoint_MTK2)


def test_meta_file_says_what_each_stream_can_tell(folder):
    meta = json.loads((folder / 'sample_actions.json').read_text())
    classes = {entry['name']: entry for entry in meta['classes']}
    assert [(c['name'], c['number']) for c in meta['classes']] == [
        ('phone', 'A001'),
        ('nod', 'A002'),
        ('drink', 'A003'),
        ('hug', 'A004'),
    ]
    assert classes['phone']['same_skeleton_as'] == ['drink']
    assert classes['phone']['told_by'] == ['rgb']
    assert classes['hug']['told_by'] == ['pose', 'rgb']
    # its twin is not among these classes
    assert classes['nod']['same_pictures_as'] == []
    labels = [int(n[-3:]) - 1 for n in load(folder)['split']['xview_val']]
    counts = np.bincount(labels, minlength=4)
    best = (max(counts[0], counts[2]) + counts[1] + counts[3]) / counts.sum()
    assert meta['best_top1']['xview_val'] == {'pose': pytest.approx(best), 'rgb': 1.0}
    assert meta['num_clips']['xview_val'] == counts.sum()
    for name in meta['clips'][:8]:
        _, frames = decode(folder / 'videos' / f'{name}.mp4')
        assert (np.mean(frames) < 20) == (name in meta['dark_clips'])


def test_skeletons_do_not_depend_on_the_number_of_processes(folder, tmp_path):
    other = make_sample_actions(tmp_path / 'two', **SMALL | {'jobs': 2})
    for name in ('sample_actions_2d.pkl', 'sample_actions.json'):
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name
    names = {path.name for path in (folder / 'videos').iterdir()}
    assert names == {path.name for path in (other / 'videos').iterdir()}
    for name in sorted(names)[:5]:
        one, two = (np.stack(decode(f / 'videos' / name)[1]) for f in (folder, other))
        # the drawn pictures are the same, the encoder is not exact
        assert np.abs(one.astype(int) - two).mean() < 2
    assert sorted(p.name for p in other.iterdir()) == [
        *('sample_actions.json', 'sample_actions_2d.pkl', 'videos')
    ]


def test_same_settings_are_left_alone_and_gaps_are_filled(tmp_path, capsys):
    few = SMALL | {'num_clips': 18, 'classes': ['nod', 'wave']}
    out = make_sample_actions(tmp_path / 'actions', **few)
    assert f'{out}: 18 clips of 2 classes' in capsys.readouterr().out
    make_sample_actions(out, **few)
    assert 'already drawn with these settings' in capsys.readouterr().out
    gone = next((out / 'videos').iterdir())
    gone.unlink()
    make_sample_actions(out, **few)
    assert gone.is_file()

    message = r'other settings: num_clips 18 there, 19 asked for; choose another folder'
    with pytest.raises(FileExistsError, match=message):
        make_sample_actions(out, **few | {'num_clips': 19})
    (out / 'videos' / 'mine.mp4').write_bytes(b'x')
    fewer = few | {'classes': ['nod'], 'num_clips': 9, 'force': True}
    make_sample_actions(out, **fewer)
    left = {path.stem for path in (out / 'videos').iterdir()}
    assert left == {note['frame_dir'] for note in load(out)['annotations']} | {'mine'}


def test_a_failure_leaves_what_was_there(folder, monkeypatch):
    def fail(clip, settings):
        raise OSError('disk full')

    monkeypatch.setattr('ocec.apis.make_sample_actions.draw_clip', fail)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob('*.*')}
    with pytest.raises(OSError, match='disk full'):
        make_sample_actions(folder, **SMALL | {'seed': 6, 'force': True})
    assert {path: path.stat().st_mtime_ns for path in folder.rglob('*.*')} == before


def test_files_of_unknown_origin_are_refused(tmp_path):
    out = tmp_path / 'actions'
    out.mkdir()
    (out / 'sample_actions_2d.pkl').write_bytes(b'')
    message = 'holds sample_actions_2d.pkl, and no sample_actions.json tells'
    with pytest.raises(FileExistsError, match=message):
        make_sample_actions(out, **SMALL)
    with pytest.raises(FileExistsError, match='is a file, a folder is needed'):
        make_sample_actions(out / 'sample_actions_2d.pkl', **SMALL)


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        ({'size': (81, 64)}, 'width must be even and >= 64, got 81'),
        ({'frames': (9, 6)}, 'frames must be from 2 on and not fall, got 9 to 6'),
        ({'num_clips': 2}, 'num_clips must leave some for xsub_val, got 2'),
        ({'classes': ['fly']}, 'classes must be some of wave, .*; got fly'),
        ({'jobs': 0}, 'jobs must be >= 1, got 0'),
    ],
)
def test_arguments_are_checked(tmp_path, changed, message):
    with pytest.raises(ValueError, match=message):
        make_sample_actions(tmp_path / 'actions', **SMALL | changed)
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]
