import os
from dataclasses import replace

import pytest

from ocec.preparation.eye_listing import (
    EyeEntry,
    Listing,
    merge_duplicates,
    printable,
    problem_of_name,
    unify_group,
)

ENTRY = EyeEntry('a.png', 1, 'g', '', 'one', '/data/a.png')
OTHER = replace(ENTRY, path='b.png', file='/data/b.png')


def test_the_first_of_duplicates_counts_and_is_told():
    again = replace(ENTRY, path='./a.png', source='two')
    kept, told = merge_duplicates([ENTRY, OTHER, again, again], 'first')
    assert kept == [ENTRY, OTHER]
    [line] = told
    assert line == (
        '2 pictures are given twice with one label, as ./a.png: the first of each '
        'counts'
    )
    with pytest.raises(ValueError, match=r'2 pictures are given twice, as ./a.png; '):
        merge_duplicates([ENTRY, OTHER, again, again], 'error')


def test_what_one_source_knows_counts():
    bare = replace(ENTRY, group='', split='', problem='cannot be used so', label=-1)
    known = replace(ENTRY, split='val', source='two')
    for entries in ([bare, known], [known, bare]):
        [kept], _ = merge_duplicates(entries, 'first')
        assert kept == known
    [kept], _ = merge_duplicates([replace(ENTRY, group=''), known], 'first')
    assert (kept.group, kept.split, kept.source) == ('g', 'val', 'one')


@pytest.mark.parametrize('name', ['group', 'split'])
def test_contradicting_groups_and_splits_are_refused(name):
    first = replace(ENTRY, **{name: 'x'})
    second = replace(ENTRY, **{name: 'y'}, source='two')
    message = rf'a.png is given with two {name}s, x and y \(in one and two\); correct'
    with pytest.raises(ValueError, match=message):
        merge_duplicates([first, second], 'first')


def test_rows_of_one_parquet_are_no_duplicates():
    rows = [replace(ENTRY, path=f'{row}.png', row=row) for row in range(3)]
    assert merge_duplicates(rows, 'error') == (rows, [])


def test_contradicting_duplicates_are_refused():
    again = replace(ENTRY, label=0, source='two')
    message = r'a.png is given with both labels, closed and open \(in one and two\)'
    with pytest.raises(ValueError, match=message):
        merge_duplicates([ENTRY, again], 'first')


def test_one_name_is_one_picture():
    other = replace(ENTRY, file='/other/a.png')
    message = 'name a.png stands for two pictures, /data/a.png and /other/a.png'
    with pytest.raises(ValueError, match=message):
        merge_duplicates([ENTRY, other], 'first')


def test_the_digest_sees_entries_files_and_times(tmp_path):
    file, table = tmp_path / 'a.png', tmp_path / 'a.csv'
    file.write_bytes(b'1')
    table.write_bytes(b'1')
    entry = replace(ENTRY, file=str(file))

    def digest(entry=entry):
        return Listing([entry], (), files=(table,)).digest()

    digests = [digest(), digest(replace(entry, label=0))]
    for path in (file, table):
        os.utime(path, ns=(0, 0))
        digests.append(digest())
    file.unlink()
    digests.append(digest())
    assert len(set(digests)) == 5
    assert digest() == digests[-1]


def test_names_that_are_not_utf8():
    name = os.fsdecode(b'eye\xff.png')
    assert problem_of_name(name) == 'the file name is not UTF-8; rename it'
    assert printable(name) == 'eye\\xff.png'
    assert problem_of_name('Jürgen.png') == ''
    assert printable('Jürgen.png') == 'Jürgen.png'


@pytest.mark.parametrize('word', ['', ' ', 'unknown', 'None', 'NaN', None])
def test_words_for_unknown_are_no_groups(word):
    assert unify_group(word) == ''
    assert unify_group(7) == '7'
