"""The beginning and the end of a run of several ranks."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta

import torch
from mmengine.dist import is_distributed


def join_with_gloo(launcher: str, dist_cfg: dict) -> None:
    """Join the other ranks; mmengine's own start-up asks CUDA for a device first.

    Args:
        launcher: ``pytorch`` or ``slurm``.
        dist_cfg: settings; ``timeout`` in seconds, 1800 by default.
    """
    if launcher == 'slurm':
        _set_slurm_env()
    print(f'no GPU: rank {os.environ["RANK"]} talks to the others through gloo')
    seconds = dist_cfg.get('timeout', 1800)
    torch.distributed.init_process_group('gloo', timeout=timedelta(seconds=seconds))


def leave_process_group() -> None:
    """Wait for the other ranks, then leave the group that they talk in.

    A process that ends inside the group sometimes aborts when its threads are torn
    down (``terminate called without an active exception``), and the launcher then
    reports a run as failed that has finished. Does nothing in a run of one process.
    """
    if is_distributed():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def _set_slurm_env() -> None:
    """Translate Slurm's variables into those of torch.distributed."""
    listed = subprocess.run(
        ['scontrol', 'show', 'hostnames', os.environ['SLURM_NODELIST']],
        capture_output=True,
        text=True,
        check=True,
    )
    first_node = listed.stdout.split()[0]
    # two jobs on one node must not meet at one port
    port = 20000 + int(os.environ.get('SLURM_JOB_ID', 0)) % 20000
    for name, value in (
        ('RANK', os.environ['SLURM_PROCID']),
        ('WORLD_SIZE', os.environ['SLURM_NTASKS']),
        ('LOCAL_RANK', os.environ.get('SLURM_LOCALID', '0')),
        ('MASTER_ADDR', first_node),
        ('MASTER_PORT', str(port)),
    ):
        os.environ.setdefault(name, value)
