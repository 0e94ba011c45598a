"""The end of a run of several ranks."""

import torch
from mmengine.dist import is_distributed


def leave_process_group() -> None:
    """Wait for the other ranks, then leave the group that they talk in.

    A process that ends inside the group sometimes aborts when its threads are torn
    down (``terminate called without an active exception``), and the launcher then
    reports a run as failed that has finished. Does nothing in a run of one process.
    """
    if is_distributed():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
