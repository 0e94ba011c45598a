import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from ocec.apis import crop_persons as module
from ocec.apis.crop_persons import crop_persons
from ocec.apis.errors import ConfigError
from ocec.datasets.rgb_pose import RGBPose

av = pytest.importorskip('av')
FRAME_HW = (96, 128)
NAMES = ['S001C001P001R001A001', 'S001C001P002R001A002', 'S001C002P001R001A001']
NUM_FRAMES = 12


def draw(number, seed):
    """A frame of soft, coloured waves: every part of it looks different."""
    y, x = np.mgrid[: FRAME_HW[0], : FRAME_HW[1]]
    waves = [
        np.sin((x + 3 * number) / 11 + seed),
        np.cos((y - 2 * number) / 9),
        np.sin((x + y) / 17 + number / 5),
    ]
    return np.stack([(118 + 100 * wave).astype(np.uint8) for wave in waves], -1)


def write_video(path, num_frames, seed):
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=30)
        stream.height, stream.width = FRAME_HW
        stream.pix_fmt, stream.bit_rate = 'yuv420p', 10**7
        for number in range(num_frames):
            picture = av.VideoFrame.from_ndarray(draw(number, seed), format='rgb24')
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


@pytest.fixture
def data(tmp_path):
    """Three clips with videos; the last frames are not annotated."""
    rng = np.random.default_rng(0)
    root = tmp_path / 'videos'
    root.mkdir()
    annotations = []
    for number, name in enumerate(NAMES):
        low = 20 + 5 * number
        keypoint = rng.uniform(low, low + 45, (2, NUM_FRAMES, 17, 2))
        annotations.append(
            {
                'frame_dir': name,
                'label': number % 2,
                'img_shape': FRAME_HW,
                'total_frames': NUM_FRAMES,
                'keypoint': keypoint.astype(np.float16),
                'keypoint_score': np.ones((2, NUM_FRAMES, 17), np.float16),
            }
        )
        write_video(root / f'{name}_rgb.avi', NUM_FRAMES + 2, number)
    data = SimpleNamespace(
        annotations=annotations,
        pickle=tmp_path / 'skeletons.pkl',
        videos=root,
        out=tmp_path / 'crops',
    )
    write_annotations(data)
    return data


def write_annotations(data):
    content = {'split': {'one': NAMES[:1]}, 'annotations': data.annotations}
    data.pickle.write_bytes(pickle.dumps(content, 4))


def crop(data, *, settings=None, **more):
    settings = {'size': 48, **(settings or {})}
    return crop_persons(
        data.pickle, data.videos, data.out, settings=settings, jobs=1, **more
    )


def batch(data, root, **more):
    dataset = RGBPose(
        data.pickle,
        rgb={'root': root},
        num_pose_frames=8,
        num_rgb_frames=4,
        frame_size=(48, 48),
        test_mode=True,
        **more,
    )
    return dataset, dataset.__getitems__([0, 1, 2])


@pytest.mark.parametrize(
    ('settings', 'bound'),
    [
        ({'format': 'mp4', 'crf': 10}, 4),
        ({'format': 'jpeg', 'quality': 98}, 3),
        ({'format': 'mp4', 'crf': 10, 'size': 64}, 4),
        ({'format': 'jpeg', 'quality': 98, 'size': 64, 'keep_ratio': True}, 3),
        ({'format': 'jpeg', 'quality': 98, 'beyond_frame': True, 'padding': 0.6}, 3),
    ],
)
def test_a_recipe_reads_the_same_from_the_crops(data, settings, bound):
    assert crop(data, settings=settings) == {'made': 3, 'kept': 0, 'bad': 0}
    box = {k: settings[k] for k in ('beyond_frame', 'padding') if k in settings}
    before, expected = batch(data, data.videos, box=box)
    # the boxes are those of the list: settings of the box have no effect any more
    after, found = batch(data, data.out)
    assert (before.rgb.layout, after.rgb.layout) == ('raw', 'crops')
    for key in ('keypoint', 'score', 'box', 'frame_hw'):
        np.testing.assert_array_equal(found['inputs'][key], expected['inputs'][key])
    a, b = (x['inputs']['frames'].numpy().astype(int) for x in (expected, found))
    assert a.shape == b.shape == (3, 1, 4, 48, 48, 3)
    assert np.abs(a - b).mean() < bound
    # and not those of the next frame or of another clip
    assert np.abs(a[:, :, 1:] - b[:, :, :-1]).mean() > 2 * bound
    assert np.abs(a[1:] - b[:-1]).mean() > 2 * bound


def test_a_second_run_finds_all_done(data, capsys):
    crop(data)
    before = {f.name: f.stat().st_mtime_ns for f in data.out.glob('*.mp4')}
    capsys.readouterr()
    assert crop(data) == {'made': 0, 'kept': 3, 'bad': 0}
    assert {f.name: f.stat().st_mtime_ns for f in data.out.glob('*.mp4')} == before
    assert '0 clips cropped, 3 were there, 0 have no crop' in capsys.readouterr().out


