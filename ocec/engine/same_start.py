"""Ranks of several machines that must begin at the same place."""

from __future__ import annotations

from mmengine.dist import all_gather_object, is_distributed


def check_same_start(work_dir: str, epoch: int, iteration: int) -> None:
    """Refuse ranks that go on from different checkpoints; every rank must call this.

    Args:
        work_dir: where each looks for its checkpoint.
        epoch: epochs trained before, of this rank.
        iteration: steps trained before, of this rank.

    Raises:
        ValueError: they differ, as when machines have work_dirs of their own.
    """
    if not is_distributed():
        return
    starts = all_gather_object((epoch, iteration))
    for rank, start in enumerate(starts):
        if start != starts[0]:
            raise ValueError(
                f'the ranks begin at different places: rank 0 after epoch '
                f'{starts[0][0]} and step {starts[0][1]}, rank {rank} after epoch '
                f'{start[0]} and step {start[1]}; {work_dir} must be one folder, on a '
                'disk that all machines share'
            )
