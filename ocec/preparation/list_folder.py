"""Lists folders of pictures: open/ and closed/ at any depth, or MRL file names."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ocec.preparation.eye_listing import EyeEntry, Listing, printable, problem_of_name
from ocec.preparation.name_patterns import (
    MRL_EXTRAS,
    MRL_NAME,
    class_of_folders,
    group_by_pattern,
    group_of_folders,
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
            ``root``; without one, the folders above the class folder, else the one
            below it.
        allow_outside: follow symbolic links that leave ``root``.

    Returns:
        The listing, sorted by path; pictures in no class folder have a problem.

    Raises:
        ValueError: there are no pictures.
    """
    root = Path(root)
    entries, passed_over = [], Counter()
    for path, file, problem in _walk(root, allow_outside, passed_over):
        label, problem_of_class = class_of_folders(path)
        if group_pattern is None:
            group = group_of_folders(path)
        else:
            group = group_by_pattern(path, group_pattern)
        entries.append(
            EyeEntry(
                path=f'{_name(root)}/{path}',
                label=label,
                group=group,
                split=split_of_folders(path),
                source=_name(root),
                file=file,
                problem=problem or problem_of_class,
            )
        )
    _require_pictures(entries, root)
    rule = 'folders' if group_pattern is None else f'pattern {group_pattern.pattern!r}'
    if group_pattern is None and len({entry.group for entry in entries}) == 1:
        # one folder around all is a wrapper, not a subject
        entries = [_without_group(entry) for entry in entries]
    return Listing(
        entries,
        (
            f'{root}: {len(entries):,} pictures in folders open/ and closed/',
            *_tell_others(passed_over),
            _tell_groups(entries, rule),
        ),
    )


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
        ``lighting`` and ``sensor``; pictures with other names have a problem.

    Raises:
        ValueError: there are no pictures.
    """
    root = Path(root)
    entries, passed_over = [], Counter()
    for path, file, problem in _walk(root, allow_outside, passed_over):
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
    _require_pictures(entries, root)
    rule = 'subjects' if group_pattern is None else f'pattern {group_pattern.pattern!r}'
    return Listing(
        entries,
        (
            f'{root}: {len(entries):,} pictures with MRL names (subject, eye state, '
            f'{", ".join(MRL_EXTRAS)})',
            *_tell_others(passed_over),
            _tell_groups(entries, rule),
        ),
    )


def has_pictures(root: str | os.PathLike) -> bool:
    """Whether there is a picture anywhere below a folder."""
    pictures = _walk(Path(root), allow_outside=False, passed_over=Counter())
    return next(pictures, None) is not None


def looks_like_mrl(root: str | os.PathLike) -> bool:
    """Whether most of the first pictures of a folder have MRL names."""
    pictures = _walk(Path(root), allow_outside=False, passed_over=Counter())
    first = [path for path, *_ in islice(pictures, _LOOKED_AT)]
    named = sum(bool(MRL_NAME.search(Path(path).stem)) for path in first)
    return 2 * named > len(first)


def _walk(
    root: Path, allow_outside: bool, passed_over: Counter
) -> Iterator[tuple[str, str, str]]:
    """Yield (relative path, file, problem), sorted; count what is passed over."""
    fence = PathFence(root, allow_outside=allow_outside)
    visited = {fence.root}
    for folder, folders, files in os.walk(fence.root, followlinks=True):
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


def _without_group(entry: EyeEntry) -> EyeEntry:
    return replace(entry, group='')


def _tell_others(passed_over: Counter) -> list[str]:
    if not passed_over:
        return []
    shown = ', '.join(
        f'{number:,} {what}' for what, number in sorted(passed_over.items())
    )
    return [f'  passed over: {shown}']


def _tell_groups(entries: list[EyeEntry], rule: str) -> str:
    groups = sorted({entry.group for entry in entries} - {''})
    lone = sum(not entry.group for entry in entries)
    if not groups:
        return f'  groups by {rule}: none found'
    shown = ', '.join(groups[:3]) + (', ...' if len(groups) > 3 else '')
    unknown = f'; {lone:,} pictures in none' if lone else ''
    return f'  groups by {rule}: {len(groups):,} ({shown}){unknown}'
