"""Learning rates of a whole run, by stage of the model, before it is run."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from torch.utils.data import DataLoader, Dataset

from ocec.apis.errors import ConfigError
from ocec.apis.plot_lr_figure import RateCurves, draw_rates
from ocec.apis.progress import track
from ocec.apis.run_config import load_run_config
from ocec.compat import check_torchvision
from ocec.engine.hooks import FreezeHook
from ocec.engine.optim.param_groups import group_table, is_trained
from ocec.engine.runner import Runner
from ocec.engine.schedulers import ReduceOnPlateauLR

ONE_GROUP = 'all'
# of the loop that is only counted through
PRETENDED_CLASSES = ('closed', 'open')


def plot_lr(
    config: str | Path,
    *,
    dataset_size: int | None = None,
    data: str | None = None,
    out: str | Path | None = None,
    cfg_options: Sequence[str] = (),
    no_check: bool = False,
) -> RateCurves:
    """Draw the learning rate of each parameter group over the run of a config.

    The optimizer, its groups, the schedulers and FreezeHook are those of the run;
    nothing is trained. A plateau scheduler waits for metrics, so it is not drawn; a
    step of FreezeHook that waits for one is drawn at its earliest epoch.

    Args:
        config: the config file.
        dataset_size: images of the train split, from which follow the iterations of
            an epoch; None counts those of the config's dataset.
        data: parquet file, folder or pattern for every dataset.
        out: PNG to write; by default ``work_dirs/<config name>_lr.png``.
        cfg_options: ``KEY=VALUE`` texts.
        no_check: do not refuse a config with findings.

    Returns:
        The curves, also drawn.

    Raises:
        ConfigError: something is wrong with the config or the arguments.
    """
    check_torchvision()
    if dataset_size is not None and dataset_size < 1:
        raise ConfigError(f'--dataset-size must be >= 1, got {dataset_size}')
    out = Path(out or Path('work_dirs') / f'{Path(config).stem}_lr.png')
    with tempfile.TemporaryDirectory(prefix='plot_lr_') as folder:
        cfg = load_run_config(
            config,
            work_dir=folder,
            cfg_options=cfg_options,
            data=data,
            no_check=no_check,
        )
        runner = prepare_rates(cfg, dataset_size)
        curves, notes = simulate_rates(runner)
    optimizer = runner.optim_wrapper.optimizer
    if all('stage' in group for group in optimizer.param_groups):
        print(group_table(optimizer))
    for note in notes:
        print(f'note: {note}')
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_rates(curves, out, title=f'learning rates, {Path(config).stem}', notes=notes)
    print(f'{curves.num_epochs} epochs of {curves.iters_per_epoch} iterations: {out}')
    return curves


class _Pretended(Dataset):
    """As many images as asked for, none of which can be read.

    Args:
        size: number of images.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.class_counts = (size, size)
        self.metainfo = {'classes': PRETENDED_CLASSES}

    def __len__(self) -> int:
        return self.size


def prepare_rates(cfg: Config, dataset_size: int | None) -> Runner:
    """Build what learning rates depend on: model, optimizer, schedulers, freezing.

    Args:
        cfg: the config that runs, changed in place.
        dataset_size: images of the train split; None counts those of the dataset.

    Returns:
        A runner for :func:`simulate_rates`.

    Raises:
        ConfigError: the config does not train, or does not count epochs.
    """
    if cfg.get('train_dataloader') is None:
        raise ConfigError(f'{cfg.filename}: there is no train_dataloader')
    if not cfg.train_cfg.get('by_epoch', True):
        raise ConfigError(f'{cfg.filename}: train_cfg must count epochs (by_epoch)')
    for phase in ('val', 'test'):
        for part in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{phase}_{part}'] = None
    cfg.visualizer = cfg.load_from = None
    cfg.resume, cfg.launcher = False, 'none'
    cfg.default_hooks = {}
    cfg.custom_hooks = [
        hook for hook in cfg.get('custom_hooks') or [] if hook['type'] == 'FreezeHook'
    ]
    runner = Runner.from_cfg(cfg)
    if dataset_size is not None:
        runner._train_dataloader = DataLoader(
            _Pretended(dataset_size),
            batch_size=cfg.train_dataloader.get('batch_size', 1),
            drop_last=cfg.train_dataloader.get('drop_last', False),
        )
    # the order of Runner.train
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.scale_lr(runner.optim_wrapper, runner.auto_scale_lr)
    runner.param_schedulers = runner.build_param_scheduler(
        runner.param_schedulers or []
    )
    return runner


def simulate_rates(
    runner: Runner, *, shows_progress: bool = True
) -> tuple[RateCurves, list[str]]:
    """Count through a run without training anything.

    Args:
        runner: of :func:`prepare_rates`.
        shows_progress: on stderr.

    Returns:
        The curves, and what they leave open.
    """
    hooks = [hook for hook in runner.hooks if isinstance(hook, FreezeHook)]
    schedulers = [
        s for s in runner.param_schedulers if not isinstance(s, ReduceOnPlateauLR)
    ]
    notes = []
    if len(schedulers) < len(runner.param_schedulers):
        notes.append('the plateau scheduler waits for metrics and is not drawn')
    for hook in hooks:
        notes += hook.assume_metrics_pass()
        hook.before_train(runner)
    groups = runner.optim_wrapper.optimizer.param_groups
    curves = RateCurves([_name(group, i) for i, group in enumerate(groups)])
    curves.num_epochs = runner.max_epochs
    curves.iters_per_epoch = len(runner.train_dataloader)
    # schedulers warn of an optimizer that never made a step
    runner.optim_wrapper._global_step = 1
    loop = runner.train_loop
    epochs = range(loop.max_epochs)
    if shows_progress:
        epochs = track(epochs, total=loop.max_epochs, what='epochs')
    for epoch in epochs:
        loop._epoch = epoch
        for hook in hooks:
            hook.before_train_epoch(runner)
        for batch in range(curves.iters_per_epoch):
            for hook in hooks:
                hook.before_train_iter(runner, batch)
            rates = [group['lr'] if is_trained(group) else None for group in groups]
            curves.add(loop._iter / curves.iters_per_epoch, rates)
            for hook in hooks:
                hook.after_train_iter(runner, batch)
            _step(schedulers, by_epoch=False)
            loop._iter += 1
        _step(schedulers, by_epoch=True)
    return curves, notes


def _step(schedulers: Sequence, *, by_epoch: bool) -> None:
    for scheduler in schedulers:
        if scheduler.by_epoch == by_epoch:
            scheduler.step()


def _name(group: dict, index: int) -> str:
    return group.get('stage', f'group {index}' if index else ONE_GROUP)
