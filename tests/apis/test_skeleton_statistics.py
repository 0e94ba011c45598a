import json
import pickle

import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.skeleton_statistics import (
    SkeletonSetError,
    require_good_skeletons,
    skeleton_statistics,
)

NAMES = ['S001C001P001R001A001', 'S002C002P001R001A002', 'S001C002P003R001A001']


def annotation(name, frames, *, persons=1, coords=2):
    rng = np.random.default_rng(frames)
    shape = (persons, frames, 17)
    return {
        'frame_dir': name,
        'label': int(name[-3:]) - 1,
        'img_shape': (96, 128),
        'total_frames': frames,
        'keypoint': rng.uniform(5, 90, (*shape, coords)).astype(np.float16),
        'keypoint_score': rng.uniform(0.25, 0.75, shape).astype(np.float16),
    }


@pytest.fixture
def annotations():
    notes = [annotation(NAMES[0], 4), annotation(NAMES[1], 6, persons=2)]
    notes.append(annotation(NAMES[2], 11))
    notes[2]['keypoint'][0, :4, 3] = 0
    return notes


@pytest.fixture
def write(tmp_path):
    def write(annotations, split=None):
        path = tmp_path / 'skeletons.pkl'
        content = {'split': split, 'annotations': annotations} if split else annotations
        path.write_bytes(pickle.dumps(content, 4))
        return path

    return write


def test_numbers_by_hand(annotations, write, tmp_path, capsys):
    json_file = tmp_path / 'deep' / 's.json'
    skeleton_statistics(write(annotations), json_file=json_file)
    report = json.loads(json_file.read_text())
    numbers = report['numbers']
    assert report['headline'] == 'NO LEAK FOUND: 3 clips'
    assert numbers['clips'] == 3
    assert numbers['frames'] == {'min': 4, 'median': 6.0, 'max': 11, 'sum': 21}
    assert numbers['persons'] == {'1': 2, '2': 1}
    assert numbers['frame_sizes'] == {'128 x 96': 3}
    assert numbers['dtypes'] == {'float16': 3}
    assert 0.25 <= numbers['scores'][0] < 0.3 < 0.7 < numbers['scores'][1] <= 0.75
    assert numbers['subjects'] == 2
    assert numbers['cameras'] == {'1': 1, '2': 2}
    assert numbers['setups'] == {'1': 2, '2': 1}
    # 4 + 2 * 6 + 11 skeletons
    missing = {m['joint']: m['share'] for m in numbers['missing_joints']}
    assert missing['3 left_ear'] == pytest.approx(4 / 27)
    assert sum(missing.values()) == missing['3 left_ear']
    splits = {split['split']: split for split in numbers['splits']}
    assert splits['xsub_train']['clips'] == 2
    assert splits['xsub_train']['frames']['median'] == 5.0
    assert numbers['classes'][0]['clips'] == {
        'all': 2,
        'xsub_train': 1,
        'xsub_val': 1,
        'xview_train': 1,
        'xview_val': 1,
    }
    assert sum(numbers['frames_histogram']['counts']) == 3
    # class 1 has no clip in xsub_val and none in xview_val
    titles = [finding['title'] for finding in report['findings']]
    assert titles == [f'1 classes have no clip in {s}_val' for s in ('xsub', 'xview')]
    shown = capsys.readouterr().out
    assert 'frames: 4 to 11, median 6, 21 in all' in shown
    assert '3 left_ear 14.81%' in ' '.join(shown.split())
    assert 'in xsub_train and xsub_val: 0 clips' in shown


def test_the_exit_is_that_of_the_verdict(annotations, write):
    require_good_skeletons(write(annotations))
    splits = {'xsub_train': NAMES[:1], 'xsub_val': NAMES[1:]}
    with pytest.raises(SkeletonSetError, match='LEAK FOUND: 1 subjects are in xsub'):
        require_good_skeletons(write(annotations, splits))
    annotations[1]['keypoint'][:] = np.nan
    with pytest.raises(SkeletonSetError, match='OF NO USE: 1 clips have no joint'):
        require_good_skeletons(write(annotations))
    with pytest.raises(SkeletonSetError, match='1 labels are not below 1 classes'):
        require_good_skeletons(write(annotations), num_classes=1)


def test_videos_are_counted(annotations, write, tmp_path, write_videos):
    write_videos({NAMES[0]: 4, NAMES[1]: 5, NAMES[2]: 20})
    (tmp_path / 'videos' / f'{NAMES[0]}.mp4').write_bytes(b'no video')
    (tmp_path / 'videos' / f'{NAMES[0]}.mp4').rename(tmp_path / 'videos' / 'other.mp4')
    report = skeleton_statistics(write(annotations), videos=tmp_path / 'videos', jobs=1)
    assert report.numbers['videos'] == {
        'read': 2,
        'lost': 1,
        'frames_more_than_annotated': {'-1': 1, '9': 1},
    }
    found = {finding.title: finding.clips for finding in report.findings}
    [lost] = found['1 clips have no video to read']
    assert lost.startswith(f'clip "{NAMES[0]}": no video, looked for')
    assert found['1 videos are shorter than their annotation'] == (
        f'{NAMES[1]}: 6 frames annotated, the video has 5',
    )


def test_a_damaged_video_is_named(annotations, write, tmp_path, write_videos):
    write_videos({NAMES[0]: 4, NAMES[1]: 6, NAMES[2]: 11})
    (tmp_path / 'videos' / f'{NAMES[2]}.mp4').write_bytes(bytes(999))
    with pytest.raises(SkeletonSetError, match='1 clips have no video to read'):
        require_good_skeletons(write(annotations), videos=tmp_path / 'videos', jobs=1)


@pytest.fixture
def write_videos(tmp_path):
    av = pytest.importorskip('av')

    def write(num_frames_of):
        (tmp_path / 'videos').mkdir()
        for name, num_frames in num_frames_of.items():
            with av.open(str(tmp_path / 'videos' / f'{name}.mp4'), 'w') as container:
                stream = container.add_stream('mpeg4', rate=30)
                stream.height, stream.width = 96, 128
                image = np.zeros((96, 128, 3), np.uint8)
                for _ in range(num_frames):
                    picture = av.VideoFrame.from_ndarray(image, format='rgb24')
                    container.mux(stream.encode(picture))
                container.mux(stream.encode(None))

    return write


def test_three_dimensions_have_no_videos(write, tmp_path):
    notes = [annotation(NAMES[0], 4, coords=3)]
    del notes[0]['img_shape'], notes[0]['keypoint_score']
    path = write(notes)
    assert skeleton_statistics(path).numbers['unit'] == 'metres'
    with pytest.raises(ConfigError, match='do without --videos'):
        skeleton_statistics(path, videos=tmp_path)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none.pkl: no such pickle'):
        skeleton_statistics(tmp_path / 'none.pkl')


def test_a_real_file(real_data, capsys):
    require_good_skeletons(real_data / 'skeleton' / 'hrnet16_2d.pkl')
    assert '17 joints in 2 dimensions, pixels, float16: 486' in capsys.readouterr().out
