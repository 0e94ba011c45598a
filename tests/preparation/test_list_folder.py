import os

import pytest

from ocec.preparation.list_folder import (
    has_pictures,
    list_folder,
    list_mrl,
    looks_like_mrl,
)
from ocec.preparation.name_patterns import compile_pattern

BY_SUBJECT = compile_pattern('(?P<group>p[0-9])', 'group')


def make(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b'x')
    return root


def test_classes_groups_and_splits_are_folders(tmp_path):
    root = make(
        tmp_path / 'eyes',
        'train/s1/open/b.png',
        'train/s1/Closed/a.JPG',
        'val/s2/open/left/a.webp',
        'val/s2/open/notes.txt',
        'val/s2/open/README',
    )
    listing = list_folder(root)
    rows = [(e.path, e.label, e.group, e.split, e.source) for e in listing.entries]
    assert rows == [
        ('eyes/train/s1/Closed/a.JPG', 0, 's1', 'train', 'eyes'),
        ('eyes/train/s1/open/b.png', 1, 's1', 'train', 'eyes'),
        ('eyes/val/s2/open/left/a.webp', 1, 's2', 'val', 'eyes'),
    ]
    assert listing.entries[0].file == str(root / 'train/s1/Closed/a.JPG')
    assert listing.told == (
        f'{root}: 3 pictures in folders open/ and closed/',
        '  passed over: 1 *.txt, 1 without suffix',
        '  groups by folders: 2 (s1, s2)',
    )


def test_a_wrapper_is_no_group(tmp_path):
    listing = list_folder(make(tmp_path, 'all/open/a.png', 'all/closed/b.png'))
    assert {entry.group for entry in listing.entries} == {''}
    assert listing.told[-1] == '  groups by folders: none found'


def test_several_levels_of_folders_are_told(tmp_path):
    root = make(
        tmp_path / 'eyes',
        *(f's{s}/day{d}/open/{s}{d}.png' for s in range(2) for d in range(2)),
    )
    listing = list_folder(root)
    assert [entry.group for entry in listing.entries] == ['s0', 's0', 's1', 's1']
    assert listing.told[-2] == '  groups by folders: 2 (s0, s1)'
    assert listing.told[-1] == (
        '  WARNING: the folders differ at 2 levels. Groups are those of the first, '
        '(s0, s1); below lie (day0, day1). Name another level with --group-pattern, as '
        "'^[^/]+/(?P<group>[^/]+)/' for the second"
    )


def test_a_misspelt_class_folder_is_no_group(tmp_path):
    root = make(tmp_path, 's0/open/a.png', 's1/open/a.png', 'zzz/clsoed/a.png')
    assert [entry.group for entry in list_folder(root).entries] == ['s0', 's1', '']


def test_the_folder_itself_may_be_the_class(tmp_path):
    root = make(tmp_path / 'Closed', 's0/a.png', 's1/a.png')
    listing = list_folder(root)
    assert [(e.label, e.group, e.problem) for e in listing.entries] == [
        (0, 's0', ''),
        (0, 's1', ''),
    ]
    assert listing.told[0] == f'{root}: 2 pictures, all closed after the folder itself'
    # not where folders below tell the class
    root = make(tmp_path / 'open', 'closed/a.png', 'a.png')
    labels = {e.path: e.label for e in list_folder(root).entries}
    assert labels == {'open/closed/a.png': 0, 'open/a.png': -1}


@pytest.mark.parametrize('read', [list_folder, list_mrl])
def test_folders_that_cannot_be_read_are_a_problem(tmp_path, monkeypatch, read):
    root = make(tmp_path / 'eyes', 'open/a.png', 'closed/s1/b.png')
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith('s1'):
            raise PermissionError(13, 'Permission denied', str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, 'scandir', refuse)
    bad = read(root).entries[-1]
    assert bad.path == 'eyes/closed/s1/'
    assert bad.problem == 'the folder cannot be read: Permission denied'


