"""Who may import whom: the table of the design, function-local imports included.

A floor imports only from floors below it, rooms of one floor never import each other.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = {
    1: ('functional', 'structures', 'registry', 'compat', 'version'),
    2: (
        'preparation',
        'synthesis',
        'datasets',
        'models',
        'engine',
        'evaluation',
        'stacking',
        'search',
        'export',
        'visualization',
    ),
    3: ('apis',),
    # the package itself: __init__ checks the environment, __main__ opens the apis
    4: ('__main__',),
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
# rooms that stay free of everything but numbers
ONLY_EXTERNAL = {
    'functional': {'torch', 'numpy'},
    'structures': {'torch', 'numpy'},
    'registry': {'mmengine'},
    'version': set(),
}
# imported inside the function that needs them, with a message naming the extra
HEAVY = {
    'lightgbm',
    'optuna',
    'onnx',
    'onnxruntime',
    'onnxscript',
    'onnxslim',
    'plotly',
    'av',
    'matplotlib',
    'jinja2',
}
FORBIDDEN = {'mmpretrain'}
MAX_TOOL_LINES = 100


def find_imports(source: str, package: str) -> Iterator[tuple[int, str, bool]]:
    """Yield (line, dotted module, inside a function) of every import."""
    tree = ast.parse(source)
    local = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        or _is_for_annotations(block)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ''
            if node.level:
                parents = package.split('.')[: 1 - node.level or None]
                base = '.'.join([*parents, base]).rstrip('.')
            # `from ocec import models` imports a room, too
            is_root = base == 'ocec'
            names = [f'ocec.{alias.name}' for alias in node.names] if is_root else []
            names = names or [base]
        else:
            continue
        for name in names:
            yield node.lineno, name, id(node) in local


def _is_for_annotations(node: ast.AST) -> bool:
    """Whether a node is ``if TYPE_CHECKING:``, which never runs."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == 'TYPE_CHECKING'
        and not node.orelse
    )


def check_module(path: str, source: str) -> list[str]:
    """Return the violations of one module of the package or one tool.

    ``path`` is relative to the repository, as ``ocec/models/heads/avg_head.py``.
    """
    parts = path.removesuffix('.py').split('/')
    package = '.'.join(parts[:-1])
    complaints = []
    for line, name, is_local in find_imports(source, package):
        if parts[0] == 'tools':
            problem = _problem_of_tool(name, is_local)
        else:
            problem = _problem_of_room(parts[1], name, is_local)
        if problem:
            complaints.append(f'{path}:{line}: {problem}')
    return complaints


def _problem_of_tool(name: str, is_local: bool) -> str | None:
    if name.split('.')[0] in sys.stdlib_module_names:
        return None
    if not name.startswith('ocec.apis'):
        return f'a tool imports {name}, not only ocec.apis'
    return None if is_local else f'{name} is imported before the arguments are read'


def _problem_of_room(room: str, name: str, is_local: bool) -> str | None:
    top, *rest = name.split('.')
    if top == 'ocec' and rest:
        return _problem_of_floors(room, rest[0])
    if top == 'ocec' or top in sys.stdlib_module_names:
        return None
    if top in FORBIDDEN:
        return f'{top} is only named in configs, never imported'
    if top in HEAVY and not is_local:
        return f'{top} is imported outside the function that needs it'
    allowed = ONLY_EXTERNAL.get(room)
    if allowed is not None and top not in allowed:
        return f'{room} imports {top}, allowed: {sorted(allowed) or "nothing"}'
    return None


def _problem_of_floors(room: str, other: str) -> str | None:
    if room in ('__init__', other):
        return None
    if room not in FLOOR_OF or other not in FLOOR_OF:
        missing = room if room not in FLOOR_OF else other
        return f'{missing} has no place in the table of floors'
    if FLOOR_OF[other] < FLOOR_OF[room]:
        return None
    same = FLOOR_OF[other] == FLOOR_OF[room]
    relation = 'another room of one floor' if same else 'a floor above'
    return f'{room} imports {other}, {relation}'


def _sources(folder: str) -> list[Path]:
    return sorted(
        path
        for path in (ROOT / folder).rglob('*.py')
        if not any(part.startswith('.') for part in path.relative_to(ROOT).parts)
    )


def test_package_and_tools_keep_to_the_floors():
    complaints = [
        complaint
        for path in [*_sources('ocec'), *_sources('tools')]
        for complaint in check_module(
            path.relative_to(ROOT).as_posix(), path.read_text(encoding='utf-8')
        )
    ]
    assert not complaints, '\n'.join(complaints)


def test_tools_are_short():
    lengths = {path: len(path.read_text().splitlines()) for path in _sources('tools')}
    too_long = {str(p): n for p, n in lengths.items() if n > MAX_TOOL_LINES}
    assert not too_long


@pytest.mark.parametrize(
    ('path', 'source', 'problem'),
    [
        (
            'ocec/models/heads/x.py',
            'from ocec.evaluation.metrics import BinaryMetric',
            'ocec/models/heads/x.py:1: models imports evaluation, another room',
        ),
        (
            'ocec/models/heads/x.py',
            'def f():\n    from ocec.datasets import cache',
            'ocec/models/heads/x.py:2: models imports datasets, another room',
        ),
        ('ocec/datasets/x.py', 'from ocec import apis', 'datasets imports apis, a flo'),
        ('ocec/datasets/x.py', 'from ..models import x', 'datasets imports models'),
        ('ocec/datasets/a/x.py', 'from ...models import x', 'datasets imports models'),
        ('ocec/functional/x.py', 'import ocec.registry', 'functional imports registry'),
        ('ocec/functional/x.py', 'import mmengine', 'functional imports mmengine'),
        ('ocec/structures/x.py', 'import cv2', r"allowed: ['numpy', 'torch']"),
        ('ocec/version.py', 'import torch', 'allowed: nothing'),
        ('ocec/export/x.py', 'import onnx', 'outside the function'),
        ('ocec/apis/x.py', 'def f():\n    import mmpretrain', 'only named in configs'),
        ('ocec/newroom/x.py', 'import ocec.compat', 'newroom has no place'),
        ('tools/x.py', 'from ocec.apis.train import train', 'before the arguments'),
        ('tools/x.py', 'def f():\n    import mmengine', 'not only ocec.apis'),
    ],
)
def test_checker_finds_a_planted_violation(path, source, problem):
    [complaint] = check_module(path, source)
    assert problem in complaint


@pytest.mark.parametrize(
    ('path', 'source'),
    [
        ('ocec/models/heads/x.py', 'from ocec.functional import losses\nimport cv2'),
        ('ocec/models/heads/x.py', 'from ocec.models.losses import BCELoss'),
        ('ocec/models/heads/x.py', 'from .avg_head import AvgHead'),
        ('ocec/apis/x.py', 'from ocec.engine.runner import Runner'),
        ('ocec/export/x.py', 'def f():\n    import onnx'),
        ('ocec/export/x.py', 'if TYPE_CHECKING:\n    import onnx'),
        ('ocec/__init__.py', 'from ocec.version import __version__'),
        ('ocec/functional/x.py', 'import math\nimport torch\nimport numpy as np'),
        ('tools/x.py', 'import argparse\ndef f():\n    from ocec.apis import train'),
    ],
)
def test_checker_lets_legal_imports_pass(path, source):
    assert check_module(path, source) == []
