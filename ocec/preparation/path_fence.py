"""Keeps a data set within its folder: a list may name any file of the machine."""

from __future__ import annotations

import os
from functools import lru_cache


class PathFence:
    """Says which files lie outside a folder, symbolic links followed.

    Args:
        root: the folder.
        allow_outside: let every path pass.
    """

    def __init__(self, root: str | os.PathLike, *, allow_outside: bool = False) -> None:
        self.root = os.path.realpath(root)
        self.allow_outside = allow_outside
        # a folder holds thousands of pictures: resolve it once
        self._resolve_folder = lru_cache(maxsize=4096)(os.path.realpath)

    def resolve(self, path: str) -> tuple[str, str]:
        r"""Find the file that a path means.

        Args:
            path: absolute or relative to the root; ``\`` counts as ``/``.

        Returns:
            The file without symbolic links, and why it is refused or ``''``.
        """
        if '\0' in path:
            return os.path.join(self.root, path), 'the path holds a null byte'
        given = os.path.join(self.root, path.replace('\\', '/'))
        folder, name = os.path.split(given)
        file = os.path.join(self._resolve_folder(folder), name)
        if name in ('', '.', '..') or os.path.islink(file):
            file = os.path.realpath(given)
        return file, self._problem(path, file)

    def _problem(self, path: str, file: str) -> str:
        inside = file.startswith(self.root.rstrip(os.sep) + os.sep)
        if self.allow_outside or (inside and not os.path.isabs(path)):
            return ''
        if os.path.isabs(path):
            return 'an absolute path; allow it with --allow-outside'
        how = 'by ".."' if '..' in path.replace('\\', '/').split('/') else 'by a link'
        return f'it leaves the data folder {how}; allow it with --allow-outside'
