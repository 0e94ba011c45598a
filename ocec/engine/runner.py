"""The runner: mmengine's, with the repairs that DESIGN section 7 lists."""

from __future__ import annotations

import itertools
from functools import cached_property, partial
from pathlib import Path

import torch
from mmengine.device import get_device
from mmengine.dist import (
    is_distributed,
)
from mmengine.model import is_model_wrapper
from mmengine.model.wrappers import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.runner import BaseLoop
from mmengine.runner import Runner as MMEngineRunner
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from torch import nn
from torch.utils.data import DataLoader

from ocec.engine.absent_classes import warn_of_absent_classes
from ocec.engine.checkpoint_io import load_safely, set_rng_state
from ocec.engine.class_counts import tell_class_counts
from ocec.engine.host_memory import keep_freed_memory
from ocec.engine.pretrained import load_start
from ocec.engine.process_group import join_with_gloo
from ocec.engine.rank_state import restore_own_state
from ocec.engine.run_checkpoint import resumed_state, save_run
from ocec.engine.same_start import check_same_start
from ocec.engine.start_weights import only_ours
from ocec.engine.stop_signal import begin_worker
from ocec.engine.train_dataloader import build_train_dataloader
from ocec.engine.train_loop import EpochBasedTrainLoop
from ocec.registry import LOOPS, RUNNERS

MMENGINE_HOOKS = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
)
_RUNS_OF_PROCESS = itertools.count()


