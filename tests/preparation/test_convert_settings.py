import pytest

from ocec.functional.perceptual_hash import NEAR_DISTANCE
from ocec.preparation.convert_settings import ConvertSettings
from ocec.preparation.split_plan import SplitPlan


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'format': 'zip'}, r"format must be one of \('auto', .*, got 'zip'"),
        ({'group_by': 'x'}, "group_by must be one of .*, got 'x'"),
        ({'split': 'x'}, "split must be one of .*, got 'x'"),
        ({'store': 'x'}, r"store must be one of \('bytes', 'paths'\), got 'x'"),
        ({'bad_rows': 'x'}, r"bad_rows must be one of \('error', 'skip'\), got 'x'"),
        ({'duplicates': 'x'}, "duplicates must be one of .*, got 'x'"),
        ({'max_rows_per_file': 0}, 'max_rows_per_file must be >= 1, got 0'),
        ({'seed': -1}, 'seed must be >= 0, got -1'),
        ({'gap': -1, 'split': 'time'}, 'gap must be >= 0, got -1'),
        ({'near_distance': -1}, 'near_distance must be >= 0, got -1'),
        ({'near_distance': 64}, 'near_distance must be <= 63, got 64'),
        ({'near_distance': 3}, '--near-distance belongs to --group-by near-duplicates'),
        ({'split': 'keep', 'resplit': True}, 'resplit divides anew, split keep does'),
        ({'ratios': {'train': 0.5}}, 'must sum to 1, got 0.5'),
        ({'group_pattern': 's1'}, '\'s1\' needs a group named "group"'),
        (
            {'frame_pattern': 's1', 'split': 'time'},
            '\'s1\' needs a group named "frame"',
        ),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ConvertSettings(**settings)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'fold': 2}, '--fold belongs to --split folds and does nothing without --spl'),
        (
            {'num_folds': 5, 'split': 'time'},
            '--num-folds .* --split time: write --split',
        ),
        ({'lists': {'val': 'a'}}, '--lists .*: write --split lists, or leave --lists'),
        ({'gap': 0, 'split': 'grouped'}, '--gap belongs to --split time and does'),
        ({'frame_pattern': '(?P<frame>1)'}, '--frame-pattern belongs to --split time'),
        (
            {'ratios': {'train': 1.0}, 'split': 'keep'},
            '--ratios .* grouped or time or random .* --split grouped --resplit, or',
        ),
        ({'seed': 1, 'split': 'lists'}, '--seed belongs to --split grouped or folds'),
    ],
)
def test_options_of_other_methods_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ConvertSettings(**settings)


def test_options_wait_for_the_sources_to_choose_a_method():
    settings = ConvertSettings(seed=1)
    settings.check_options('grouped')
    with pytest.raises(ValueError, match='--seed .* nothing with --split keep: write'):
        settings.check_options('keep')


def test_a_list_that_is_not_there_is_named(tmp_path):
    lists = {'val': tmp_path / 'gone.txt'}
    with pytest.raises(ValueError, match=r'lists: no such file: .*gone.txt'):
        ConvertSettings(split='lists', lists=lists)


def test_what_is_not_given_has_the_values_of_the_plan():
    plan = ConvertSettings(seed=1).split_plan('grouped')
    assert plan == SplitPlan('grouped', seed=1)
    near = {'group_by': 'near-duplicates'}
    assert ConvertSettings(**near).bits_of_near == NEAR_DISTANCE
    assert ConvertSettings(**near, near_distance=0).bits_of_near == 0


def test_what_lists_say_is_part_of_the_settings(tmp_path):
    file = tmp_path / 'val.txt'
    plain = []
    for text in ('s1', 's2'):
        file.write_text(text)
        settings = ConvertSettings(
            split='lists', lists={'val': str(file)}, min_size=(2, 3)
        )
        plain.append(settings.as_json())
    assert [settings['lists'] for settings in plain] == [{'val': 's1'}, {'val': 's2'}]
    assert plain[0]['min_size'] == [2, 3]
