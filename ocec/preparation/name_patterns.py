"""What file and folder names tell: class, group, frame, and the fields of MRL names."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
_EYE = re.compile(
    r'(eyes?[ _-]?)?(left|right|l|r|od|os|ou|both)([ _-]?eyes?)?|eyes?', re.ASCII
)
_DATE = re.compile(
    r'((19|20)\d\d[-_.]?(0\d|1[0-2])([-_.]?[0-3]\d)?|'
    r'[0-3]?\d[-_.][01]?\d[-_.](19|20)\d\d)([t _-]?\d\d([-_.:h]?\d\d){0,2})?'
)


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


def groups_of_folders(paths: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Read the groups off the coarsest folders that differ, whatever lies below them.

    A subject may have folders for each session or eye; finer groups would put one face
    on both sides of a split. Folders named for a class, a split, an eye or a date are
    no groups.

    Args:
        paths: N paths, relative, with ``/``.

    Returns:
        N groups, ``''`` where there is no such folder; and the names of each level at
        which the folders differ, the coarsest first: those of the groups.

    Example:
        >>> groups_of_folders(['all/s1/left/open/1.png', 'all/s2/right/open/1.png'])
        (['s1', 's2'], [['s1', 's2']])
        >>> groups_of_folders(['open/s1/a/1.png', 'open/s2/b/1.png'])[1]
        [['s1', 's2'], ['a', 'b']]
    """
    folders_N = [
        [part for part in PurePosixPath(path).parts[:-1] if _may_be_group(part)]
        for path in paths
    ]
    depth = max(map(len, folders_N), default=0)
    padded_N = [folders + [''] * (depth - len(folders)) for folders in folders_N]
    names_of_level = [set(names) for names in zip(*padded_N, strict=True)]
    levels = [k for k, names in enumerate(names_of_level) if len(names) > 1]
    if not levels:
        return [''] * len(padded_N), []
    named = [sorted(names_of_level[level] - {''}) for level in levels]
    return [folders[levels[0]] for folders in padded_N], named


def _may_be_group(folder: str) -> bool:
    name = folder.lower()
    is_known = name in CLASS_NAMES or name in SPLIT_WORDS
    return not (is_known or _EYE.fullmatch(name) or _DATE.fullmatch(name))


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
