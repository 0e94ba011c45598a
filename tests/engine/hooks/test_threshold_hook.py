from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ocec.apis.train import train
from ocec.engine.hooks import ThresholdHook


def runner_with(prob, label):
    scores = {'prob_B': np.float32(prob), 'label_B': np.array(label)}
    metric = SimpleNamespace(last_scores=scores, prefix='eye')
    dataset = SimpleNamespace(split='val', fingerprint=lambda: {'files': ['a']})
    loop = SimpleNamespace(
        evaluator=SimpleNamespace(metrics=[metric]),
        dataloader=SimpleNamespace(dataset=dataset),
    )
    return SimpleNamespace(val_loop=loop)


def stored(hook, runner):
    checkpoint = {}
    hook.before_save_checkpoint(runner, checkpoint)
    return checkpoint.get('thresholds')


# from high to low: open, open, closed, open, closed, open, closed, closed
PROB = [0.95, 0.85, 0.75, 0.65, 0.45, 0.35, 0.25, 0.05]
LABEL = [1, 1, 0, 1, 0, 1, 0, 0]


def test_thresholds_of_the_last_validation():
    hook = ThresholdHook(precision=0.75, false_alarm_rate=0.1)
    runner = runner_with(PROB, LABEL)
    hook.after_val_epoch(runner, {})
    found = stored(hook, runner)
    # F1 is 2 TP / (2 TP + FP + FN): 4/6 after two, 6/8 after four, 8/10 after six
    assert found['best_f1'] == pytest.approx(0.30)
    # three of four are right above 0.55, two of three above 0.7; lower it falls
    assert found['precision'] == pytest.approx(0.55)
    # no closed eye lies above 0.8; one of four is more than a tenth
    assert found['false_alarm'] == pytest.approx(0.80)
    assert (found['precision_target'], found['false_alarm_target']) == (0.75, 0.1)
    assert (found['split'], found['prefix'], found['num_images']) == ('val', 'eye', 8)
    assert found['data'] == {'files': ['a']}
    # torch as the reference for the temperature
    logit = torch.tensor(PROB, dtype=torch.float64).logit()
    target = torch.tensor(LABEL, dtype=torch.float64)

    def cross_entropy(temperature):
        return torch.nn.functional.binary_cross_entropy_with_logits(
            logit / temperature, target
        ).item()

    losses = [cross_entropy(found['temperature'] * x) for x in (0.99, 1.0, 1.01)]
    assert min(losses) == losses[1]


def test_what_no_threshold_reaches_is_none():
    hook = ThresholdHook()
    # the highest score is of a closed eye; all on the right side of 0.5 but one
    runner = runner_with([0.9, 0.8, 0.1], [0, 1, 0])
    hook.after_val_epoch(runner, {})
    assert stored(hook, runner)['precision'] is None
    assert stored(hook, runner)['false_alarm'] is None
    # perfect scores: the colder the better
    runner = runner_with([0.9, 0.8, 0.1], [1, 1, 0])
    assert stored(hook, runner)['temperature'] is None


def test_scores_of_earlier_weights_are_not_used():
    hook, runner = ThresholdHook(), runner_with(PROB, LABEL)
    assert stored(hook, runner) is None
    hook.after_val_epoch(runner, {})
    assert stored(hook, runner) is not None
    hook.before_train_epoch(runner)
    assert stored(hook, runner) is None


def test_a_metric_without_scores_is_none():
    hook, runner = ThresholdHook(), runner_with(PROB, LABEL)
    runner.val_loop.evaluator.metrics[0].last_scores = None
    hook.after_val_epoch(runner, {})
    assert stored(hook, runner) is None


def test_every_checkpoint_of_a_run_has_its_own(tmp_path, write_config):
    folder = train(write_config(), work_dir=tmp_path / 'run').work_dir
    first, second = (
        torch.load(folder / f'epoch_{epoch}.pth', weights_only=True)['thresholds']
        for epoch in (1, 2)
    )
    assert first['best_f1'] != second['best_f1']
    assert second['split'] == second['data']['split'] == 'val'
    assert second['num_images'] == 16
    assert (second['precision_target'], second['false_alarm_target']) == (0.99, 0.01)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'precision': 0}, r'precision must be in \(0, 1\], got 0'),
        ({'precision': 1.5}, r'precision must be in \(0, 1\], got 1.5'),
        (
            {'false_alarm_rate': 1},
            r'false_alarm_rate must be in \[0, 1\), got 1',
        ),
        (
            {'false_alarm_rate': -0.1},
            r'false_alarm_rate must be in \[0, 1\), got -0.1',
        ),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        ThresholdHook(**arguments)


def test_each_source_has_its_own():
    runner = runner_with(PROB, LABEL)
    [metric] = runner.val_loop.evaluator.metrics
    halves = (('home', slice(0, 4)), ('new', slice(4, 8)))
    metric.parts = [
        SimpleNamespace(
            prefix=name,
            last_scores={field: x[part] for field, x in metric.last_scores.items()},
        )
        for name, part in halves
    ]
    hook = ThresholdHook()
    hook.after_val_epoch(runner, {})
    found = stored(hook, runner)
    assert found['best_f1'] == pytest.approx(0.30)  # of all, as above
    assert set(found['sources']) == {'home', 'new'}
    for name, part in halves:
        alone = runner_with(PROB[part], LABEL[part])
        hook.after_val_epoch(alone, {})
        expected = stored(hook, alone)
        assert 'sources' not in expected
        for key, value in found['sources'][name].items():
            assert value == expected[key], key
