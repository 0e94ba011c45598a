import hashlib
import pickle
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from ocec.datasets import RGBPose, batch_collate
from ocec.functional.clip_sampling import fixed_clips
from ocec.functional.ntu import CLASSES_60, CLASSES_120
from ocec.registry import DATASETS

SETTINGS = {'num_pose_frames': 12, 'num_rgb_frames': 4, 'frame_size': (24, 32)}
NAMES = [
    'S001C001P001R001A001',
    'S001C001P001R001A003',
    'S001C002P002R001A002',
    'S001C003P003R001A003',
    'S001C003P004R001A001',
    'S001C003P008R001A002',
]
FRAMES = [40, 30, 9, 1, 25, 13]
PERSONS = [1, 2, 1, 1, 1, 1]


@pytest.fixture
def write_actions(annotate, write_pickle):
    def write(**changes):
        clips = [
            annotate(name, int(name[-3:]) - 1, frames=f, persons=p, seed=number)
            for number, (name, f, p) in enumerate(
                zip(NAMES, FRAMES, PERSONS, strict=True)
            )
        ]
        for number, fields in changes.pop('clips', {}).items():
            clips[number].update(fields)
        split = {'mine': NAMES[1:5], 'other': NAMES[:1], 'none': []}
        return write_pickle(clips, split, **changes)

    return write


@pytest.fixture
def videos(tmp_path, write_video):
    root = tmp_path / 'videos'
    for name, num_frames in zip(NAMES, FRAMES, strict=True):
        write_video(root / f'{name}_rgb.avi', num_frames)
    return root


def test_a_batch_is_finished(write_actions, videos, numbers_of):
    dataset = RGBPose(
        write_actions(), 'mine', rgb={'root': str(videos)}, **SETTINGS, test_mode=True
    )
    assert len(dataset) == 4
    batch = dataset.__getitems__([3, 0, 1])
    inputs, targets = batch['inputs'], batch['data_samples']
    assert {name: (tuple(x.shape), x.dtype) for name, x in inputs.items()} == {
        'frames': ((3, 1, 4, 24, 32, 3), torch.uint8),
        'keypoint': ((3, 1, 2, 12, 17, 2), torch.float32),
        'score': ((3, 1, 2, 12, 17), torch.float32),
        'box': ((3, 4), torch.float32),
        'frame_hw': ((3, 2), torch.int64),
    }
    # rows 4, 1 and 2 of the file; two persons in the second only
    assert targets.sample_id_B.tolist() == [4, 1, 2]
    assert targets.label_B.tolist() == [0, 2, 1]
    assert targets.group_id_B.tolist() == [3, 0, 1]
    assert {x.dtype for x in vars(targets).values()} == {torch.int64}
    for number, row in enumerate([4, 1, 2]):
        keypoint, score = dataset.table.skeletons(row)
        [clip] = fixed_clips(FRAMES[row], 12, 1)
        persons = PERSONS[row]
        found = inputs['keypoint'][number, 0]
        np.testing.assert_array_equal(found[:persons], keypoint[:, clip])
        assert not found[persons:].any()
        found = inputs['score'][number, 0, :persons]
        np.testing.assert_array_equal(found, score[:, clip])
        assert numbers_of(inputs['frames'][number, 0]) == clip[::3].tolist()
    assert inputs['frame_hw'].tolist() == [[96, 128]] * 3


def test_pose_only_has_no_frames(write_actions):
    batch = RGBPose(write_actions(), **SETTINGS)[0]
    assert sorted(batch['inputs']) == ['box', 'frame_hw', 'keypoint', 'score']


def test_several_clips_of_a_test(write_actions, videos):
    dataset = RGBPose(
        write_actions(),
        'mine',
        rgb={'root': videos},
        **SETTINGS,
        test_mode=True,
        num_clips=3,
    )
    inputs = dataset.__getitems__([0, 1])['inputs']
    assert inputs['frames'].shape == (2, 3, 4, 24, 32, 3)
    assert inputs['keypoint'].shape == (2, 3, 2, 12, 17, 2)


