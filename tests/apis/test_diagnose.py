import csv
import json

import cv2
import numpy as np
import pytest
from torch.utils.data import Dataset

from ocec.apis.diagnose import diagnose
from ocec.datasets.eye_parquet import EyeParquet

PLOTS = {'confusion', 'roc', 'pr', 'reliability', 'scores', 'thresholds'}
LISTS = {'hard_samples', 'confident_errors', 'probable_label_errors', 'outliers'}


def scores_of(size=40, seed=0):
    rng = np.random.default_rng(seed)
    label = np.arange(size) % 2
    return {
        'prob_B': (0.1 * label + 0.9 * rng.random(size)).astype(np.float32),
        'loss_B': rng.random(size).astype(np.float32),
        'label_B': label,
        'sample_id_B': np.arange(size) + 100,
        'group_id_B': np.full(size, -1),
        'embedding_BD': rng.normal(size=(size, 3)).astype(np.float32),
    }


def names_in(folder, ending):
    return {path.stem for path in folder.glob(f'*.{ending}')}


def test_a_dataset_without_paths_and_pictures(tmp_path):
    folder = tmp_path / 'val' / 'epoch_0001'
    dataset = Dataset()
    found = diagnose(scores_of(), dataset, folder, about={'epoch': 1})
    assert names_in(folder, 'csv') == LISTS == set(found.lists)
    assert names_in(folder, 'png') == {*PLOTS, 'pca'} == set(found.images)
    for name, image in found.images.items():
        stored = cv2.imread(str(folder / f'{name}.png'))[..., ::-1]
        assert (stored == image).all()
    report = json.loads((folder / 'metrics.json').read_text())
    assert report['epoch'] == 1
    finite = {name: x for name, x in report['metrics'].items() if x is not None}
    assert len(finite) >= 30
    assert finite == {name: found.numbers[name] for name in finite}
    assert report['dataset'] == str(dataset)
    lines = list(csv.DictReader((folder / 'confident_errors.csv').open()))
    assert report['lists']['confident_errors']['found'] == len(lines)
    assert lines[0]['label'] == 'closed'
    assert lines[0]['path'] == lines[0]['group'] == ''


def test_eyes_get_montages(tmp_path, make_eye_parquet):
    dataset = EyeParquet(make_eye_parquet(), 'val', image_size=(32, 64))
    scores = scores_of(len(dataset))
    scores['sample_id_B'] = dataset.rows.astype(np.int64)
    scores['prob_B'] = 1 - scores['prob_B']  # errors of every kind
    folder = tmp_path / 'x'
    found = diagnose(scores, dataset, folder)
    filled = {name for name, samples in found.lists.items() if len(samples.index_K)}
    assert {'hard_samples', 'confident_errors'} <= filled
    assert names_in(folder, 'png') == {*PLOTS, 'pca', *filled}


def test_the_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / 'x'
    folder.mkdir()
    (folder / 'old.png').write_bytes(b'')
    diagnose(scores_of(), Dataset(), folder)
    assert not (folder / 'old.png').exists()
    assert [path.name for path in tmp_path.iterdir()] == ['x']


def test_what_fails_leaves_the_old_folder(tmp_path):
    class Broken(Dataset):
        def image_paths(self, ids):
            raise OSError('disk gone')

    folder = tmp_path / 'x'
    folder.mkdir()
    (folder / 'old.png').write_bytes(b'')
    with pytest.raises(OSError, match='disk gone'):
        diagnose(scores_of(), Broken(), folder)
    assert [path.name for path in tmp_path.rglob('*')] == ['x', 'old.png']


@pytest.mark.parametrize('kept', [[0], [0, 2, 4, 6], []])
def test_few_samples_and_a_missing_class(tmp_path, kept, recwarn):
    scores = {field: values[kept] for field, values in scores_of().items()}
    folder = tmp_path / 'x'
    found = diagnose(scores, Dataset(), folder)
    metrics = json.loads((folder / 'metrics.json').read_text())['metrics']
    assert metrics['auc'] is None
    assert metrics['num_samples'] == len(kept)
    assert ('pca' in found.images) == (len(kept) >= 3)
    assert [str(warning.message) for warning in recwarn] == []


def test_samples_without_a_label_or_a_finite_score_are_left_out(tmp_path, log_records):
    scores = scores_of()
    scores['prob_B'][3], scores['embedding_BD'][4, 1] = np.nan, np.inf
    scores['label_B'][7] = -1
    found = diagnose(scores, Dataset(), tmp_path / 'x')
    assert found.numbers['num_samples'] == 37
    [record] = log_records
    assert '3 of 40 samples have no label, or no finite' in record.getMessage()


def test_no_label_errors_are_looked_for_in_what_was_trained_on(tmp_path):
    found = diagnose(scores_of(), Dataset(), tmp_path / 'x', is_held_out=False)
    assert set(found.lists) == LISTS - {'probable_label_errors'}
    assert names_in(tmp_path / 'x', 'csv') == LISTS - {'probable_label_errors'}


def test_tsne_on_request(tmp_path):
    found = diagnose(scores_of(), Dataset(), tmp_path / 'x', tsne_samples=20)
    assert found.images['tsne'].shape == found.images['pca'].shape
    assert (found.images['tsne'] != found.images['pca']).any()


def test_a_model_without_embeddings(tmp_path):
    scores = scores_of()
    del scores['embedding_BD']
    found = diagnose(scores, Dataset(), tmp_path / 'x', tsne_samples=20)
    assert set(found.images) == PLOTS
