import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger

from ocec.apis.train import train
from ocec.engine.checkpoint_io import save_atomically
from ocec.engine.hooks import CheckpointHook
from ocec.engine.hooks.checkpoint_hook import checkpoint_hook_of

NAN = float('nan')


class Runner:
    """What the hook needs of a runner, and mmengine's loop of epochs."""

    def __init__(self, work_dir, hook, *, max_epochs, val_interval=1, val_begin=1):
        self.work_dir = str(work_dir)
        self.hook = hook
        self.max_epochs = max_epochs
        self.epoch = self.iter = 0
        self.val_loop = None
        self.train_loop = SimpleNamespace(
            val_interval=val_interval, val_begin=val_begin, stop_training=False
        )
        self._train_loop = self.train_loop
        self._resume = False
        self._load_from = None
        self.logger = MMLogger.get_current_instance()
        self.saved = []

    def save_checkpoint(self, out_dir, filename, *, meta):
        checkpoint = {'meta': meta}
        self.hook.before_save_checkpoint(self, checkpoint)
        self.saved.append(filename)
        return save_atomically(checkpoint, Path(out_dir) / filename)

    def run(self, values=None, stop_after=None):
        """Train to the end; ``values[e]`` is the metric of the validation of epoch e.

        Two batches make an epoch.
        """
        self.val_loop = values and object()
        self.hook.before_train(self)
        while self.epoch < self.max_epochs and not self.train_loop.stop_training:
            self.iter += 2
            self.hook.after_train_epoch(self)
            self.epoch += 1
            is_due = self.epoch % self.train_loop.val_interval == 0
            is_last = self.epoch == self.max_epochs
            if values and self.epoch >= self.train_loop.val_begin:
                if not (is_due or is_last):
                    continue
                self.train_loop.stop_training = self.epoch == stop_after
                self.hook.after_val_epoch(self, {'eye/f1': values[self.epoch]})
        return self


def run(work_dir, hook, max_epochs, values=None, stop_after=None, **loop):
    return Runner(work_dir, hook, max_epochs=max_epochs, **loop).run(values, stop_after)


def checkpoints(work_dir):
    return {path.name for path in work_dir.glob('*.pth')}


def meta_of(path):
    return torch.load(path, weights_only=True)['meta']


# f1 of each epoch, from 1
RISING = {1: 0.1, 2: 0.2, 3: 0.3, 4: 0.4, 5: 0.5}
BEST_AT_2 = {1: 0.1, 2: 0.9, 3: 0.3, 4: 0.9, 5: 0.5}


@pytest.mark.parametrize(
    ('arguments', 'epochs'),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({'interval': 2}, [2, 4, 5]),
        ({'interval': 2, 'save_last': False}, [2, 4]),
        ({'interval': -1}, [5]),
        ({'interval': -1, 'save_last': False}, []),
        ({'interval': 7}, [5]),
    ],
)
@pytest.mark.parametrize('values', [RISING, None])
def test_which_epochs_are_saved(tmp_path, arguments, epochs, values):
    runner = run(tmp_path, CheckpointHook(**arguments), 5, values)
    assert runner.saved == [f'epoch_{epoch}.pth' for epoch in epochs]
    for epoch in epochs:
        meta = meta_of(tmp_path / f'epoch_{epoch}.pth')
        assert meta == {'epoch': epoch, 'iter': 2 * epoch}
    last = tmp_path / 'last_checkpoint'
    if epochs:
        assert last.read_text() == str(tmp_path / f'epoch_{epochs[-1]}.pth')
    else:
        assert not last.exists()


@pytest.mark.parametrize('loop', [{'val_interval': 3}, {'val_begin': 4}])
def test_epochs_without_validation_are_saved_too(tmp_path, loop):
    runner = run(tmp_path, CheckpointHook(), 5, RISING, **loop)
    assert runner.saved == [f'epoch_{epoch}.pth' for epoch in (1, 2, 3, 4, 5)]


def test_the_epoch_that_stops_early_is_the_last(tmp_path):
    runner = run(tmp_path, CheckpointHook(interval=10), 9, RISING, stop_after=3)
    assert runner.saved == ['epoch_3.pth']


