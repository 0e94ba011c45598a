from pathlib import Path

import pytest
from mmengine.config import Config
from torch.optim import SGD

from ocec.apis.errors import ConfigError
from ocec.apis.print_config import find_source, list_types, print_config


@pytest.fixture
def config(tmp_path):
    (tmp_path / 'base.py').write_text('train_cfg = dict(max_epochs=2)\n')
    path = tmp_path / 'leaf.py'
    path.write_text("_base_ = 'base.py'\noptim_wrapper = dict(\n    lr=1)\n")
    return path


def test_printed_text_is_the_resolved_config(config, capsys):
    print_config(config, cfg_options=['train_cfg.max_epochs=4'])
    text = capsys.readouterr().out
    assert text.startswith('# train_cfg.max_epochs: 2 -> 4\n')
    read_back = Config.fromstring(text, '.py')
    assert read_back.train_cfg.max_epochs == 4
    assert read_back.optim_wrapper.lr == 1


def test_where_names_file_and_line(config, capsys):
    options = ['optim_wrapper.optimizer=dict(type=SGD)', 'val_cfg=dict(type=NoLoop)']
    print_config(config, cfg_options=options, where=True)
    lines = capsys.readouterr().out.splitlines()
    [line] = [line for line in lines if line.startswith('optim_wrapper.optimizer:')]
    file, number = line.split('  ')[1].rsplit(':', 1)
    assert 'class SGD' in Path(file).read_text().splitlines()[int(number) - 1]
    assert 'val_cfg: NoLoop  NoLoop is not in LOOPS' in lines


def test_default_types_are_listed():
    [line] = list_types(Config(dict(train_cfg=dict(by_epoch=False))))
    assert line.startswith('train_cfg: IterBasedTrainLoop  ')


def test_source_of_a_class_in_the_current_folder(monkeypatch):
    monkeypatch.chdir(Path(__file__).parent)
    assert find_source(ConfigProbe).startswith('test_print_config.py:')


def test_source_of_a_builtin_is_its_module():
    assert find_source(max) == 'builtins'
    assert find_source(SGD).endswith(tuple('0123456789'))


class ConfigProbe:
    pass


@pytest.mark.parametrize(
    ('text', 'options', 'message'),
    [
        ('a = (', (), 'leaf.py: .*was never closed'),
        ('a = [1]', ['a.3=1'], r'leaf.py: a.3: a has 1 items .*out of range'),
    ],
)
def test_config_that_cannot_be_resolved(tmp_path, text, options, message):
    path = tmp_path / 'leaf.py'
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        print_config(path, cfg_options=options)


def test_config_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match='nothere.py'):
        print_config(tmp_path / 'nothere.py')
