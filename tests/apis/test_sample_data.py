import json

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.apis.sample_data import make_sample_eyes, split_subjects
from ocec.synthesis.eyes import generate_eyes

SMALL = {'num_subjects': 5, 'crops_per_subject': 4, 'seed': 3}


@pytest.fixture(scope='module')
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp('sample') / 'eyes.parquet'
    make_sample_eyes(path, **SMALL, jobs=1)
    return path


def test_rows_are_the_drawn_crops(sample):
    table = pq.read_table(sample)
    crops = list(generate_eyes(5, 4, seed=3))
    assert table.num_rows == len(crops) == 20
    for number, (row, crop) in enumerate(zip(table.to_pylist(), crops, strict=True)):
        data = np.frombuffer(row['image_bytes'], np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
        np.testing.assert_array_equal(image, crop.image)
        label = {0: 'closed', 1: 'open'}[crop.label]
        person = f's{number // 4:03d}'
        name = f'visible/{person}/{person}_{number % 4:04d}_{label}.png'
        assert (row['label'], row['class_id']) == (label, crop.label)
        assert row['image_path'] == name
        assert row['group'] == crop.subject == f'visible-{person}'
        assert row['source'] == 'drawn-visible'


def test_no_subject_is_in_two_splits(sample):
    table = pq.read_table(sample, columns=['split', 'group'])
    pairs = set(zip(*(column.to_pylist() for column in table.columns), strict=True))
    assert len(pairs) == 5  # one split for each of 5 subjects
    assert {split for split, _ in pairs} == {'train', 'val', 'test'}


def test_two_processes_draw_the_same(sample, tmp_path):
    path = make_sample_eyes(tmp_path / 'eyes.parquet', **SMALL, jobs=2)
    assert pq.read_table(path).equals(pq.read_table(sample))


def test_counts_are_told(tmp_path, capsys):
    path = make_sample_eyes(tmp_path / 'eyes.parquet', **SMALL, jobs=1)
    told = capsys.readouterr()
    table = pq.read_table(path, columns=['split', 'label']).to_pylist()
    assert f'{path}: 20 crops of 5 subjects' in told.out
    for split, subjects in (('train', 3), ('val', 1), ('test', 1)):
        num = {x: table.count({'split': split, 'label': x}) for x in ('closed', 'open')}
        line = f'{num["closed"]} closed, {num["open"]} open, {subjects} subjects'
        assert f'{split:5} {line} ({subjects / 5:.1%})' in told.out
    # no terminal: a few plain lines instead of a bar
    assert told.err.splitlines()[-1] == 'drawn 5 of 5 subjects'
    assert len(told.err.splitlines()) <= 4


def test_same_settings_are_not_drawn_again(sample, capsys):
    before = sample.stat()
    assert make_sample_eyes(sample, **SMALL, jobs=1) == sample
    assert 'already drawn with these settings' in capsys.readouterr().out
    assert sample.stat().st_ino == before.st_ino
    assert sample.stat().st_mtime_ns == before.st_mtime_ns


def test_settings_are_recorded(sample):
    recorded = json.loads(pq.read_schema(sample).metadata[b'ocec.sample'])
    assert {name: recorded[name] for name in SMALL} == SMALL
    assert recorded['look'] == 'visible'
    assert 'jobs' not in recorded  # they change nothing


def test_other_settings_need_force(sample, tmp_path):
    path = tmp_path / 'eyes.parquet'
    path.write_bytes(sample.read_bytes())
    message = 'other settings: seed 3 there, 4 asked for; .*--force'
    with pytest.raises(FileExistsError, match=message):
        make_sample_eyes(path, **SMALL | {'seed': 4}, jobs=1)
    assert path.read_bytes() == sample.read_bytes()
    make_sample_eyes(path, **SMALL | {'seed': 4}, jobs=1, force=True)
    assert not pq.read_table(path).equals(pq.read_table(sample))


@pytest.mark.parametrize('kind', ['parquet', 'text'])
def test_foreign_files_need_force(tmp_path, kind):
    path = tmp_path / 'eyes.parquet'
    if kind == 'parquet':
        pq.write_table(pa.table({'x': [1]}), path)
    else:
        path.write_text('my notes')
    with pytest.raises(FileExistsError, match='is no sample data of this tool'):
        make_sample_eyes(path, **SMALL, jobs=1)
    make_sample_eyes(path, **SMALL, jobs=1, force=True)
    assert pq.read_table(path).num_rows == 20


@pytest.mark.parametrize(
    ('num_subjects', 'counts'),
    [(48, (28, 10, 10)), (10, (6, 2, 2)), (3, (1, 1, 1))],
)
def test_shares_are_whole_subjects(num_subjects, counts):
    # 20 % of 48 is 9.6: 10; 20 % of 3 is 0.6: 1
    splits = split_subjects(num_subjects, val_share=0.2, test_share=0.2, seed=0)
    assert tuple(splits.count(name) for name in ('train', 'val', 'test')) == counts


def test_a_split_without_share_gets_nobody_a_tiny_share_gets_one():
    splits = split_subjects(20, val_share=0.001, test_share=0.0, seed=0)
    assert (splits.count('val'), splits.count('test')) == (1, 0)


def test_division_is_seeded():
    first, again, other = (
        split_subjects(40, val_share=0.3, test_share=0.3, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == again != other
    assert first != sorted(first)  # not simply the first subjects


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'val_share': 1.0}, r'val_share must be in \[0, 1\), got 1.0'),
        ({'test_share': -0.1}, r'test_share must be in \[0, 1\), got -0.1'),
        (
            {'num_subjects': 2},
            'num_subjects must leave one for training beside 1 for val and 1 for test, '
            'got 2',
        ),
        ({'num_subjects': 0}, 'num_subjects must be >= 1, got 0'),
        ({'crops_per_subject': 0}, 'crops_per_subject must be >= 1, got 0'),
        ({'seed': -1}, 'seed must be >= 0, got -1'),
        ({'look': 'x'}, r"look must be one of \('visible', 'infrared'\), got 'x'"),
        ({'jobs': 0}, 'jobs must be >= 1, got 0'),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(
    tmp_path, arguments, message
):
    with pytest.raises(ValueError, match=message):
        make_sample_eyes(tmp_path / 'eyes.parquet', **SMALL | arguments)
    assert list(tmp_path.iterdir()) == []