def test_the_pattern_comes_before_the_folders(tmp_path):
    root = make(tmp_path, 's1/open/p1_a.png', 's1/closed/p2_a.png', 's1/open/x.png')
    listing = list_folder(root, group_pattern=BY_SUBJECT)
    assert [entry.group for entry in listing.entries] == ['p2', 'p1', '']
    shown = "  groups by pattern '(?P<group>p[0-9])': 2 (p1, p2); 1 pictures in none"
    assert listing.told[-1] == shown


def test_pictures_without_a_class_have_a_problem(tmp_path):
    root = make(tmp_path, 'open/a.png', 'clsoed/a.png', 'open/closed/a.png')
    problems = {e.path.split('/', 1)[1]: e.problem for e in list_folder(root).entries}
    assert problems == {
        'open/a.png': '',
        'clsoed/a.png': 'it lies below neither open/ nor closed/',
        'open/closed/a.png': 'it lies below both open/ and closed/',
    }


def test_links_out_of_the_folder_are_refused_unless_allowed(tmp_path):
    outside = make(tmp_path / 'outside', 'a.png')
    root = make(tmp_path / 'eyes', 'open/a.png')
    (root / 'open' / 'link.png').symlink_to(outside / 'a.png')
    (root / 'closed').symlink_to(outside)
    (root / 'open' / 'again').symlink_to(root / 'open')  # a circle
    listing = list_folder(root)
    assert [(e.path, e.problem) for e in listing.entries] == [
        ('eyes/open/a.png', ''),
        (
            'eyes/open/link.png',
            'it leaves the data folder by a link; allow it with --allow-outside',
        ),
    ]
    assert '1 linked folders outside (--allow-outside follows' in listing.told[1]
    listing = list_folder(root, allow_outside=True)
    assert {(e.path, e.problem) for e in listing.entries} == {
        ('eyes/closed/a.png', ''),
        ('eyes/open/a.png', ''),
        ('eyes/open/link.png', ''),
    }


def test_names_that_are_not_utf8_are_told(tmp_path):
    make(tmp_path, 'open/a.png')
    name = os.fsencode(tmp_path / 'open') + b'/b\xff.png'
    with open(name, 'wb') as stream:
        stream.write(b'x')
    bad = list_folder(tmp_path).entries[1]
    assert bad.path.endswith('open/b\\xff.png')
    assert bad.problem == 'the file name is not UTF-8; rename it'


def test_mrl_names_tell_everything(tmp_path):
    root = make(
        tmp_path / 'mrl',
        's0001/s0001_00013_0_1_0_2_1_03.png',
        's0002/s0002_00001_1_0_1_0_0_01.png',
        's0002/other.png',
    )
    assert looks_like_mrl(root)
    listing = list_mrl(root)
    first, bad, second = listing.entries
    assert (first.label, first.group) == (0, 's0001')
    assert first.extras == {
        'glasses': 1,
        'reflections': 2,
        'lighting': 1,
        'sensor': 3,
    }
    assert (second.label, second.group) == (1, 's0002')
    assert bad.problem == 'not named as an MRL picture'
    assert '3 pictures with MRL names' in listing.told[0]
    assert '  groups by subjects: 2 (s0001, s0002)' in listing.told[1]
    pattern = compile_pattern('(?P<group>s000)', 'group')
    assert list_mrl(root, group_pattern=pattern).entries[0].group == 's000'


def test_other_folders_are_not_mrl(tmp_path):
    root = make(
        tmp_path, 'open/a.png', 'open/b.png', 'open/s0001_00013_0_1_0_2_1_03.png'
    )
    assert not looks_like_mrl(root)


def test_a_folder_without_pictures_is_refused(tmp_path):
    make(tmp_path, 'open/a.txt')
    assert not has_pictures(tmp_path)
    for read in (list_folder, list_mrl):
        with pytest.raises(ValueError, match=r'no pictures \(.png, .jpg'):
            read(tmp_path)