@pytest.mark.parametrize('workers', [0, 2])
def test_a_loader_passes_batches_through(write_actions, videos, workers):
    dataset = RGBPose(write_actions(), 'mine', rgb={'root': videos}, **SETTINGS)
    loader = DataLoader(dataset, 3, collate_fn=batch_collate, num_workers=workers)
    ids = [batch['data_samples'].sample_id_B.tolist() for batch in loader]
    assert ids == [[1, 2, 3], [4]]


@pytest.mark.slow  # the new process imports torch
def test_spawned_workers_read_the_same(write_actions):
    dataset = RGBPose(write_actions(), 'mine', **SETTINGS, test_mode=True)
    spawned = DataLoader(
        dataset,
        4,
        collate_fn=batch_collate,
        num_workers=1,
        multiprocessing_context='spawn',
    )
    [batch] = spawned
    expected = dataset.__getitems__(range(4))
    for name, tensor in expected['inputs'].items():
        assert torch.equal(batch['inputs'][name], tensor)


def test_what_goes_to_workers_is_small(write_actions):
    keypoint = np.ones((1, 2000, 17, 2), np.float16)
    long = {'total_frames': 2000, 'keypoint': keypoint, 'keypoint_score': None}
    path = write_actions(clips={5: long})
    dataset = RGBPose(path, **SETTINGS)
    assert len(ForkingPickler.dumps(dataset)) < 10_000
    assert len(pickle.dumps(dataset)) > 2000 * 17 * 3 * 2


def clips_of(dataset, seed):
    torch.manual_seed(seed)
    return dataset.__getitems__([0, 0, 1])['inputs']['keypoint']


def test_training_clips_come_from_torchs_generator(write_actions):
    dataset = RGBPose(write_actions(), 'mine', **SETTINGS)
    np.random.seed(0)
    first = clips_of(dataset, 1)
    state = np.random.get_state()[1].copy()
    assert torch.equal(clips_of(dataset, 1), first)
    assert not torch.equal(clips_of(dataset, 2), first)
    assert not torch.equal(first[0], first[1])
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_test_clips_never_change(write_actions):
    dataset = RGBPose(write_actions(), 'mine', **SETTINGS, test_mode=True)
    first = clips_of(dataset, 1)
    assert torch.equal(clips_of(dataset, 2), first)
    assert torch.equal(first[0], first[1])


def test_workers_draw_clips_of_their_own(write_actions):
    dataset = RGBPose(write_actions(), 'other', **SETTINGS)
    torch.manual_seed(0)
    loader = DataLoader(
        dataset, 1, sampler=[0] * 4, collate_fn=batch_collate, num_workers=2
    )
    epochs = [[batch['inputs']['keypoint'] for batch in loader] for _ in range(2)]
    different = {clip.numpy().tobytes() for clips in epochs for clip in clips}
    assert len(different) == 8


def test_the_dataset_describes_itself(write_actions, videos):
    path = write_actions(classes=['walk', 'sit', 'fall'])
    dataset = RGBPose(path, 'mine', rgb={'root': videos}, **SETTINGS)
    assert dataset.metainfo == {'classes': ('walk', 'sit', 'fall')}
    assert dataset.labels.tolist() == [2, 1, 2, 0]
    assert dataset.class_counts == (1, 1, 2)
    assert dataset.ids.tolist() == NAMES[1:5]
    assert dataset.rows.tolist() == [1, 2, 3, 4]
    assert dataset.group_ids.tolist() == [0, 1, 2, 3]
    assert dataset.indices_of([3, 1]).tolist() == [2, 0]
    assert dataset.image_paths([4, 1]) == [NAMES[4], NAMES[1]]
    assert str(dataset) == (
        f'mine: 4 clips of 3 classes, 4 groups, from {path}, raw videos in {videos}'
    )
    assert dataset.fingerprint() == {
        'split': 'mine',
        'clips': 4,
        'clips_sha256': hashlib.sha256('\n'.join(NAMES[1:5]).encode()).hexdigest(),
        'class_counts': [1, 1, 2],
        'file': str(path),
        'bytes': path.stat().st_size,
        'sha256': hashlib.sha256(path.read_bytes()).hexdigest(),
        'videos': str(videos),
        'layout': 'raw',
    }
    with pytest.raises(ValueError, match='1 of 2 samples are not in split "mine": 5'):
        dataset.indices_of([5, 1])


