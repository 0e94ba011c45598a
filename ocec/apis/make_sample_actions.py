"""The toolbox's own actions: videos and skeletons laid out like NTU RGB+D 60."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from ocec.apis.infer_video_overlay import Mp4Writer
from ocec.apis.process_map import map_in_processes
from ocec.apis.progress import track
from ocec.preparation.atomic_files import new_files
from ocec.synthesis.action_clips import DRAWING_VERSION, ClipSettings, draw_clip
from ocec.synthesis.action_motion import FPS
from ocec.synthesis.action_plan import (
    ACTIONS,
    SPLITS,
    PlannedClip,
    best_accuracy,
    in_split,
    plan_clips,
    pose_twins,
    rgb_twins,
)

PICKLE_FILE, META_FILE = 'sample_actions_2d.pkl', 'sample_actions.json'
VIDEO_FOLDER = 'videos'
_PROTOCOL = 4  # of the pickle, so that its bytes do not depend on the Python version


def make_sample_actions(
    out: str | os.PathLike,
    *,
    num_clips: int = 300,
    classes: Sequence[str] | None = None,
    num_subjects: int = 12,
    seed: int = 42,
    size: tuple[int, int] = (160, 120),
    frames: tuple[int, int] = (40, 90),
    jobs: int | None = None,
    force: bool = False,
) -> Path:
    """Draw clips of acting figures into a folder.

    ``videos/NAME.mp4`` are the pictures, ``sample_actions_2d.pkl`` the skeletons in the
    layout of mmaction2 and pyskl, ``sample_actions.json`` the settings, the classes,
    and which of them a stream cannot tell apart. The bytes of the last two depend on
    the arguments alone, not on ``jobs``, and so do the pictures before the encoder. A
    folder that records the same arguments is left as it is. With more than one job the
    calling script needs the usual ``if __name__ == '__main__'``.

    Args:
        out: folder to write.
        num_clips: number of clips, enough for all four splits.
        classes: names in :data:`ocec.synthesis.action_plan.ACTIONS`; the first one
            gets label 0 and number A001. None takes all.
        num_subjects: in [3, 30]; a third of them is for validation.
        seed: of all randomness, >= 0.
        size: width and height of the pictures in pixels, even, >= 64.
        frames: shortest and longest clip, >= 2; 30 frames make a second.
        jobs: processes, >= 1; None takes all cores.
        force: overwrite a set with other settings.

    Returns:
        ``out``.

    Raises:
        FileExistsError: ``out`` holds something else; needs ``force``.
        ImportError: PyAV is not installed.
        ValueError: an argument is out of range.
    """
    names = list(ACTIONS) if classes is None else list(classes)
    drawing = ClipSettings(*size, *frames, seed=seed)
    clips = plan_clips(num_clips, names, num_subjects)
    settings = {
        'num_clips': num_clips,
        'classes': names,
        'num_subjects': num_subjects,
        **asdict(drawing),
        'drawing_version': DRAWING_VERSION,
    }
    out = Path(out)
    before = _read_meta(out)
    if not force and _is_there(out, before, settings):
        print(f'{out}: already drawn with these settings, nothing to do')
        return out
    _write(out, clips, drawing, settings=settings, before=before, jobs=jobs)
    return out


def _write(out: Path, clips, drawing, *, settings: dict, before, jobs) -> None:
    videos = out / VIDEO_FOLDER
    videos.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix='.drawing-') as folder:
        draw = partial(_draw_video, settings=drawing, folder=folder)
        drawn = map_in_processes(draw, clips, jobs=jobs)
        skeletons = list(track(drawn, total=len(clips), what='drawing clips'))
        # from here on the folder is incomplete until the new meta file is there
        (out / META_FILE).unlink(missing_ok=True)
        for name in (before or {}).get('clips', []):
            _video(videos, name).unlink(missing_ok=True)
        for clip in clips:
            os.replace(_video(folder, clip.name), _video(videos, clip.name))
    annotations = _annotations(clips, skeletons, drawing)
    meta = _describe(clips, skeletons, settings)
    with new_files([out / PICKLE_FILE, out / META_FILE]) as files:
        content = {
            'split': _splits(annotations, clips),
            'annotations': annotations,
            'classes': settings['classes'],
        }
        pickle.dump(content, next(files), protocol=_PROTOCOL)
        next(files).write(json.dumps(meta, indent=1).encode() + b'\n')
    _print_summary(out, meta)


def _draw_video(
    clip: PlannedClip, *, settings: ClipSettings, folder: str
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Keypoints, scores and darkness of one clip; runs in a worker."""
    drawn = draw_clip(clip, settings)
    with _video(folder, clip.name).open('wb') as file:
        writer = Mp4Writer(file, fps=FPS, movflags='')
        with contextlib.closing(writer):
            for number, frame_HWC in enumerate(drawn.frames_THWC):
                writer.write(frame_HWC, number / FPS)
    return drawn.keypoint_MTK2, drawn.score_MTK, drawn.dark


