"""Trainings that are killed at any instant, on disks that fail.

``OCEC_TORTURE_KILLS=100 OCEC_TORTURE_FAULTS=100 pytest -s tests/e2e/torture`` prints a
table of what was done. Kills come in turn

* by the clock: at an instant uniform over the time of a whole run, from outside;
* in the file layer: at a call of write, fsync or rename, uniform over the first third
  of those of a whole run; of a write half is done;
* in the validation: before it, after one of its batches, or after its hooks.
"""

import json
import os
import random
import re
import signal
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from yapf.yapflib import yapf_api

from ocec.apis.train import train
from ocec.engine.last_checkpoint import last_good_checkpoint

NUM_KILLS = int(os.environ.get('OCEC_TORTURE_KILLS', '3'))
# of each kind of disk
NUM_FAULTS = int(os.environ.get('OCEC_TORTURE_FAULTS', '1'))
# a run that does not come to its end in so many starts never will
MAX_STARTS = 60
CLOCKS = {
    'seconds',
    'images_per_second',
    'seconds_per_batch',
    'wait_share',
    'peak_memory_mb',
}
NOT_OF_THE_RUN = {'meta', 'message_hub', 'logger'}
# averages, accumulation, dropout, half precision, plateau, early stopping
EYES = """
model['head'] = dict(dropout=0.3)
model['data_preprocessor'] = dict(batch_augments=[dict(type='BatchRandomFlip')])
optim_wrapper = dict(
    type='AmpOptimWrapper', dtype='bfloat16', accumulative_counts=2)
param_scheduler = [
    dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True),
    dict(type='ReduceOnPlateauLR', monitor='eye/loss', patience=0, threshold=10.0),
]
custom_hooks = [dict(type='EMAHook', decay=0.9),
                dict(type='EarlyStoppingHook', monitor='eye/f1', patience=9)]
train_cfg = dict(max_epochs=3)
default_hooks = dict(
    logger=dict(interval=2), verdict=None, hparams=None, diagnostics=None,
    checkpoint=dict(max_keep_ckpts=2))
# a full disk does not stop TensorBoard in order
visualizer = dict(vis_backends=[])
"""
# transforms of single pictures draw random numbers in the workers
WORKERS = """
train_dataloader['dataset']['pipeline'] = [
    dict(type='mmcv.RandomFlip', prob=0.5), dict(type='mmcv.Resize', scale=(64, 32))]
train_dataloader.update(num_workers=2)
"""


class DieInValidation(Hook):
    """Kill the process when so many things have happened in validations."""

    priority = 'LOW'

    def __init__(self, number):
        self.left = number

    def count(self, *_, **__):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    before_val_epoch = after_val_iter = after_val_epoch = after_val = count


@dataclass
class Plan:
    """What is trained.

    Args:
        name: of the plan.
        config: file.
        data: given to the training.
        whole: work_dir of an undisturbed run.
        seconds: that it took.
        num_calls: of the file layer that it made.
    """

    name: str
    config: Path
    data: str | None
    whole: Path
    seconds: float = 0.0
    num_calls: int = 0


def start(plan, work_dir, *, disk=None, hooks=()):
    """Train in a child process, which has all imports of this one already."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    with open(work_dir.with_suffix('.log'), 'a') as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        sys.stdout = sys.stderr = log
        # a cache of its own, which may be half built too
        os.environ['OCEC_CACHE_DIR'] = str(work_dir.with_suffix('.cache'))
        # writing the config nicely takes longer than this training
        yapf_api.FormatCode = lambda text, **_: (text, True)
        try:
            if disk is not None:
                disk.put_in_place()
            train(
                plan.config,
                data=plan.data,
                work_dir=work_dir,
                resume='auto',
                data_check='never',
                save_every_minutes=1e-4,
                hooks=hooks,
            )
            code = 0
        except BaseException:
            traceback.print_exc()
        if disk is not None:
            print(f'calls: {disk.num_calls}')
        log.flush()
    os._exit(code)


def wait(pid, seconds=1e9):
    """Return the exit status, negative if killed; kill the process after a while."""
    end = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            end += 1e9
        time.sleep(0.002)


def log_of(work_dir):
    return work_dir.with_suffix('.log').read_text()


def steps_on_disk(work_dir):
    """Steps of the checkpoint that a resumed run would go on from; 0 without one."""
    path = last_good_checkpoint(work_dir) if work_dir.is_dir() else None
    return torch.load(path, weights_only=True)['meta']['iter'] if path else 0


def lines_of(work_dir):
    lines = map(json.loads, (work_dir / 'metrics.jsonl').open())
    return [{k: v for k, v in x.items() if k not in CLOCKS} for x in lines]


def differences(a, b, where=''):
    """Name what differs between two checkpoints."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [
            text
            for key in a.keys() | b.keys()
            for text in differences(a.get(key), b.get(key), f'{where}.{key}')
        ]
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        pairs = zip(a, b, strict=False)
        found = [
            x for n, p in enumerate(pairs) for x in differences(*p, f'{where}[{n}]')
        ]
        return found + ([where] if len(a) != len(b) else [])
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return [] if torch.equal(a, b) else [where]
    return [] if a == b else [where]


def refused_by(work_dir):
    """Checkpoints of epochs that a disk has not taken, which a run is told and leaves.

    Another one is kept in its place then.
    """
    return set(re.findall(r' - (epoch_\d+\.pth) is not saved: ', log_of(work_dir)))


