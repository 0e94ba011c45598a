import json
import re

import pytest
from mmengine.config import Config

from ocec.apis.errors import ConfigError
from ocec.apis.stack_config import DataConfig, MemberConfig
from ocec.apis.stack_data import (
    build_dataset,
    changed_since_training,
    scored_settings,
    scoring_config,
    stored_config,
    without_labels,
)
from ocec.engine.checkpoint_io import save_atomically


def test_config_of_the_checkpoint_tells_the_training_data(
    make_member, own_data, write_config
):
    config = write_config('model = dict(head=dict(dropout=0.1))')
    member = MemberConfig('a', make_member(own_data), config=config)
    stored = stored_config(member)
    assert stored.train_dataloader.dataset.data == str(own_data)
    # scored with the file that was named
    assert scoring_config(member).model.head.dropout == 0.1
    assert scoring_config(MemberConfig('a', member.checkpoint)).model == stored.model


def test_checkpoint_without_config(tmp_path, write_config):
    path = tmp_path / 'bare.pth'
    save_atomically({'state_dict': {}}, path)
    with pytest.raises(ConfigError, match=re.escape(f'{path} holds no config')):
        stored_config(MemberConfig('a', path))
    config = write_config()
    read = stored_config(MemberConfig('a', path, config=config))
    assert read.filename == str(config)


def config_of(**splits):
    return Config(
        {
            f'{name}_dataloader': {'dataset': {'type': 'EyeParquet', **dataset}}
            for name, dataset in splits.items()
        }
    )


def test_split_takes_the_source_that_the_config_has_for_it():
    cfg = config_of(
        train={'data': 'mine', 'split': 'train', 'split_ratios': {'train': 1.0}},
        test={'data': 'theirs', 'split': 'val', 'image_size': (8, 8)},
    )
    assert scored_settings(cfg, DataConfig()) == cfg.test_dataloader.dataset
    of_train = scored_settings(cfg, DataConfig(split='train'))
    assert of_train['data'] == 'mine'
    assert of_train['split_ratios'] == {'train': 1.0}
    assert of_train['image_size'] == (8, 8)
    new = scored_settings(cfg, DataConfig(('x', 'y'), 'test'))
    assert (new['data'], new['split']) == (['x', 'y'], 'test')
    assert cfg.test_dataloader.dataset.split == 'val'


def test_config_without_data_to_score():
    with pytest.raises(ConfigError, match='neither a test_dataloader nor a val_data'):
        scored_settings(config_of(train={'split': 'train'}), DataConfig())
    with pytest.raises(ConfigError, match='EyeParquet has no argument split'):
        scored_settings(config_of(test={}), DataConfig(split='x'))


def test_pixels_are_known_although_the_run_had_a_pipeline(own_data):
    resize = {'type': 'mmcv.Resize', 'scale': (16, 8)}
    settings = {
        'type': 'EyeParquet',
        'data': str(own_data),
        'split': 'train',
        'image_size': (8, 16),
        'pipeline': [resize],
    }
    assert len(build_dataset(settings).pixel_digests()) == 32
    assert settings['pipeline'] == [resize]


def test_labels_are_dispensable_for_pairs_only():
    assert without_labels(config_of(test={})) == {}
    assert without_labels(config_of()) == {}
    pairs = Config({'val_dataloader': {'dataset': {'type': 'PairNpz'}}})
    assert without_labels(pairs) == {'need_labels': False}


class Data:
    def fingerprint(self):
        return {'rows': 5, 'files': [{'file': '/new/x', 'sha256': 'abc'}]}


@pytest.mark.parametrize(
    ('recorded', 'problem'),
    [
        ({'rows': 5, 'files': [{'file': '/old/x', 'sha256': 'abc'}]}, None),
        ({'rows': 6}, 'rows was 6 in training and is 5 now'),
        ({'colour': 'red'}, None),
        (None, None),
    ],
)
def test_record_of_the_training(tmp_path, recorded, problem):
    record = {'sessions': [{'data': {'train': recorded}}]}
    (tmp_path / 'provenance.json').write_text(json.dumps(record))
    checkpoint = tmp_path / 'best.pth'
    assert changed_since_training(checkpoint, 'train', Data()) == problem
    assert changed_since_training(checkpoint, 'val', Data()) is None
    assert changed_since_training(tmp_path / 'x' / 'a.pth', 'train', Data()) is None


def test_other_content_of_a_file_is_seen(tmp_path):
    recorded = {'files': [{'file': '/new/x', 'sha256': 'xyz', 'bytes': 1}]}
    record = {'sessions': [{'data': {'train': recorded}}]}
    (tmp_path / 'provenance.json').write_text(json.dumps(record))
    problem = changed_since_training(tmp_path / 'best.pth', 'train', Data())
    assert problem.startswith('files was ')
