import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger

from ocec.apis.train import train
from ocec.engine.hooks import AdviceHook, CheckpointHook

OVERFIT_TRAIN = [0.5 * 0.8**n for n in range(20)]
OVERFIT_VAL = [0.4, 0.3, *[0.2 * 1.05**n for n in range(18)]]


class Runner:
    """What the hook needs of a runner, and a loop of epochs of ten steps."""

    def __init__(self, hook, *, max_epochs=20, lr=0.01, resume=False, max_norm=None):
        self.hook, self.max_epochs, self._resume = hook, max_epochs, resume
        self.epoch = self.iter = 0
        self._train_loop = object()
        self.saver = CheckpointHook(save_best='eye/f1')
        self.hooks = [self.saver]
        self.logger = MMLogger.get_current_instance()
        self.optim_wrapper = SimpleNamespace(
            get_lr=lambda: {'lr': [lr]},
            should_update=lambda: True,
            grad_norm=None,
            clip_grad_kwargs={} if max_norm is None else {'max_norm': max_norm},
        )

    def train_epoch(self, loss=0.5, norms=(1.0,) * 10):
        self.hook.before_train_epoch(self)
        for batch_idx, norm in enumerate(norms):
            self.optim_wrapper.grad_norm = torch.tensor(norm)
            outputs = {'loss': torch.tensor(loss, requires_grad=True)}
            self.hook.after_train_iter(self, batch_idx, None, outputs)
            self.iter += 1
        self.hook.after_train_epoch(self)
        self.epoch += 1

    def run(self, train_loss, val_loss, f1):
        for values in zip(train_loss, val_loss, f1, strict=True):
            self.train_epoch(values[0])
            metrics = {'eye/loss': values[1], 'eye/f1': values[2]}
            self.hook.after_val_epoch(self, metrics)
        return self


def told(records):
    return [r.getMessage() for r in records if r.getMessage().startswith('ADVICE')]


def kinds(records):
    return [text.removeprefix('ADVICE ').split(':')[0] for text in told(records)]


def test_overfitting_is_told_once_and_named_at_the_end(log_records):
    runner = Runner(AdviceHook(), max_epochs=100)
    runner.run(OVERFIT_TRAIN, OVERFIT_VAL, [0.9] * 20)
    runner.hook.after_train(runner)
    first, last = told(log_records)
    assert first.startswith('ADVICE overfitting: since epoch ')
    assert '. To try: more augmentation' in first
    [(kind, epoch)] = runner.hook.given.items()
    assert last == f'ADVICE was given on: overfitting (epoch {epoch})'
    assert kind == 'overfitting'


def test_a_sound_run_gets_none(log_records):
    falling = [0.5 * 0.9**n for n in range(20)]
    f1 = [1 - 0.5 * 0.6**n for n in range(20)]
    runner = Runner(AdviceHook()).run(falling, falling, f1)
    runner.hook.after_train(runner)
    assert told(log_records) == []


def test_plateau_at_a_high_rate(log_records):
    Runner(AdviceHook()).run([0.5] * 12, [0.5] * 12, [0.8, 0.9, *[0.85] * 10])
    assert kinds(log_records) == ['plateau']
    assert 'eye/f1 has not beaten 0.9000 of epoch 2' in told(log_records)[0]


def test_idle_rate(log_records):
    runner = Runner(AdviceHook(), max_epochs=50)
    rates = iter([0.1] * 3 + [0.0005] * 9)
    runner.optim_wrapper.get_lr = lambda: {'lr': [next(rates)]}
    runner.run([0.5] * 12, [0.5] * 12, [0.9] * 12)
    assert kinds(log_records) == ['idle learning rate']
    # low since epoch 4: five validations later
    assert runner.hook.given == {'idle learning rate': 8}


@pytest.mark.parametrize(('num_epochs', 'is_told'), [(20, True), (15, False)])
def test_still_rising_is_said_of_whole_runs_only(log_records, num_epochs, is_told):
    runner = Runner(AdviceHook()).run(
        [0.5] * num_epochs, [0.5] * num_epochs, [0.02 * n for n in range(num_epochs)]
    )
    runner.hook.after_train(runner)
    assert ('still rising' in kinds(log_records)) == is_told


@pytest.mark.parametrize(('max_epochs', 'is_told'), [(4, True), (9, False)])
def test_a_rate_that_rises_to_the_end_of_the_run(log_records, max_epochs, is_told):
    runner = Runner(AdviceHook(), max_epochs=max_epochs)
    rates = iter([0.1, 0.2, 0.3, 0.4])
    runner.optim_wrapper.get_lr = lambda: {'lr': [next(rates)]}
    runner.run([0.5] * 4, [0.5] * 4, [0.9] * 4)
    runner.hook.after_train(runner)
    assert kinds(log_records) == (['rising rate', 'was given on'] * is_told)


def spiky_epochs(runner):
    """Sixty quiet steps, then one epoch with a spike in its third step: 63."""
    for _ in range(6):
        runner.train_epoch()
    runner.train_epoch(norms=[1.0, 1.0, 40.0, *[1.0] * 7])
    runner.train_epoch(norms=[50.0, *[1.0] * 9])
    return runner


def test_spikes_are_told_with_their_step(log_records):
    spiky_epochs(Runner(AdviceHook()))
    [text] = told(log_records)  # the second is of the same kind
    assert '1 of 10 steps' in text
    assert 'step 63, 40 against 1' in text


