"""How actions are told of a video, and what of it does not go together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.apis.infer_action_write import OUTPUTS

NO_VIDEO = '-'
DEFAULT_FPS = 30.0
DEFAULT_WINDOW_S = '3'
PICKLE_SUFFIXES = ('.pkl', '.pickle')
_SIZE = re.compile(r'(\d{1,5})x(\d{1,5})')


@dataclass(frozen=True)
class ActionSettings:
    """How a video is read and what is written.

    Args:
        pose_model: ONNX file that finds the skeletons; None where they are given.
        clip: name of the clip in a pickle; None looks for that of the video.
        window: seconds as ``2.5``, frames as ``75f``, or ``all``.
        stride: the same from window to window; None is half of it.
        top: classes that are listed of each window, >= 1.
        fps: frames per second of skeletons without a video; None is 30.
        frame_size: ``HxW`` in pixels of skeletons in a CSV file without a video.
        overlay: mp4 file to write; None for none.
        save_poses: CSV file of the skeletons to write; None for none.
    """

    pose_model: str | None = None
    clip: str | None = None
    window: str = DEFAULT_WINDOW_S
    stride: str | None = None
    top: int = 5
    fps: float | None = None
    frame_size: str | None = None
    overlay: str | None = None
    save_poses: str | None = None


def check_settings(chosen: ActionSettings, video: str, poses: str | None) -> None:
    """Refuse settings that do not go together.

    Args:
        chosen: the settings.
        video: file, or ``NO_VIDEO``.
        poses: pickle or CSV file of skeletons; None for none.

    Raises:
        ConfigError: a setting is wrong, or does not go with another.
        FileNotFoundError: there is no such file of skeletons.
    """
    has_video = video != NO_VIDEO
    if (poses is None) == (chosen.pose_model is None):
        raise ConfigError(
            'name a file of poses, or --pose-model FILE.onnx, one of them'
        )
    if not has_video and chosen.pose_model is not None:
        raise ConfigError('--pose-model finds poses in a video: name one')
    if video.isdecimal():
        raise ConfigError(f'{video} is a camera; actions are told of files')
    if chosen.top < 1:
        raise ConfigError(f'--top must be >= 1, got {chosen.top}')
    if has_video and (chosen.fps is not None or chosen.frame_size is not None):
        raise ConfigError('--fps and --frame-size are for poses without a video')
    if chosen.fps is not None and not 0 < chosen.fps <= 1000:
        raise ConfigError(f'--fps must be in (0, 1000], got {chosen.fps}')
    is_pickle = poses is not None and Path(poses).suffix.lower() in PICKLE_SUFFIXES
    if chosen.clip is not None and not is_pickle:
        raise ConfigError('--clip names a clip of a pickle')
    if poses is not None and not is_pickle and Path(poses).suffix.lower() != '.csv':
        raise ConfigError(f'{poses}: poses are a .pkl or a .csv file')
    if poses is not None and not Path(poses).is_file():
        raise FileNotFoundError(f'{poses}: no such file of poses')
    parse_frame_size(chosen.frame_size)


def check_outputs(
    folder: Path, chosen: ActionSettings, inputs: Sequence[str | None]
) -> None:
    """Refuse files to write that cannot be, before hours are spent on their content.

    Args:
        folder: of the tables.
        chosen: the settings, which may name further files.
        inputs: files that are read; None for none.

    Raises:
        ConfigError: one would replace what is read or another one, or has another
            ending; or the folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f'{folder} is a file, a folder is needed')
    outputs = [folder / name for name in OUTPUTS]
    outputs += [Path(path) for path in (chosen.overlay, chosen.save_poses) if path]
    sources = {Path(path).resolve() for path in inputs if path}
    for path in outputs:
        if path.resolve() in sources:
            raise ConfigError(f'{path} would be overwritten by the results')
        sources.add(path.resolve())  # nor by another result
    if chosen.overlay and Path(chosen.overlay).suffix.lower() != '.mp4':
        raise ConfigError(f'--overlay {chosen.overlay}: name a file that ends in .mp4')
    if chosen.save_poses and Path(chosen.save_poses).suffix.lower() != '.csv':
        raise ConfigError(
            f'--save-poses {chosen.save_poses}: name a file that ends in .csv'
        )


def parse_frame_size(text: str | None) -> tuple[int, int] | None:
    """Read a size.

    Args:
        text: ``HxW`` in pixels; None for none.

    Returns:
        Height and width; None for none.

    Raises:
        ConfigError: it is none.

    Example:
        >>> parse_frame_size('1080x1920')
        (1080, 1920)
    """
    if text is None:
        return None
    match = _SIZE.fullmatch(text)
    size = tuple(map(int, match.groups())) if match else (0, 0)
    if min(size) < 1:
        raise ConfigError(
            f'--frame-size must be HxW in pixels as 1080x1920, got {text!r}'
        )
    return size
