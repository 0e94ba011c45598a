import csv
import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ocec.apis import infer_action as module
from ocec.apis.errors import ConfigError
from ocec.apis.infer_action import infer_action
from ocec.apis.infer_video_read import AvReader, VideoError
from ocec.apis.run_config import load_run_config
from ocec.apis.score_checkpoint import open_test_runner
from ocec.registry import DATASETS


def infer(run, name='a', poses='pickle', **settings):
    video = '-' if name is None else str(run.video(name))
    poses = str(run.pickle) if poses == 'pickle' else poses
    settings = {'out_dir': str(run.folder / 'out'), 'window': 'all', **settings}
    return infer_action(video, poses, model=str(run.checkpoint), **settings)


def rows_in(run):
    with (run.folder / 'out/windows.csv').open(newline='') as file:
        return list(csv.DictReader(file))


def read_json(run):
    return json.loads((run.folder / 'out/actions.json').read_text())


@pytest.mark.parametrize('with_rgb', [True, False])
def test_a_whole_clip_has_the_answer_of_the_test_tool(make_action_run, with_rgb):
    run = make_action_run(with_rgb=with_rgb)
    with open_test_runner(run.checkpoint) as (runner, _), torch.inference_mode():
        runner.test()  # loads the weights
        batches = [runner.model.test_step(b)[0] for b in runner.test_dataloader]
    expected = torch.cat([scores.prob_BC for scores in batches]).numpy()
    assert expected.shape == (3, 4)
    assert np.ptp(expected, axis=0).max() > 1e-3
    for row, name in enumerate('abc'):
        actions = infer(run, name)
        np.testing.assert_allclose(actions.prob_WC[0], expected[row], atol=1e-5)
        found = rows_in(run)
        assert len(found) == 4
        best = expected[row].argmax()
        assert found[0]['class'] == ('wave', 'jump', 'sit', 'kick')[best]
        assert float(found[0]['probability']) == pytest.approx(
            expected[row, best], abs=1e-5
        )


def test_a_window_is_the_clip_that_was_cut_out(make_action_run):
    run = make_action_run(with_rgb=False)
    actions = infer(run, window='8f', stride='6f')
    assert [(w.start, w.stop) for w in actions.windows] == [(0, 8), (6, 14), (12, 20)]
    clip = pickle.loads(run.pickle.read_bytes())['annotations'][0]
    parts = [
        {
            **clip,
            'frame_dir': f'part{start}',
            'total_frames': 8,
            'keypoint': clip['keypoint'][:, start : start + 8],
            'keypoint_score': clip['keypoint_score'][:, start : start + 8],
        }
        for start in (0, 6, 12)
    ]
    cut = run.folder / 'cut.pkl'
    cut.write_bytes(pickle.dumps(parts, 4))
    settings = load_run_config(run.config).test_dataloader.dataset
    settings.update(annotations=str(cut), split=None, num_classes=4)
    network = module.ActionModel(run.checkpoint).network
    with torch.inference_mode():
        [scores] = network.test_step(DATASETS.build(settings).__getitems__([0, 1, 2]))
    np.testing.assert_allclose(actions.prob_WC, scores.prob_BC, atol=1e-5)


def test_times_are_those_of_the_video(make_action_run, capsys):
    run = make_action_run()
    actions = infer(run, window='1', stride='0.5')
    # 20 frames, 10 a second
    assert [actions.times(w) for w in actions.windows] == [
        pytest.approx(times, abs=1e-3) for times in ((0, 1), (0.5, 1.5), (1, 2))
    ]
    facts = read_json(run)
    assert (facts['frames'], facts['complete']) == (20, True)
    told = capsys.readouterr().out
    assert '3 windows; a clip took' in told
    assert 'ms (median)' in told
    assert told.startswith('rank  class')


def test_poses_without_a_video(make_action_run):
    run = make_action_run(with_rgb=False)
    whole = infer(run)
    alone = infer(run, None, clip='a', fps=10)
    np.testing.assert_allclose(alone.prob_WC, whole.prob_WC, atol=1e-6)
    np.testing.assert_allclose(alone.time_F1, np.arange(21) / 10)
    assert infer(run, None, clip='a').time_F1[-1] == pytest.approx(20 / 30)


