"""The folder of person crops: its settings, its list of boxes, who writes into it."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ocec.apis.crop_persons_clip import CropJob
from ocec.datasets.rgb_source import BOXES_COLUMNS, BOXES_FILE
from ocec.preparation.atomic_files import new_file
from ocec.preparation.crop_settings import CropSettings

SETTINGS_FILE, PROBLEMS_FILE = 'crop_persons.json', 'bad_clips.txt'
_LOCK_FILE = '.crop_persons.lock'
_COLUMNS = (*BOXES_COLUMNS, 'frame_width', 'frame_height', 'frames')


@contextlib.contextmanager
def locked_folder(out: Path) -> Iterator[None]:
    """Keep a folder for this process; what a killed one left half written is removed.

    Args:
        out: the folder, made if missing.

    Yields:
        nothing.

    Raises:
        FileExistsError: another process writes into it.
    """
    out.mkdir(parents=True, exist_ok=True)
    with open(out / _LOCK_FILE, 'wb') as file:
        _lock(file, out)
        for partial in out.rglob('.*.tmp'):
            partial.unlink()
        yield


def _lock(file, out: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: nobody is kept out
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process
    except OSError as error:
        raise FileExistsError(
            f'{out}: another process writes into it; wait for it, or stop it'
        ) from error


def check_folder(out: Path, settings: CropSettings) -> None:
    """Check that a folder is new, or was made with the same settings.

    Args:
        out: the folder.
        settings: those asked for.

    Raises:
        FileExistsError: it holds something else, or crops of other settings.
    """
    if out.exists() and not out.is_dir():
        raise FileExistsError(f'{out} is a file, a folder is needed')
    file = out / SETTINGS_FILE
    if not file.is_file():
        foreign = sorted(p.name for p in out.glob('*') if p.name != _LOCK_FILE)
        if foreign:
            raise FileExistsError(
                f'{out} holds {foreign[0]}, and no {SETTINGS_FILE} tells how it was '
                'made; choose another folder'
            )
        return
    try:
        before = json.loads(file.read_text(encoding='utf-8'))['settings']
        changed = [
            f'{name} {before.get(name)} there, {value} asked for'
            for name, value in settings.as_json().items()
            if before.get(name) != value
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FileExistsError(
            f'{file}: it is damaged ({error}); choose another folder'
        ) from error
    if changed:
        raise FileExistsError(
            f'{out} holds crops of other settings: {"; ".join(changed)}; choose '
            'another folder, or delete this one'
        )


def write_boxes(out: Path, jobs: Sequence[CropJob], settings: CropSettings) -> None:
    """Write the settings and the boxes, of clips of earlier runs as well.

    Args:
        out: the folder.
        jobs: the clips.
        settings: how they are cropped.

    Raises:
        FileExistsError: the folder has a crop of a clip, of another part of the frame
            or of another length, because its skeletons were others.
    """
    line_of = _read_lines(out / BOXES_FILE)
    for job in jobs:
        line = [job.name, *job.box, *job.frame_hw[::-1], job.num_frames]
        line = list(map(str, line))
        before = line_of.setdefault(job.name, line)
        if before != line:
            raise FileExistsError(
                f'{out} was made from other skeletons: clip "{job.name}" has the box '
                f'and frames {", ".join(before[1:])} there, {", ".join(line[1:])} '
                'asked for; choose another folder, or delete this one'
            )
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerows([_COLUMNS, *line_of.values()])
    with new_file(out / BOXES_FILE) as stream:
        stream.write(text.getvalue().encode())
    content = json.dumps({'settings': settings.as_json()}, indent=1)
    with new_file(out / SETTINGS_FILE) as stream:
        stream.write(content.encode() + b'\n')


def _read_lines(file: Path) -> dict[str, list[str]]:
    if not file.is_file():
        return {}
    with open(file, newline='', encoding='utf-8') as stream:
        header, *lines = list(csv.reader(stream)) or [[]]
    if tuple(header) != _COLUMNS or any(len(line) != len(_COLUMNS) for line in lines):
        raise FileExistsError(f'{file} was not made by this tool')
    return {line[0]: line for line in lines}


def write_problems(out: Path, problems: Sequence[str]) -> Path:
    """List the clips that have no crop; without any there is no list.

    Args:
        out: the folder.
        problems: a line each.

    Returns:
        The file.
    """
    file = out / PROBLEMS_FILE
    if problems:
        with new_file(file) as stream:
            stream.write('\n'.join([*problems, '']).encode())
    else:
        file.unlink(missing_ok=True)
    return file