def assert_same_run(whole, other, refused=frozenset()):
    name = Path((whole / 'last_checkpoint').read_text()).name
    expected, found = (
        torch.load(folder / name, weights_only=True) for folder in (whole, other)
    )
    for part in NOT_OF_THE_RUN:
        del expected[part], found[part]
    kept = [x['checkpoint_hook'].pop('kept') for x in (expected, found)]
    assert kept[0] == kept[1] or {*kept[0]} - {*kept[1]} <= refused
    assert differences(expected, found) == []
    assert lines_of(whole) == lines_of(other)
    best = [json.loads((x / 'best.json').read_text()) for x in (whole, other)]
    for record in best:
        del record['sha256']  # the file holds the time
    assert best[0] == best[1]
    names = [
        {path.name for path in x.glob('*.pth*')} | {'.lock'} & set(os.listdir(x))
        for x in (whole, other)
    ]
    # of what was refused the digest may be what did not get to the disk
    left = {name.removesuffix('.sha256') for name in names[1] - names[0]}
    assert left <= refused | {*kept[1]}
    assert kept[0] != kept[1] or names[0] <= names[1]
    assert not list(other.glob('.*.tmp'))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('torture')


_PLANS = {}


@pytest.fixture
def make_plan(folder, write_config, make_disk, request):
    """Return a factory of plans; each has been trained undisturbed."""

    def make(name):
        if name not in _PLANS:
            data, whole = None, folder / f'{name}_whole'
            if name == 'actions':
                config, data = request.getfixturevalue('write_action_config')()
            else:
                config = write_config(
                    EYES + (WORKERS if name == 'workers' else ''), num_rows=112
                )
            plan = Plan(name, config, data, whole)
            begin = time.monotonic()
            status = wait(start(plan, whole, disk=make_disk('good')))
            assert status == 0, log_of(whole)[-3000:]
            plan.seconds = time.monotonic() - begin
            plan.num_calls = int(log_of(whole).split('calls: ')[-1])
            _PLANS[name] = plan
        return _PLANS[name]

    return make


def kill(plan, work_dir, way, random_, make_disk):
    """Start a run and kill it in some way; return its exit status."""
    if way == 'clock':
        return wait(start(plan, work_dir), random_.uniform(0, plan.seconds))
    if way == 'file':
        number = random_.randint(1, plan.num_calls // 3)
        return wait(start(plan, work_dir, disk=make_disk('deadly', at=number)))
    hooks = [DieInValidation(random_.randint(1, 8))]
    return wait(start(plan, work_dir, hooks=hooks))


@pytest.mark.parametrize(
    ('name', 'share'),
    [
        ('eyes', 0.6),
        pytest.param('workers', 0.2, marks=pytest.mark.slow),
        pytest.param('actions', 0.2, marks=pytest.mark.slow),
    ],
)
def test_killed_at_any_instant_it_ends_as_if_it_had_not_been(
    make_plan, folder, make_disk, report, name, share
):
    plan, random_ = make_plan(name), random.Random(name)
    ways = ['clock', 'file', 'clock', 'file', 'validation']
    wanted = max(round(NUM_KILLS * share), 3)
    kills, during_saves, runs = Counter(), 0, 0
    while kills.total() < wanted:
        work_dir, saved = folder / f'{name}{runs}', 0
        while True:
            way = ways[kills.total() % len(ways)]
            if kills.total() < wanted:
                status = kill(plan, work_dir, way, random_, make_disk)
            else:  # the last one is let through
                status = wait(start(plan, work_dir))
            if status == 0:
                break
            assert status == -signal.SIGKILL, log_of(work_dir)[-3000:]
            kills[way] += 1
            during_saves += any(work_dir.glob('.*.tmp'))
            # what was saved once is never lost
            before, saved = saved, steps_on_disk(work_dir)
            assert saved >= before
        assert_same_run(plan.whole, work_dir)
        runs += 1
    report.append(
        f'| SIGKILL, {name} | {kills.total()} kills ({dict(kills)}), '
        f'{during_saves} with a file half written | {runs} runs, all identical |'
    )


@pytest.mark.parametrize(
    'kind',
    [
        'full',
        *(pytest.param(k, marks=pytest.mark.slow) for k in ('broken', 'short', 'slow')),
    ],
)
def test_on_a_disk_that_fails_nothing_is_lost(
    make_plan, folder, make_disk, report, kind
):
    plan, counts = make_plan('eyes'), folder / f'{kind}.faults'
    counts.touch()
    runs = failed = 0
    while counts.stat().st_size < NUM_FAULTS:
        work_dir, saved = folder / f'{kind}{runs}', 0
        for attempt in range(MAX_STARTS):
            disk = make_disk(
                kind,
                seed=100 * runs + attempt,
                # what ends no run may happen more often
                share=0.05 if kind in ('full', 'broken') else 0.3,
                counts=counts,
            )
            status = wait(start(plan, work_dir, disk=disk))
            before, saved = saved, steps_on_disk(work_dir)
            assert saved >= before
            if status == 0:
                break
            # told in words, and what is on the disk is whole: the next goes on from it
            assert status == 1
            failed += 1
        else:
            pytest.fail(log_of(work_dir)[-3000:])
        assert_same_run(plan.whole, work_dir, refused_by(work_dir))
        runs += 1
    report.append(
        f'| disk: {kind} | {counts.stat().st_size} faults, {failed} failed starts | '
        f'{runs} runs, all identical |'
    )
