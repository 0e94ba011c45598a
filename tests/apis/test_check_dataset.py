import json
import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.apis.check_dataset import LeakError, check_dataset, require_no_leak


def with_copy(make_eye_parquet, source, target):
    images = pq.read_table(make_eye_parquet())['image_bytes'].to_pylist()
    images[target] = images[source]
    return make_eye_parquet(image_bytes=images)


def test_a_clean_file(make_eye_parquet, capsys):
    # eyes drawn so small look alike by chance; 1 lets any number pass
    report = check_dataset([make_eye_parquet()], max_near_share=1, jobs=1)
    assert report.verdict == 'clean'
    assert report.headline == 'NO LEAK FOUND: 64 rows, 16 groups'
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == report.headline
    assert ' '.join(lines[2].split()) == 'split rows closed open open % groups no group'
    assert lines[3].split() == ['train', '32', '16', '16', '50.0%', '8', '0']


def test_a_leak_is_told_first_and_with_its_number(make_eye_parquet, capsys):
    file = with_copy(make_eye_parquet, 0, 32)
    report = check_dataset([file], max_near_share=1, jobs=1)
    assert report.verdict == 'leak'
    title = '1 pictures are in more than one split, pixel for pixel (2 rows)'
    assert report.headline == f'LEAK FOUND: {title}'
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == report.headline
    assert f'leak: {title}' in lines


@pytest.mark.parametrize(
    ('columns', 'reason'),
    [
        ({'group': None}, '64 of 64 rows have no known group'),
        ({'group': ['s1'] * 4 + ['unknown'] * 60}, '60 of 64 rows have no known group'),
        ({'split': None}, '64 of 64 rows have no known split'),
        (
            {'split': ['train'] * 32 + ['val'] * 2 + ['eval'] * 30},
            '30 of 64 rows have no known split',
        ),
        ({'split': ['val'] * 64}, 'val is the only split: there is nothing to compare'),
    ],
)
def test_what_cannot_be_known_is_no_clean_result(make_eye_parquet, columns, reason):
    report = check_dataset([make_eye_parquet(**columns)], max_near_share=1, jobs=1)
    assert report.verdict == 'unknown'
    assert report.headline.startswith(f'LEAK NOT EXCLUDED: {reason}')


def test_unreadable_pictures_are_no_clean_result(make_eye_parquet):
    images = pq.read_table(make_eye_parquet())['image_bytes'].to_pylist()
    file = make_eye_parquet(image_bytes=[b'text'] * 61 + images[61:])
    report = require_no_leak([file], max_near_share=1, jobs=1)
    assert report.headline == (
        'LEAK NOT EXCLUDED: 32 of 32 pictures of train cannot be read (more than 1%); '
        '16 of 16 pictures of val cannot be read (more than 1%); '
        '13 of 16 pictures of test cannot be read (more than 1%)'
    )


def test_two_files_are_one_data_set(make_eye_parquet, tmp_path):
    images = pq.read_table(make_eye_parquet(num_rows=8))['image_bytes'].to_pylist()
    for split, group in (('train', 'a'), ('val', 'b')):
        make_eye_parquet(
            tmp_path / 'set' / f'{split}.parquet',
            num_rows=8,
            split=[split] * 8,
            group=[group] * 8,
            image_bytes=images,
        )
    report = check_dataset([tmp_path / 'set'], jobs=1)
    assert '8 pictures are in more than one split' in report.headline
    assert len(report.files) == 2


def test_the_json_has_every_number(make_eye_parquet, tmp_path, capsys):
    path = tmp_path / 'new' / 'report.json'
    file = with_copy(make_eye_parquet, 0, 32)
    check_dataset([file], json_file=path, near_distance=3, jobs=1)
    content = json.loads(path.read_text())
    assert content['verdict'] == 'leak'
    assert content['files'] == [str(file)]
    assert content['settings']['near_distance'] == 3
    kinds = {finding['kind']: finding for finding in content['findings']}
    assert kinds['duplicates_across_splits']['sets'] == [[0, 32]]
    assert Counter(item['split'] for item in content['spreads']) == {
        split: 10 for split in ('train', 'val', 'test')
    }
    assert f'written: {path}' in capsys.readouterr().out


def test_a_leak_fails(make_eye_parquet, tmp_path):
    file = with_copy(make_eye_parquet, 0, 32)
    path = tmp_path / 'report.json'
    message = 'LEAK FOUND: 1 pictures are in more than one split'
    with pytest.raises(LeakError, match=message):
        require_no_leak([file], json_file=path, max_near_share=1, jobs=1)
    assert path.exists()  # what was found is written all the same
    report = require_no_leak([make_eye_parquet()], max_near_share=1, jobs=1)
    assert report.verdict == 'clean'


def test_files_without_rows_are_refused(make_eye_parquet):
    file = make_eye_parquet(num_rows=0)
    with pytest.raises(ValueError, match=f'{file}: no rows'):
        check_dataset([file])


@pytest.mark.parametrize(
    ('name', 'value', 'rule'),
    [
        ('max_near_share', -0.1, 'in [0, 1]'),
        ('max_near_share', float('nan'), 'in [0, 1]'),
        ('near_correlation', 0, 'in (0, 1]'),
        ('near_correlation', 1.5, 'in (0, 1]'),
        ('near_distance', -1, 'in [0, 63]'),
        ('near_distance', 64, 'in [0, 63]'),
    ],
)
def test_settings_out_of_range_are_refused_before_reading(name, value, rule):
    message = re.escape(f'{name} must be {rule}, got {value}')
    with pytest.raises(ValueError, match=message):
        check_dataset(['nowhere.parquet'], **{name: value})


def test_real_subjects_are_apart_and_random_rows_are_not(real_data, tmp_path):
    file = real_data / 'eyes' / 'mrl.parquet'
    report = check_dataset([file])
    assert report.verdict == 'clean'
    table = pq.read_table(file)
    in_val = np.random.default_rng(0).random(table.num_rows) < 0.2
    split = pa.array(np.where(in_val, 'val', 'train'))
    leaking = tmp_path / 'leaking.parquet'
    pq.write_table(table.set_column(0, 'split', split), leaking)
    kinds = [f.kind for f in check_dataset([leaking]).findings if f.level == 'leak']
    assert kinds == ['groups_across_splits', 'near_duplicates_across_splits']
