import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.option_values import parse_value
from ocec.apis.sweep_config import (
    MODEL_OBJECTIVES,
    Objective,
    as_option,
    as_options,
    read_sweep_config,
)

GOOD = """\
base = 'base.py'
space = {'optim_wrapper.optimizer.lr': [1e-3, 1e-2]}
metric = 'eye/f1'
num_trials = 4
"""


@pytest.fixture
def read(tmp_path):
    """Return a factory of sweep settings from the text of a config."""
    (tmp_path / 'base.py').write_text('train_cfg = dict()\n')

    def make(text='', good=GOOD, **settings):
        file = tmp_path / 'sweep.py'
        file.write_text(good + text)
        return read_sweep_config(file, **settings)

    return make


def test_defaults(read, tmp_path):
    config = read()
    assert config.base == tmp_path / 'base.py'  # beside the sweep
    assert config.objectives == (Objective('eye/f1', 'maximize'),)
    assert (config.sampler, config.epoch, config.name) == ('tpe', 'best', 'sweep')
    assert (config.pruner, config.seeds, config.folds) == (None, (), 0)
    assert config.repeats == [(None, None)]
    assert not config.is_repeated


def test_the_command_line_comes_before_the_config(read):
    config = read(
        "data = 'a.parquet'\nfixed = {'x': 1, 'y': 2}",
        data='b.parquet',
        num_trials=9,
        fixed={'y': 3},
    )
    assert (config.data, config.num_trials) == ('b.parquet', 9)
    assert config.fixed == {'x': 1, 'y': 3}


def test_seeds_and_folds_make_repeats(read):
    config = read('seeds = [3, 1]\nfolds = 2\n')
    assert config.repeats == [(3, 1), (3, 2), (1, 1), (1, 2)]
    assert config.is_repeated


def test_several_objectives_with_their_usual_directions(read):
    objectives = "objectives = [dict(metric='eye/f1'), dict(metric='eye/loss'), "
    objectives += "dict(metric='params'), dict(metric='latency_ms')]\n"
    config = read(objectives, GOOD.replace("metric = 'eye/f1'\n", ''))
    assert [objective.direction for objective in config.objectives] == [
        'maximize',
        'minimize',
        'minimize',
        'minimize',
    ]
    assert [o.is_of_model for o in config.objectives] == [False, False, True, True]
    assert set(MODEL_OBJECTIVES) == {'params', 'macs', 'latency_ms', 'train_minutes'}


def test_variants_may_have_a_base_of_their_own(read, tmp_path):
    (tmp_path / 'other.py').write_text('')
    text = "variants = dict(a={}, b={'x.y': 1}, c=dict(base='other.py'))\nseeds = [1]\n"
    config = read(text, GOOD.replace('space', '# space'))
    assert config.variants['a'].settings == {}
    assert config.variants['b'].settings == {'x.y': 1}
    assert config.variants['c'].base == tmp_path / 'other.py'