@RUNNERS.register_module()
class Runner(MMEngineRunner):
    """mmengine's runner, made to work without a GPU and to resume exactly.

    * ranks without a GPU talk through gloo;
    * checkpoints are written whole or not at all, hold the random state of every
      rank, and are read without running code (``trust_checkpoint=True`` in the
      config is the only way round it);
    * convolutional models run in channels-last memory, ``compile=True`` compiles
      the network inside the wrapper;
    * class counts of the train split reach losses that ask for them;
    * the log lies at the top of the work_dir, as does TensorBoard's folder.
    """

    # mmengine puts logs into a folder per start, so that one run lies in many
    # places; here a run is its work_dir
    @property
    def _log_dir(self) -> str:
        return self._work_dir

    @_log_dir.setter
    def _log_dir(self, folder: str) -> None:
        pass

    def setup_env(self, env_cfg: dict) -> None:
        """Prepare the process: memory, and gloo between ranks where there is no GPU.

        Args:
            env_cfg: as in mmengine.
        """
        if not _has_gpu():
            keep_freed_memory()
            if self.distributed and not is_distributed():
                join_with_gloo(self._launcher, env_cfg.get('dist_cfg', {}))
        super().setup_env(env_cfg)
        # mmengine keeps loggers and visualizers by experiment and second: a second
        # run of one process within that second would write into the first one's
        if number := next(_RUNS_OF_PROCESS):
            self._timestamp += f'_{number}'

    def _log_env(self, env_cfg: dict) -> None:
        """Say in one line where this runs; provenance.json has the rest."""
        self.logger.info(
            f'torch {torch.__version__} on {self.world_size} x {get_device()}, '
            f'{torch.get_num_threads()} threads each, seed {self.seed}; '
            f'work_dir {self.work_dir}'
        )

    def get_hooks_info(self) -> str:
        """Return the names of the hooks in the order they are called."""
        return ' > '.join(type(hook).__name__ for hook in self.hooks)

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """Register the default hooks; None turns one off.

        Args:
            hooks: name to hook, config or None.
        """
        # mmengine knows this None for the hooks of its own only
        hooks = {
            name: hook
            for name, hook in (hooks or {}).items()
            if hook is not None or name in MMENGINE_HOOKS
        }
        super().register_default_hooks(hooks)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Move the model to the device, choose its memory format, wrap it.

        Args:
            model_wrapper_cfg: as in mmengine.
            model: the model.

        Returns:
            The model, in distributed runs inside its wrapper.
        """
        if is_model_wrapper(model):
            return super().wrap_model(model_wrapper_cfg, model)
        model = model.to(get_device())
        if getattr(model.data_preprocessor, 'memory_format', None) is not None:
            model = model.to(memory_format=model.data_preprocessor.memory_format)
        if options := self.cfg.get('compile', False):
            if any(getattr(module, 'with_cp', False) for module in model.modules()):
                raise ValueError(
                    'compile=True and model.backbone.with_cp=True exclude each other: '
                    'torch.compile cannot trace the checkpointed blocks'
                )
            model.compile(**({} if options is True else options))
        if self.distributed and self.cfg.get('sync_bn') and not _has_gpu():
            raise ValueError(
                f'sync_bn={self.cfg.sync_bn!r}: batch norm over all ranks runs on GPUs '
                'only. Leave it out: running statistics are averaged over the ranks '
                'after each epoch'
            )
        if self.distributed and model_wrapper_cfg is None and not _has_gpu():
            return MMDistributedDataParallel(
                module=model,
                device_ids=None,
                broadcast_buffers=False,
                find_unused_parameters=self.cfg.get('find_unused_parameters', False),
            )
        return super().wrap_model(model_wrapper_cfg, model)

    def _maybe_compile(self, target: str) -> None:
        """Do nothing: ``wrap_model`` compiles the network inside the wrapper."""

    def build_train_loop(self, loop: dict | BaseLoop) -> BaseLoop:
        """Build the loop; its data are known then, so tell the losses their counts.

        Args:
            loop: as in mmengine.

        Returns:
            The train loop.
        """
        if isinstance(self._train_dataloader, dict):
            self._train_dataloader = build_train_dataloader(
                self._train_dataloader,
                self.build_dataloader,
                seed=self.seed,
                diff_rank_seed=self._diff_rank_seed,
            )
        warn_of_absent_classes(self._train_dataloader.dataset, self.logger)
        tell_class_counts(self, self._train_dataloader.dataset)
        # mmengine takes its own class, whatever is registered
        if isinstance(loop, dict) and loop.get('by_epoch'):
            settings = {name: x for name, x in loop.items() if name != 'by_epoch'}
            loop = LOOPS.build(
                {'type': 'EpochBasedTrainLoop', **settings},
                default_args={'runner': self, 'dataloader': self._train_dataloader},
            )
        return super().build_train_loop(loop)

    def scale_lr(
        self, optim_wrapper: OptimWrapper, auto_scale_lr: dict | None = None
    ) -> None:
        """Scale the learning rate if asked to, and print what will be used.

        Args:
            optim_wrapper: the optim wrapper.
            auto_scale_lr: ``dict(enable=..., base_batch_size=...)``.
        """
        batch_size = self.train_dataloader.batch_sampler.batch_size
        accumulation = optim_wrapper._accumulative_counts
        effective = self.world_size * batch_size * accumulation
        if auto_scale_lr and auto_scale_lr.get('enable'):
            # mmengine counts neither what is accumulated nor the images of a batch
            # sampler
            for group in optim_wrapper.param_groups:
                group['lr'] *= effective / auto_scale_lr['base_batch_size']
        rates = sorted({group['lr'] for group in optim_wrapper.param_groups})
        self.logger.info(
            f'effective batch: {self.world_size} ranks x {batch_size} images x '
            f'{accumulation} accumulated = {effective}; lr '
            + ', '.join(f'{rate:g}' for rate in rates)
        )

    def load_or_resume(self) -> None:
        """Load or resume; a resumed run gets its random state back last."""
        self._resumed: dict = {}
        super().load_or_resume()
        if self._is_training:
            check_same_start(self.work_dir, self.epoch, self.iter)
        if self._load_from and not self._resume and self._is_training:
            # the checkpoint brought the class weights of the data it was trained on
            tell_class_counts(self, self.train_dataloader.dataset)
        if self._resumed.get('ranks'):
            restore_own_state(self, self._resumed['ranks'], self.rank)
        if self._resumed.get('rng'):
            set_rng_state(self._resumed['rng'])
        self._resumed = {}

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: str = 'cpu',
    ) -> None:
        """Go on from a checkpoint as if it had never stopped.

        Args:
            filename: of the checkpoint.
            resume_optimizer: as in mmengine.
            resume_param_scheduler: as in mmengine.
            map_location: not used: checkpoints are read to the CPU.
        """
        super().resume(filename, resume_optimizer, resume_param_scheduler, 'cpu')
        if isinstance(self.train_loop, EpochBasedTrainLoop):
            self.train_loop.load_state_dict(self._resumed.get('train_loop', {}))

    def load_checkpoint(
        self,
        filename: str,
        map_location: str = 'cpu',
        strict: bool = False,
        revise_keys: list[tuple[str, str]] | None = None,
    ) -> dict:
        """Load weights, without running code from the file.

        To resume, all of them. To start from them (``load_from``), those that fit, see
        :func:`ocec.engine.pretrained.plan_start`; ``load_weights='raw'`` in the config
        takes the raw ones of a run with EMA.

        Args:
            filename: of the checkpoint.
            map_location: not used: checkpoints are read to the CPU.
            strict: refuse missing and unexpected keys.
            revise_keys: (pattern, replacement) for the names of the weights.

        Returns:
            The checkpoint.
        """
        trust = self.cfg.get('trust_checkpoint', False)
        checkpoint = load_safely(filename, trust=trust)
        model = self.model.module if is_model_wrapper(self.model) else self.model
        revise_keys = revise_keys or [(r'^module\.', '')]
        if not self._resume:
            self._has_loaded = True
            return load_start(
                self, model, checkpoint, filename, strict=strict, revise=revise_keys
            )
        checkpoint = only_ours(checkpoint, filename)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        checkpoint = _load_checkpoint_to_model(
            model, checkpoint, strict, revise_keys=revise_keys
        )
        self._resumed = resumed_state(checkpoint, self.rank, self.world_size)
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint

    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        *,
        meta: dict | None = None,
    ) -> str:
        """Save everything a run needs to go on; every rank must call this.

        Args:
            out_dir: folder.
            filename: name of the file in it.
            meta: ``epoch`` and ``iter``, how much has been trained.

        Returns:
            The SHA-256 of the file.

        Raises:
            OSError: it cannot be written; all ranks raise it.
        """
        path = Path(out_dir) / filename
        return save_run(self, path, meta or {}, self._config_text)

    @property
    def _is_training(self) -> bool:
        return not isinstance(self._train_loop, (dict, type(None)))

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict,
        seed: int | None = None,
        diff_rank_seed: bool = False,
    ) -> DataLoader:
        """Build a loader that draws from a generator of its own.

        Its workers are ended by this process only.

        By default a loader draws a number from the global generator whenever it
        starts its workers; a resumed run starts them at another moment, and every
        random number after that would differ.

        Args:
            dataloader: as in mmengine.
            seed: of the loader's generator; None leaves it as torch makes it.
            diff_rank_seed: as in mmengine.

        Returns:
            The loader.
        """
        loader = MMEngineRunner.build_dataloader(dataloader, seed, diff_rank_seed)
        if loader.generator is None:
            loader.generator = torch.Generator().manual_seed(seed or 0)
        loader.worker_init_fn = partial(begin_worker, loader.worker_init_fn)
        return loader

    def dump_config(self) -> None:
        """Write the config of a training; a test must not write over it."""
        if self._train_loop is not None:
            super().dump_config()

    @property
    def _diff_rank_seed(self) -> bool:
        return self._randomness_cfg.get('diff_rank_seed', False)

    @cached_property
    def _config_text(self) -> str:
        # half a second each time: it is formatted as Python code
        return self.cfg.pretty_text


def _has_gpu() -> bool:
    return get_device() != 'cpu'