@pytest.mark.parametrize(
    ('limit', 'epochs'), [(-1, [1, 2, 3, 4, 5]), (1, [5]), (3, [3, 4, 5]), (9, None)]
)
def test_old_checkpoints_are_removed(tmp_path, limit, epochs):
    run(tmp_path, CheckpointHook(max_keep_ckpts=limit), 5)
    names = {f'epoch_{epoch}.pth' for epoch in epochs or (1, 2, 3, 4, 5)}
    assert checkpoints(tmp_path) == names
    digests = {path.name for path in tmp_path.glob('*.sha256')}
    assert digests == {f'{name}.sha256' for name in names}


def test_an_old_one_goes_only_when_the_new_one_is_there(tmp_path):
    runner = Runner(tmp_path, CheckpointHook(max_keep_ckpts=1), max_epochs=2)
    save = runner.save_checkpoint

    def fail_at_the_second(out_dir, filename, *, meta):
        if filename == 'epoch_2.pth':
            raise OSError('disk full')
        return save(out_dir, filename, meta=meta)

    runner.save_checkpoint = fail_at_the_second
    runner.run()
    assert checkpoints(tmp_path) == {'epoch_1.pth'}
    assert runner.hook.kept == ['epoch_1.pth']
    assert (tmp_path / 'last_checkpoint').read_text().endswith('epoch_1.pth')
    assert files_of(tmp_path) == ['epoch_1.pth']
    with pytest.raises(OSError, match='the last checkpoint is not saved: disk full'):
        runner.hook.after_train(runner)


def test_a_save_that_fails_is_told_and_the_next_one_makes_up_for_it(
    tmp_path, log_records
):
    runner = Runner(tmp_path, CheckpointHook(), max_epochs=3)
    fail_in_epoch_2(runner)
    runner.run(RISING)
    runner.hook.after_train(runner)
    assert checkpoints(tmp_path) == {'epoch_1.pth', 'epoch_3.pth'}
    [error] = [r.getMessage() for r in log_records if r.levelname == 'ERROR']
    assert 'epoch_2.pth is not saved: [Errno 28] No space left' in error


def test_what_a_failed_save_has_left_goes_with_the_next(tmp_path):
    runner = Runner(tmp_path, CheckpointHook(), max_epochs=3)
    save = runner.save_checkpoint

    def fail_after_the_file(out_dir, filename, *, meta):
        save(out_dir, filename, meta=meta)
        if filename == 'epoch_2.pth':
            # the disk has had room for the file, but not for what names it
            assert (tmp_path / filename).exists()
            raise OSError('disk full')

    runner.save_checkpoint = fail_after_the_file
    runner.run(RISING)
    assert checkpoints(tmp_path) == {'epoch_1.pth', 'epoch_3.pth'}
    assert files_of(tmp_path) == ['epoch_1.pth', 'epoch_3.pth']
    assert runner.hook.kept == ['epoch_1.pth', 'epoch_3.pth']


def fail_in_epoch_2(runner):
    save = runner.save_checkpoint

    def save_or_fail(out_dir, filename, *, meta):
        if meta['epoch'] == 2:
            raise OSError(28, 'No space left on device')
        return save(out_dir, filename, meta=meta)

    runner.save_checkpoint = save_or_fail


def test_a_best_that_cannot_be_saved_ends_the_run(tmp_path):
    runner = Runner(tmp_path, CheckpointHook(save_best='eye/f1'), max_epochs=3)
    fail_in_epoch_2(runner)
    with pytest.raises(OSError, match='checkpoint is not saved: .* No space left'):
        runner.run(RISING)
    # the state before the validation, which a resumed run does again
    assert checkpoints(tmp_path) == {'epoch_1.pth', 'best_eye_f1_epoch_1.pth'}
    assert (runner.hook.best['epoch'], runner.hook.kept_best) == (
        1,
        ['best_eye_f1_epoch_1.pth'],
    )


def files_of(work_dir):
    return json.loads((work_dir / 'checkpoints.json').read_text())['files']