def test_clipped_spikes_are_not_told(log_records):
    spiky_epochs(Runner(AdviceHook(), max_norm=5.0))
    assert told(log_records) == []


def test_norms_of_batches_without_a_step_are_left_out():
    runner = Runner(AdviceHook())
    runner.optim_wrapper.should_update = lambda: runner.iter % 2 == 1
    runner.train_epoch(norms=[1.0, 2.0, 3.0, 4.0])
    assert runner.hook.last_norms == [(2, 2.0), (4, 4.0)]


def test_many_batches_are_read_in_parts(monkeypatch):
    monkeypatch.setattr('ocec.engine.hooks.advice_hook.BATCHES_PER_READ', 4)
    runner = Runner(AdviceHook())
    runner.train_epoch(norms=[float(n) for n in range(10)])
    assert runner.hook.last_norms == [(n + 1, float(n)) for n in range(10)]
    assert runner.hook._num_losses == 10


def test_the_training_loss_is_the_mean_since_the_last_validation():
    runner = Runner(AdviceHook())
    runner.train_epoch(loss=0.6)
    runner.train_epoch(loss=0.2)
    runner.hook.after_val_epoch(runner, {'eye/loss': 0.5, 'eye/f1': 0.7})
    assert runner.hook.curves['train_loss'] == [pytest.approx(0.4)]
    assert runner.hook.curves['epoch'] == [2]
    runner.run([0.1], [0.5], [0.7])
    assert runner.hook.curves['train_loss'][1] == pytest.approx(0.1)


@pytest.mark.parametrize('cut', [1, 7, 15])
def test_a_checkpoint_carries_the_curves(log_records, cut):
    whole = Runner(AdviceHook()).run(OVERFIT_TRAIN, OVERFIT_VAL, [0.9] * 20)
    curves = OVERFIT_TRAIN, OVERFIT_VAL, [0.9] * 20
    first = Runner(AdviceHook()).run(*(curve[:cut] for curve in curves))
    checkpoint = {}
    first.hook.before_save_checkpoint(first, checkpoint)
    second = Runner(AdviceHook(), resume=True)
    second.hook.after_load_checkpoint(second, checkpoint)
    second.epoch, second.iter = first.epoch, first.iter
    second.run(*(curve[cut:] for curve in curves))
    assert second.hook.curves == whole.hook.curves
    assert second.hook.given == whole.hook.given
    assert second.hook.last_norms == whole.hook.last_norms
    # the first half goes on by itself: nothing is shared with it
    assert len(first.hook.curves['epoch']) == cut
    assert kinds(log_records).count('overfitting') == 2


def test_weights_that_are_only_loaded_bring_no_curves():
    hook = AdviceHook()
    stored = {'advice': {'curves': {'epoch': [1]}}}
    hook.after_load_checkpoint(Runner(hook, resume=False), stored)
    assert hook.curves['epoch'] == []


def test_no_metric_to_watch_and_no_loss(log_records):
    runner = Runner(AdviceHook())
    runner.saver.save_best = None
    for _ in range(12):
        runner.train_epoch()
        runner.hook.after_val_epoch(runner, {'top1': 0.9})
    runner.hook.after_train(runner)
    assert all(math.isnan(x) for x in runner.hook.curves['val_loss'])
    assert told(log_records) == []


EMA = """
custom_hooks = [dict(type='EMAHook', ema_type='ExponentialMovingAverage',
                     momentum=0.0002, update_buffers=True)]
default_hooks = dict(advice=dict(raw_interval=1), diagnostics=None)
train_cfg = dict(max_epochs=3)
"""


def test_a_lagging_average_in_a_run(tmp_path, write_config):
    config = write_config(EMA, num_rows=256)
    folder = train(config, work_dir=tmp_path / 'run').work_dir
    [log] = folder.glob('*.log')
    text = log.read_text()
    # 24 steps: 0.9998 ** 6
    assert 'ADVICE lagging average: 100% of the averaged weights' in text
    stored = torch.load(folder / 'epoch_3.pth', weights_only=True)['advice']
    raw = stored['raw_curves']
    assert raw['epoch'] == [1, 2, 3]
    assert raw['averaged_loss'] == stored['curves']['val_loss']
    # an average that stays where it began does not learn; the raw weights do
    assert raw['raw_loss'][-1] < raw['raw_loss'][0]
    assert 'ADVICE was given on: ' in text


def test_looking_at_raw_weights_changes_nothing_else(tmp_path, write_config):
    config = write_config('default_hooks = dict(diagnostics=None)')
    for options, name in (
        ([], 'without'),
        (['default_hooks.advice.raw_interval=1'], 'with'),
    ):
        train(config, work_dir=tmp_path / name, cfg_options=options)
    plain, compared = (
        torch.load(tmp_path / name / 'epoch_2.pth', weights_only=True)
        for name in ('without', 'with')
    )
    for name, value in plain['state_dict'].items():
        assert torch.equal(value, compared['state_dict'][name]), name
    for name in ('thresholds', 'verdict'):
        assert plain[name] == compared[name]
    assert plain['advice']['curves'] == compared['advice']['curves']


def test_interval_out_of_range():
    with pytest.raises(ValueError, match='raw_interval must be > 0, got 0'):
        AdviceHook(raw_interval=0)
