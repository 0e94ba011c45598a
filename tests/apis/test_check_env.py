from importlib import metadata
from types import SimpleNamespace

import pytest

from ocec.apis import check_env as module
from ocec.apis.check_env import EnvReport, check_env, find_version, format_env


@pytest.fixture
def versions(monkeypatch):
    """Replace what is installed; names not given are as they are."""
    changed = {}
    real = metadata.version

    def version(name):
        if name not in changed:
            return real(name)
        if changed[name] is None:
            raise metadata.PackageNotFoundError(name)
        return changed[name]

    monkeypatch.setattr(module.metadata, 'version', version)
    changed['torchrun'] = None
    return changed


def test_sound_environment(versions):
    report = check_env()
    assert report.problems == []
    assert report.warnings == []
    facts = dict(report.facts)
    names = {'python', 'cores', 'torch', 'torchvision', 'mmengine', 'devices'}
    assert names | {'extra export', 'backends', 'bfloat16'} <= facts.keys()
    assert 'gloo' in facts['backends']
    assert facts['devices'].startswith('cpu')


def test_accelerator_is_named(versions, monkeypatch):
    memory = SimpleNamespace(total_memory=139 * 2**30)
    for name, value in {
        'is_available': True,
        'device_count': 1,
        'get_device_name': 'Fast GPU',
        'get_device_properties': memory,
        'is_bf16_supported': False,
    }.items():
        monkeypatch.setattr(f'torch.cuda.{name}', lambda *_, value=value: value)
    facts = dict(check_env().facts)
    assert facts['devices'] == 'cpu, cuda:0 Fast GPU 139 GiB'
    assert facts['bfloat16'].endswith(', cuda no')


def test_missing_package_and_its_command(versions):
    versions['pyarrow'] = None
    report = check_env()
    assert report.problems == [
        'pyarrow is missing. Mend it with\n  python -m pip install pyarrow'
    ]
    assert dict(report.facts)['pyarrow'] == 'missing'


def test_missing_extra_is_no_problem(versions):
    versions['av'] = None
    report = check_env()
    assert report.problems == []
    value = dict(report.facts)['extra video']
    assert value == "av missing  (python -m pip install '.[video]')"


def test_foreign_torchrun_is_warned_of(versions):
    versions['torchrun'] = '0.2.9'
    [warning] = check_env().warnings
    assert "torchrun is not PyTorch's launcher" in warning
    assert 'pip uninstall -y torchrun' in warning


@pytest.mark.parametrize('name', ['check_engine_packages', 'check_torchvision'])
def test_failed_check_is_a_problem(versions, monkeypatch, name):
    def fail():
        raise ImportError('clash; mend it')

    monkeypatch.setattr(module, name, fail)
    assert check_env().problems == ['clash; mend it']


def test_old_torch(versions, monkeypatch):
    monkeypatch.setattr('torch.__version__', '2.5.1+cpu')
    [problem] = check_env().problems
    assert problem.startswith('torch 2.5.1+cpu is older than 2.6. Mend it with\n')
    assert "'torch>=2.6'" in problem


def test_torch_that_cannot_be_imported(versions, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'torch', None)
    monkeypatch.setattr(module, 'check_torchvision', lambda: None)
    [problem] = check_env().problems
    assert problem.startswith('torch cannot be imported (ModuleNotFoundError')
    assert '--force-reinstall torch torchvision' in problem


def test_version_of_the_first_that_is_installed(versions):
    versions.update({'a': None, 'b': '2', 'c': '3'})
    assert find_version('b', 'c') == '2'
    assert find_version('a', 'c') == 'c 3'
    assert find_version('a') is None


def test_text():
    report = EnvReport([('a', '1'), ('long', '2')], ['broken'], ['odd'])
    assert format_env(report) == 'a     1\nlong  2\nwarning: odd\nproblem: broken'
    assert format_env(EnvReport()) == 'no problem found'
