"""What people in a video do, window by window."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.infer_action_csv import read_csv_poses, write_csv_poses
from ocec.apis.infer_action_estimator import OnnxPoseEstimator, estimate_poses
from ocec.apis.infer_action_model import ActionModel
from ocec.apis.infer_action_overlay import OverlayPainter
from ocec.apis.infer_action_poses import ActionPoses, read_pickle_poses
from ocec.apis.infer_action_settings import (
    DEFAULT_FPS,
    NO_VIDEO,
    PICKLE_SUFFIXES,
    ActionSettings,
    check_outputs,
    check_settings,
    parse_frame_size,
)
from ocec.apis.infer_action_stream import VideoPass, read_windows
from ocec.apis.infer_action_windows import parse_span, plan_windows
from ocec.apis.infer_action_write import (
    VideoActions,
    latency_ms,
    table_text,
    write_actions,
)
from ocec.apis.infer_video_overlay import Mp4Writer
from ocec.apis.infer_video_read import Frame, VideoError, VideoReader, open_video
from ocec.apis.progress import track
from ocec.preparation.atomic_files import new_file

OUT_DIR = 'work_dirs/actions'


def infer_action(
    video: str,
    poses: str | None = None,
    *,
    model: str,
    config: str | None = None,
    out_dir: str | None = None,
    device: str = 'cpu',
    trust_checkpoint: bool = False,
    **settings: object,
) -> VideoActions:
    """Say what people in a video do, and write it.

    A window goes through the network as a clip of the test does: one that covers a
    whole clip gives the probabilities that ``tools/test.py`` gives. The video is read
    once for each of skeletons (with ``pose_model``), answers and overlay; no frame is
    kept.

    Args:
        video: file, or ``-`` for a model of skeletons alone.
        poses: pickle or CSV file of skeletons; None with ``pose_model``.
        model: a checkpoint of an ``ActionRecognizer``.
        config: of a checkpoint that holds none.
        out_dir: folder of the files; by default named for the video.
        device: of torch.
        trust_checkpoint: load a checkpoint that can run code.
        **settings: fields of :class:`ActionSettings`.

    Returns:
        What is said of the video.

    Raises:
        ConfigError: a setting is wrong, or does not go with another.
        FileNotFoundError: a file is not there.
        VideoError: the video cannot be read, or is another than that of the skeletons.
            Where parts of it cannot be decoded the files hold what was read.
    """
    chosen = ActionSettings(**settings)
    has_video = video != NO_VIDEO
    check_settings(chosen, video, poses)
    name = Path(video if has_video else poses).stem
    if not has_video and chosen.clip:
        name = Path(chosen.clip).name
    folder = Path(out_dir or f'{OUT_DIR}/{name}')
    check_outputs(folder, chosen, [video, poses])
    _read_spans(video, chosen)  # cheap mistakes first: a model takes seconds to load
    recognizer = ActionModel(
        model, config=config, device=device, trust=trust_checkpoint
    )
    if recognizer.has_rgb and not has_video:
        raise ConfigError(
            f'{model} has a stream of RGB frames: it needs the video, not "{NO_VIDEO}"'
        )
    try:
        found = _read_poses(video, poses, chosen, recognizer)
        for note in found.notes:
            print(f'{found.name}: {note}')
        if chosen.save_poses:
            write_csv_poses(found, chosen.save_poses)
        actions, seconds, damage = _recognise(video, found, chosen, recognizer)
    except VideoError as error:
        text = str(error)
        raise VideoError(text if text.startswith(video) else f'{video}: {text}') from (
            error
        )
    facts = {
        'video': video if has_video else None,
        'poses': poses,
        'pose_model': chosen.pose_model,
        'clip': found.name,
        'model': str(model),
        'window': chosen.window,
        'frames': found.num_frames,
        'complete': not damage,
        'damage': damage,
    }
    write_actions(actions, folder, facts)
    if chosen.overlay:
        _write_overlay(video, found, actions, recognizer, Path(chosen.overlay))
    _report(actions, seconds, folder, chosen)
    if damage:
        raise VideoError(f'{video}: {"; ".join(damage)}; the files hold what was read')
    return actions


def _read_spans(
    video: str, chosen: ActionSettings
) -> tuple[float, int | None, int | None]:
    """Frames in a second, in a window and from window to window; None is all."""
    fps = chosen.fps or DEFAULT_FPS
    if video != NO_VIDEO:
        fps = open_video(video).fps
        if not fps > 0:
            raise VideoError(f'{video}: it tells no frame rate')
    length = parse_span(chosen.window, fps, name='window')
    if chosen.stride is None:
        return fps, length, max(1, (length or 2) // 2)
    return fps, length, parse_span(chosen.stride, fps, name='stride')


def _read_poses(
    video: str, poses: str | None, chosen: ActionSettings, model: ActionModel
) -> ActionPoses:
    num_joints = model.layout.num_joints
    if chosen.pose_model is not None:
        estimator = OnnxPoseEstimator(chosen.pose_model, num_joints=num_joints)
        reader = open_video(video)
        frames = VideoPass(reader, None).frames()
        return estimate_poses(
            _tracked(frames, reader, 'finding poses'),
            estimator,
            name=Path(video).stem,
            max_persons=model.reader.max_persons,
        )
    if Path(poses).suffix.lower() in PICKLE_SUFFIXES:
        named = None if video == NO_VIDEO else video
        return read_pickle_poses(
            poses, num_joints=num_joints, video=named, clip=chosen.clip
        )
    frame_hw = parse_frame_size(chosen.frame_size)
    if video != NO_VIDEO:
        with contextlib.closing(open_video(video).frames()) as frames:
            first = next(frames, None)
        if first is None:
            raise VideoError('no frame could be read')
        frame_hw = first.image_HWC.shape[:2]
    if frame_hw is None:
        raise ConfigError(
            f'{poses}: without a video say --frame-size HxW: coordinates are in pixels '
            'of a frame'
        )
    return read_csv_poses(poses, model.layout, frame_hw)


def _recognise(
    video: str, poses: ActionPoses, chosen: ActionSettings, model: ActionModel
) -> tuple[VideoActions, list[float], list[str]]:
    """The answers, the seconds that each window took, and what is damaged."""
    passed, frames = None, None
    fps, length, stride = _read_spans(video, chosen)
    if video != NO_VIDEO:
        reader = open_video(video)
        passed = VideoPass(reader, poses)
        frames = _tracked(passed.frames(), reader, 'reading frames')
    windows = plan_windows(poses.num_frames, length, stride or poses.num_frames)
    prob_WC = np.full((len(windows), len(model.classes)), np.nan, np.float32)
    seconds = []
    clips = read_windows(
        windows, poses, model.reader, frames if model.has_rgb else None
    )
    if not model.has_rgb:
        clips = track(clips, total=len(windows), what='scoring windows')
    for window, sample in clips:
        if sample is not None:
            start = time.perf_counter()
            prob_WC[window.number] = model.predict(sample)
            seconds.append(time.perf_counter() - start)
    if passed is None:
        time_F1 = np.arange(poses.num_frames + 1) / fps
    else:
        for _ in frames:  # what is left, and of a model without RGB all of it
            pass
        time_F1 = _frame_starts(passed, poses.num_frames, fps)
    damage = [] if passed is None else list(passed.damage)
    actions = VideoActions(windows, prob_WC, time_F1, model.classes, chosen.top)
    return actions, seconds, damage


def _frame_starts(passed: VideoPass, num_frames: int, fps: float) -> np.ndarray:
    """Seconds at which each frame with skeletons begins, and the end of the last."""
    times_s = np.array(passed.times_s)
    more = len(times_s) - num_frames
    if more > 0:
        print(f'the last {more:,} frames of the video have no poses')
        return times_s[: num_frames + 1]
    return np.append(times_s, times_s[-1] + 1 / fps)


def _tracked(
    frames: Iterator[Frame], reader: VideoReader, what: str
) -> Iterator[Frame]:
    total = round((reader.duration_s or 0) * reader.fps)
    return track(frames, total=max(1, total), what=what)


def _write_overlay(
    video: str,
    poses: ActionPoses,
    actions: VideoActions,
    model: ActionModel,
    path: Path,
) -> None:
    painter = OverlayPainter(
        poses,
        model.layout,
        *actions.pieces,
        classes=actions.classes,
        duration_s=float(actions.time_F1[-1]),
        top=actions.top,
    )
    fps = poses.num_frames / float(actions.time_F1[-1] - actions.time_F1[0])
    if video == NO_VIDEO:
        black = painter.blank()
        plain = (Frame(n, n / fps, black) for n in range(poses.num_frames))
        frames = track(plain, total=poses.num_frames, what='drawing')
    else:
        reader = open_video(video)
        fps = reader.fps
        frames = _tracked(reader.frames(), reader, 'drawing')
    with new_file(path) as file, contextlib.ExitStack() as stack:
        writer = Mp4Writer(file, fps=fps)
        stack.callback(writer.close)
        for frame in frames:
            drawn = painter.draw(frame.number, frame.time_s, frame.image_HWC)
            writer.write(drawn, frame.time_s)


def _report(
    actions: VideoActions, seconds: list[float], folder: Path, chosen: ActionSettings
) -> None:
    print(table_text(actions))
    if seconds:
        median, high = latency_ms(seconds)
        print(
            f'{len(actions.windows):,} windows; a clip took {median:.1f} ms (median), '
            f'{high:.1f} ms (95th percentile)'
        )
    print(f'files: {folder}' + (f', {chosen.overlay}' if chosen.overlay else ''))
