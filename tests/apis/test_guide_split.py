import pytest

from ocec.apis.guide_settings import GuideSettings
from ocec.apis.guide_split import choose_split


def settings(data, **given):
    return GuideSettings(data_root=str(data), output_dir='run', **given)


def test_a_file_with_splits_keeps_them_aloud(make_eye_parquet):
    # 8 of 16 rows train, 4 validate, 4 test
    data = make_eye_parquet(num_rows=16)
    split = choose_split(settings(data))
    assert split.ratios is None
    assert split.has_test
    assert split.told == (
        f'split: that of {data}: train 50.0% (8), val 25.0% (4), test 25.0% (4); '
        '--train_ratio 0.8, --val_ratio 0.2, --test_ratio 0 have no effect, '
        '--resplit splits by them'
    )


def test_test_is_not_needed(make_eye_parquet):
    data = make_eye_parquet(num_rows=16, splits={'train': 0.75, 'val': 0.25})
    split = choose_split(settings(data))
    assert (split.ratios, split.has_test) == (None, False)
    assert f'{data}: train 75.0% (12), val 25.0% (4); --train_ratio' in split.told


@pytest.mark.parametrize(
    ('given', 'parquet', 'expected', 'told'),
    [
        (
            dict(resplit=True, seed=7),
            {},
            dict(train=0.8, val=0.2),
            'split: by ratio (--resplit): train 0.8, val 0.2, whole groups, seed 7',
        ),
        (
            dict(train_ratio=0.7),
            dict(split=None),
            dict(train=0.7, val=0.2, test=0.1),
            'split: by ratio (no train and no val split there): train 0.7, val 0.2, '
            'test 0.1, whole groups, seed 42; 0.1 that the ratios leave over is in '
            'test',
        ),
        (
            {},
            dict(splits={'train': 1.0}),
            dict(train=0.8, val=0.2),
            'split: by ratio (no val split there): train 0.8, val 0.2, whole groups, '
            'seed 42',
        ),
        (
            dict(train_ratio=0.6, test_ratio=0.2),
            dict(splits={'train': 0.75, 'val': 0.25}),
            dict(train=0.6, val=0.2, test=0.2),
            'split: by ratio (no test split there): train 0.6, val 0.2, test 0.2, '
            'whole groups, seed 42',
        ),
    ],
)
def test_split_by_ratio(make_eye_parquet, given, parquet, expected, told):
    split = choose_split(settings(make_eye_parquet(num_rows=16, **parquet), **given))
    assert split.ratios == expected
    assert split.has_test == ('test' in expected)
    assert split.told == told


def test_one_file_without_splits_is_enough(make_eye_parquet, tmp_path):
    make_eye_parquet(tmp_path / 'eyes' / 'a.parquet', num_rows=16)
    make_eye_parquet(tmp_path / 'eyes' / 'b.parquet', num_rows=16, split=None)
    split = choose_split(settings(tmp_path / 'eyes'))
    assert split.ratios == dict(train=0.8, val=0.2)


def test_split_by_ratio_needs_groups(make_eye_parquet):
    data = make_eye_parquet(num_rows=16, split=None, group=None)
    message = f'{data}: column "group" is missing.*Add a column with the subject'
    with pytest.raises(ValueError, match=message):
        choose_split(settings(data))
    # with splits nobody asks for groups
    data = make_eye_parquet(num_rows=16, group=None)
    assert choose_split(settings(data)).ratios is None


def test_missing_data(tmp_path):
    for name in ('gone.parquet', ''):  # an empty folder too
        path = tmp_path / name
        with pytest.raises(FileNotFoundError, match=f'--data_root {path}: no such par'):
            choose_split(settings(path))
