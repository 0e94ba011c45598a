"""What file and folder names tell: class, group, frame, and the fields of MRL names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ocec.functional.probability import CLASS_NAMES
from ocec.preparation.eye_listing import SPLIT_WORDS, unify_group

MRL_NAME = re.compile(
    r'(?P<group>s\d+)_(?P<frame>\d+)_(?P<gender>[01])_(?P<glasses>[01])_'
    r'(?P<state>[01])_(?P<reflections>[0-2])_(?P<lighting>[01])_(?P<sensor>\d+)$'
)
"""Stem of an MRL picture: subject, number, gender (1 woman), glasses, eye state (1
open), reflections (0 none, 1 small, 2 large), lighting (1 good), sensor.

Source: Fusek, Pupil Localization Using Geodesic Distance, ISVC 2018 (MRL Eye Dataset).
"""
MRL_EXTRAS = ('glasses', 'reflections', 'lighting', 'sensor')
_LONG_NUMBER = re.compile(r'\d{3,}')


def compile_pattern(pattern: str, field: str) -> re.Pattern:
    """Compile a pattern of the user.

    Args:
        pattern: regular expression with a named group.
        field: the name that group must have.

    Returns:
        The compiled pattern.

    Raises:
        ValueError: it is no regular expression or lacks the named group.

    Example:
        >>> compile_pattern(r'(?P<group>s[0-9]+)/', 'group').groups
        1
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f'{pattern!r} is no regular expression: {error}') from error
    if field not in compiled.groupindex:
        raise ValueError(
            f'the pattern {pattern!r} needs a group named "{field}": (?P<{field}>...)'
        )
    return compiled


def group_by_pattern(path: str, pattern: re.Pattern) -> str:
    """Return what the named group matches anywhere in the path, or ``''``."""
    match = pattern.search(path)
    return unify_group(match['group']) if match else ''


def class_of_folders(path: str) -> tuple[int, str]:
    """Read the class off the folders of a path.

    Args:
        path: relative, with ``/``.

    Returns:
        1 open, 0 closed, and ``''``; or -1 and what is wrong.

    Example:
        >>> class_of_folders('s01/Open/left/1.png')
        (1, '')
    """
    folders = {part.lower() for part in PurePosixPath(path).parts[:-1]}
    found = [label for label, name in enumerate(CLASS_NAMES) if name in folders]
    if len(found) == 1:
        return found[0], ''
    where = 'both open/ and closed/' if found else 'neither open/ nor closed/'
    return -1, f'it lies below {where}'


def group_of_folders(path: str) -> str:
    """Read the group off the folders: those above the class folder, else the one below.

    Folders named like a split are no groups.

    Args:
        path: relative, with ``/``.

    Returns:
        The group, ``''`` if there is no such folder.

    Example:
        >>> group_of_folders('train/s01/open/1.png'), group_of_folders('open/s01/1.png')
        ('s01', 's01')
    """
    folders = [
        part
        for part in PurePosixPath(path).parts[:-1]
        if part.lower() not in SPLIT_WORDS
    ]
    lower = [part.lower() for part in folders]
    positions = [lower.index(name) for name in CLASS_NAMES if name in lower]
    if not positions:
        return ''
    above, below = folders[: positions[0]], folders[positions[0] + 1 :]
    return '/'.join(above) if above else ''.join(below[:1])


def split_of_folders(path: str) -> str:
    """Return the split that a folder is named for, ``''`` without such a folder."""
    folders = PurePosixPath(path).parts[:-1]
    found = {
        SPLIT_WORDS[part.lower()] for part in folders if part.lower() in SPLIT_WORDS
    }
    return found.pop() if len(found) == 1 else ''


def frame_of_name(path: str, pattern: re.Pattern | None) -> int | None:
    """Read the number of the frame off a picture's name.

    Args:
        path: relative, with ``/``.
        pattern: with a named group ``frame``; without one, the number of an MRL name,
            else the last number of three digits or more.

    Returns:
        The number; None if there is none.

    Example:
        >>> frame_of_name('video7/eye_00000123_1.png', None)
        123
    """
    stem = PurePosixPath(path).stem
    if pattern is not None:
        match = pattern.search(path)
        return int(match['frame']) if match and match['frame'].isdecimal() else None
    if match := MRL_NAME.search(stem):
        return int(match['frame'])
    numbers = _LONG_NUMBER.findall(stem)
    return int(numbers[-1]) if numbers else None
