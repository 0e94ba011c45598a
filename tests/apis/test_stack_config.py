import json
import re
from pathlib import Path

import pytest
from mmengine.config import Config

from ocec.apis.errors import ConfigError
from ocec.apis.stack_config import DEFAULT_META, DataConfig, read_stack_config


@pytest.fixture
def write(tmp_path):
    """Write a config from texts of its keys, which have working defaults."""
    for name in 'ab':
        (tmp_path / f'{name}.pth').write_bytes(b'weights')

    def write_keys(**keys):
        texts = {
            'members': f'[{member(tmp_path, "a")}, {member(tmp_path, "b")}]',
            'stack': "dict(data='pairs', split='stack')",
            **keys,
        }
        path = tmp_path / 'stack.py'
        lines = (f'{key} = {text}\n' for key, text in texts.items() if text)
        path.write_text(''.join(lines))
        return path

    return write_keys


def member(folder, name, more=''):
    return f'dict(name={name!r}, checkpoint={str(folder / name) + ".pth"!r}{more})'


def test_defaults(write, tmp_path):
    settings = read_stack_config(write())
    assert [m.name for m in settings.members] == ['a', 'b']
    assert settings.members[0].checkpoint == tmp_path / 'a.pth'
    assert settings.stack == DataConfig('pairs', 'stack')
    assert settings.test is None
    assert tuple(settings.meta) == DEFAULT_META
    assert (settings.folds, settings.seed, settings.final) == (5, 42, None)
    assert settings.out.as_posix() == 'work_dirs/stack'
    assert settings.copy_checkpoints is True
    assert settings.allow == ()


def test_everything_else(write, tmp_path):
    run = tmp_path / 'run'
    run.mkdir()
    (run / 'best_7.pth').write_bytes(b'x')
    (run / 'best.json').write_text(json.dumps({'file': 'best_7.pth'}))
    of_run = f'dict(name="c", work_dir={str(run)!r}, mc_dropout=5)'
    config = write(
        members=f'[{member(tmp_path, "a", ", swap=True")}, {of_run}]',
        test="dict(data=['x', 'y'])",
        meta="['logistic', dict(type='lightgbm', name='small', num_trees=5)]",
        folds='3',
        seed='1',
        final="'small'",
        allow="['val_rows']",
    )
    settings = read_stack_config(config, out=tmp_path / 'o', allow=['unverified'])
    assert settings.members[0].swap
    assert settings.members[1].checkpoint == run / 'best_7.pth'
    assert settings.members[1].mc_dropout == 5
    assert settings.test == DataConfig(('x', 'y'), None)
    # the baseline comes by itself
    assert list(settings.meta) == ['logistic', 'small', 'mean']
    assert settings.meta['small'] == {'type': 'lightgbm', 'num_trees': 5}
    assert (settings.folds, settings.seed, settings.final) == (3, 1, 'small')
    assert settings.out == tmp_path / 'o'
    assert settings.allow == ('unverified', 'val_rows')


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        ({'stack': ''}, 'stack is missing'),
        ({'members': ''}, 'members is missing'),
        (
            {'fold': '3'},
            'fold: no key of the config of a stacking; did you mean folds?',
        ),
        ({'folds': '1'}, 'folds must be a whole number >= 2, got 1'),
        ({'folds': 'True'}, 'folds must be a whole number >= 2, got True'),
        ({'stack': "'pairs'"}, 'stack must be a dict(data=..., split=...)'),
        ({'test': "dict(splits='x')"}, 'splits: no key of test; did you mean split?'),
        ({'meta': "'mean'"}, "meta must be a list, got 'mean'"),
        ({'meta': "['meen']"}, "meta: there is no combiner 'meen'; did you mean mean?"),
        (
            {'meta': "['mean', 'mean']"},
            "meta: two combiners are called 'mean': add name=...",
        ),
        (
            {'meta': "[dict(type='logistic', name='mean')]"},
            "meta: only the plain mean may be called 'mean'",
        ),
        (
            {'meta': "[dict(type='logistic', name='../x')]"},
            "meta: a name must be letters, digits and . _ + -, got '../x'",
        ),
        ({'final': "'best'"}, "final='best' is not in meta: lightgbm, logistic"),
        ({'allow': "['all']"}, "allow: there is no 'all'; there are unverified"),
        ({'members': '[3, 4]'}, 'members[0] must be a dict(name=..., checkpoint=...)'),
        (
            {'members': '[dict(nam="a")]'},
            'nam: no key of members[0]; did you mean name?',
        ),
        (
            {'members': '[dict(name="a/b", checkpoint="x")]'},
            "members[0].name must be letters, digits and . _ + -, got 'a/b'",
        ),
        (
            {'members': '[dict(name="a")]'},
            "member 'a': give either checkpoint or work_dir",
        ),
        (
            {'members': '[dict(name="a", checkpoint="gone.pth")]'},
            "member 'a': gone.pth: no such checkpoint",
        ),
        (
            {'members': '[dict(name="a", work_dir="gone")]'},
            "member 'a': gone/best.json is missing: gone is no finished run",
        ),
    ],
)
def test_wrong_keys(write, keys, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_stack_config(write(**keys))


@pytest.mark.parametrize(
    ('more', 'message'),
    [
        (', config="gone.py"', "member 'a': gone.py: no such config file"),
        (', mc_dropout=1', "member 'a': mc_dropout=1 is no average"),
        (', mc_dropout=-1', "member 'a': mc_dropout must be a whole number >= 0"),
        (', mc_dropout=9, swap=True', "member 'a': mc_dropout and swap exclude each"),
    ],
)
def test_wrong_members(write, tmp_path, more, message):
    config = write(members=f'[{member(tmp_path, "a", more)}]')
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_stack_config(config)


def test_two_members_of_one_name(write, tmp_path):
    twice = f'[{member(tmp_path, "a")}, {member(tmp_path, "a")}]'
    with pytest.raises(ConfigError, match="members: two are called 'a'"):
        read_stack_config(write(members=twice))


def test_one_member_is_no_ensemble(write, tmp_path):
    with pytest.raises(
        ConfigError, match='members: an ensemble needs two or more, got'
    ):
        read_stack_config(write(members=f'[{member(tmp_path, "a")}]'))


def test_damaged_record_of_a_run(write, tmp_path):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'best.json').write_text('{}')
    config = write(members=f'[dict(name="a", work_dir={str(tmp_path / "run")!r})]')
    with pytest.raises(ConfigError, match="best.json is damaged: 'file'"):
        read_stack_config(config)


def test_words_for_data():
    assert str(DataConfig('x', 'stack')) == 'split "stack" of x'
    assert str(DataConfig()) == 'test loader of the config'


SHIPPED = sorted((Path(__file__).parents[2] / 'configs').rglob('stack*.py'))


@pytest.mark.parametrize('config', SHIPPED, ids=lambda path: path.name)
def test_shipped_config_lacks_nothing_but_its_runs(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for member in Config.fromfile(config).members:
        run = Path(member.work_dir)
        run.mkdir(parents=True)
        (run / 'best.pth').write_bytes(b'x')
        (run / 'best.json').write_text(json.dumps({'file': 'best.pth'}))
    settings = read_stack_config(config)
    assert f'_{len(settings.members)}base-{settings.folds}fold_' in config.name
    assert settings.test is not None
