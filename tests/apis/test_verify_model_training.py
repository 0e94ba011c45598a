import math

import torch

from ocec.apis.verify_model_training import check_batch_size, check_eval, check_overfit


def test_one_batch_is_learnt(make_subject):
    subject = make_subject()
    verdict = check_overfit(subject)
    assert verdict.status == 'ok'
    losses = verdict.facts['losses']
    assert len(losses) == 20
    # means of the first and the last three
    share = 1 - sum(losses[-3:]) / sum(losses[:3])
    assert abs(verdict.facts['fall'] - share) < 1e-9
    assert f'in 20 steps ({-share:+.0%})' in verdict.text
    assert subject.seconds_per_step > 0


def test_rate_that_teaches_nothing(make_subject):
    subject = make_subject(settings={'num_steps': 6})
    subject.cfg.optim_wrapper.optimizer.lr = 1e-12
    verdict = check_overfit(subject)
    assert verdict.status == 'FAIL'
    # ten times as many, as it does not fall
    assert len(verdict.facts['losses']) == 60
    assert 'in 60 steps' in verdict.text
    assert verdict.text.endswith('which is less than 20% down at any lr tried')
    assert 'the labels' in verdict.way_out


def test_rate_that_is_slow(make_subject, monkeypatch):
    monkeypatch.setattr('ocec.apis.verify_model_training.MORE_SECONDS', 0.0)
    subject = make_subject()
    subject.cfg.optim_wrapper.optimizer.lr *= 0.002
    verdict = check_overfit(subject)
    assert verdict.status == 'WARN'
    assert ' times the lr, ' in verdict.text
    assert verdict.text.endswith('% at the lr of the config')
    assert verdict.facts['fall'] < 0.2


def test_rate_that_diverges(make_subject):
    subject = make_subject()
    subject.cfg.optim_wrapper = dict(
        type='OptimWrapper', optimizer=dict(type='SGD', lr=1e38)
    )
    verdict = check_overfit(subject)
    assert verdict.status == 'FAIL'
    assert verdict.text.startswith('the loss is ')
    assert verdict.way_out.startswith('lower optim_wrapper.optimizer.lr')


def test_accumulated_batches(make_subject, monkeypatch):
    monkeypatch.setattr('ocec.apis.verify_model_training.MIN_FALL', -math.inf)
    subject = make_subject(settings={'num_steps': 4})
    subject.cfg.optim_wrapper.accumulative_counts = 3
    calls, parse = [], subject.model.parse_losses
    monkeypatch.setattr(
        subject.model, 'parse_losses', lambda losses: calls.append(1) or parse(losses)
    )
    assert len(check_overfit(subject).facts['losses']) == 4
    assert len(calls) == 12


def test_only_learning_moves_the_loss(make_subject):
    subject = make_subject(settings={'num_steps': 3})
    subject.cfg.optim_wrapper.optimizer.lr = 0.0
    losses = check_overfit(subject).facts['losses']
    assert len(losses) == 30
    assert losses == [losses[0]] * 30


def test_metrics_of_a_batch(make_subject):
    verdict = check_eval(make_subject())
    assert verdict.status == 'ok'
    assert verdict.text.endswith('save_best eye/f1')
    counts = [verdict.facts[f'eye/{n}'] for n in ('tp', 'fp', 'fn', 'tn')]
    assert sum(counts) == 16


def test_metric_that_save_best_waits_for(make_subject):
    subject = make_subject()
    subject.cfg.default_hooks.checkpoint.save_best = 'eye/none'
    verdict = check_eval(subject)
    assert verdict.status == 'FAIL'
    assert verdict.text.startswith('save_best waits for eye/none, the metrics are eye/')


def test_runs_without_a_best_checkpoint(make_subject):
    subject = make_subject()
    subject.cfg.default_hooks.checkpoint.save_best = None
    verdict = check_eval(subject)
    assert (verdict.status, verdict.way_out) == (
        'WARN',
        'set default_hooks.checkpoint.save_best',
    )
    subject.cfg.val_evaluator = None
    verdict = check_eval(subject)
    assert verdict.status == 'WARN'
    assert 'has no val_evaluator' in verdict.text


def test_answers_do_not_depend_on_the_batch(make_subject):
    verdict = check_batch_size(make_subject())
    assert verdict.status == 'ok'
    assert verdict.text.startswith('16 images together and alone differ by')


def test_batch_norm_that_uses_the_batch(make_subject):
    subject = make_subject()
    for module in subject.model.backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean = module.running_var = None
    verdict = check_batch_size(subject)
    assert verdict.status == 'FAIL'
    assert verdict.facts['gap'] > 1e-4
    assert 'a batch norm in training mode' in verdict.way_out