def _video(folder: str | Path, name: str) -> Path:
    return Path(folder) / f'{name}.mp4'


def _annotations(clips, skeletons, drawing: ClipSettings) -> list[dict]:
    shape = (drawing.height, drawing.width)
    # bytes of a pickle depend on which objects are one and the same; arrays that come
    # from another process bring their own dtype
    half = np.dtype(np.float16)
    return [
        {
            'frame_dir': clip.name,
            'label': clip.label,
            'img_shape': shape,
            'original_shape': shape,
            'total_frames': keypoint.shape[1],
            'keypoint': np.frombuffer(keypoint.tobytes(), half).reshape(keypoint.shape),
            'keypoint_score': np.frombuffer(score.tobytes(), half).reshape(score.shape),
        }
        for clip, (keypoint, score, _) in zip(clips, skeletons, strict=True)
    ]


def _splits(annotations: list[dict], clips) -> dict[str, list[str]]:
    pairs = list(zip(annotations, clips, strict=True))
    return {
        split: [note['frame_dir'] for note, clip in pairs if in_split(clip, split)]
        for split in SPLITS
    }


def _describe(clips, skeletons, settings: dict) -> dict:
    names = settings['classes']
    return {
        'settings': settings,
        'classes': [
            {
                'name': name,
                'label': label,
                'number': f'A{label + 1:03d}',
                'num_persons': ACTIONS[name].num_persons,
                'told_by': [
                    stream
                    for stream, twins in (('pose', pose_twins), ('rgb', rgb_twins))
                    if not twins(name, names)
                ],
                'same_skeleton_as': pose_twins(name, names),
                'same_pictures_as': rgb_twins(name, names),
            }
            for label, name in enumerate(names)
        ],
        'best_top1': {
            split: {
                stream: best_accuracy([c for c in clips if in_split(c, split)], stream)
                for stream in ('pose', 'rgb')
            }
            for split in SPLITS
        },
        'num_clips': {s: sum(in_split(c, s) for c in clips) for s in SPLITS},
        'dark_clips': _dark(clips, skeletons),
        'clips': [clip.name for clip in clips],
    }


def _dark(clips, skeletons: Iterable) -> list[str]:
    return [c.name for c, (*_, dark) in zip(clips, skeletons, strict=True) if dark]


def _read_meta(out: Path) -> dict | None:
    """What is recorded of a folder; None if nothing is."""
    if out.exists() and not out.is_dir():
        raise FileExistsError(f'{out} is a file, a folder is needed')
    path = out / META_FILE
    return json.loads(path.read_text()) if path.is_file() else None


def _is_there(out: Path, before: dict | None, wanted: dict) -> bool:
    """Whether a folder was made by these settings; others are not overwritten."""
    if before is None:
        if (out / PICKLE_FILE).exists():
            raise FileExistsError(
                f'{out} holds {PICKLE_FILE}, and no {META_FILE} tells what it is; '
                'choose another folder, or set force (--force) to overwrite it'
            )
        return False
    changed = [
        f'{name} {before["settings"].get(name)} there, {value} asked for'
        for name, value in wanted.items()
        if before['settings'].get(name) != value
    ]
    if changed:
        raise FileExistsError(
            f'{out} exists with other settings: {"; ".join(changed)}; choose another '
            'folder, or set force (--force) to overwrite it'
        )
    files = [_video(out / VIDEO_FOLDER, name) for name in before['clips']]
    return all(path.is_file() for path in [out / PICKLE_FILE, *files])


def _print_summary(out: Path, meta: dict) -> None:
    num_clips, num_dark = len(meta['clips']), len(meta['dark_clips'])
    print(
        f'{out}: {num_clips} clips of {len(meta["classes"])} classes, '
        f'{num_dark} of them in the dark'
    )
    for split in SPLITS:
        best = meta['best_top1'][split]
        print(
            f'  {split:11} {meta["num_clips"][split]} clips; classes of one look '
            f'limit rgb to {best["rgb"]:.1%}, of one skeleton pose to '
            f'{best["pose"]:.1%}'
        )
