"""Measure what the guarantees of docs/reliability.md cost, within one training.

``python tests/e2e/torture/measure_cost.py CONFIG --data FILE --epochs 2`` trains, and
prints for each guarantee the share of the processor time and of the wall time between
the first and the last hook of the training. Both count in one process, so that what
else runs on the machine lengthens both sides.
"""

import argparse
import contextlib
import functools
import hashlib
import tempfile
import time
from collections import Counter

import torch
from mmengine.config import Config
from mmengine.runner import Runner as MMEngineRunner

from ocec.apis import train as train_module
from ocec.engine.hooks import CheckpointHook, NonFiniteHook, WatchdogHook
from ocec.engine.hooks.stop_hook import StopHook
from ocec.engine.metrics_file import MetricsFile
from ocec.engine.step_guard import StepGuard
from ocec.engine.train_batches import SeededReader
from ocec.functional import file_ops

SAVING = 'checkpoints, all of it'
processor, wall, calls = Counter(), Counter(), Counter()
_OPEN = set()


def measure(owner, name, label, *, within=None):
    """Count the time within a function, but not twice where one calls another.

    With ``within`` only calls from a function of that label count.
    """
    function = getattr(owner, name)
    if isinstance(function, property):
        function = function.fget

    @functools.wraps(function)
    def measured(*args, **kwargs):
        if label in _OPEN or (within is not None and within not in _OPEN):
            return function(*args, **kwargs)
        _OPEN.add(label)
        begin = time.thread_time(), time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            processor[label] += time.thread_time() - begin[0]
            wall[label] += time.perf_counter() - begin[1]
            calls[label] += 1
            _OPEN.remove(label)

    is_property = isinstance(getattr(owner, name), property)
    setattr(owner, name, property(measured) if is_property else measured)


def measure_class(owner, label):
    for name, value in vars(owner).items():
        is_public = callable(value) and not name.startswith('_')
        if is_public:
            measure(owner, name, label)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('--data')
    parser.add_argument('--epochs', type=int, default=2)
    arguments = parser.parse_args()
    measure_class(StopHook, 'stop check')
    measure_class(NonFiniteHook, 'non-finite numbers')
    # what it calls at each step
    measure_class(StepGuard, 'non-finite numbers')
    measure_class(WatchdogHook, 'watchdog')
    measure(SeededReader, '__getitems__', 'seeding, with reading')
    measure(MetricsFile, '_append', 'metrics.jsonl')
    measure(CheckpointHook, '_save', SAVING)
    # what mmengine does too, in its case the text at each save
    measure(torch, 'save', 'of these torch.save', within=SAVING)
    measure(Config, 'pretty_text', 'of these config as text', within=SAVING)
    measure(hashlib, 'sha256', 'of these sha256', within=SAVING)
    measure(file_ops, 'sync', 'of these fsync', within=SAVING)
    lock = train_module.lock_work_dir

    @contextlib.contextmanager
    def measured_lock(folder):
        begin = time.thread_time(), time.perf_counter()
        with lock(folder):
            processor['lock'] += time.thread_time() - begin[0]
            wall['lock'] += time.perf_counter() - begin[1]
            calls['lock'] += 1
            yield

    train_module.lock_work_dir = measured_lock
    measure(MMEngineRunner, 'train', 'training')
    with tempfile.TemporaryDirectory() as folder:
        train_module.train(
            arguments.config,
            data=arguments.data,
            work_dir=folder,
            cfg_options=[
                f'train_cfg.max_epochs={arguments.epochs}',
                'default_hooks.diagnostics=None',
            ],
        )
    for label, seconds in wall.most_common():
        share = 100 * processor[label] / processor['training']
        wall_share = 100 * seconds / wall['training']
        print(
            f'{label:24} {calls[label]:6} calls  {processor[label]:8.3f} s = '
            f'{share:6.3f} % of the processor time  {seconds:8.3f} s = '
            f'{wall_share:6.3f} % of the wall time'
        )


if __name__ == '__main__':
    main()
