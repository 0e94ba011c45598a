import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ocec.apis.train import train
from ocec.engine.hooks import CheckpointHook, VerdictHook
from ocec.functional.bootstrap import bootstrap_interval
from ocec.functional.classification import confusion_counts, f1_score

EPOCHS = 'train_cfg = dict(max_epochs=3)'
KEEP_ALL = 'default_hooks = dict(checkpoint=dict(max_keep_ckpts=-1, max_keep_best=9))'


def verdict_of(folder):
    [log] = folder.glob('*.log')
    found = re.findall(r'INFO - Verdict\n((?:  .*\n)+)', log.read_text())
    return [text.splitlines() for text in found]


def test_verdict_of_a_run(tmp_path, write_config):
    config = write_config(EPOCHS, num_rows=128)
    result = train(config, work_dir=tmp_path / 'run')
    [[judged, checkpoint, curves, following]] = verdict_of(result.work_dir)
    best = result.best
    assert judged.startswith(f'  best       eye/f1 {best["value"]:.4f} (95 % interval ')
    assert re.search(
        rf', 8 groups, few: it is too narrow\) in epoch {best["epoch"]}; last epoch 0',
        judged,
    )
    assert '; 3 epochs in 0:' in judged
    assert checkpoint == f'  checkpoint {result.work_dir / best["file"]}'
    assert curves == f'  curves     tensorboard --logdir {result.work_dir}'
    words = following.split()
    assert words[:3] == ['next', 'python', 'tools/test.py']
    assert words[3] == str(result.work_dir / config.name)
    assert words[4] == str(result.work_dir / best['file'])


def test_the_files_named_can_be_tested(tmp_path, write_config):
    from ocec.apis.test import test as run_test

    train(write_config(), work_dir=tmp_path / 'run')
    [[*_, following]] = verdict_of(tmp_path / 'run')
    config, checkpoint = following.split()[3:5]
    assert 'eye/f1' in run_test(config, checkpoint)
    assert (tmp_path / 'run' / 'test_metrics.json').exists()


def test_a_resumed_run_knows_the_interval(tmp_path, write_config):
    config = write_config(EPOCHS + '\n' + KEEP_ALL, num_rows=128)
    train(config, work_dir=tmp_path / 'whole')
    halves = tmp_path / 'halves'
    halves.mkdir()
    for name in ('epoch_2.pth', 'metrics.jsonl'):
        shutil.copy(tmp_path / 'whole' / name, halves)
    (halves / 'last_checkpoint').write_text(str(halves / 'epoch_2.pth'))
    train(config, work_dir=halves, resume='auto')
    [[whole, *_]], [[resumed, *_]] = map(verdict_of, (tmp_path / 'whole', halves))
    assert '95 % interval' in whole
    assert resumed.split(';')[:2] == whole.split(';')[:2]
    assert resumed.split(';')[2].startswith(' 1 epochs in ')
    stored = [
        torch.load(folder / 'epoch_3.pth', weights_only=True)['verdict']
        for folder in (tmp_path / 'whole', halves)
    ]
    assert stored[0] == stored[1]


def test_without_validation(tmp_path, write_config):
    train(write_config(), work_dir=tmp_path / 'run', no_validate=True)
    [[judged, checkpoint, *_]] = verdict_of(tmp_path / 'run')
    assert judged.startswith(
        '  no validation has told which epoch is the best; 2 epochs'
    )
    assert checkpoint == f'  checkpoint {tmp_path / "run" / "epoch_2.pth"}'


def test_a_run_that_had_ended_gets_no_second_verdict(tmp_path, write_config):
    config = write_config()
    train(config, work_dir=tmp_path / 'run')
    first = next((tmp_path / 'run').glob('*.log'))
    first.rename(tmp_path / 'first.log')
    train(config, work_dir=tmp_path / 'run', resume='auto')
    assert verdict_of(tmp_path / 'run') == []


class Runner:
    """What the hook needs of a runner that has just validated."""

    def __init__(self, scores, epoch=4):
        metric = SimpleNamespace(last_scores=scores, prefix='eye', threshold=0.4)
        evaluator = SimpleNamespace(metrics=[metric])
        self.val_loop = SimpleNamespace(evaluator=evaluator)
        self.saver = CheckpointHook(save_best='eye/f1')
        self.saver.best = {'metric': 'eye/f1', 'value': 0.5, 'epoch': epoch}
        self.hooks, self.epoch = [self.saver], epoch


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    return {
        'prob_B': rng.random(40).astype(np.float32),
        'loss_B': rng.random(40).astype(np.float32),
        'label_B': rng.integers(0, 2, 40),
        'group_id_B': np.repeat(np.arange(8), 5),
    }


def interval_after_saving(hook, runner):
    checkpoint = {}
    hook.before_save_checkpoint(runner, checkpoint)
    return checkpoint['verdict']['interval']


def test_the_interval_is_that_of_the_metric_at_its_threshold(scores):
    def f1(prob, label):
        return f1_score(confusion_counts(prob, label, threshold=0.4))

    expected = bootstrap_interval(
        f1, scores['prob_B'], scores['label_B'], group_N=scores['group_id_B']
    )
    found = interval_after_saving(VerdictHook(), Runner(scores))
    assert found['epoch'] == 4
    assert (found['low'], found['high']) == pytest.approx(expected[:2])
    assert found['num_groups'] == 8


def test_the_interval_of_an_earlier_best_stays(scores):
    hook, runner = VerdictHook(), Runner(scores)
    first = interval_after_saving(hook, runner)
    runner.epoch = 5  # not the best
    runner.val_loop.evaluator.metrics[0].last_scores = None
    assert interval_after_saving(hook, runner) == first


def test_a_metric_of_another_prefix_or_without_an_interval(scores):
    for name in ('pair/f1', 'eye/fisher'):
        runner = Runner(scores)
        runner.saver.best['metric'] = name
        assert interval_after_saving(VerdictHook(), runner) is None


def test_the_interval_of_one_source(scores):
    runner = Runner(scores)
    [metric] = runner.val_loop.evaluator.metrics
    half = {name: value[:20] for name, value in scores.items()}
    part = SimpleNamespace(last_scores=half, prefix='new', threshold=0.4)
    metric.prefix, metric.parts = 'mean', [part]
    runner.saver.best['metric'] = 'new/f1'
    expected = Runner(half)
    assert interval_after_saving(VerdictHook(), runner) == interval_after_saving(
        VerdictHook(), expected
    )
    # a mean over sources has none
    runner.saver.best['metric'] = 'mean/f1'
    assert interval_after_saving(VerdictHook(), runner) is None
