import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from mmengine.config import Config

from ocec.apis.drift_report_scores import read_crops, rows_of_split, score_rows
from ocec.apis.errors import ConfigError
from ocec.apis.score_checkpoint import open_test_runner, score_checkpoint
from ocec.datasets.eye_parquet import EyeParquet
from ocec.datasets.eye_table import read_eye_table


@pytest.fixture
def opened(make_member, own_data):
    """A model with random weights, its config and its checkpoint."""
    checkpoint = make_member(own_data)
    with open_test_runner(checkpoint) as (runner, _):
        yield runner.model, runner.cfg, checkpoint


def test_scores_are_those_of_a_test(opened, unseen_data):
    model, cfg, checkpoint = opened
    part = score_rows(model, cfg, unseen_data, 'val', max_rows=1000)
    expected = score_checkpoint(checkpoint, data=unseen_data, split='val').scores
    np.testing.assert_allclose(part.prob_N, expected['prob_B'], atol=1e-6)
    np.testing.assert_allclose(part.embedding_ND, expected['embedding_BD'], atol=1e-5)
    assert part.row_N.tolist() == expected['sample_id_B'].tolist()
    assert part.label_N.tolist() == expected['label_B'].tolist()
    assert part.group_N.tolist() == expected['group_id_B'].tolist()
    assert part.name == f'{unseen_data} [val]'
    dataset = EyeParquet(unseen_data, 'val', image_size=cfg.model.input_size)
    red_N = dataset[0]['inputs'][0, 0].float().mean()
    assert part.pixel_NK[0, 0] == pytest.approx(float(red_N), rel=1e-5)
    files = dataset.fingerprint()['files']
    assert part.fingerprint()['files'] == [
        {'footer_sha256': file['footer_sha256']} for file in files
    ]


def test_rows_without_a_label_are_scored_alike(opened, make_eye_parquet):
    model, cfg, _ = opened
    labels = ['closed', 'open', None, 'open'] * 10
    first = make_eye_parquet(num_rows=40)
    second = make_eye_parquet(num_rows=40, class_id=None, label=labels)
    parts = [score_rows(model, cfg, x, None, max_rows=99) for x in (first, second)]
    np.testing.assert_array_equal(parts[0].prob_N, parts[1].prob_N)
    assert parts[1].label_N.tolist() == [0, 1, -1, 1] * 10
    assert len(parts[1].labelled().row_N) == 30
    assert parts[1].has_labels
    bare = parts[1].take(parts[1].label_N == -1)
    assert (len(bare.row_N), bare.has_labels, bare.has_groups) == (10, False, True)


def test_random_choice_of_many_rows(opened, own_data):
    model, cfg, _ = opened
    every = score_rows(model, cfg, own_data, None, max_rows=64)
    some = score_rows(model, cfg, own_data, None, max_rows=10, seed=1)
    assert (some.num_rows, len(some.row_N)) == (64, 10)
    assert (np.diff(some.row_N) > 0).all()
    np.testing.assert_allclose(some.prob_N, every.prob_N[some.row_N], atol=1e-6)
    [crop] = read_crops(some, np.array([3]))
    [same] = read_crops(every, some.row_N[3:4])
    np.testing.assert_array_equal(crop, same)


def damage(path, rows):
    table = pq.read_table(path)
    pictures = table.column('image_bytes').to_pylist()
    pictures = [b'none' if n in rows else x for n, x in enumerate(pictures)]
    index = table.schema.get_field_index('image_bytes')
    pq.write_table(table.set_column(index, 'image_bytes', pa.array(pictures)), path)


def test_unreadable_pictures(opened, make_eye_parquet):
    model, cfg, _ = opened
    path = make_eye_parquet(num_rows=20, seed=3)
    damage(path, {2, 5})
    part = score_rows(model, cfg, path, None, max_rows=99)
    assert part.num_unreadable == 2
    assert {2, 5}.isdisjoint(part.row_N.tolist())
    damage(path, set(range(20)))
    with pytest.raises(ValueError, match='no picture can be read, as .*row 0'):
        score_rows(model, cfg, path, None, max_rows=99)


def test_broken_weights(opened, own_data):
    model, cfg, _ = opened
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float('nan'))
    with pytest.raises(ValueError, match='no row has a finite score: the weights'):
        score_rows(model, cfg, own_data, None, max_rows=9)


def test_pipeline_is_refused(opened, own_data):
    model, cfg, _ = opened
    changed = Config(cfg.to_dict())
    changed.test_dataloader.dataset.pipeline = [{'type': 'Resize'}]
    with pytest.raises(ConfigError, match='prepares its pictures with a pipeline'):
        score_rows(model, changed, own_data, None, max_rows=9)


def test_empty_split(make_eye_parquet):
    path = make_eye_parquet(num_rows=8, split=['train'] * 8)
    table = read_eye_table([path])
    assert rows_of_split(table, 'train').tolist() == list(range(8))
    message = re.escape(
        f'{path}: no row in split "val"; rows by split: '
        "{'train': 8, 'val': 0, 'test': 0}. Choose another with --split-a or"
    )
    with pytest.raises(ValueError, match=message):
        rows_of_split(table, 'val')
    empty = make_eye_parquet(num_rows=0, split=pa.array([], pa.string()), label=None)
    with pytest.raises(ValueError, match='no row; rows by split'):
        rows_of_split(read_eye_table([empty]), None)