def test_names_of_the_classes(write_actions):
    path = write_actions()
    assert RGBPose(path).metainfo == {'classes': ('0', '1', '2')}
    assert RGBPose(path, num_classes=60).metainfo == {'classes': CLASSES_60}
    assert RGBPose(path, num_classes=120).metainfo == {'classes': CLASSES_120}
    assert RGBPose(path, num_classes=60).class_counts[:4] == (2, 2, 2, 0)


def test_names_of_more_or_fewer_classes_than_the_file_has(write_actions):
    path = write_actions(classes=['walk', 'sit', 'fall', 'jump'])
    more = RGBPose(path, num_classes=6)
    assert more.metainfo['classes'] == ('walk', 'sit', 'fall', 'jump', '4', '5')
    fewer = RGBPose(path, num_classes=3)
    assert fewer.metainfo['classes'] == ('walk', 'sit', 'fall')
    for dataset in (more, fewer):
        assert len(dataset.metainfo['classes']) == len(dataset.class_counts)


def test_ntu_splits_and_clips_left_out(write_actions):
    path = write_actions()
    assert RGBPose(path, 'xsub_train').rows.tolist() == [0, 1, 2, 4, 5]
    assert RGBPose(path, 'xview_val').rows.tolist() == [0, 1]
    left = RGBPose(path, 'xsub_train', left_out=[NAMES[1], NAMES[5]])
    assert left.rows.tolist() == [0, 2, 4]


def test_it_is_built_from_a_config(write_actions):
    config = {'type': 'RGBPose', 'annotations': str(write_actions()), 'split': 'mine'}
    dataset = DATASETS.build(config)
    assert dataset[0]['inputs']['keypoint'].shape == (1, 1, 2, 48, 17, 2)


@pytest.mark.parametrize(
    ('clips', 'message'),
    [
        ({2: {'label': -1}}, rf'clip "{NAMES[2]}": label: it must be a whole number'),
        ({2: {'label': 60}}, rf'clip "{NAMES[2]}": label: 60 is not below num_classes'),
        (
            {2: {'keypoint': np.zeros((1, 9, 25, 2))}},
            rf'"{NAMES[2]}": keypoint: it has 25',
        ),
        ({2: {'total_frames': 8}}, rf'clip "{NAMES[2]}": total_frames: it says 8'),
    ],
)
def test_bad_clips_stop_or_are_left_out(write_actions, log_records, clips, message):
    path = write_actions(clips=clips)
    with pytest.raises(ValueError, match=message):
        RGBPose(path, 'mine', num_classes=60)
    # they do not matter to other splits
    assert len(RGBPose(path, 'other', num_classes=60)) == 1
    log_records.clear()
    dataset = RGBPose(path, 'mine', num_classes=60, bad_clips='skip')
    assert dataset.rows.tolist() == [1, 3, 4]
    said = [record.getMessage() for record in log_records]
    [warning] = [text for text in said if 'their clips are left out' in text]
    assert NAMES[2] in warning


def test_missing_videos_stop_or_are_left_out(write_actions, videos, log_records):
    path = write_actions()
    (videos / f'{NAMES[2]}_rgb.avi').unlink()
    expected = rf'clip "{NAMES[2]}": no video, looked for {NAMES[2]}_rgb.avi'
    with pytest.raises(ValueError, match=expected):
        RGBPose(path, 'mine', rgb={'root': videos})
    dataset = RGBPose(path, 'mine', rgb={'root': videos}, bad_clips='skip')
    assert dataset.rows.tolist() == [1, 3, 4]


