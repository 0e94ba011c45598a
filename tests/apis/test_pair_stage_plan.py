import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.pair_stage_plan import PROFILES, STAGES, StageMember, choose_members

FULL, SMALL = PROFILES['full'], PROFILES['small']


@pytest.mark.parametrize('profile', PROFILES)
def test_every_config_exists_and_every_folder_is_one_run(profile):
    members = PROFILES[profile]
    assert all(member.path.is_file() for member in members)
    folders = [(member.stage, member.run) for member in members]
    assert len(set(folders)) == len(folders)
    assert {member.stage for member in members} == set(STAGES) - {'stage4'}


def test_small_runs_are_all_different():
    trained = [(member.config, member.seed) for member in SMALL]
    assert len(set(trained)) == len(trained)
    assert all('small' in member.config for member in SMALL if member.stage != 'stage0')


@pytest.mark.parametrize(
    ('name', 'seeds'),
    [('resnet333', [42, 2023, 2024, 2025]), ('fusion5', [42, 123, 456]), ('fpn', [42])],
)
def test_stage_3_has_the_seeds_of_the_guide(name, seeds):
    chosen = choose_members(FULL, stages=['stage3'], names=[name])
    assert [member.seed for member in chosen] == seeds


def test_seeds_replace_those_of_the_plan_and_options_are_added():
    chosen = choose_members(
        SMALL, names=['compare', 'fusion5'], seeds=[7, 8, 7], cfg_options=['a=1']
    )
    assert [f'{m.stage}/{m.run}' for m in chosen] == [
        'stage0/compare-s7',
        'stage0/compare-s8',
        'stage2/fusion5-s7',
        'stage2/fusion5-s8',
        'stage3/fusion5-s7',
        'stage3/fusion5-s8',
    ]
    assert chosen[0].cfg_options == ('train_cfg.max_epochs=20', 'a=1')
    assert chosen[2].cfg_options == ('a=1',)


def test_stacking_alone_trains_nothing():
    assert choose_members(FULL, stages=['stage4']) == []


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (
            {'stages': ['stag1']},
            r"--stages: there is no 'stag1'; did you mean stage1\?",
        ),
        ({'names': ['fnp']}, r"--members: there is no 'fnp'; did you mean fpn\?"),
        (
            {'stages': ['stage0'], 'names': ['fpn']},
            'no member of stage0 is called fpn',
        ),
    ],
)
def test_what_there_is_not(settings, message):
    with pytest.raises(ConfigError, match=message):
        choose_members(FULL, **settings)


def test_a_path_is_taken_as_it_is(tmp_path):
    member = StageMember('stage0', 'own', str(tmp_path / 'own.py'))
    assert member.path == tmp_path / 'own.py'
