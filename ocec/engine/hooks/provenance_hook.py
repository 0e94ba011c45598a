"""What a run was made of: ``provenance.json`` in its work_dir."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import torch
from mmengine.dist import get_world_size, master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ocec.engine.checkpoint_io import write_text_atomically
from ocec.registry import HOOKS
from ocec.version import __version__

PACKAGES = (
    'torch',
    'torchvision',
    'onedl-mmengine',
    'onedl-mmcv',
    'onedl-mmpretrain',
    'numpy',
    'pyarrow',
    'opencv-python',
)


@HOOKS.register_module()
class ProvenanceHook(Hook):
    """Write command, git state, versions, device and data fingerprints.

    Each start or resume adds one entry to ``sessions``.
    """

    priority = 'VERY_LOW'

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Write the entry of this session.

        Args:
            runner: the runner.
        """
        path = Path(runner.work_dir) / 'provenance.json'
        sessions = []
        if runner._resume and path.exists():
            sessions = json.loads(path.read_text())['sessions']
        sessions.append(
            {
                'started': runner.timestamp,
                'resumed_at_step': runner.iter,
                'command': sys.argv,
                'ranks': get_world_size(),
                'seed': runner.seed,
                'deterministic': runner.deterministic,
                'device': _device_name(),
                'threads': torch.get_num_threads(),
                'python': platform.python_version(),
                'packages': {'ocec': __version__, **_versions()},
                'git': _git_state(),
                'data': {
                    name: _fingerprint(loader)
                    for name, loader in (
                        ('train', runner.train_dataloader),
                        ('val', runner._val_loop and runner.val_dataloader),
                    )
                    if loader
                },
            }
        )
        text = json.dumps({'sessions': sessions}, indent=2) + '\n'
        write_text_atomically(text, path)


def _device_name() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = 'not installed'
    return versions


def _git_state() -> dict[str, str] | None:
    """Commit and changed files of the folder the command ran in; None without git."""
    try:
        commit = _git('rev-parse', 'HEAD')
        return {'commit': commit, 'changed': _git('status', '--porcelain')}
    except (OSError, subprocess.SubprocessError):  # no git, no repository, no answer
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ['git', *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()


def _fingerprint(loader) -> dict | None:
    describe = getattr(loader.dataset, 'fingerprint', None)
    return describe() if describe else None
