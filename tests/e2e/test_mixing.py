"""Two sources in one training, validated side by side."""

import json
import shutil

import pytest
import torch

from ocec.apis.score_checkpoint import score_checkpoint
from ocec.apis.test import test as run_test
from ocec.apis.train import train
from ocec.functional.classification import confusion_counts, f1_score

MIX = """
{loaders}
train_dataloader['sampler'] = dict(
    _delete_=True,
    type='SourceSampler',
    shares=dict(home=1),
    schedule=[dict(begin=1, shares=dict(home=0.25, new=0.75))],
    num_samples=32,
)
val_evaluator = dict(
    _delete_=True,
    type='SourceMetric',
    sources=dict(home=dict(weight=1), new=dict(weight=3, threshold=0.4)),
)
test_evaluator = val_evaluator
custom_hooks = [dict(type='EarlyStoppingHook', monitor='new/f1', patience=9)]
param_scheduler = [dict(type='ReduceOnPlateauLR', monitor='mean/loss', patience=0)]
default_hooks = dict(
    checkpoint=dict(save_best='mean/f1'),
    diagnostics=dict(type='DiagnosticsHook', interval=-1, train_samples=8),
)
train_cfg = dict(max_epochs=3)
"""
LOADER = """
{split}_dataloader = dict(batch_size=16, dataset=dict(
    _delete_=True, type='MixedEyes', split={split!r}, image_size=(32, 64),
    sources={sources}))
"""


@pytest.fixture
def files(make_eye_parquet):
    return {
        'home': str(make_eye_parquet(seed=1)),
        'new': str(make_eye_parquet(seed=2, group=[f'n{r // 4}' for r in range(64)])),
    }


@pytest.fixture
def config(write_config, files):
    sources = {name: {'data': file} for name, file in files.items()}
    loaders = ''.join(
        LOADER.format(split=split, sources=sources)
        for split in ('train', 'val', 'test')
    )
    return write_config(MIX.format(loaders=loaders))


def lines_of(work_dir, phase):
    """Return what was logged, without clocks and memory."""
    lines = map(json.loads, (work_dir / 'metrics.jsonl').read_text().splitlines())
    return [
        {name: value for name, value in line.items() if '/' in name}
        for line in lines
        if line['phase'] == phase
    ]


@pytest.mark.slow
def test_a_mixed_run(tmp_path, config, files):
    result = train(config, work_dir=tmp_path / 'whole')
    run = result.work_dir
    assert result.best['metric'] == 'mean/f1'
    best = run / result.best['file']
    line = lines_of(run, 'val')[result.best['epoch'] - 1]
    assert result.best['value'] == pytest.approx(
        0.25 * line['home/f1'] + 0.75 * line['new/f1']
    )
    # each number is that of the file alone, at its threshold
    for name, threshold in (('home', 0.5), ('new', 0.4)):
        scores = score_checkpoint(best, data=files[name], split='val').scores
        counts = confusion_counts(
            scores['prob_B'], scores['label_B'], threshold=threshold
        )
        assert f1_score(counts) == line[f'{name}/f1']
    folders = {
        str(p.parent.relative_to(run)) for p in run.glob('diagnostics/**/epoch_*')
    }
    assert folders == {f'diagnostics/{x}' for x in ('val/home', 'val/new', 'train')}
    stored = torch.load(best, weights_only=True)['thresholds']
    assert set(stored['sources']) == {'home', 'new'}
    # a test of one file reports the thresholds chosen on that one
    run_test(config, best, work_dir=tmp_path / 'test', data=files['new'])
    report = json.loads((tmp_path / 'test/test_metrics.json').read_text())['report']
    at = report['at']['best_f1']['threshold']
    assert at == stored['sources']['new']['best_f1']

    halves = tmp_path / 'halves'
    halves.mkdir()
    shutil.copy(run / 'epoch_1.pth', halves)
    train(config, work_dir=halves, resume=str(halves / 'epoch_1.pth'))
    whole, resumed = (
        torch.load(folder / 'epoch_3.pth', weights_only=True)
        for folder in (run, halves)
    )
    for name, value in whole['state_dict'].items():
        assert torch.equal(value, resumed['state_dict'][name]), name
    assert lines_of(run, 'val')[1:] == lines_of(halves, 'val')
