"""Blinks in a video or before a camera."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.eye_boxes import EyeBox, EyeDetector, best_pair, clip_box, crop_eye
from ocec.apis.eye_boxes_open import open_detector
from ocec.apis.eye_boxes_track import EyeTracker
from ocec.apis.infer_video_eyes import BOTH, EyeWatch
from ocec.apis.infer_video_progress import VideoProgress
from ocec.apis.infer_video_read import Frame, VideoError, VideoReader, open_video
from ocec.apis.infer_video_stop import Stop, check_display, stop_on_signals
from ocec.apis.infer_video_write import OUTPUTS, VideoFiles, summarise_eyes
from ocec.functional.blink import BlinkRule

OUT_DIR = 'work_dirs/video'


class CropClassifier(Protocol):
    """What is needed of a classifier, such as ``ocec.apis.EyeClassifier``.

    Attributes:
        threshold: from which an eye is called open, in [0, 1].
    """

    threshold: float

    def predict_crops(self, crops: list[np.ndarray]) -> np.ndarray:
        """Score crops.

        Args:
            crops: N arrays (h, w, 3) uint8 RGB of any size.

        Returns:
            (N,) P(open) in [0, 1].
        """


@dataclass(frozen=True)
class WatchSettings:
    """How scores become blinks.

    Args:
        smoothing: ``median``, ``exponential`` or ``none``.
        smoothing_s: window of the median or time constant of the average, > 0.
        window_s: of blink rate and PERCLOS, > 0.
        max_seconds: of the video to read; None reads all.
        overlay: write the video with boxes.
        show: show it in a window, too.
    """

    smoothing: str = 'median'
    smoothing_s: float = 0.1
    window_s: float = 60.0
    max_seconds: float | None = None
    overlay: bool = True
    show: bool = False


def infer_video(
    source: str,
    *,
    model: str,
    detector: str,
    out_dir: str | None = None,
    config: str | None = None,
    threshold: float | None = None,
    eye_class: int | None = None,
    min_score: float | None = None,
    trust_checkpoint: bool = False,
    rule: dict | None = None,
    **settings: object,
) -> None:
    """Find the blinks in a video or before a camera, and write them.

    Args:
        source: video file, address of a stream, or number of a camera.
        model: an exported ``.onnx`` file or a checkpoint.
        detector: see :func:`ocec.apis.eye_boxes_open.open_detector`.
        out_dir: folder of the files; by default named for the video.
        config: of a checkpoint that holds none.
        threshold: from which an eye is open; by default that of the model.
        eye_class: label of eyes of a DEIMv2 detector.
        min_score: least score of what the detector finds.
        trust_checkpoint: load a checkpoint that can run code.
        rule: fields of :class:`ocec.functional.blink.BlinkRule` to set; None in it
            means the default.
        **settings: fields of :class:`WatchSettings`.

    Raises:
        ConfigError: a setting is wrong.
        KeyboardInterrupt: a file was interrupted; what was read is written.
        VideoError: it cannot be read, or ended early; what was read is written.
    """
    from ocec.apis.eye_classifier import EyeClassifier

    chosen = WatchSettings(**settings)
    max_seconds = chosen.max_seconds
    if max_seconds is not None and not (math.isfinite(max_seconds) and max_seconds > 0):
        raise ConfigError(f'max-seconds must be > 0, got {max_seconds}')
    name = f'camera{source}' if source.isdecimal() else Path(source).stem
    folder = Path(out_dir or f'{OUT_DIR}/{name}')
    # cheap mistakes first: a model takes seconds to load
    finder = open_detector(detector, eye_class=eye_class, min_score=min_score)
    if Path(source).resolve() in {(folder / name).resolve() for name in OUTPUTS}:
        raise ConfigError(f'{source} would be overwritten by its own results')
    if chosen.show:
        check_display()
    reader = open_video(source)
    classifier = EyeClassifier(
        model, config=config, threshold=threshold, trust_checkpoint=trust_checkpoint
    )
    fields = {key: value for key, value in (rule or {}).items() if value is not None}
    try:
        blink_rule = BlinkRule.around(classifier.threshold, **fields)
        facts = {'source': source, 'model': str(model), 'detector': detector}
        summary = watch_video(
            reader, classifier, finder, blink_rule, chosen, folder, facts=facts
        )
    except VideoError as error:
        raise VideoError(f'{source}: {error}') from error
    print(_report(summary, folder))
    _raise_if_incomplete(summary, source, is_live=reader.is_live)


def watch_video(
    reader: VideoReader,
    classifier: CropClassifier,
    detector: EyeDetector,
    rule: BlinkRule,
    settings: WatchSettings,
    folder: Path,
    *,
    facts: dict | None = None,
) -> dict:
    """Read a video to its end and write what is found.

    Memory does not grow with the length of the video.

    Args:
        reader: the open video.
        classifier: scores crops.
        detector: finds eyes.
        rule: when an eye counts as closed.
        settings: everything else.
        folder: where the files go.
        facts: put at the head of the summary.

    Returns:
        The summary as written to ``closures.json``, without the closures.

    Raises:
        VideoError: the video holds no frame.
    """
    watch = EyeWatch(
        rule,
        smoothing=settings.smoothing,
        smoothing_s=settings.smoothing_s,
        window_s=settings.window_s,
    )
    with stop_on_signals() as stop, contextlib.ExitStack() as stack:
        frames = stack.enter_context(contextlib.closing(reader.frames()))
        first = next(frames, None)
        if first is None:
            raise VideoError('; '.join(['no frame could be read', *reader.damage]))
        files = VideoFiles(folder, overlay=settings.overlay, fps=reader.fps)
        stack.enter_context(files)
        progress = stack.enter_context(VideoProgress(reader.duration_s))
        loop = _Loop(classifier, detector, watch, files, settings, stop)
        ended_by = loop.run(chain([first], frames), progress)
        for eye, closure in watch.finish():
            files.add_closure(eye, closure)
        complete = ended_by != 'interrupted' and not reader.damage
        summary = (facts or {}) | {
            'complete': complete,
            'ended_by': ended_by,
            'damage': list(reader.damage),
            'frames': loop.num_frames,
            'frames_with_eyes': loop.num_seen,
            'seconds': round(loop.last_s, 4),
            'eyes': summarise_eyes(watch),
            'rule': asdict(rule),
            'smoothing': {
                'method': settings.smoothing,
                'window_s': settings.smoothing_s,
            },
            'window_s': settings.window_s,
        }
        files.add_summary(summary)
        return summary


class _Loop:
    """The frames, one after the other."""

    def __init__(self, classifier, detector, watch, files, settings, stop: Stop):
        self._classifier, self._detector = classifier, detector
        self._watch, self._files = watch, files
        self._settings, self._stop = settings, stop
        self._tracker = EyeTracker()
        self.num_frames = self.num_seen = 0
        self.last_s = 0.0

    def run(self, frames: Iterator[Frame], progress: VideoProgress) -> str:
        """Handle all frames; returns what ended them."""
        limit_s = self._settings.max_seconds or math.inf
        for frame in frames:
            if self._stop.asked:
                return 'interrupted'
            if frame.time_s >= limit_s:
                return 'max-seconds'
            picture = self._handle(frame)
            blinks = self._watch.series[BOTH].totals.blinks
            progress.update(frame.time_s, blinks=blinks)
            if self._settings.show and _show(frame if picture is None else picture):
                return 'window closed'
        return 'end'

    def _handle(self, frame: Frame) -> np.ndarray | None:
        boxes = self._find(frame)
        crops = [crop_eye(frame.image_HWC, box) for box in boxes.values()]
        scores = self._classifier.predict_crops(crops) if crops else []
        probs = dict(zip(boxes, map(float, scores), strict=True))
        states, over = self._watch.update(frame.time_s, probs)
        for eye, closure in over:
            self._files.add_closure(eye, closure)
        self.num_frames += 1
        self.num_seen += bool(boxes)
        self.last_s = frame.time_s
        return self._files.add_frame(frame, boxes, probs, states, self._watch)

    def _find(self, frame: Frame) -> dict[str, EyeBox]:
        height, width = frame.image_HWC.shape[:2]
        found = self._detector.detect(frame.image_HWC, frame.number)
        inside = [box for box in (clip_box(b, width, height) for b in found) if box]
        named = [box for box in inside if box.eye is not None]
        unnamed = best_pair([box for box in inside if box.eye is None])
        return self._tracker.update(frame.time_s, named + unnamed, frame_width=width)


def _show(picture: np.ndarray | Frame) -> bool:
    """Show it; returns whether the user wants to end."""
    image_HWC = picture.image_HWC if isinstance(picture, Frame) else picture
    cv2.imshow('ocec', image_HWC[..., ::-1])
    return cv2.waitKey(1) & 0xFF in (ord('q'), 27)


def _report(summary: dict, folder: Path) -> str:
    lines = [
        f'{summary["frames"]:,} frames, {summary["seconds"]:.1f} s, eyes seen in '
        f'{summary["frames_with_eyes"]:,}'
    ]
    for eye, found in summary['eyes'].items():
        rate, perclos = found['blinks_per_min'], found['perclos']
        if math.isnan(perclos):
            lines.append(f'{eye:6} not seen, or frames too far apart (--max-gap)')
            continue
        lines.append(
            f'{eye:6} {found["blinks"]} blinks, {rate:.1f} per minute, '
            f'{found["long_closures"]} long closures, closed {perclos:.1%} of '
            f'{found["known_s"]:.1f} s'
        )
    return '\n'.join([*lines, f'files  {folder}'])


def _raise_if_incomplete(summary: dict, source: str, *, is_live: bool) -> None:
    if summary['damage']:
        raise VideoError(
            f'{source}: {"; ".join(summary["damage"])}; the files hold what was read'
        )
    # Ctrl-C is how a camera ends
    if summary['ended_by'] == 'interrupted' and not is_live:
        raise KeyboardInterrupt
