import csv
import re

import numpy as np
import pytest
import torch

from ocec.apis.errors import ConfigError
from ocec.apis.score_checkpoint import score_checkpoint
from ocec.apis.test import test as run_test
from ocec.apis.train import train
from ocec.engine.runner import Runner

# rows of the parquet: train last, so that ids are not positions
SPLITS = ['test'] * 16 + ['val'] * 12 + ['train'] * 36


@pytest.fixture(scope='module')
def runs():
    return []


@pytest.fixture
def run(runs, write_config):
    """Config and checkpoint of a training, the same for all tests of this file."""
    if not runs:
        config = write_config(
            'train_cfg = dict(max_epochs=1)', num_rows=len(SPLITS), split=SPLITS
        )
        runs.append((config, train(config).work_dir / 'epoch_1.pth'))
    return runs[0]


def test_scores_are_those_of_a_test(run, tmp_path, monkeypatch):
    config, checkpoint = run
    out = tmp_path / 'predictions.csv'
    run_test(config, checkpoint, work_dir=tmp_path / 'tested', out=out)
    with open(out, newline='') as stream:
        rows = list(csv.DictReader(stream))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob('*'))
    scored = score_checkpoint(checkpoint)
    assert sorted(tmp_path.rglob('*')) == before  # nothing is left behind
    scores = scored.scores
    assert scores['sample_id_B'].tolist() == [int(row['sample_id']) for row in rows]
    probs = [float(row['prob_open']) for row in rows]
    np.testing.assert_allclose(scores['prob_B'], probs, atol=1e-6)
    # the drawn eyes are closed and open by turns, 4 rows to a subject
    assert scores['label_B'].tolist() == [i % 2 for i in range(16)]
    assert scores['group_id_B'].tolist() == [i // 4 for i in range(16)]
    assert scores['embedding_BD'].shape[0] == scores['loss_B'].shape[0] == 16
    assert scored.dataset.image_paths([3]) == ['images/00003.png']
    assert scored.cfg.test_dataloader.dataset.split == 'test'


def test_a_model_of_actions_is_refused_before_it_scores(make_action_run, monkeypatch):
    checkpoint = make_action_run(with_rgb=False).checkpoint

    def test(runner):
        pytest.fail('it scored')

    monkeypatch.setattr(Runner, 'test', test)
    with pytest.raises(ConfigError, match='best.pth: a model of actions, .* --out FI'):
        score_checkpoint(checkpoint)


def test_other_splits_in_order(run):
    _, checkpoint = run
    val = score_checkpoint(checkpoint, split='val', batch_size=5)
    assert val.scores['sample_id_B'].tolist() == list(range(16, 28))
    train_split = score_checkpoint(checkpoint, split='train')
    # in order and unchanged: the loader of the training shuffles and augments
    assert train_split.scores['sample_id_B'].tolist() == list(range(28, 64))
    again = score_checkpoint(checkpoint, split='train', batch_size=7)
    np.testing.assert_allclose(
        train_split.scores['prob_B'], again.scores['prob_B'], atol=1e-5
    )


def test_split_of_another_file_is_read_from_there(run, make_eye_parquet):
    config, checkpoint = run
    other = make_eye_parquet(num_rows=8, seed=1, split=['train'] * 8)
    scored = score_checkpoint(
        checkpoint,
        config=config,
        split='train',
        cfg_options=[f'train_dataloader.dataset.data={other}'],
    )
    assert len(scored.scores['prob_B']) == 8


def test_other_data(run, make_eye_parquet):
    _, checkpoint = run
    other = make_eye_parquet(num_rows=6, seed=1, split=['test'] * 6)
    scored = score_checkpoint(checkpoint, data=other)
    assert scored.scores['sample_id_B'].tolist() == list(range(6))


def test_config_without_test_loader_scores_val(run):
    config, checkpoint = run
    scored = score_checkpoint(
        checkpoint,
        config=config,
        cfg_options=['test_dataloader=None', 'test_evaluator=None', 'test_cfg=None'],
    )
    assert scored.scores['sample_id_B'].tolist() == list(range(16, 28))


def test_missing_checkpoint(tmp_path):
    gone = tmp_path / 'gone.pth'
    with pytest.raises(ConfigError, match=re.escape(f'{gone}: no such checkpoint')):
        score_checkpoint(gone)


def test_weights_of_another_model_are_refused(run, write_config):
    _, checkpoint = run
    other = write_config('model = dict(backbone=dict(base_channels=16))')
    message = (
        rf'^{re.escape(str(checkpoint))} is no checkpoint of this model: \d+ of its '
        r'weights are missing or of another shape, as backbone\..*Name the config'
    )
    with pytest.raises(ConfigError, match=message):
        score_checkpoint(checkpoint, config=other)


def test_dataset_without_splits(run, write_config):
    _, checkpoint = run
    config = write_config(
        'test_dataloader = dict(dataset=dict(_delete_=True, '
        "type='mmengine.dataset.BaseDataset'))"
    )
    message = 'mmengine.dataset.BaseDataset has no argument split to set to val'
    with pytest.raises(ConfigError, match=message):
        score_checkpoint(checkpoint, config=config, split='val')


def test_metric_that_keeps_no_scores(run, write_config, tmp_path):
    _, checkpoint = run
    out = str(tmp_path / 'dump.pkl')
    config = write_config(
        "test_evaluator = dict(_delete_=True, type='mmengine.DumpResults', "
        f'out_file_path={out!r})'
    )
    with pytest.raises(ConfigError, match='no metric of the evaluator keeps the sco'):
        score_checkpoint(checkpoint, config=config)


def test_thresholds_of_the_checkpoint(run, tmp_path):
    _, checkpoint = run
    content = torch.load(checkpoint, weights_only=True)
    content['thresholds'] = {'best_f1': 0.25}
    torch.save(content, tmp_path / 'with.pth')
    scored = score_checkpoint(tmp_path / 'with.pth')
    assert scored.thresholds == {'best_f1': 0.25}


def test_bare_weights_need_a_config(run, tmp_path):
    config, checkpoint = run
    bare = tmp_path / 'bare.pth'
    torch.save(torch.load(checkpoint, weights_only=True)['state_dict'], bare)
    with pytest.raises(ConfigError, match='holds no config: name its file'):
        score_checkpoint(bare)
    scored = score_checkpoint(bare, config=config)
    np.testing.assert_allclose(
        scored.scores['prob_B'], score_checkpoint(checkpoint).scores['prob_B']
    )


def test_config_without_a_loader_to_test_on(run):
    _, checkpoint = run
    with pytest.raises(ConfigError, match='neither a test_dataloader nor a val'):
        score_checkpoint(
            checkpoint,
            cfg_options=[
                f'{loop}_{part}=None'
                for loop in ('val', 'test')
                for part in ('dataloader', 'evaluator', 'cfg')
            ],
        )
