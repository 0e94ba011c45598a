"""What the checks before a run look at; each part is made when it is first needed."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch import Tensor
from torch.utils.data import Dataset

from ocec.apis.verify_model_batch import make_up_batch, num_tried, read_batch
from ocec.engine.class_counts import tell_class_counts
from ocec.engine.runner import Runner
from ocec.registry import DATASETS

#: of a data set that is not there, for losses that weigh classes
PRETENDED_COUNTS = (1, 1)
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


@dataclass
class Subject:
    """A config, and what is built from it.

    Args:
        cfg: the config that runs.
        folder: for what the runner writes; thrown away in the end.
        device: of the model.
        pretrain: files, patterns or folders of weights to begin with.
        num_steps: of the training on one small batch.
        data_problem: why there are no data; empty where there are. Without data the
            model is tried on batches that are made up.
    """

    cfg: Config
    folder: Path
    device: torch.device
    pretrain: Sequence[str] = ()
    num_steps: int = 20
    data_problem: str = ''

    @cached_property
    def datasets(self) -> dict[str, Dataset]:
        """Dataset of each loader that can be built; equal ones are built once."""
        return {n: found for n, found in self._built.items() if found is not None}

    @property
    def dataset_errors(self) -> dict[str, str]:
        """Why the datasets of other loaders cannot be built."""
        self.datasets  # noqa: B018  built first
        return self._errors

    @cached_property
    def _built(self) -> dict[str, Dataset | None]:
        self._errors: dict[str, str] = {}
        known: list[tuple[dict, Dataset]] = []
        found: dict[str, Dataset | None] = {}
        for name in LOADERS:
            settings = (self.cfg.get(name) or {}).get('dataset')
            if settings is None:
                continue
            same = [dataset for other, dataset in known if other == settings]
            try:
                dataset = same[0] if same else DATASETS.build(copy.deepcopy(settings))
            except (OSError, ValueError, ImportError) as error:
                found[name], self._errors[name] = None, str(error)
                continue
            known.append((settings, dataset))
            found[name] = dataset
        return found

    @cached_property
    def runner(self) -> Runner:
        """A runner with the model as a training begins with it, without hooks."""
        cfg = copy.deepcopy(self.cfg)
        for phase in ('val', 'test'):
            for part in ('cfg', 'dataloader', 'evaluator'):
                cfg[f'{phase}_{part}'] = None
        cfg.param_scheduler = cfg.visualizer = cfg.load_from = None
        cfg.custom_hooks, cfg.default_hooks = [], {}
        cfg.resume, cfg.launcher, cfg.compile = False, 'none', False
        cfg.log_level, cfg.work_dir = 'ERROR', str(self.folder)
        runner = Runner.from_cfg(cfg)
        runner.model.to(self.device)
        dataset = self.datasets.get('train_dataloader', _Unknown())
        tell_class_counts(runner, dataset)
        runner._init_model_weights()
        for module in runner.model.modules():
            if hasattr(module, 'set_epoch'):  # margins, which grow from the beginning
                module.set_epoch(0)
        self._first_state = {
            name: value.detach().clone()
            for name, value in runner.model.state_dict().items()
        }
        return runner

    @property
    def model(self):
        """The model as a training begins with it, unless a check has trained it."""
        return self.runner.model

    def restore(self) -> None:
        """Give the model the weights back that a training begins with."""
        self.model.load_state_dict(self._first_state)
        self.model.zero_grad(set_to_none=True)

    def build_optimizer(self) -> OptimWrapper:
        """Return a new optimizer of the model, without schedulers."""
        wrapper = self.runner.build_optim_wrapper(copy.deepcopy(self.cfg.optim_wrapper))
        if hasattr(wrapper, 'device_type'):  # of mixed precision
            wrapper.device_type = self.device.type
        return wrapper

    @cached_property
    def train_batch(self) -> dict:
        """A small batch of training samples, of several classes."""
        return self._batch('train_dataloader')

    @cached_property
    def val_batch(self) -> dict:
        """The same of the validation; of the training where there is none."""
        has_val = self.cfg.get('val_dataloader') is not None
        return self._batch('val_dataloader' if has_val else 'train_dataloader')

    def prepare(self, batch: dict, *, training: bool) -> dict:
        """Return a batch as the network takes it, on the device."""
        return self.model.data_preprocessor(copy.copy(batch), training)

    @property
    def made_up(self) -> str:
        """What to add to a text where the batches are made up."""
        return ' (on made-up data)' if self.data_problem else ''

    def _batch(self, loader: str) -> dict:
        num = num_tried(self.cfg)
        if self.data_problem:
            return make_up_batch(self.cfg, loader, num)
        if loader in self.dataset_errors:
            raise ValueError(self.dataset_errors[loader])
        return read_batch(self.datasets[loader], num)


class _Unknown:
    """Stands for a data set that is not there."""

    class_counts = PRETENDED_COUNTS


def size_of(tensors: object) -> int:
    """Return the bytes of all tensors in nested containers.

    Args:
        tensors: tensors, mappings and lists of them, and anything else, which is 0.

    Returns:
        The sum.
    """
    if isinstance(tensors, Tensor):
        return tensors.numel() * tensors.element_size()
    if isinstance(tensors, dict):
        return sum(map(size_of, tensors.values()))
    if isinstance(tensors, (list, tuple)):
        return sum(map(size_of, tensors))
    if hasattr(tensors, '__dataclass_fields__'):
        return sum(size_of(getattr(tensors, f)) for f in tensors.__dataclass_fields__)
    return 0