def test_a_video_that_cannot_be_read_later(write_actions, videos, log_records):
    (videos / f'{NAMES[2]}_rgb.avi').write_bytes(b'damaged' * 100)
    settings = {'rgb': {'root': videos}, **SETTINGS}
    path = write_actions()
    dataset = RGBPose(path, 'mine', **settings)
    with pytest.raises(ValueError, match=rf'clip "{NAMES[2]}": .* cannot be decoded'):
        dataset.__getitems__([0, 1, 2])
    dataset = RGBPose(path, 'mine', **settings, bad_clips='skip')
    batch = dataset.__getitems__([0, 1, 2])
    assert batch['data_samples'].sample_id_B.tolist() == [1, 3]
    assert batch['inputs']['frames'].shape[0] == 2
    assert any(NAMES[2] in record.getMessage() for record in log_records)
    expected = rf'no video of this batch can be read: {NAMES[2]}'
    with pytest.raises(ValueError, match=expected):
        dataset.__getitems__([1])


def test_odd_clips_give_finite_batches(write_actions, log_records):
    nan = np.full((1, 9, 17, 2), np.nan, np.float32)
    path = write_actions(clips={2: {'keypoint': nan}})
    dataset = RGBPose(path, 'mine', **SETTINGS)
    inputs = dataset.__getitems__([1, 2])['inputs']
    # no number at all: nothing is left but the whole frame
    assert not inputs['keypoint'][0].any()
    assert inputs['box'][0].tolist() == [0, 0, 128, 96]
    # a single frame, twelve times
    assert (inputs['keypoint'][1] == inputs['keypoint'][1][:, :, :1]).all()
    said = '\n'.join(record.getMessage() for record in log_records)
    assert f'no numbers: {NAMES[2]}' in said
    assert f'a single frame, which is repeated: {NAMES[3]}' in said
    assert len(RGBPose(path, 'mine', empty_clips='skip')) == 3
    with pytest.raises(ValueError, match=rf'"{NAMES[2]}": keypoint: no joint in any'):
        RGBPose(path, 'mine', empty_clips='error')


def test_wrong_arguments_are_named(write_actions, tmp_path):
    path = write_actions()
    with pytest.raises(
        FileNotFoundError, match=r'no.pkl: no such annotation file; docs'
    ):
        RGBPose(tmp_path / 'no.pkl')
    with pytest.raises(ValueError, match='there is no split "val"'):
        RGBPose(path, 'val')
    with pytest.raises(ValueError, match='no usable clip in split "none"'):
        RGBPose(path, 'none')
    with pytest.raises(ValueError, match=r"bad_clips must be one of .* got 'x'"):
        RGBPose(path, bad_clips='x')
    with pytest.raises(TypeError, match='rooot'):
        RGBPose(path, rgb={'rooot': '.'})


def test_real_poses(real_data):
    path = real_data / 'skeleton' / 'hrnet16_2d.pkl'
    train, test = RGBPose(path, 'xsub_train'), RGBPose(path, 'xsub_test')
    assert (len(train), len(test)) == (362, 62)
    assert train.table is test.table
    assert len(train.class_counts) == 16
    inputs = train.__getitems__(range(8))['inputs']
    assert inputs['keypoint'].shape == (8, 1, 1, 48, 17, 2)
    low, high = inputs['box'].split(2, 1)
    assert (low < high).all()
    assert (high <= inputs['frame_hw'].flip(1)).all()


def test_real_videos_and_the_size_of_a_sample(real_data):
    folder = real_data / 'skeleton' / 'rgbpose_topdown'
    dataset = RGBPose(
        folder / 'annotations.pkl',
        'xvideo_test',
        rgb={'root': folder},
        group_by='source_video',
    )
    assert len(dataset) == 81
    assert dataset.rgb.layout == 'listed'
    assert 1 < len(np.unique(dataset.group_ids)) < 81
    batch = dataset.__getitems__([0, 40, 80])
    assert batch['inputs']['frames'].shape == (3, 1, 16, 224, 224, 3)
    assert sum(x.nbytes for x in batch['inputs'].values()) / 3 < 2.5e6
