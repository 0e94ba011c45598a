"""Broken inputs of every kind: a clear error that names file and row, or the key.

No attack here, only what happens to files: a wrong column, a cut-off copy, a typing
error. Each entry is a broken input and what its message must say.
"""

import io
import json
import pickle
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from mmengine.config import Config

from ocec.apis.cfg_options import apply_cfg_options, parse_cfg_options
from ocec.apis.config_check import check_config
from ocec.apis.config_findings import format_findings
from ocec.apis.eye_boxes import CsvBoxes
from ocec.datasets.action_table import read_action_table
from ocec.datasets.eye_table import read_eye_table
from ocec.datasets.pair_file import read_pairs
from ocec.datasets.picture_reader import PictureReader
from ocec.datasets.samplers.hard_samples import read_hard_samples
from ocec.datasets.source_digits import read_source_digits
from ocec.engine.checkpoint_io import load_safely
from ocec.functional.picture_header import read_picture_header
from ocec.preparation.label_corrections import read_corrections
from ocec.preparation.list_csv import list_csv
from ocec.visualization.run_log import read_run

# --- eye parquet: (changed columns, what the message says)
NUM = 6
EYES = {
    'split': ['train'] * NUM,
    'label': ['open', 'closed'] * (NUM // 2),
    'class_id': [1, 0] * (NUM // 2),
    'group': list('aabbcc'),
    'image_path': [f'{row}.png' for row in range(NUM)],
    'image_bytes': [b'no picture'] * NUM,
}


def at(row, value, column):
    return {column: [*EYES[column][:row], value, *EYES[column][row + 1 :]]}


LABELS = [
    *('OPENED', 'ope', 'opn', 'yes', '1.0', 'true', 'half', 'geschlossen', '睁', '-'),
    *('open closed', 'o', '?', 'NaN', 'nan', '2', '01'),
]
CLASS_IDS = [2, -1, 3, 255, -128, 10**6]
BAD_LABELS = [
    *(
        (
            at(row, text, 'label') | {'class_id': None},
            rf'row {row}: label must be closed',
        )
        for row, text in enumerate(LABELS[:6])
    ),
    *(
        (
            at(2, text, 'label') | {'class_id': None},
            r'row 2: label must be closed or open',
        )
        for text in LABELS[6:]
    ),
    *(
        (
            at(row, number, 'class_id'),
            rf'row {row}: class_id must be 0 .* got {re.escape(f"{number:g}")}',
        )
        for row, number in enumerate(CLASS_IDS)
    ),
    *(
        (at(row, 1 - EYES['class_id'][row], 'class_id'), rf'row {row}: .* disagree')
        for row in range(NUM)
    ),
    *(
        (at(row, '', 'label') | {'class_id': None}, rf'row {row}: neither a class_id')
        for row in range(NUM)
    ),
    *(
        (at(row, None, 'label') | {'class_id': None}, rf'row {row}: neither a class_id')
        for row in range(NUM)
    ),
]
BAD_SPLITS = [
    *(
        (at(row, text, 'split'), rf'row {row}: unknown split {text!r}')
        for row, text in enumerate(['trian', 'vall', 'Tset', 'all', '0', 'train/val'])
    ),
    (at(1, None, 'split'), 'row 1: unknown split None'),
    (at(1, '', 'split'), "row 1: unknown split ''"),
]
BAD_COLUMNS = [
    ({'label': None, 'class_id': None}, 'needs a column "class_id" or "label"'),
    ({'image_path': None, 'image_bytes': None}, 'needs a column "image_bytes" or'),
    ({'image_bytes': ['a'] * NUM}, 'column "image_bytes" must be binary.*found string'),
    ({'image_bytes': [[1]] * NUM}, 'column "image_bytes" must be binary.*found list'),
    ({'image_bytes': [1] * NUM}, 'column "image_bytes" must be binary.*found int64'),
    ({'image_bytes': [{'bytes': b'a'}] * NUM}, 'column "image_bytes" must be binary'),
    ({'class_id': ['open'] * NUM}, 'column "class_id" cannot be read as double'),
    ({'class_id': ['1', '0', 'x', '1', '0', '1']}, 'column "class_id" cannot be read'),
    ({'class_id': [[1]] * NUM}, 'column "class_id" cannot be read as double'),
    ({'label': [[1]] * NUM}, 'column "label" cannot be read as string'),
    ({'label': [{'a': 1}] * NUM}, 'column "label" cannot be read as string'),
    ({'group': [{'a': 1}] * NUM}, 'column "group" cannot be read as string'),
    ({'split': [[1]] * NUM}, 'column "split" cannot be read as string'),
    ({'image_path': [[1]] * NUM}, 'column "image_path" cannot be read as string'),
    *(
        ({name: [b'\xff'] * NUM}, f'column "{name}" cannot be read as string')
        for name in ('label', 'group', 'split', 'image_path')
    ),
]


def write_eyes(folder, changes):
    columns = {name: c for name, c in (EYES | changes).items() if c is not None}
    pq.write_table(pa.table(columns), folder / 'eyes.parquet')
    return folder / 'eyes.parquet'


@pytest.mark.parametrize(('changes', 'message'), BAD_LABELS)
def test_labels(tmp_path, changes, message):
    table = read_eye_table([write_eyes(tmp_path, changes)])
    [(row, bad)] = table.bad_rows
    assert str(bad).startswith(str(tmp_path / f'eyes.parquet, row {row}: '))
    with pytest.raises(ValueError, match=rf'eyes\.parquet, {message}'):
        raise ValueError(str(bad))


@pytest.mark.parametrize(('changes', 'message'), BAD_SPLITS)
def test_splits(tmp_path, changes, message):
    [(_, bad)] = read_eye_table([write_eyes(tmp_path, changes)]).bad_split_rows
    assert str(bad).startswith(str(tmp_path / f'eyes.parquet, {message}'))


@pytest.mark.parametrize(('changes', 'message'), BAD_COLUMNS)
def test_columns(tmp_path, changes, message):
    with pytest.raises(ValueError, match=rf'eyes\.parquet: {message}'):
        read_eye_table([write_eyes(tmp_path, changes)])


PICTURES = [
    (b'', r'the file is empty \(0 bytes\)'),
    (b'\x89PNG\r\n\x1a\n', 'cut off after 8 bytes'),
    (b'\xff\xd8\xff', 'cut off after 3 bytes'),
    (b'GIF89a', 'cut off after 6 bytes'),
    (b'BM', 'cut off after 2 bytes'),
    (b'RIFF', 'cut off after 4 bytes'),
    (b'II*\0', 'cut off after 4 bytes'),
    (b'<html>', 'no PNG, JPEG, .* file: it begins with'),
    (b'\0' * 99, 'no PNG, JPEG, .* file'),
    (None, 'neither image_bytes nor image_path'),
]


@pytest.mark.parametrize('row', [0, 5])
@pytest.mark.parametrize(('content', 'message'), PICTURES)
def test_pictures(tmp_path, row, content, message):
    changes = at(row, content, 'image_bytes') | {'image_path': None}
    table = read_eye_table([write_eyes(tmp_path, changes)])
    with pytest.raises(ValueError, match=rf'eyes\.parquet, row {row}: .*{message}'):
        PictureReader(table).read(row)


@pytest.mark.parametrize('share', [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_parquets_that_are_cut_off(tmp_path, share):
    path = write_eyes(tmp_path, {})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r'eyes\.parquet: not a readable parquet file'):
        read_eye_table([path])


# --- CSV files: (reader, content, message)
CSVS = [
    ('list', 'path,label\na.png\n', 'line 2: 1 columns'),
    ('list', 'path,label\na.png,open\nb.png,open,s,x\n', 'line 3: 4 columns'),
    ('list', 'path,group\na.png,1\n', 'the header lacks a column for the label'),
    ('list', 'label,group\nopen,1\n', 'the header lacks a column for the path'),
    ('list', 'path,label\n', 'a header and no rows'),
    ('list', '', 'the file has no rows'),
    ('list', '\n\n', 'the file has no rows'),
    (
        'list',
        'path,label\n"' + 'x' * 140_000 + '",open\n',
        'line 2: no CSV: field larger',
    ),
    ('hard', '', 'column "sample_id" is missing; found'),
    ('hard', 'id\n1\n', 'column "sample_id" is missing; found'),
    ('hard', 'sample_id\n1\nx\n', "line 3: sample_id must be a whole number, got 'x'"),
    ('hard', 'sample_id\n1.5\n', 'line 2: sample_id must be a whole number'),
    ('hard', 'sample_id\n-1\n', 'line 2: sample_id must be >= 0, got -1'),
    ('hard', f'sample_id\n{2**63}\n', 'line 2: sample_id must be >= 0'),
    ('hard', 'sample_id,weight\n1,0\n', "line 2: weight must be > 0, got '0'"),
    ('hard', 'sample_id,weight\n1,-2\n', 'line 2: weight must be > 0'),
    ('hard', 'sample_id,weight\n1,inf\n', 'line 2: weight must be > 0'),
    ('hard', 'sample_id,weight\n1,nan\n', 'line 2: weight must be > 0'),
    ('hard', 'sample_id,weight\n1\n', 'line 2: weight must be > 0, got None'),
    ('hard', 'sample_id,weight\n1,2\n1,2\n', '1 of 1 samples are listed more than'),
    ('hard', 'sample_id,weight\n1,2,3\n', 'line 2: 3 cells, the header has 2'),
    ('boxes', '', 'columns frame, eye, x1, y1, x2, y2 are missing; found none'),
    ('boxes', 'frame,eye,x1,y1,x2\n', 'columns y2 are missing'),
    ('boxes', 'frame,eye,x1,y1,x2,y2\na,left,1,2,3,4\n', ':2: frame must be a whole'),
    ('boxes', 'frame,eye,x1,y1,x2,y2\n0,left,1,2,3\n', ':2: frame must be a whole'),
    ('boxes', 'frame,eye,x1,y1,x2,y2\n0,left,1,2,3,x\n', ':2: frame must be a whole'),
    ('boxes', 'frame,eye,x1,y1,x2,y2\n0,up,1,2,3,4\n', ":2: eye must be left, .* 'up'"),
    ('boxes', 'frame,eye,x1,y1,x2,y2\n0,left,1,2,3,4,5\n', 'line 2: 7 cells'),
    (
        'boxes',
        'frame,eye,x1,y1,x2,y2\n0,left,1,2,3,4\n0,left,1,2,3,4\n',
        ':3: frame 0 has two boxes of the left eye',
    ),
    ('corrections', 'path,new_label\na,open\n', "columns .'sample_id'. are missing"),
    ('corrections', 'sample_id,path,new_label\nx,a,open\n', 'line 2'),
    ('corrections', 'sample_id,path,new_label\n1,a,opened\n', 'line 2'),
    ('corrections', 'sample_id,path,new_label\n1,a,open\n1,a,open\n', 'lines? 2'),
    ('labels', 'id\na\n', 'needs the columns id and label, found'),
    ('labels', '', 'needs the columns id and label, found'),
    ('labels', 'id,label\n0,2\n', "line 2: label must be 0 or 1, got '2'"),
    ('labels', 'id,label\n0,\n', "line 2: label must be 0 or 1, got ''"),
    ('labels', 'id,label\n0\n', 'line 2: label must be 0 or 1, got None'),
    ('labels', 'id,label\n0,1\n0,1\n', '1 ids occur more than once'),
    ('labels', 'id,label\n0,1\n', '1 of 2 ids of .* are missing'),
    ('labels', 'id,label\n0,1\n1,1\n2,1\n', '1 ids are not in'),
    ('labels', 'id,label\n0,1,x\n', 'line 2: 3 cells, the header has 2'),
]
PAIRS = {'x': np.zeros((2, 28, 56), np.uint8), 'y': np.array([0, 1])}


def read_csv(kind, path):
    if kind == 'list':
        return list_csv(path)
    if kind == 'hard':
        return read_hard_samples(path, default_weight=1.0)
    if kind == 'boxes':
        return CsvBoxes(path)
    if kind == 'corrections':
        return read_corrections(path)
    np.savez(path.with_name('pairs.npz'), **PAIRS)
    return read_pairs(path.with_name('pairs.npz'), labels=path)


@pytest.mark.parametrize(('kind', 'content', 'message'), CSVS)
def test_csvs(tmp_path, kind, content, message):
    path = tmp_path / 'list.csv'
    path.write_text(content)
    with pytest.raises(ValueError, match=rf'(?s)list\.csv.*{message}'):
        read_csv(kind, path)


@pytest.mark.parametrize('kind', ['hard', 'boxes', 'corrections', 'labels'])
@pytest.mark.parametrize('content', [b'\xff\xfea\0', b'a,\xff\n1,2\n'])
def test_csvs_that_are_no_text(tmp_path, kind, content):
    path = tmp_path / 'list.csv'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"list\.csv, line 1: 'utf-8' codec"):
        read_csv(kind, path)


# --- npz: (changed arrays, message)
NPZS = [
    ({'x': None}, 'array x is missing; found'),
    ({'x': np.zeros((2, 28, 28), np.uint8)}, r'x must be uint8 of shape \(N, 28, 56\)'),
    ({'x': np.zeros((2, 28, 56))}, 'x must be uint8 .* got float64'),
    ({'x': np.zeros(2, np.uint8)}, r'x must be uint8 .* got uint8 \(2,\)'),
    ({'x': np.uint8(3)}, r'x must be uint8 .* got uint8 \(\)'),
    ({'x': np.zeros((0, 28, 56), np.uint8)}, 'x holds no pairs'),
    ({'y': None}, 'no labels: it has no array y'),
    ({'y': np.array([0, 1, 1])}, r'y must have one label per pair, got \(3,\)'),
    ({'y': np.array([[0], [1]])}, r'y must have one label per pair, got \(2, 1\)'),
    ({'y': np.array([0, 2])}, 'y must be 0 or 1, got 2 in row 1'),
    ({'y': np.array([-1, 1])}, 'y must be 0 or 1, got -1 in row 0'),
    ({'y': np.array([0.5, 1])}, 'y must be 0 or 1, got 0.5 in row 0'),
    ({'y': np.array([np.nan, 1])}, 'y must be 0 or 1, got nan in row 0'),
    ({'y': np.array(['0', '1'])}, "y must be 0 or 1, got '0' in row 0"),
    ({'id': np.array(['a'])}, r'id must have one entry per pair, got \(1,\)'),
    ({'id': np.array(['a', 'a'])}, r'1 ids occur more than once \(a\)'),
    ({'digit': np.array([1, 2])}, r'digit must have shape \(2, 2\), got \(2,\)'),
    ({'digit': np.full((2, 2), 'a')}, 'digit must hold numbers as int8, got <U1'),
    ({'digit': np.full((2, 2), 1.5)}, 'digit must hold numbers as int8, got float64'),
    ({'source': np.zeros((3, 2), int)}, r'source must have shape \(2, 2\)'),
    ({'source': np.full((2, 2), 'a')}, 'source must hold numbers as int32'),
    ({'block': np.zeros((2, 2), int)}, r'block must have shape \(2,\)'),
    ({'block': np.array([1j, 2])}, 'block must hold numbers as int32, got complex128'),
    ({'occluded': np.zeros(2)}, r'occluded must have shape \(2, 2\)'),
    ({'occluded': np.full((2, 2), 'a')}, 'occluded must hold numbers as float32'),
]


@pytest.mark.parametrize(('changes', 'message'), NPZS)
def test_npzs(tmp_path, changes, message):
    path = tmp_path / 'train.npz'
    np.savez(path, **{k: v for k, v in (PAIRS | changes).items() if v is not None})
    with pytest.raises(ValueError, match=rf'train\.npz: {message}'):
        read_pairs(path)


DIGITS = {
    'x': np.zeros((2, 28, 28), np.uint8),
    'digit': np.array([1, 2]),
    'block': np.array([0, 0]),
    'split': np.array(['train', 'val']),
}
DIGIT_FILES = [
    *(({name: None}, f'arrays are missing: {name}') for name in DIGITS),
    ({'x': np.zeros((2, 28, 27), np.uint8)}, r'x must be uint8 of shape \(S, 28, 28\)'),
    ({'digit': np.array([1])}, 'digit must have one entry per image'),
    ({'digit': np.array([10, 2])}, r'digits must be in \[0, 9\], got 10 to 10'),
    ({'digit': np.array(['1', '2'])}, 'digit must hold whole numbers, got <U1'),
    ({'digit': np.array([0.5, 2])}, 'digit must hold whole numbers, got float64'),
    ({'block': np.array(['1', '2'])}, 'block must hold whole numbers'),
    ({'block': np.zeros((2, 1), int)}, 'block must have one entry per image'),
    ({'split': np.array(['val', 'val'])}, 'no digit of split "train"; found'),
]


@pytest.mark.parametrize(('changes', 'message'), DIGIT_FILES)
def test_files_of_digits(tmp_path, changes, message):
    path = tmp_path / 'digits.npz'
    np.savez(path, **{k: v for k, v in (DIGITS | changes).items() if v is not None})
    with pytest.raises(ValueError, match=rf'digits\.npz: {message}'):
        read_source_digits(path, 'train')


# --- annotations: (changed fields of the second clip, message)
CLIP = {
    'frame_dir': 'a',
    'label': 3,
    'img_shape': (48, 64),
    'original_shape': (48, 64),
    'total_frames': 4,
    'keypoint': np.zeros((1, 4, 17, 2), np.float32),
    'keypoint_score': np.ones((1, 4, 17), np.float32),
}
CLIPS = [
    {'frame_dir': None},
    {'frame_dir': 3},
    {'label': 'a'},
    {'label': -1},
    {'label': 2.5},
    {'img_shape': None},
    {'img_shape': (48,)},
    {'img_shape': (0, 64)},
    {'img_shape': ('a', 'b')},
    {'total_frames': 5},
    {'total_frames': 'a'},
    {'keypoint': None},
    {'keypoint': 'a'},
    {'keypoint': [1, 2]},
    {'keypoint': np.zeros((4, 17, 2), np.float32)},
    {'keypoint': np.zeros((1, 0, 17, 2), np.float32)},
    {'keypoint': np.zeros((1, 4, 16, 2), np.float32)},
    {'keypoint': np.full((1, 4, 17, 2), 'a')},
    {'keypoint_score': np.ones((1, 3, 17), np.float32)},
    {'keypoint_score': np.full((1, 4, 17), 'a')},
    {'keypoint_score': 3},
]
ANNOTATIONS = [
    *({}, 'text', 3, None, [[]], {'annotations': {}}),
    *({'split': {'train': ['a']}}, {'split': [], 'annotations': [CLIP]}),
    *({'split': {'train': 'a'}, 'annotations': [CLIP]},),
    *({'split': {'train': [3]}, 'annotations': [CLIP]}, [CLIP, CLIP]),
]


def read_clips(tmp_path, content):
    path = tmp_path / 'clips.pkl'
    path.write_bytes(pickle.dumps(content))
    table = read_action_table(path)
    if table.bad_clips:
        raise ValueError(f'{path}: {next(iter(table.bad_clips.values()))}')


@pytest.mark.parametrize('number', range(len(CLIPS)))
def test_clips(tmp_path, number):
    changed = CLIP | {'frame_dir': 'second'} | CLIPS[number]
    changed = {name: value for name, value in changed.items() if value is not None}
    named = 'clip number 1' if 'frame_dir' in CLIPS[number] else '"second"'
    with pytest.raises(ValueError, match=rf'clips\.pkl: .*{named}'):
        read_clips(tmp_path, [CLIP, changed])


@pytest.mark.parametrize('content', ANNOTATIONS)
def test_annotations(tmp_path, content):
    with pytest.raises(ValueError, match=r'clips\.pkl'):
        read_clips(tmp_path, content)


@pytest.mark.parametrize('share', [0, 0.01, 0.2, 0.5, 0.8, 0.99])
def test_pickles_and_checkpoints_that_are_cut_off(tmp_path, share):
    stream = io.BytesIO()
    torch.save({'state_dict': {'w': torch.zeros(100)}}, stream)
    for content, read in (
        (pickle.dumps([CLIP]), read_action_table),
        (stream.getvalue(), load_safely),
    ):
        path = tmp_path / 'cut.pth'
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=r'cut\.pth'):
            read(path)


# --- configs: (options on a sound config, the key and what the report says)
BASE = {
    'default_scope': 'ocec',
    'model': {'type': 'ImageClassifier', 'backbone': {'type': 'OCECBaseline'}},
    'default_hooks': {'logger': {'type': 'LoggerHook', 'interval': 1}},
}
CONFIGS = [
    ('modle.type=A', 'modle: .*did you mean model'),
    ('optimiser=1', 'optimiser: nothing reads this key'),
    ('train_dataloder=1', 'train_dataloder: .*did you mean train_dataloader'),
    ('custom_hook=1', 'custom_hook: .*did you mean custom_hooks'),
    ('param_schedulers=1', 'param_schedulers: .*did you mean param_scheduler'),
    ('randomnes=1', 'randomnes: .*did you mean randomness'),
    ('env_cfgs=1', 'env_cfgs: .*did you mean env_cfg'),
    ('model=none', 'model: is missing'),
    ('model.type=ImageClasifier', 'model.type: .*did you mean ImageClassifier'),
    ('model.type=3', 'model.type: type must be a name or a class, got 3'),
    ('model.bakbone=1', 'model.bakbone: .*did you mean backbone'),
    ('model.backbone.type=OCECBaselin', 'model.backbone.type: .*mean OCECBaseline'),
    ('model.backbone.base_chanels=3', 'base_chanels: .*did you mean base_channels'),
    ('model.backbone.type=mmpretrian.ResNet', 'there is no package mmpretrian'),
    ('default_hooks.loger=1', 'default_hooks.loger: .*did you mean logger'),
    ('default_hooks.logger.intervall=1', 'logger.intervall: .*did you mean interval'),
    ('train_cfg=dict(max_epochs=1)', 'train_cfg.by_epoch: is missing'),
    ('train_cfg=dict(type=TestLoop,by_epoch=1)', 'exclude each other'),
    ('train_dataloader=dict(batch_size=1)', 'train_dataloader.dataset: is missing'),
    ('train_dataloader=dict(batchsize=1)', 'batchsize: .*did you mean batch_size'),
    ('val_cfg=dict()', 'val_dataloader: is missing'),
    ('custom_hooks=[dict(type=EMAHok)]', 'custom_hooks.0.type: .*did you mean EMAHook'),
    ('custom_hooks=[dict(a=1)]', 'custom_hooks.0.type: is missing'),
    ('randomness=dict(sed=1)', 'randomness.sed: .*did you mean seed'),
]


@pytest.mark.parametrize(('option', 'message'), CONFIGS)
def test_configs(option, message):
    cfg = Config(BASE)
    apply_cfg_options(cfg, parse_cfg_options([option]))
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(format_findings(check_config(cfg)))


OPTIONS = [
    ('', 'expected KEY=VALUE'),
    ('=3', 'expected KEY=VALUE'),
    ('model', 'expected KEY=VALUE'),
    ('a b=3', 'a b: cannot read the key'),
    ('.a=3', '.a: cannot read the key'),
    ('a[=3', 'expected KEY=VALUE'),
    ('a[x]=3', r'a\[x\]: cannot read the key'),
    ('a=[1,2', 'a: .*brackets that do not match'),
    ('a=(1', 'a: .*brackets that do not match'),
    ('a=dict(1)', r'a: .*only literals and dict\(key=value'),
    ('a=dict(b=f(1))', r'a: .*only literals .* got f\(1\)'),
    ('a=[f(1)]', r'a: .*only literals .* got f\(1\)'),
    ('a={"b": 1, "b": 2}', 'a: .*key b is given twice'),
    ('a={**{}}', r'a: .*\*\* is not allowed'),
    ('a={1', 'a: .*is not a valid dict'),
    ('model.type.a=3', 'model.type.a: .*neither a dict nor a list'),
    ('model[type=A]=3', r'model\[type=A\]: .*is a dict with the keys'),
    ('new.0=3', 'new.0: new does not exist'),
    ('items.5=3', 'items.5: .*index 5 is out of range'),
    ('items.-9=3', 'items.-9: .*index -9 is out of range'),
    ('items.a=3', "items.a: .*'a' is not an index"),
    ('items[type=C]=3', r'items\[type=C\]: .*none of type C'),
    ('items[type=A]=3', r'items\[type=A\]: .*2 of type A; give the index'),
]


@pytest.mark.parametrize(('option', 'message'), OPTIONS)
def test_options(option, message):
    cfg = Config(BASE | {'items': [{'type': 'A'}, {'type': 'A'}]})
    with pytest.raises(ValueError, match=message):
        apply_cfg_options(cfg, parse_cfg_options([option]))


# --- logs: the second of three lines, which is told and left out
LINE = {'phase': 'train_epoch', 'epoch': 1, 'step': 1, 'loss': 0.5}
LINES = [
    *('{', '{"phase": "val"', '[]', '3', 'null', '"text"', 'nan,', "{'a': 1}", '{]'),
    *('{"phase": "val", "epoch": 1, "step": 1, "f1": }', '{"a" 1}', '\x00'),
]
PLACES = [
    *({'phase': None}, {'phase': 'valid'}, {'epoch': None}, {'epoch': 'a'}),
    *({'step': None}, {'step': []}, {'epoch': {}}, {'phase': ['val']}),
]


@pytest.mark.parametrize('line', LINES)
def test_lines_of_logs(tmp_path, line):
    good = json.dumps(LINE)
    (tmp_path / 'metrics.jsonl').write_text(f'{good}\n{line}\n{good}\n')
    messages = ' '.join(read_run(tmp_path).messages)
    assert 'metrics.jsonl: 1 of 3 lines are no JSON objects' in messages
    assert 'the first is line 2' in messages


@pytest.mark.parametrize('changes', PLACES)
def test_lines_without_a_place(tmp_path, changes):
    lines = [LINE, LINE | changes]
    text = '\n'.join(map(json.dumps, lines))
    (tmp_path / 'metrics.jsonl').write_text(text)
    messages = ' '.join(read_run(tmp_path).messages)
    assert 'metrics.jsonl: 1 lines have no known phase, epoch or step' in messages


def test_the_pictures_are_what_they_are_called():
    # else the messages above would be about something else
    for content, message in PICTURES[:-1]:
        with pytest.raises(ValueError, match=message):
            read_picture_header(content)