def test_a_csv_of_the_same_skeletons_has_the_same_answer(make_action_run):
    run = make_action_run()
    path = run.folder / 'poses.csv'
    whole = infer(run, save_poses=str(path))
    again = infer(run, poses=str(path))
    np.testing.assert_allclose(again.prob_WC, whole.prob_WC, atol=1e-6)
    pose_only = {'poses': str(path), 'frame_size': '48x64', 'fps': 10}
    with pytest.raises(
        ConfigError, match='has a stream of RGB frames: it needs the vi'
    ):
        infer(run, None, **pose_only)


class NosePose:
    """Finds the skeleton that the pickle has, by the order of the frames."""

    def __init__(self, clip):
        self.clip, self.number = clip, -1

    def estimate(self, frame_HWC):
        assert frame_HWC.shape == (48, 64, 3)
        self.number += 1
        keypoint = self.clip['keypoint'][:, self.number].astype(np.float32)
        return keypoint, self.clip['keypoint_score'][:, self.number].astype(np.float32)


def test_poses_of_an_estimator(make_action_run, monkeypatch):
    run = make_action_run()
    whole = infer(run)
    clip = pickle.loads(run.pickle.read_bytes())['annotations'][0]
    opened = []

    def open_estimator(path, *, num_joints):
        opened.append((path, num_joints))
        return NosePose(clip)

    monkeypatch.setattr(module, 'OnnxPoseEstimator', open_estimator)
    found = infer(run, poses=None, pose_model='p.onnx')
    assert opened == [('p.onnx', 17)]
    np.testing.assert_allclose(found.prob_WC, whole.prob_WC, atol=1e-6)


def test_overlay(make_action_run):
    av = pytest.importorskip('av')
    run = make_action_run()
    path = run.folder / 'seen.mp4'
    infer(run, window='10f', overlay=str(path))
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 20
    assert [round(frame.time, 2) for frame in frames[:3]] == [0, 0.1, 0.2]
    # 48 x 64 enlarged 8 times, and bars and time line
    assert (frames[0].height, frames[0].width) == (48 * 8 + 44, 64 * 8 + 260)


def test_overlay_of_poses_alone(make_action_run):
    av = pytest.importorskip('av')
    run = make_action_run(with_rgb=False)
    path = run.folder / 'seen.mp4'
    infer(run, None, clip='b', overlay=str(path), fps=10)
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 9


def change_clip(run, **fields):
    content = pickle.loads(run.pickle.read_bytes())
    content['annotations'][0].update(fields)
    run.pickle.write_bytes(pickle.dumps(content, 4))


def test_nobody_is_told(make_action_run, capsys):
    run = make_action_run()
    keypoint = pickle.loads(run.pickle.read_bytes())['annotations'][0][
        'keypoint'
    ].copy()
    keypoint[:, 10:] = 0
    change_clip(run, keypoint=keypoint)
    actions = infer(run, window='10f', stride='10f')
    assert np.isnan(actions.prob_WC).all(axis=1).tolist() == [False, True]
    assert rows_in(run)[-1]['class'] == 'nobody'
    assert 'nobody in 1 of 2 windows' in capsys.readouterr().out
    change_clip(run, keypoint=0 * keypoint)
    infer(run, window='10f')
    told = capsys.readouterr().out
    assert 'nobody was found in any window: there is no answer' in told
    assert 'a clip took' not in told


def test_nan_is_told(make_action_run, capsys):
    run = make_action_run(with_rgb=False)
    keypoint = pickle.loads(run.pickle.read_bytes())['annotations'][0][
        'keypoint'
    ].copy()
    keypoint[0, 3, 4] = np.nan
    change_clip(run, keypoint=keypoint)
    actions = infer(run)
    assert np.isfinite(actions.prob_WC).all()
    told = capsys.readouterr().out
    assert 'a: coordinates or scores that are no numbers count as missing' in told


