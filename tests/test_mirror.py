"""Each module has its test at the same path, each test file its module."""

from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent

# modules without behaviour of their own
WITHOUT_TEST = ('__init__.py', '__main__.py', 'version.py')
# folders of tests that mirror no module of the package
FREE_FOLDERS = ('e2e', 'fuzz', 'golden', 'hostile', 'tools')


def expected_test(module: str) -> str:
    """Return ``tests/models/heads/test_avg_head.py`` for a module of the package."""
    path = PurePosixPath(module)
    return str(PurePosixPath('tests', *path.parts[1:-1], f'test_{path.name}'))


def find_gaps(modules: list[str], tests: list[str]) -> list[str]:
    """Return what has no counterpart; paths are relative to the repository."""
    wanted = {
        expected_test(module): module
        for module in modules
        if PurePosixPath(module).name not in WITHOUT_TEST
    }
    gaps = [f'{m} has no {t}' for t, m in wanted.items() if t not in tests]
    for test in tests:
        parts = PurePosixPath(test).parts
        is_free = len(parts) == 2 or parts[1] in FREE_FOLDERS
        if test not in wanted and not is_free:
            gaps.append(f'{test} mirrors no module')
    return gaps


def _files(folder: str, pattern: str) -> list[str]:
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob(pattern)
        if not any(part.startswith('.') for part in path.relative_to(ROOT).parts)
    )


def test_tests_mirror_the_package():
    gaps = find_gaps(_files('ocec', '*.py'), _files('tests', 'test_*.py'))
    assert not gaps, '\n'.join(gaps)


def test_tests_are_no_packages():
    # importlib mode; with __init__.py two files of one name would clash
    assert _files('tests', '__init__.py') == []


@pytest.mark.parametrize(
    ('modules', 'tests', 'gap'),
    [
        (['ocec/compat.py'], [], 'ocec/compat.py has no tests/test_compat.py'),
        (
            ['ocec/models/heads/avg_head.py'],
            ['tests/models/test_avg_head.py'],
            'ocec/models/heads/avg_head.py has no tests/models/heads/test_avg_head.py',
        ),
        ([], ['tests/models/test_gone.py'], 'tests/models/test_gone.py mirrors no'),
    ],
)
def test_checker_finds_a_planted_gap(modules, tests, gap):
    assert find_gaps(modules, tests)[0].startswith(gap)


def test_checker_knows_the_exceptions():
    modules = ['ocec/__init__.py', 'ocec/version.py', 'ocec/models/__init__.py']
    tests = ['tests/test_docs.py', 'tests/e2e/test_run.py', 'tests/tools/test_x.py']
    assert find_gaps(modules, tests) == []
