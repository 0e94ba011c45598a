from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from ocec.apis.train import train
from ocec.engine.absent_classes import warn_of_absent_classes


def warnings_of(**dataset):
    logger = MagicMock()
    warn_of_absent_classes(SimpleNamespace(**dataset), logger)
    return [call.args[0] for call in logger.warning.call_args_list]


def test_names_are_told():
    metainfo = {'classes': ('closed', 'open')}
    (text,) = warnings_of(class_counts=(0, 32), metainfo=metainfo)
    assert text.startswith('the train split has no sample of 1 of 2 classes (closed):')


def test_many_classes_without_names():
    (text,) = warnings_of(class_counts=[1] + [0] * 12)
    assert 'no sample of 12 of 13 classes (1, 2, 3, 4, 5, 6, 7, 8 and 4 more)' in text


@pytest.mark.parametrize('dataset', [{'class_counts': (1, 2)}, {}])
def test_nothing_to_tell(dataset):
    assert warnings_of(**dataset) == []


def test_a_training_warns(tmp_path, write_config):
    splits = ['train'] * 32 + ['val'] * 8
    labels = [1] * 32 + [0, 1] * 4
    config = write_config(
        "test_dataloader['dataset']['split'] = 'val'\ntrain_cfg = dict(max_epochs=1)",
        num_rows=len(labels),
        class_id=labels,
        label=[('closed', 'open')[label] for label in labels],
        split=splits,
    )
    folder = train(config, work_dir=tmp_path / 'run').work_dir
    (log,) = folder.glob('*.log')
    assert 'no sample of 1 of 2 classes (closed)' in log.read_text()


def test_a_single_image_cannot_be_trained_on(tmp_path, write_config):
    config = write_config(
        "test_dataloader['dataset']['split'] = 'val'",
        num_rows=9,
        split=['train'] + ['val'] * 8,
    )
    with pytest.raises(ValueError, match='has 1 images for this rank, and batch norm'):
        train(config, work_dir=tmp_path / 'run')
