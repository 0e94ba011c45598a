import numpy as np
import pytest

from ocec.apis.check_dataset_leaks import LEAK, WARNING, find_leaks, one_of_each_part
from ocec.datasets.eye_table import read_eye_table
from ocec.preparation.near_duplicates import NearDuplicates


def no_partners(num=64):
    return NearDuplicates(
        partner_N=np.full(num, -1),
        correlation_N=np.zeros(num, np.float32),
        mirrored_N=np.zeros(num, bool),
        num_pairs=0,
        notes=(),
    )


def with_partners(pairs, num=64, mirrored=(), notes=()):
    near = no_partners(num)
    for row, partner in pairs:
        near.partner_N[[row, partner]] = partner, row
        near.correlation_N[[row, partner]] = 0.97
    near.mirrored_N[list(mirrored)] = True
    return NearDuplicates(
        near.partner_N, near.correlation_N, near.mirrored_N, len(pairs), notes
    )


@pytest.fixture
def find(make_eye_parquet):
    """Leaks of 64 rows: 0-31 train, 32-47 val, 48-63 test, four of a subject."""

    def find_in(*, picture=None, near=None, max_near_share=0.01, **columns):
        table = read_eye_table([make_eye_parquet(**columns)])
        picture_N = np.arange(len(table)) if picture is None else np.array(picture)
        return list(
            find_leaks(
                table, picture_N, near or no_partners(), max_near_share=max_near_share
            )
        )

    return find_in


def test_a_clean_split_has_nothing(find):
    assert find() == []


def test_groups_in_two_splits_are_a_leak(find):
    group = [f's{row // 4:02d}' for row in range(64)]
    group[33], group[60] = 's00', 's09'  # of train and test; of val and test
    [finding] = find(group=group)
    assert finding.kind == 'groups_across_splits'
    assert finding.level == LEAK
    assert finding.title == (
        '2 of 16 groups are in more than one split (10 rows): s00, s09'
    )
    assert finding.sets == ((0, 33), (36, 60))


def test_many_groups_are_not_all_named(find):
    [finding] = find(group=[f's{row % 8}' for row in range(64)])
    assert finding.title.endswith('(64 rows): s0, s1, s2, s3, s4, ...')
    assert finding.sets[0] == (0, 32, 48)


def test_rows_of_no_known_group_share_none(find):
    assert find(group=['unknown'] * 64) == []


def test_copies_are_a_leak_across_and_a_warning_within(find):
    picture = list(range(64))
    picture[32] = picture[48] = 0  # train, val and test
    picture[3] = 2  # train
    across, within = find(picture=picture)
    assert (across.kind, across.level) == ('duplicates_across_splits', LEAK)
    assert across.title == (
        '1 pictures are in more than one split, pixel for pixel (3 rows)'
    )
    assert across.sets == ((0, 32, 48),)
    assert (within.kind, within.level) == ('duplicates_within_splits', WARNING)
    assert '1 pictures are in one split more than once' in within.title
    assert '(2 rows)' in within.title
    assert within.sets == ((2, 3),)


def test_what_is_no_picture_has_no_copies(find):
    assert find(picture=[-1] * 64) == []


def test_look_alikes_beyond_the_limit_are_a_leak(find):
    near = with_partners([(0, 32), (1, 33), (2, 34)], mirrored=[0, 32])
    [finding] = find(near=near)
    assert finding.level == LEAK
    assert finding.title == (
        '3 of 16 rows of val (18.8%) look like a row of another split, 1 of them '
        'mirrored'
    )
    assert sorted(finding.sets) == [(0, 32), (1, 33), (2, 34)]
    [finding] = find(near=near, max_near_share=0.1875)  # 3 of 16: not more
    assert finding.level == WARNING
    assert 'The limit is 18.75%' in finding.meaning


@pytest.mark.parametrize(
    ('limit', 'share', 'told'),
    [
        (0.1876, '18.8%', '18.76%'),
        (0.187, '18.8%', '18.7%'),
        (0.188, '18.75%', '18.8%'),  # 18.8% would read as the limit
        (0.1875, '18.8%', '18.75%'),
    ],
)
def test_a_share_near_the_limit_has_enough_digits(find, limit, share, told):
    near = with_partners([(0, 32), (1, 33), (2, 34)])
    [finding] = find(near=near, max_near_share=limit)
    assert f'3 of 16 rows of val ({share}) look like' in finding.title
    assert f'The limit is {told} ' in finding.meaning


def test_very_few_look_alikes_are_no_leak(find):
    # 2 of 16 are 12.5 %, and may be chance
    [finding] = find(near=with_partners([(0, 32), (1, 33)]))
    assert finding.level == WARNING
    assert finding.meaning.startswith('So few may be chance')


def test_each_split_is_counted_by_itself_and_train_is_not(find):
    near = with_partners([(0, 32), (1, 48), (2, 49), (3, 50)], notes=('a note',))
    [finding] = find(near=near)
    assert finding.title.startswith(
        '1 of 16 rows of val (6.2%), 3 of 16 rows of test (18.8%) look like'
    )
    assert finding.level == LEAK
    assert finding.meaning.endswith(' a note.')


def test_one_row_of_each_part():
    code_N = np.array([7, 7, 7, 8, 8, 7])
    part_N = np.array([1, 1, 0, 0, 1, -1])
    assert one_of_each_part(code_N, part_N, [7, 8]) == ((0, 2), (3, 4))
