import csv
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.infer import infer
from ocec.apis.score_checkpoint import score_checkpoint


@pytest.fixture
def checkpoint(make_member, own_data):
    return make_member(own_data)


@pytest.fixture
def data(make_eye_parquet):
    return make_eye_parquet(num_rows=12, seed=3, split=['test'] * 12)


def read(path):
    with open(path, newline='', encoding='utf-8') as stream:
        return list(csv.DictReader(stream))


def test_a_parquet_to_csv(checkpoint, data, tmp_path, capfd):
    prob_N = score_checkpoint(checkpoint, data=data).scores['prob_B']
    threshold = round(float(np.median(prob_N)), 4)
    is_open_N = prob_N >= threshold
    out = tmp_path / 'new' / 'p.csv'
    capfd.readouterr()
    counts = infer(checkpoint, [data], out=out, batch_size=5, threshold=threshold)
    output, error = capfd.readouterr()
    rows = read(out)
    assert [row['row'] for row in rows] == [str(row) for row in range(12)]
    assert {row['path'] for row in rows} == {str(data)}
    found = [float(row['prob_open']) for row in rows]
    np.testing.assert_allclose(found, prob_N, atol=2e-6)
    assert [row['state'] == 'open' for row in rows] == is_open_N.tolist()
    assert counts.num_scored == 12
    num_open = is_open_N.sum()
    summary, _, speed = output.splitlines()[-1].rpartition('; ')
    assert summary == (
        f'{out}: 12 pictures, {num_open} open, {12 - num_open} closed; 0 could not be '
        f'read; threshold {threshold:.4f} (as given)'
    )
    assert re.fullmatch(r'[\d,]+ pictures/s', speed)
    assert error.splitlines()[-1] == 'scoring pictures: 12 of 12'


@pytest.fixture
def mixed_folder(data, tmp_path):
    """Twelve pictures, eleven broken ones and a text."""
    folder = tmp_path / 'crops'
    folder.mkdir()
    for row, encoded in enumerate(pq.read_table(data).column('image_bytes')):
        (folder / f'good{row:02d}.png').write_bytes(encoded.as_py())
    for row in range(11):
        (folder / f'bad{row:02d}.png').write_bytes(b'broken')
    (folder / 'notes.txt').write_text('none')
    return folder


def test_unreadable_files_are_listed_and_not_fatal(
    checkpoint, mixed_folder, tmp_path, capfd
):
    counts = infer(checkpoint, [mixed_folder], out=tmp_path / 'p.parquet')
    assert (counts.num_scored, counts.num_unreadable) == (12, 11)
    table = pq.read_table(tmp_path / 'p.parquet')
    assert sum(error is not None for error in table.column('error').to_pylist()) == 11
    assert table.column('prob_open').null_count == 11
    output, error = capfd.readouterr()
    assert '11 could not be read; threshold 0.5000 (default: the model hol' in output
    lines = error.splitlines()
    assert 'passed over in folders: 1 *.txt' in lines
    named = [line for line in lines if line.startswith('cannot be read: ')]
    assert len(named) == 10
    assert f'{mixed_folder}/bad00.png: the picture cannot be decoded' in named[0]
    assert lines[-1] == f'... and 1 more, all in {tmp_path}/p.parquet'


def test_strict_fails_when_all_is_written(checkpoint, mixed_folder, tmp_path):
    out = tmp_path / 'p.csv'
    message = re.escape('11 of 23 pictures could not be read (--strict)')
    with pytest.raises(ValueError, match=message):
        infer(checkpoint, [mixed_folder], out=out, strict=True)
    assert len(read(out)) == 23


def test_nothing_readable_is_a_failure(checkpoint, tmp_path):
    (tmp_path / 'a.png').write_bytes(b'broken')
    with pytest.raises(ValueError, match='none of 1 pictures could be read'):
        infer(checkpoint, [tmp_path / 'a.png'], out=tmp_path / 'p.csv')


def test_column_and_pictures_outside(checkpoint, data, tmp_path):
    folder = tmp_path / 'lists'
    folder.mkdir()
    picture = pq.read_table(data).column('image_bytes')[0].as_py()
    (tmp_path / 'eye.png').write_bytes(picture)
    file = folder / 'list.parquet'
    pq.write_table(pa.table({'crop': ['../eye.png', '../eye.png']}), file)
    with pytest.raises(ValueError, match='needs a column "image_bytes"'):
        infer(checkpoint, [file], out=tmp_path / 'p.csv')
    options = {'out': tmp_path / 'p.csv', 'data_column': 'crop'}
    with pytest.raises(ValueError, match='none of 2 pictures could be read'):
        infer(checkpoint, [file], **options)
    counts = infer(checkpoint, [file], allow_outside=True, **options)
    assert counts.num_scored == 2


@pytest.mark.parametrize('name', ['{}', '{}/..', '{}/../*.parquet'])
def test_a_source_is_not_replaced(checkpoint, tmp_path, data, name):
    folder = tmp_path / 'mine' / 'x'
    folder.mkdir(parents=True)
    content = data.read_bytes()
    out = folder.parent / 'eyes.parquet'
    out.write_bytes(content)
    source = name.format(out if name == '{}' else folder)
    with pytest.raises(ConfigError, match='is one of the sources, and would replace'):
        infer(checkpoint, [source], out=out)
    assert out.read_bytes() == content
    # what is none of them is replaced
    infer(checkpoint, [data], out=out)
    assert out.read_bytes() != content


@pytest.mark.parametrize(
    ('sources', 'out', 'error', 'message'),
    [
        ([], 'p.csv', ConfigError, 'name pictures, folders, patterns or parquet fil'),
        (['a.png'], 'p.xls', ConfigError, '--out p.xls: name a file that ends in .c'),
        (['gone'], 'p.csv', FileNotFoundError, 'gone: no such file, folder or patte'),
    ],
)
def test_wrong_usage_leaves_no_output(
    checkpoint, tmp_path, monkeypatch, sources, out, error, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=re.escape(message)):
        infer(checkpoint, sources, out=out)
    assert not (tmp_path / out).exists()
