import sys

import pytest

from ocec.stacking.extras import import_lightgbm, import_sklearn


def test_packages_are_returned():
    assert import_lightgbm().__name__ == 'lightgbm'
    assert import_sklearn('sklearn.model_selection').__name__.endswith('selection')


def test_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'lightgbm', None)
    with pytest.raises(ImportError, match=r'needs lightgbm: pip install "ocec\[stack'):
        import_lightgbm()
    monkeypatch.setitem(sys.modules, 'sklearn.model_selection', None)
    with pytest.raises(ImportError, match=r'needs scikit-learn: pip install "ocec\['):
        import_sklearn('sklearn.model_selection')