def test_the_files_of_the_run_are_listed_newest_last(tmp_path):
    hook = CheckpointHook(save_best='eye/f1', max_keep_ckpts=2)
    run(tmp_path, hook, 4, BEST_AT_2)
    assert files_of(tmp_path) == [
        'best_eye_f1_epoch_2.pth',
        'epoch_3.pth',
        'epoch_4.pth',
    ]
    Runner(tmp_path, CheckpointHook(), max_epochs=1).run()
    assert files_of(tmp_path) == ['epoch_1.pth']


def test_a_resumed_run_removes_what_a_killed_one_had_no_time_to(tmp_path):
    runner = run(tmp_path, CheckpointHook(max_keep_ckpts=1), 2)
    for name in ('epoch_1.pth', 'last.pth', 'other.pth'):
        save_atomically({}, tmp_path / name)
    runner.hook.before_train(runner)
    assert checkpoints(tmp_path) == {'epoch_2.pth', 'other.pth'}


def test_but_not_the_one_that_it_goes_on_from(tmp_path):
    runner = run(tmp_path, CheckpointHook(max_keep_ckpts=1), 2)
    save_atomically({}, tmp_path / 'epoch_1.pth')
    runner._load_from = str(tmp_path / 'epoch_1.pth')
    runner.hook.before_train(runner)
    assert checkpoints(tmp_path) == {'epoch_1.pth', 'epoch_2.pth'}


def between_batches(runner, updates=True):
    runner.train_loop.is_stopped = False
    runner.optim_wrapper = SimpleNamespace(should_update=lambda: updates)
    runner.hook.between_batches(runner)


def test_it_saves_within_epochs_when_the_time_has_come(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr('time.monotonic', lambda: clock[0])
    runner = Runner(tmp_path, CheckpointHook(every_minutes=2), max_epochs=3)
    runner.hook.before_train(runner)
    for seconds, updates, saved in (
        (119, True, 0),
        (120, False, 0),  # gradients wait for their step
        (121, True, 1),
        (240, True, 1),
        (241, True, 2),
    ):
        clock[0], runner.iter = seconds, seconds
        between_batches(runner, updates)
        assert runner.saved == ['last.pth'] * saved
    assert meta_of(tmp_path / 'last.pth') == {'epoch': 0, 'iter': 241}
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'last.pth')
    # the next checkpoint of an epoch takes its place
    runner.hook.after_train_epoch(runner)
    assert checkpoints(tmp_path) == {'epoch_1.pth'}
    assert not (tmp_path / 'last.pth.sha256').exists()
    assert (tmp_path / 'last_checkpoint').read_text().endswith('epoch_1.pth')


def test_without_a_time_it_saves_none_within_epochs(tmp_path):
    runner = Runner(tmp_path, CheckpointHook(), max_epochs=3)
    runner.hook.before_train(runner)
    between_batches(runner)
    assert runner.saved == []


@pytest.mark.parametrize('minutes', [0, -1])
def test_the_time_must_be_positive(minutes):
    with pytest.raises(ValueError, match=f'every_minutes must be > 0, got {minutes}'):
        CheckpointHook(every_minutes=minutes)


@pytest.mark.parametrize(
    ('values', 'arguments', 'best', 'others'),
    [
        (RISING, {}, 5, []),
        (RISING, {'max_keep_best': 3}, 5, [3, 4]),
        (BEST_AT_2, {}, 2, []),  # the same 0.9 again at 4 is not better
        (RISING, {'rule': 'less'}, 1, []),
        (BEST_AT_2, {'max_keep_best': 5}, 2, [1]),
        # NaN beats nothing, and is beaten by everything
        ({1: NAN, 2: 0.2, 3: NAN, 4: 0.1, 5: NAN}, {}, 2, []),
    ],
)
def test_the_best_is_kept_and_told(tmp_path, values, arguments, best, others):
    hook = CheckpointHook(interval=-1, save_best='eye/f1', **arguments)
    run(tmp_path, hook, 5, values)
    name = f'best_eye_f1_epoch_{best}.pth'
    kept = {f'best_eye_f1_epoch_{epoch}.pth' for epoch in others}
    assert checkpoints(tmp_path) == {'epoch_5.pth', name} | kept
    assert json.loads((tmp_path / 'best.json').read_text()) == {
        'metric': 'eye/f1',
        'value': values[best],
        'epoch': best,
        'file': name,
        'sha256': hashlib.sha256((tmp_path / name).read_bytes()).hexdigest(),
    }
    assert meta_of(tmp_path / name) == {'epoch': best, 'iter': 2 * best}


