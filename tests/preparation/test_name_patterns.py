import pytest

from ocec.preparation.name_patterns import (
    MRL_NAME,
    class_of_folders,
    compile_pattern,
    frame_of_name,
    group_by_pattern,
    groups_of_folders,
    split_of_folders,
)


def test_the_fields_of_an_mrl_name():
    match = MRL_NAME.search('s0012_03054_0_1_1_2_0_03')
    assert match.groupdict() == {
        'group': 's0012',
        'frame': '03054',
        'gender': '0',
        'glasses': '1',
        'state': '1',
        'reflections': '2',
        'lighting': '0',
        'sensor': '03',
    }
    assert not MRL_NAME.search('s0012_03054_0_1_2_2_0_03')  # no such state


@pytest.mark.parametrize(
    ('path', 'label', 'problem'),
    [
        ('open/1.png', 1, ''),
        ('a/CLOSED/b/1.png', 0, ''),
        ('a/open.png', -1, 'it lies below neither open/ nor closed/'),
        ('open/closed/1.png', -1, 'it lies below both open/ and closed/'),
    ],
)
def test_the_class_is_a_folder(path, label, problem):
    assert class_of_folders(path) == (label, problem)


@pytest.mark.parametrize(
    ('paths', 'groups', 'num_levels'),
    [
        (['s0/open/1.png', 's1/open/1.png'], ['s0', 's1'], 1),
        (['open/s0/1.png', 'closed/s1/1.png'], ['s0', 's1'], 1),
        (['x/s0/open/1.png', 'x/s1/open/1.png'], ['s0', 's1'], 1),
        # one subject, whatever lies below
        (['s0/left/open/1.png', 's0/right/open/1.png'], ['', ''], 0),
        (
            ['s0/left/open/1.png', 's0/right/open/1.png', 's1/OD/open/1.png'],
            ['s0', 's0', 's1'],
            1,
        ),
        (
            ['s0/day1/open/1.png', 's0/day2/open/1.png', 's1/day1/open/1.png'],
            ['s0', 's0', 's1'],
            2,
        ),
        (
            ['open/s0/day1/1.png', 'open/s0/day2/1.png', 'open/s1/day1/1.png'],
            ['s0', 's0', 's1'],
            2,
        ),
        (['2024-01-05/s0/open/1.png', '20240106_1030/s0/open/1.png'], ['', ''], 0),
        (['5.1.2024/s0/open/1.png', '2024_02/s1/open/1.png'], ['s0', 's1'], 1),
        (['Train/s0/open/1.png', 'val/s1/open/1.png'], ['s0', 's1'], 1),
        (['train/open/1.png', 'val/open/1.png'], ['', ''], 0),
        (['open/1.png', 's1/open/1.png'], ['', 's1'], 1),
        ([], [], 0),
    ],
)
def test_the_group_is_the_coarsest_folder_that_differs(paths, groups, num_levels):
    found, levels = groups_of_folders(paths)
    assert found == groups
    assert len(levels) == num_levels


@pytest.mark.parametrize(
    'name',
    [
        'left',
        'Right',
        'l',
        'R',
        'OD',
        'os',
        'eye',
        'left_eye',
        'eye-right',
        'both eyes',
    ],
)
def test_eyes_are_no_groups(name):
    assert groups_of_folders([f'{name}/open/1.png', 'open/1.png'])[0] == ['', '']


@pytest.mark.parametrize('name', ['lea', 'rosa', 'oscar', '0012', '12345678', 'eye7'])
def test_names_that_resemble_eyes_and_dates_are_groups(name):
    assert groups_of_folders([f'{name}/open/1.png', 'open/1.png'])[0] == [name, '']


@pytest.mark.parametrize(
    ('path', 'split'),
    [
        ('train/open/1.png', 'train'),
        ('open/Validation/1.png', 'val'),
        ('open/test.png', ''),
        ('train/test/open/1.png', ''),
    ],
)
def test_the_split_is_a_folder(path, split):
    assert split_of_folders(path) == split


@pytest.mark.parametrize(
    ('path', 'frame'),
    [
        ('s1/s0012_03054_0_1_1_2_0_03.png', 3054),
        ('open_20240101_00000123_1.png', 123),
        ('eye_12.png', None),
        ('2024/eye.png', None),
    ],
)
def test_the_frame_is_a_number_in_the_name(path, frame):
    assert frame_of_name(path, None) == frame


def test_patterns_of_the_user_come_first():
    pattern = compile_pattern(r'f(?P<frame>\w+)\.', 'frame')
    assert frame_of_name('a/00000123_f7.png', pattern) == 7
    assert frame_of_name('a/00000123_fx.png', pattern) is None
    assert frame_of_name('a/00000123.png', pattern) is None
    pattern = compile_pattern('(?P<group>s[0-9]+|unknown)', 'group')
    assert group_by_pattern('a/s7/1.png', pattern) == 's7'
    assert group_by_pattern('a/unknown/1.png', pattern) == ''
    assert group_by_pattern('a/1.png', pattern) == ''


@pytest.mark.parametrize(
    ('pattern', 'message'),
    [
        ('(?P<group>', 'is no regular expression: missing'),
        ('s[0-9]+', r"'s\[0-9\]\+' needs a group named \"group\": \(\?P<group>"),
    ],
)
def test_useless_patterns_are_refused(pattern, message):
    with pytest.raises(ValueError, match=message):
        compile_pattern(pattern, 'group')
