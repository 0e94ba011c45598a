"""What is fuzzed: one function of bytes for each reader.

Each raises what the reader must not raise: anything but an error of our own, which
names the file where there is one.
"""

import io
import json
import os
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from mmengine.config import Config

from ocec.apis import config_types
from ocec.apis.cfg_options import apply_cfg_options, parse_cfg_options
from ocec.apis.config_check import check_config
from ocec.apis.config_findings import format_findings
from ocec.datasets.action_pickle import read_pickle
from ocec.datasets.eye_table import read_eye_table
from ocec.datasets.picture_reader import PictureReader
from ocec.engine.checkpoint_io import load_safely
from ocec.engine.model_settings import read_stored_model
from ocec.visualization.run_log_jsonl import read_metrics_jsonl
from ocec.visualization.run_records import build_curves

# a file system in memory, where there is one
PLACE = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
_FOLDER = tempfile.TemporaryDirectory(prefix='ocec_fuzz_', dir=PLACE)

MODEL = {'type': 'ImageClassifier', 'backbone': {'type': 'OCECBaseline', 'a': [1, 2]}}
CONFIG = {
    'model': MODEL,
    'pipeline': [{'type': 'A', 'p': 1}, {'type': 'B'}],
    'train_cfg': {'max_epochs': 3, 'by_epoch': True},
}


_SOUND = Config(CONFIG)
_SOUND_DICT = _SOUND._cfg_dict


def _written(data, name):
    path = Path(_FOLDER.name, name)
    path.write_bytes(data)
    return path


def _is_own(error, path=None):
    kind = type(error)
    is_ours = kind is ValueError or kind.__module__.startswith('ocec.')
    return is_ours and (path is None or path.name in str(error))


def options(data):
    """``--cfg-options``: one item a line, on a small config."""
    lines = data.decode('utf-8', 'replace').split('\n')
    # what is applied is a copy: the same config serves every time
    object.__setattr__(_SOUND, '_cfg_dict', _SOUND_DICT)
    try:
        apply_cfg_options(_SOUND, parse_cfg_options(lines))
    except ValueError as error:
        if not _is_own(error):
            raise


def pickles(data):
    """The restricted reader of annotations."""
    path = _written(data, 'clips.pkl')
    try:
        read_pickle(path)
    except ValueError as error:
        if not _is_own(error, path):
            raise


def metrics(data):
    """``metrics.jsonl`` to curves."""
    path = _written(data, 'metrics.jsonl')
    try:
        build_curves(read_metrics_jsonl(path).records)
    except (ValueError, OverflowError) as error:
        # what read_run turns into its own error
        if not isinstance(error, (UnicodeDecodeError, OverflowError)):
            raise


def config(data):
    """The check of a config: keys and values of a small vocabulary, and any text."""
    # the zoo takes seconds to import, and is only asked for what it may have
    config_types._find_in_zoo = lambda name, registry: None
    made = Config(_dict_of(io.BytesIO(data), 0))
    format_findings(check_config(made))


def checkpoint(data):
    """Checkpoints of torch, by either format."""
    path = _written(data, 'eyes.pth')
    try:
        read_stored_model(load_safely(path).get('meta'))
    except ValueError as error:
        if not _is_own(error, path):
            raise


def parquet(data):
    """The table of a parquet file, and its first pictures."""
    path = _written(data, 'eyes.parquet')
    try:
        table = read_eye_table([path])
        if len(table) > 1000:
            return
        reader = PictureReader(table)
    except ValueError as error:
        if not _is_own(error, path):
            raise
        return
    for row in range(min(len(table), 3)):
        try:
            reader.read(row)
        except ValueError as error:
            if not _is_own(error, path):
                raise


TARGETS = {
    function.__name__: function
    for function in (options, pickles, metrics, config, checkpoint, parquet)
}

