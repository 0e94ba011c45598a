"""Where a key of a config was set: the last file and line that define it."""

import ast
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from ocec.apis.cfg_options import DELETE_KEY, OPTION_PATHS

KeyPath = tuple[str, ...]
# the key itself first, then what is known below it; () stands for the key
Tree = dict[KeyPath, 'Location']
COMMAND_LINE = '--cfg-options'


@dataclass(frozen=True)
class Location:
    """A place in a config file, or the command line.

    Args:
        file: path of the file, or ``--cfg-options``.
        line: counted from 1; None on the command line.
        is_whole: the value is no dict, so it replaces that of a base file.
    """

    file: str
    line: int | None = None
    is_whole: bool = False

    def __str__(self) -> str:
        """Return ``file:line``."""
        return self.file if self.line is None else f'{self.file}:{self.line}'


class ConfigLocations:
    """Look up where keys of one config come from.

    The config file and its ``_base_`` files are parsed, never executed. A key
    whose value is computed (``_base_.x[:1] + [...]``) has the place of the nearest
    key around it.

    Args:
        cfg: a config; one without a file has no locations apart from the command
            line.
    """

    def __init__(self, cfg: Config) -> None:
        self._files = _read_file(Path(cfg.filename)) if cfg.filename else {}
        self._options = set(vars(cfg).get(OPTION_PATHS, ()))
        #: the file that was loaded, as its locations name it
        self.leaf = _shown(Path(cfg.filename)) if cfg.filename else None

    def find(self, path: KeyPath) -> Location | None:
        """Return the place of a key, or of the nearest key around it.

        Args:
            path: names and list indices, all as text.

        Returns:
            The place, None when nothing is known.
        """
        for end in range(len(path), 0, -1):
            if path[:end] in self._options:
                return Location(COMMAND_LINE)
            if path[:end] in self._files:
                return self._files[path[:end]]
        return None

    def is_inherited(self, path: KeyPath) -> bool:
        """Whether a key comes from a base file, not the config itself."""
        location = self.find(path)
        is_own = location is None or location.file == self.leaf
        return not is_own and not self.is_from_command_line(path)

    def is_from_command_line(self, path: KeyPath) -> bool:
        """Whether an option has set the key or something below it."""
        return any(option[: len(path)] == path for option in self._options)


def _read_file(path: Path) -> Tree:
    """Return the places of all keys of a file, its bases included."""
    tree: Tree = {}
    try:
        module = ast.parse(path.read_text(encoding='utf-8'))
        bases = Config._get_base_files(str(path)) if path.suffix == '.py' else []
    except (OSError, SyntaxError, ValueError):
        return tree  # a place is a courtesy, mmengine has loaded the file already
    for base in bases:
        tree |= _read_base(base, path)
    reader = _FileReader(_shown(path), dict(tree))
    for statement in module.body:
        reader.read(statement)
    return _merge(tree, reader.own)


def _read_base(base: str, path: Path) -> Tree:
    try:
        found, _ = Config._get_cfg_path(base, str(path))
    except Exception:  # package bases raise whatever their lookup raises
        return {}
    return _read_file(Path(found))


def _shown(path: Path) -> str:
    """Give the path as a user in the current folder would type it."""
    path = path.resolve()
    folder = Path.cwd()
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _merge(base: Tree, own: Tree) -> Tree:
    """Let a file's own keys come over those of its bases, as mmengine does."""
    merged = dict(base)
    for path, location in own.items():
        if path[-1] == DELETE_KEY:
            _drop_below(merged, path[:-1])
        if location.is_whole:
            _drop_below(merged, path)
    return merged | own


def _drop_below(tree: Tree, path: KeyPath) -> None:
    for key in [key for key in tree if key[: len(path)] == path and key != path]:
        del tree[key]


class _FileReader:
    """Collects the keys that the statements of one file define.

    Args:
        file: name that the locations carry.
        bases: places of the keys of the base files.
    """

    def __init__(self, file: str, bases: Tree) -> None:
        self.own: Tree = {}
        self._file = file
        self._bases = bases

    def read(self, statement: ast.stmt) -> None:
        """Take in one top-level statement; what is no assignment is skipped."""
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            self._define(statement.target, statement.value)
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                self._define(target, statement.value)

    def _define(self, target: ast.expr, value: ast.expr) -> None:
        path = _path_of(target)
        if path is None:
            return
        _drop_below(self.own, path)
        for below, location in self._tree(value, value.lineno).items():
            self.own[path + below] = location
        self.own[path] = Location(self._file, target.lineno, not _is_dict(value))

    def _tree(self, value: ast.expr, line: int) -> Tree:
        """Return the places below one value, the value itself included."""
        tree: Tree = {(): Location(self._file, line, not _is_dict(value))}
        for name, item_line, item in _items(value):
            for below, location in self._tree(item, item_line).items():
                tree[(name, *below)] = location
        return tree | self._places_of_name(value)

    def _places_of_name(self, value: ast.expr) -> Tree:
        """Return what is below a variable: ``pipeline=train_pipeline``."""
        path = _path_of(value)
        if path is None:
            return {}
        known = self.own
        if path[0] == '_base_':
            path, known = path[1:], self._bases
        size = len(path)
        return {
            key[size:]: location
            for key, location in known.items()
            if key[:size] == path and len(key) > size
        }


def _is_dict(value: ast.expr) -> bool:
    return isinstance(value, ast.Dict) or _is_dict_call(value)


def _is_dict_call(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and getattr(value.func, 'id', None) == 'dict'


def _items(value: ast.expr) -> list[tuple[str, int, ast.expr]]:
    """Return (name, line, value) of the items of a literal container."""
    if _is_dict_call(value):
        return [(k.arg, k.lineno, k.value) for k in value.keywords if k.arg]
    if isinstance(value, ast.Dict):
        return [
            (str(key.value), key.lineno, item)
            for key, item in zip(value.keys, value.values, strict=True)
            if isinstance(key, ast.Constant)
        ]
    if isinstance(value, ast.List | ast.Tuple):
        if any(isinstance(item, ast.Starred) for item in value.elts):
            return []  # the indices are not known
        return [(str(i), item.lineno, item) for i, item in enumerate(value.elts)]
    return []


def _path_of(node: ast.expr) -> KeyPath | None:
    """Return ``('a', 'b', '0')`` for ``a.b[0]`` and ``a['b'][0]``, else None."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        outer, last = _path_of(node.value), node.attr
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        outer, last = _path_of(node.value), str(node.slice.value)
    else:
        return None
    return None if outer is None else (*outer, last)
