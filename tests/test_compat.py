import sys
from importlib import metadata

import pytest

from ocec import compat
from ocec.compat import check_engine_packages, check_torchvision


@pytest.fixture
def installed(monkeypatch):
    names = set()

    def distribution(name):
        if name not in names:
            raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(compat.metadata, 'distribution', distribution)
    return names


@pytest.mark.parametrize(
    'names', [(), ('onedl-mmengine', 'onedl-mmcv'), ('mmengine', 'mmcv')]
)
def test_one_family_is_fine(installed, names):
    installed.update(names)
    check_engine_packages()


@pytest.mark.parametrize('original', ['mmengine', 'mmengine-lite'])
def test_both_families_are_refused_with_the_commands(installed, original):
    installed.update({original, 'onedl-mmengine'})
    message = (
        f'two packages own the same files: {original} and onedl-mmengine. .*\n'
        f'  python -m pip uninstall -y {original} onedl-mmengine\n'
        '  python -m pip install onedl-mmengine'
    )
    with pytest.raises(ImportError, match=message):
        check_engine_packages()


def test_torchvision_that_fits():
    check_torchvision()


def test_torchvision_that_does_not_fit(tmp_path, monkeypatch):
    cause = 'operator torchvision::nms does not exist'
    (tmp_path / 'torchvision.py').write_text(f'raise RuntimeError({cause!r})')
    for name in [name for name in sys.modules if name.startswith('torchvision')]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    message = (
        rf'cannot be imported beside this torch \(RuntimeError: {cause}\). .*\n'
        '  python -m pip install --force-reinstall torch torchvision'
    )
    with pytest.raises(ImportError, match=message):
        check_torchvision()
