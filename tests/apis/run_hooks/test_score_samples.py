import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ocec.apis.run_hooks.score_samples import score_samples
from ocec.datasets.eye_parquet import EyeParquet
from ocec.registry import MODELS


def parts(write_config, make_eye_parquet):
    cfg = Config.fromfile(write_config())
    init_default_scope('ocec')
    model = MODELS.build(cfg.model)
    dataset = EyeParquet(make_eye_parquet(), 'train', image_size=(32, 64))
    model.head.loss_module.set_class_counts(*dataset.class_counts)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=4, collate_fn=lambda batch: batch
    )
    return model, loader


def test_scores_are_those_of_validation_one_by_one(write_config, make_eye_parquet):
    model, loader = parts(write_config, make_eye_parquet)
    index = np.array([9, 1, 4, 30, 17, 2])
    found = score_samples(model, loader, index)
    assert found['sample_id_B'].tolist() == loader.dataset.rows[index].tolist()
    assert found['label_B'].tolist() == loader.dataset.labels[index].tolist()
    model.eval()
    for place, number in enumerate(index.tolist()):
        with torch.no_grad():
            [single] = model.val_step(loader.dataset[number])
        assert np.isclose(found['prob_B'][place], single.prob_B.item(), atol=1e-6)
        assert np.allclose(
            found['embedding_BD'][place], single.embedding_BD[0], atol=1e-5
        )


def test_the_mode_stays_and_no_random_number_is_drawn(write_config, make_eye_parquet):
    model, loader = parts(write_config, make_eye_parquet)
    model.train()
    before = torch.get_rng_state()
    score_samples(model, loader, np.arange(5))
    assert (torch.get_rng_state() == before).all()
    assert model.training
    assert model.backbone.training