def test_a_stopped_run_goes_on(data, monkeypatch):
    made = []

    def stop_at_the_second(job, *, settings):
        if made:
            raise KeyboardInterrupt
        made.append(crop_clip(job, settings=settings))
        return made[0]

    crop_clip = module.crop_clip
    monkeypatch.setattr(module, 'crop_clip', stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        crop(data)
    monkeypatch.undo()
    # killed while it wrote: half a file under another name, one without its end
    (data.out / f'.{NAMES[1]}_rgb.mp4.abc.tmp').write_bytes(b'half')
    first = next(data.out.glob('*.mp4'))
    assert crop(data) == {'made': 2, 'kept': 1, 'bad': 0}
    first.write_bytes(first.read_bytes()[:300])
    assert crop(data) == {'made': 1, 'kept': 2, 'bad': 0}
    assert sorted(f.name for f in data.out.glob('*.mp4')) == [
        f'{name}_rgb.mp4' for name in NAMES
    ]
    assert not list(data.out.glob('.*.tmp'))


def test_other_settings_or_skeletons_are_refused(data):
    crop(data)
    with pytest.raises(FileExistsError, match='settings: size 48 there, 64 asked'):
        crop(data, settings={'size': 64})
    data.annotations[1]['keypoint'] = data.annotations[1]['keypoint'] + np.float16(8)
    write_annotations(data)
    with pytest.raises(FileExistsError, match=f'other skeletons: clip "{NAMES[1]}"'):
        crop(data)


def test_clips_without_a_crop_are_named_and_the_others_made(data, capsys):
    (data.videos / f'{NAMES[0]}_rgb.avi').unlink()
    write_video(data.videos / f'{NAMES[1]}_rgb.avi', NUM_FRAMES - 1, 1)
    expected = rf'(?s)2 clips have no crop.*"{NAMES[0]}": no video.*"{NAMES[1]}": .*11'
    with pytest.raises(ValueError, match=expected):
        crop(data)
    assert [f.name for f in data.out.glob('*.mp4')] == [f'{NAMES[2]}_rgb.mp4']
    listing = data.out / 'bad_clips.txt'
    assert len(listing.read_text().splitlines()) == 2
    assert crop(data, bad_clips='skip') == {'made': 0, 'kept': 1, 'bad': 2}
    assert '2 clips have no crop' in capsys.readouterr().out
    dataset = RGBPose(
        data.pickle, rgb={'root': data.out}, bad_clips='skip', test_mode=True
    )
    assert dataset.ids.tolist() == [NAMES[2]]


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        ({'label': 7}, 'label: 7 is not below num_classes, 2'),
        ({'total_frames': 9}, 'total_frames: it says 9, keypoint holds 12 frames'),
        ({'img_shape': 5}, 'img_shape: it must be'),
    ],
)
def test_annotations_without_use_are_named(data, change, expected):
    data.annotations[2] |= change
    write_annotations(data)
    with pytest.raises(ValueError, match=f'clip "{NAMES[2]}": {expected}'):
        crop(data, num_classes=2)


def test_missing_values_and_a_single_frame_are_cropped(data):
    data.annotations[0]['keypoint'][0, 3] = np.nan
    for key in ('keypoint', 'keypoint_score'):
        data.annotations[1][key] = data.annotations[1][key][:, :1]
    data.annotations[1]['total_frames'] = 1
    data.annotations[2]['keypoint'] *= 0
    write_annotations(data)
    assert crop(data)['made'] == 3
    boxes = (data.out / 'boxes.csv').read_text().splitlines()
    assert boxes[2].endswith(',128,96,1')
    assert boxes[3] == f'{NAMES[2]},0,0,128,96,128,96,12'  # no joint: the whole frame


def test_a_split_first_and_the_rest_later(data):
    assert crop(data, split='one')['made'] == 1
    assert crop(data) == {'made': 2, 'kept': 1, 'bad': 0}
    assert len((data.out / 'boxes.csv').read_text().splitlines()) == 4


def test_too_little_room_is_told_before_the_work(data, monkeypatch):
    monkeypatch.setattr(module, '_NUM_PILOTS', 1)
    disk = SimpleNamespace(free=1000)
    monkeypatch.setattr(module.shutil, 'disk_usage', lambda _: disk)
    expected = (
        r'2 clips still need about 0.0 MB \(by 12 frames of 1 clips\), 0.0 MB are'
    )
    with pytest.raises(OSError, match=expected):
        crop(data)
    assert len(list(data.out.glob('*.mp4'))) == 1
    disk.free = 10**9
    assert crop(data) == {'made': 2, 'kept': 1, 'bad': 0}


@pytest.mark.slow
def test_several_processes_do_the_same(data, monkeypatch):
    monkeypatch.setattr(module, '_NUM_PILOTS', 1)
    settings = {'size': 48, 'format': 'jpeg'}
    crop_persons(data.pickle, data.videos, data.out, settings=settings, jobs=2)
    other = data.out.with_name('other')
    crop_persons(data.pickle, data.videos, other, settings=settings, jobs=1)
    for name in NAMES:
        file = f'{name}.zip'
        assert (data.out / file).read_bytes() == (other / file).read_bytes()


def test_folders_that_are_no_output(data):
    with pytest.raises(ConfigError, match='holds the videos; write to another'):
        crop_persons(data.pickle, data.videos, data.videos)
    crop(data)
    with pytest.raises(ConfigError, match='holds crops already'):
        crop_persons(data.pickle, data.out, data.videos.with_name('again'), jobs=1)


def test_wrong_settings(data):
    with pytest.raises(ConfigError, match='size must be even'):
        crop(data, settings={'size': 47})
    with pytest.raises(ConfigError, match='bad_clips must be one of'):
        crop(data, bad_clips='hide')
    with pytest.raises(ConfigError, match='jobs must be >= 1, got 0'):
        crop_persons(data.pickle, data.videos, data.out, jobs=0)
    assert not data.out.exists()


def test_a_pickle_without_clips(data):
    data.annotations.clear()
    write_annotations(data)
    with pytest.raises(ValueError, match=r'no clip can be cropped; it holds none'):
        crop(data)
    assert not data.out.exists()