def test_a_longer_video_than_its_poses(make_action_run, capsys):
    run = make_action_run()
    actions = infer(run, clip='b')
    assert 'the last 11 frames of the video have no poses' in capsys.readouterr().out
    assert actions.time_F1[-1] == pytest.approx(0.9, abs=1e-3)


def test_a_shorter_video_than_its_poses(make_action_run):
    run = make_action_run()
    expected = r'b\.mp4: it has 9 frames, the poses of "a" have 20: they are of another'
    with pytest.raises(VideoError, match=expected):
        infer(run, 'b', clip='a')
    assert not (run.folder / 'out').exists()


def test_parts_that_cannot_be_decoded(make_action_run, monkeypatch):
    run = make_action_run()
    before = AvReader.frames

    def torn(self):
        yield from before(self)
        self.damage.append('2 packets could not be decoded')

    monkeypatch.setattr(AvReader, 'frames', torn)
    expected = 'a.mp4: 2 packets could not be decoded; the files hold what was read'
    with pytest.raises(VideoError, match=expected):
        infer(run)
    assert read_json(run)['damage'] == ['2 packets could not be decoded']
    assert read_json(run)['complete'] is False


def test_files_that_cannot_be_used(make_action_run):
    run = make_action_run()
    text = run.folder / 'videos/text.mp4'
    text.write_text('no video')
    with pytest.raises(VideoError, match=r'text\.mp4: cannot be opened as a video'):
        infer(run, 'text')
    with pytest.raises(FileNotFoundError, match=r'none\.mp4: no such video'):
        infer(run, 'none')
    with pytest.raises(FileNotFoundError, match=r'no\.pkl: no such file of poses'):
        infer(run, poses='no.pkl')
    with pytest.raises(ConfigError, match='no poses of clip "z"'):
        infer(run, clip='z')
    change_clip(run, keypoint=np.zeros((1, 20, 18, 2), np.float32), keypoint_score=None)
    with pytest.raises(ValueError, match='it has 18 joints, 17 are expected'):
        infer(run)


WRONG_SETTINGS = [
    ({'poses': None}, 'name a file of poses, or --pose-model FILE.onnx, one of them'),
    ({'overlay': 'a.avi'}, '--overlay a.avi: name a file that ends in .mp4'),
    ({'window': 'long'}, "--window must be seconds as 2.5, .* got 'long'"),
    ({'window': '4f', 'stride': '5f'}, '--stride of 5 frames is longer'),
]


def test_wrong_settings(make_action_run):
    run = make_action_run(with_rgb=False)
    for settings, message in WRONG_SETTINGS:
        with pytest.raises(ConfigError, match=message):
            infer(run, **settings)


def test_a_wrong_window_is_told_before_anything_is_read(make_action_run):
    run = make_action_run(with_rgb=False)
    run.checkpoint.unlink()
    with pytest.raises(ConfigError, match="--window must be seconds .* got 'long'"):
        infer(run, window='long')
    with pytest.raises(ConfigError, match="--stride must be seconds .* got 'long'"):
        infer(run, stride='long')


def test_other_things_that_are_refused(make_action_run, monkeypatch):
    run = make_action_run(with_rgb=False)
    with pytest.raises(ConfigError, match='0 is a camera; actions are told of files'):
        infer_action('0', str(run.pickle), model=str(run.checkpoint))
    with pytest.raises(ConfigError, match='would be overwritten by the results'):
        infer(run, overlay=str(run.video('a')))
    csv_file = run.folder / 'p.csv'
    csv_file.write_text('frame,person,joint,x,y,score\n0,0,0,1,1,1\n')
    with pytest.raises(ConfigError, match='without a video say --frame-size HxW'):
        infer(run, None, poses=str(csv_file))
    reader = SimpleNamespace(fps=0.0)
    monkeypatch.setattr(module, 'open_video', lambda path: reader)
    with pytest.raises(VideoError, match=r'a\.mp4: it tells no frame rate'):
        infer(run)