def test_a_config_beside_the_sweep_comes_before_one_that_lies_here(
    read, tmp_path, monkeypatch
):
    here = tmp_path / 'here'
    here.mkdir()
    monkeypatch.chdir(here)
    for folder in (here, tmp_path):
        (folder / 'best.py').write_text('')
    (here / 'only_here.py').write_text('')
    text = "variants = dict(a=dict(base='best.py'), b=dict(base='only_here.py'))\n"
    config = read(text + 'seeds = [1]\n', GOOD.replace('space', '# space'))
    assert config.variants['a'].base == tmp_path / 'best.py'
    assert config.variants['b'].base == here / 'only_here.py'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('sapce = {}', 'sapce: no key of the config of a sweep; did you mean space'),
        ("base = 'gone.py'", r'base: gone\.py: no such config file, here or in'),
        ('base = 3', 'base is missing'),
        ("sampler = 'gird'", "got 'gird'; did you mean grid"),
        ('num_trials = 0', 'num_trials must be a whole number >= 1, got 0'),
        ('num_trials = 2.5', 'num_trials must be a whole number >= 1'),
        ('num_trials = None', 'num_trials is missing: tpe has no end'),
        ('seed = -1', 'seed must be a whole number >= 0'),
        ('seeds = [1, 2, 1]', 'seeds: 1 is there twice: it would count double'),
        ('seeds = 3', 'seeds must be a list of whole numbers >= 0, got 3'),
        ("seeds = ['a']", 'seeds must be a list of whole numbers'),
        ('seeds = [-1]', 'seeds must be a list of whole numbers >= 0'),
        ('folds = 1', 'folds must be a whole number >= 2, got 1'),
        ('folds = 2.0', 'folds must be a whole number >= 2, got 2.0'),
        ("epoch = 'first'", r"epoch must be one of \('best', 'last'\)"),
        ("name = ''", 'name must be a text'),
        ('metric = 3', 'metric must be a name as eye/f1, got 3'),
        ("direction = 'maximise'", "got 'maximise'; did you mean maximize"),
        ("direction = 'minimize'", "'minimize': of eye/f1 greater is better"),
        ("metric = 'params'", 'params alone needs no training: add a metric'),
        ('objectives = []', 'give either metric or objectives'),
        ('space = {}', 'nothing to do: give space, seeds or folds'),
        ('space = {"lr": []}', 'lr: no choices'),
        ("fixed = {'optim_wrapper.optimizer.lr': 1}", 'is in space and in fixed'),
        ('fixed = 3', 'fixed must be a dict of settings, got 3'),
        ('variants = dict(a={})', 'variants must be a dict of two configs or more'),
        ('variants = dict(a={}, b=3)', 'variants: b must be a dict, got 3'),
        ('variants = dict(a={}, b={})', 'variants: a and b are the same config'),
        ('variants = dict(a={}, b=dict(x=1))', 'space and variants exclude each'),
        ("pruner = 'medain'", "got 'medain'; did you mean median"),
        ("pruner = 'median'\nseeds = [1, 2]", 'a pruner would end repeats'),
    ],
)
def test_wrong_settings_are_refused(read, text, message):
    with pytest.raises(ConfigError, match=message):
        read(text)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'metric is missing, as eye/f1'),
        ('objectives = []', 'objectives must be a list of dicts'),
        ("objectives = ['eye/f1']", r'an objective is dict\(metric=\.\.\.'),
        (
            "objectives = [dict(metric='eye/f1'), dict(metric='eye/f1')]",
            'objectives: eye/f1 is there twice',
        ),
        (
            "objectives = [dict(metric='eye/f1'), dict(metric='params')]\n"
            "pruner = 'median'",
            'a pruner needs one objective',
        ),
        (
            "objectives = [dict(metric='eye/f1'), dict(metric='params')]\n"
            "sampler = 'cmaes'",
            'cmaes needs ranges',
        ),
    ],
)
def test_wrong_objectives_are_refused(read, text, message):
    with pytest.raises(ConfigError, match=message):
        read(text, GOOD.replace("metric = 'eye/f1'\n", ''))


def test_a_grid_needs_steps(read):
    space = "space = {'lr': dict(type='float', low=0.1, high=1)}\nsampler = 'grid'"
    with pytest.raises(ConfigError, match='lr: a range of floats without step'):
        read(space)


def test_a_missing_config_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r'gone\.py: no such config file'):
        read_sweep_config(tmp_path / 'gone.py')


@pytest.mark.parametrize(
    'value',
    [3, 0.1, 1e-05, True, None, 'a b', '3', [1, 2], {'type': 'X', 'a': [None, 'b']}],
)
def test_options_come_back_as_they_were(value):
    key, _, text = as_option('a.b', value).partition('=')
    assert (key, parse_value(text)) == ('a.b', value)
    assert as_options({'a.b': value}) == [as_option('a.b', value)]