def test_a_metric_that_is_always_nan_has_no_best(tmp_path):
    hook = CheckpointHook(save_best='eye/f1')
    runner = run(tmp_path, hook, 2, {1: NAN, 2: NAN})
    assert runner.saved == ['epoch_1.pth', 'epoch_2.pth']
    assert not (tmp_path / 'best.json').exists()


def test_a_loss_is_best_when_least(tmp_path):
    hook = CheckpointHook(save_best='eye/loss')
    runner = Runner(tmp_path, hook, max_epochs=9)
    for runner.epoch, value in enumerate([0.5, 0.2, 0.3], start=1):
        hook.after_val_epoch(runner, {'eye/loss': value})
    assert json.loads((tmp_path / 'best.json').read_text())['epoch'] == 2


def test_the_log_names_the_best(tmp_path, log_records):
    run(tmp_path, CheckpointHook(save_best='eye/f1'), 2, {1: 0.25, 2: 0.125})
    assert [record.getMessage() for record in log_records] == [
        'best so far: eye/f1 0.2500, best_eye_f1_epoch_1.pth'
    ]


def test_a_checkpoint_knows_what_is_kept_beside_it(tmp_path):
    hook = CheckpointHook(max_keep_ckpts=2, save_best='eye/f1')
    run(tmp_path, hook, 4, {1: 0.5, 2: 0.7, 3: 0.6, 4: 0.1})
    stored = torch.load(tmp_path / 'epoch_4.pth', weights_only=True)['checkpoint_hook']
    assert stored == {
        'best': {
            'metric': 'eye/f1',
            'value': 0.7,
            'epoch': 2,
            'file': 'best_eye_f1_epoch_2.pth',
        },
        'kept': ['epoch_3.pth', 'epoch_4.pth'],
        'kept_best': ['best_eye_f1_epoch_2.pth'],
    }


def resumed(work_dir, epoch, *, resume, **arguments):
    """Return a runner that goes on after ``epoch`` with a hook of its own."""
    hook = CheckpointHook(save_best='eye/f1', **arguments)
    runner = Runner(work_dir, hook, max_epochs=5)
    runner._resume = resume
    path = work_dir / f'epoch_{epoch}.pth'
    hook.after_load_checkpoint(runner, torch.load(path, weights_only=True))
    if resume:
        runner.epoch, runner.iter = epoch, 2 * epoch
    return runner


def test_a_resumed_run_goes_on_with_the_best_and_the_kept(tmp_path):
    hook = CheckpointHook(max_keep_ckpts=2, save_best='eye/f1')
    run(tmp_path, hook, 3, BEST_AT_2)
    before = (tmp_path / 'best.json').read_text()
    # 4 and 5 do not beat the 0.9 of epoch 2
    runner = resumed(tmp_path, 3, resume=True, max_keep_ckpts=2).run(BEST_AT_2)
    assert runner.saved == ['epoch_4.pth', 'epoch_5.pth']
    assert (tmp_path / 'best.json').read_text() == before
    kept = {'epoch_4.pth', 'epoch_5.pth', 'best_eye_f1_epoch_2.pth'}
    assert checkpoints(tmp_path) == kept


def test_a_resumed_run_drops_the_beaten_best(tmp_path):
    run(tmp_path, CheckpointHook(save_best='eye/f1', max_keep_ckpts=1), 3, RISING)
    resumed(tmp_path, 3, resume=True, max_keep_ckpts=1).run(RISING)
    assert checkpoints(tmp_path) == {'epoch_5.pth', 'best_eye_f1_epoch_5.pth'}


def test_weights_that_are_only_loaded_bring_no_best(tmp_path):
    run(tmp_path, CheckpointHook(save_best='eye/f1'), 3, BEST_AT_2)
    resumed(tmp_path, 3, resume=False).run(RISING)
    assert json.loads((tmp_path / 'best.json').read_text())['value'] == 0.5


