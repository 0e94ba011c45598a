import pytest

from ocec.preparation.name_patterns import (
    MRL_NAME,
    class_of_folders,
    compile_pattern,
    frame_of_name,
    group_by_pattern,
    group_of_folders,
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
    ('path', 'group'),
    [
        ('s01/open/1.png', 's01'),
        ('site/s01/open/left/1.png', 'site/s01'),
        ('open/s01/left/1.png', 's01'),
        ('train/open/1.png', ''),
        ('Train/s01/open/1.png', 's01'),
        ('open/1.png', ''),
        ('s01/1.png', ''),
    ],
)
def test_the_group_is_a_folder(path, group):
    assert group_of_folders(path) == group


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
