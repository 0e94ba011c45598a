import pytest

from ocec.preparation.convert_settings import ConvertSettings


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
        ({'gap': -1}, 'gap must be >= 0, got -1'),
        ({'near_distance': -1}, 'near_distance must be >= 0, got -1'),
        ({'near_distance': 64}, 'near_distance must be <= 63, got 64'),
        ({'split': 'keep', 'resplit': True}, 'resplit divides anew, split keep does'),
        ({'ratios': {'train': 0.5}}, 'must sum to 1, got 0.5'),
        ({'group_pattern': 's1'}, '\'s1\' needs a group named "group"'),
        ({'frame_pattern': 's1'}, '\'s1\' needs a group named "frame"'),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ConvertSettings(**settings)


def test_what_lists_say_is_part_of_the_settings(tmp_path):
    file = tmp_path / 'val.txt'
    plain = []
    for text in ('s1', 's2'):
        file.write_text(text)
        settings = ConvertSettings(lists={'val': str(file)}, min_size=(2, 3))
        plain.append(settings.as_json())
    assert [settings['lists'] for settings in plain] == [{'val': 's1'}, {'val': 's2'}]
    assert plain[0]['min_size'] == [2, 3]