_KEYS = (
    *('model', 'type', 'backbone', 'head', 'train_cfg', 'max_epochs', 'by_epoch'),
    *(
        'train_dataloader',
        'dataset',
        'sampler',
        'batch_size',
        'pipeline',
        'num_workers',
    ),
    *('val_dataloader', 'val_cfg', 'val_evaluator', 'test_cfg', 'optim_wrapper'),
    *('optimizer', 'lr', 'param_scheduler', 'default_hooks', 'custom_hooks', 'logger'),
    *('checkpoint', 'save_best', 'paramwise_cfg', 'custom_keys', 'env_cfg', 'monitor'),
    *(
        'randomness',
        'default_scope',
        '_delete_',
        '_scope_',
        'visualizer',
        'loss',
        'rule',
    ),
)
_VALUES = (
    *(None, True, False, 0, 1, -1, 2**70, 1.5, float('nan'), '', 'ocec', 'mmengine'),
    *('ImageClassifier', 'OCECBaseline', 'AvgHead', 'BCELoss', 'EyeParquet', 'AdamW'),
    *('EyeParquet', 'DefaultSampler', 'BinaryMetric', 'eye/f1', 'auto', 'x'),
    *('OptimWrapper', 'CosineAnnealingLR', 'EpochBasedTrainLoop', 'CheckpointHook'),
    *('EMAHook', 'EarlyStoppingHook', 'ReduceOnPlateauLR', 'ä' * 9),
)


def _dict_of(stream, depth):
    numbers = stream.read((stream.read(1) or b'\0')[0] % 7)
    return {
        _KEYS[number % len(_KEYS)] if number < 240 else _text(stream): _value_of(
            stream, depth
        )
        for number in numbers
    }


def _value_of(stream, depth):
    kind = (stream.read(1) or b'\0')[0]
    if kind < 60 and depth < 4:
        return _dict_of(stream, depth + 1)
    if kind < 80 and depth < 4:
        return [_value_of(stream, depth + 1) for _ in range(kind % 4)]
    if kind < 90:
        return _text(stream)
    return _VALUES[kind % len(_VALUES)]


def _text(stream):
    # without dots: a type with dots is imported, as a config may ask for
    return stream.read(6).decode('latin1').replace('.', '_') or 'x'


def seeds(name):
    """Return sound inputs of a target, from which the fuzzers start."""
    return _SEEDS[name]()


def _seeds_of_options():
    return [
        b'model.backbone.type=OCECConvNeXt',
        b'pipeline[type=A].p=0.5\npipeline.1.q=[1,2]',
        b'train_cfg=dict(max_epochs=4, _delete_=True)',
        b'a.b.c={"x": (1, 2.5e-3, none)}\npipeline[-1]=none',
        b'x=2,3\ny="3"\nz=[01,b c,dict(a=1)]',
    ]


def _seeds_of_pickles():
    clip = {'frame_dir': 'a', 'label': 3, 'keypoint': np.zeros((1, 2, 3), np.float16)}
    content = {'split': {'train': ['a']}, 'annotations': [clip, clip, (1, 2.5, None)]}
    return [pickle.dumps(content, protocol) for protocol in (2, 3, 4, 5)]


def _seeds_of_metrics():
    lines = [
        {
            'phase': 'train',
            'epoch': 1,
            'step': 2,
            'loss': 0.5,
            'seconds_per_batch': 0.1,
        },
        {'phase': 'train_epoch', 'epoch': 1, 'step': 4, 'loss': None, 'seconds': 3},
        {'phase': 'val', 'epoch': 1, 'step': 4, 'eye/f1': 0.5, 'list': [1, [2]]},
        {'phase': 'test', 'epoch': 1, 'step': 4, 'eye/f1': 0.5},
    ]
    return [''.join(json.dumps(line) + '\n' for line in lines).encode()]


def _seeds_of_config():
    return [bytes(range(start, start + 64)) for start in (0, 60, 128, 180)]


def _seeds_of_checkpoint():
    content = {
        'state_dict': {'w': torch.zeros(2, 2), 'b': torch.ones(1, dtype=torch.int64)},
        'meta': {'cfg': 'model = dict(type="A", a=[1, (2,)])', 'epoch': 3},
    }
    found = []
    for is_zip in (True, False):
        stream = io.BytesIO()
        torch.save(content, stream, _use_new_zipfile_serialization=is_zip)
        found.append(stream.getvalue())
    return found


def _seeds_of_parquet():
    columns = {
        'split': ['train', 'val'],
        'label': ['open', 'closed'],
        'class_id': [1, 0],
        'group': ['a', 'b'],
        'image_path': ['a.png', None],
        'image_bytes': [None, b'GIF89a'],
    }
    found = []
    for compression in ('none', 'snappy', 'zstd'):
        stream = io.BytesIO()
        pq.write_table(pa.table(columns), stream, compression=compression)
        found.append(stream.getvalue())
    return found


_SEEDS = {
    'options': _seeds_of_options,
    'pickles': _seeds_of_pickles,
    'metrics': _seeds_of_metrics,
    'config': _seeds_of_config,
    'checkpoint': _seeds_of_checkpoint,
    'parquet': _seeds_of_parquet,
}
