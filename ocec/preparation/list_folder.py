"""Lists folders of pictures: open/ and closed/ at any depth, or MRL file names."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ocec.functional.probability import CLASS_NAMES
from ocec.preparation.eye_listing import EyeEntry, Listing, printable, problem_of_name
from ocec.preparation.label_words import UNKNOWN_LABEL
from ocec.preparation.name_patterns import (
    MRL_EXTRAS,
    MRL_NAME,
    class_of_folders,
    group_by_pattern,
    groups_of_folders,
    split_of_folders,
)
from ocec.preparation.path_fence import PathFence

PICTURE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.gif')
_LOOKED_AT = 200


def list_folder(
    root: str | os.PathLike,
    *,
    group_pattern: re.Pattern | None = None,
    allow_outside: bool = False,
) -> Listing:
    """List the pictures below folders named open and closed, in any case.

    Args:
        root: folder; any nesting.
        group_pattern: with a named group ``group``, searched in the path relative to
            ``root``; without one, the coarsest folders that differ.
        allow_outside: follow symbolic links that leave ``root``.

    Returns:
        The listing, sorted by path; pictures in no class folder have a problem, and
        so has each folder that cannot be read. Where no picture lies in a class folder,
        the name of ``root`` itself counts.

    Raises:
        ValueError: there are no pictures.
    """
    root = Path(root)
    passed_over, unreadable = Counter(), []
    found = list(_walk(root, allow_outside, passed_over, unreadable))
    classes, told = _classes([path for path, _, _ in found], root)
    groups, lines = _groups([path for path, _, _ in found], classes, group_pattern)
    entries = [
        EyeEntry(
            path=f'{_name(root)}/{path}',
            label=label,
            group=group,
            split=split_of_folders(path),
            source=_name(root),
            file=file,
            problem=problem or problem_of_class,
        )
        for (path, file, problem), (label, problem_of_class), group in zip(
            found, classes, groups, strict=True
        )
    ]
    told = (told, *_tell_others(passed_over), *lines)
    entries += _unreadable_entries(unreadable, root)
    _require_pictures(entries, root)
    return Listing(entries, told)


def list_mrl(
    root: str | os.PathLike,
    *,
    group_pattern: re.Pattern | None = None,
    allow_outside: bool = False,
) -> Listing:
    """List pictures named as in the MRL Eye Dataset.

    Args:
        root: folder; any nesting.
        group_pattern: instead of the subject in the name.
        allow_outside: follow symbolic links that leave ``root``.

    Returns:
        The listing, sorted by path, with the extras ``glasses``, ``reflections``,
        ``lighting`` and ``sensor``; pictures with other names have a problem, and so
        has each folder that cannot be read.

    Raises:
        ValueError: there are no pictures.
    """
    root = Path(root)
    entries, passed_over, unreadable = [], Counter(), []
    for path, file, problem in _walk(root, allow_outside, passed_over, unreadable):
        match = MRL_NAME.search(Path(path).stem)
        group = match['group'] if match else ''
        if group_pattern is not None:
            group = group_by_pattern(path, group_pattern)
        entries.append(
            EyeEntry(
                path=f'{_name(root)}/{path}',
                label=int(match['state']) if match else -1,
                group=group,
                split=split_of_folders(path),
                source=_name(root),
                file=file,
                problem=problem or ('' if match else 'not named as an MRL picture'),
                extras={
                    name: int(match[name]) if match else None for name in MRL_EXTRAS
                },
            )
        )
    rule = 'subjects' if group_pattern is None else f'pattern {group_pattern.pattern!r}'
    told = (
        f'{root}: {len(entries):,} pictures with MRL names (subject, eye state, '
        f'{", ".join(MRL_EXTRAS)})',
        *_tell_others(passed_over),
        _tell_groups([entry.group for entry in entries], rule),
    )
    entries += _unreadable_entries(unreadable, root)
    _require_pictures(entries, root)
    return Listing(entries, told)


def has_pictures(root: str | os.PathLike) -> bool:
    """Whether there is a picture anywhere below a folder."""
    return next(_walk(Path(root), False, Counter(), []), None) is not None


def looks_like_mrl(root: str | os.PathLike) -> bool:
    """Whether most of the first pictures of a folder have MRL names."""
    pictures = _walk(Path(root), False, Counter(), [])
    first = [path for path, *_ in islice(pictures, _LOOKED_AT)]
    named = sum(bool(MRL_NAME.search(Path(path).stem)) for path in first)
    return 2 * named > len(first)


def _walk(
    root: Path, allow_outside: bool, passed_over: Counter, unreadable: list[OSError]
) -> Iterator[tuple[str, str, str]]:
    """Yield (relative path, file, problem), sorted; note what is passed over."""
    fence = PathFence(root, allow_outside=allow_outside)
    visited = {fence.root}
    for folder, folders, files in os.walk(
        fence.root, onerror=unreadable.append, followlinks=True
    ):
        folders[:] = sorted(
            name
            for name in folders
            if _may_enter(os.path.join(folder, name), fence, visited, passed_over)
        )
        for name in sorted(files):
            suffix = os.path.splitext(name)[1].lower()
            if suffix not in PICTURE_SUFFIXES:
                passed_over[f'*{suffix}' if suffix else 'without suffix'] += 1
                continue
            path = os.path.relpath(os.path.join(folder, name), fence.root)
            path = path.replace(os.sep, '/')
            file, problem = fence.resolve(path)
            yield printable(path), file, problem_of_name(path) or problem


def _may_enter(folder: str, fence: PathFence, visited: set, passed_over) -> bool:
    """Whether to go into a folder: linked ones once, outside ones if allowed."""
    if not os.path.islink(folder):
        return True
    target = os.path.realpath(folder)
    _, problem = fence.resolve(os.path.relpath(folder, fence.root))
    if problem:
        passed_over['linked folders outside (--allow-outside follows them)'] += 1
    if problem or target in visited or fence.root.startswith(target + os.sep):
        return False
    visited.add(target)
    return not target.startswith(fence.root + os.sep)  # inside it is listed anyway


def _name(root: Path) -> str:
    return printable(root.resolve().name) or 'root'


def _require_pictures(entries: list, root: Path) -> None:
    if not entries:
        raise ValueError(
            f'{root}: no pictures ({", ".join(PICTURE_SUFFIXES)}) in this folder'
        )


def _unreadable_entries(unreadable: list[OSError], root: Path) -> list[EyeEntry]:
    """One entry with a problem for each folder whose pictures nobody knows."""
    entries = []
    for error in unreadable:
        path = os.path.relpath(error.filename, os.path.realpath(root))
        entries.append(
            EyeEntry(
                path=printable(f'{_name(root)}/{path}/'.replace(os.sep, '/')),
                label=UNKNOWN_LABEL,
                group='',
                split='',
                source=_name(root),
                file=error.filename,
                problem=f'the folder cannot be read: {error.strerror}',
            )
        )
    return entries


def _classes(paths: list[str], root: Path) -> tuple[list[tuple[int, str]], str]:
    """Label and problem of each path, and a line for the user."""
    classes = [class_of_folders(path) for path in paths]
    name = root.resolve().name.lower()
    in_none = not any(set(path.lower().split('/')) & set(CLASS_NAMES) for path in paths)
    if name in CLASS_NAMES and in_none:
        told = f'{root}: {len(paths):,} pictures, all {name} after the folder itself'
        return [(CLASS_NAMES.index(name), '')] * len(paths), told
    told = f'{root}: {len(paths):,} pictures in folders open/ and closed/'
    return classes, told


def _groups(
    paths: list[str], classes: list, pattern: re.Pattern | None
) -> tuple[list[str], list[str]]:
    """Group of each path, and lines for the user."""
    if pattern is not None:
        groups = [group_by_pattern(path, pattern) for path in paths]
        return groups, [_tell_groups(groups, f'pattern {pattern.pattern!r}')]
    # a misspelt class folder is no group
    usable = [i for i, (label, _) in enumerate(classes) if label != UNKNOWN_LABEL]
    found, levels = groups_of_folders([paths[i] for i in usable])
    groups = [''] * len(paths)
    for i, group in zip(usable, found, strict=True):
        groups[i] = group
    lines = [_tell_groups(groups, 'folders')]
    if len(levels) > 1:
        finer = ', then '.join(_shown(names) for names in levels[1:])
        lines.append(
            f'  WARNING: the folders differ at {len(levels)} levels. Groups are those '
            f'of the first, {_shown(levels[0])}; below lie {finer}. Name another level '
            "with --group-pattern, as '^[^/]+/(?P<group>[^/]+)/' for the second"
        )
    return groups, lines


def _tell_others(passed_over: Counter) -> list[str]:
    if not passed_over:
        return []
    shown = ', '.join(
        f'{number:,} {what}' for what, number in sorted(passed_over.items())
    )
    return [f'  passed over: {shown}']


def _tell_groups(groups: list[str], rule: str) -> str:
    names = sorted(set(groups) - {''})
    if not names:
        return f'  groups by {rule}: none found'
    lone = groups.count('')
    unknown = f'; {lone:,} pictures in none' if lone else ''
    return f'  groups by {rule}: {len(names):,} {_shown(names)}{unknown}'


def _shown(names: list[str]) -> str:
    return f'({", ".join(names[:3])}{", ..." if len(names) > 3 else ""})'