def test_a_new_run_forgets_the_best_and_last_of_the_folder(tmp_path):
    run(tmp_path, CheckpointHook(save_best='eye/f1'), 3, BEST_AT_2)
    hook = CheckpointHook(interval=-1, save_last=False)
    run(tmp_path, hook, 1)
    assert not (tmp_path / 'best.json').exists()
    assert not (tmp_path / 'last_checkpoint').exists()


@pytest.mark.parametrize('train_loop', [None, {'max_epochs': 3}])
def test_a_validation_outside_training_saves_nothing(tmp_path, train_loop):
    hook = CheckpointHook(save_best='eye/f1')
    runner = Runner(tmp_path, hook, max_epochs=1)
    runner._train_loop = train_loop
    hook.after_val_epoch(runner, {'eye/f1': 1.0})
    assert list(tmp_path.iterdir()) == []


def test_unknown_metric(tmp_path):
    hook = CheckpointHook(save_best='eye/f2')
    message = (
        r"CheckpointHook\.save_best='eye/f2' is not a validation metric; "
        r"there are \['eye/f1'\]"
    )
    with pytest.raises(KeyError, match=message):
        run(tmp_path, hook, 1, RISING)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'interval': 0}, r'interval must be > 0, or -1, got 0'),
        ({'interval': -2}, r'interval must be > 0, or -1, got -2'),
        ({'max_keep_ckpts': 0}, r'max_keep_ckpts must be > 0, or -1, got 0'),
        ({'max_keep_best': 0}, r'max_keep_best must be > 0, got 0'),
        ({'max_keep_best': -1}, r'max_keep_best must be > 0, got -1'),
        ({'rule': 'max'}, r"rule must be one of \('greater', 'less'\), got 'max'"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        CheckpointHook(**arguments)


def test_schedulers_and_early_stopping_are_saved_fresh(tmp_path, write_config):
    config = write_config(
        "param_scheduler = [dict(type='ReduceOnPlateauLR', monitor='eye/loss',"
        " rule='less', patience=50)]\n"
        'custom_hooks = ['
        "dict(type='EarlyStoppingHook', monitor='eye/loss', patience=50)]\n"
        'train_cfg = dict(max_epochs=3)'
    )
    train(config, work_dir=tmp_path / 'run')
    lines = map(json.loads, (tmp_path / 'run' / 'metrics.jsonl').open())
    losses = {li['epoch']: li['eye/loss'] for li in lines if li['phase'] == 'val'}
    for epoch in (1, 2, 3):
        checkpoint = torch.load(
            tmp_path / 'run' / f'epoch_{epoch}.pth', weights_only=True
        )
        # the validation of this very epoch counts
        least = min(losses[e] for e in range(1, epoch + 1))
        (plateau,) = checkpoint['param_schedulers']
        assert plateau['best'] == pytest.approx(least)
        assert plateau['_global_step'] == epoch  # counted once per training epoch
        assert checkpoint['early_stopping']['best'] == pytest.approx(least)


def test_the_best_can_be_asked_for_before_it_is_saved():
    hook = CheckpointHook(save_best='eye/f1')
    first = hook.best_after({'eye/f1': 0.5}, 3)
    assert first == {
        'metric': 'eye/f1',
        'value': 0.5,
        'epoch': 3,
        'file': 'best_eye_f1_epoch_3.pth',
    }
    assert hook.best is None
    hook.best = first
    assert hook.best_after({'eye/f1': 0.5}, 4) is first
    assert hook.best_after({'eye/f1': NAN}, 4) is first
    assert hook.best_after({'eye/f1': 0.6}, 4)['epoch'] == 4
    # a resumed run that saves no best any more keeps its record
    hook.save_best = None
    assert hook.best_after({'eye/f1': 0.6}, 4) is first


def test_the_hook_of_a_run():
    hook = CheckpointHook()
    assert checkpoint_hook_of(SimpleNamespace(hooks=[object(), hook])) is hook
    assert checkpoint_hook_of(SimpleNamespace(hooks=[])) is None
