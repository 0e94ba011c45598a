"""A sign of life of every rank, given by a thread that nothing else holds up."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import torch
from torch.distributed import PrefixStore, Store

# seconds between two signs
INTERVAL = 2.0
# of the store to answer; a longer gap says nothing about the others
PATIENCE = 5.0
END = 'end'
ALARM = 'alarm'
_RUNS_OF_PROCESS = itertools.count()


class RankPulse:
    """Gives signs of life to the other ranks, and knows who gives none.

    A rank that computes gives them, however long it takes; one that is stopped, or
    whose machine is gone, does not.

    Args:
        store: that all ranks share.
        rank: of this process.
        world_size: number of ranks, > 1.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        store: Store,
        rank: int,
        world_size: int,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._rank = rank
        self._ranks = range(world_size)
        self._clock = clock
        self._ended = threading.Event()
        self._count = 0
        self._signs = [b''] * world_size
        self._changed_at = [clock()] * world_size
        self._exchanged_at = clock()
        #: what another rank has raised the alarm for, if one has
        self.alarm: str | None = None
        self._give()

    def start(self) -> None:
        """Begin; all ranks must have made their object by now."""
        threading.Thread(target=self._run, name='rank pulse', daemon=True).start()

    def end(self) -> None:
        """Say that this rank has finished, and is silent from now on."""
        self._ended.set()
        self._store.set(str(self._rank), END)

    def silent(self, seconds: float) -> list[tuple[int, str, int]]:
        """Return who has given no sign.

        Args:
            seconds: for so long.

        Returns:
            Rank, host and process number of each; none as long as the store itself
            does not answer.
        """
        now = self._clock()
        if now - self._exchanged_at > PATIENCE:
            return []
        found = []
        for rank in self._ranks:
            sign = self._signs[rank].decode()
            if sign and sign != END and now - self._changed_at[rank] > seconds:
                host, process, _ = sign.rsplit(' ', 2)
                found.append((rank, host, int(process)))
        return found

    def raise_alarm(self, reason: str) -> None:
        """Tell the other ranks to write down where they are.

        Args:
            reason: for them to show.
        """
        self._ended.set()
        self._store.set(ALARM, reason)

    def exchange(self) -> None:
        """Give a sign, and look for those of the others."""
        self._give()
        signs = self._store.multi_get([str(rank) for rank in self._ranks])
        now = self._clock()
        # after a pause of this process or of the store everybody begins anew
        has_paused = now - self._exchanged_at > PATIENCE
        for rank, sign in enumerate(signs):
            if has_paused or sign != self._signs[rank]:
                self._signs[rank], self._changed_at[rank] = sign, now
        self._exchanged_at = now
        if self.alarm is None and self._store.check([ALARM]):
            self.alarm = self._store.get(ALARM).decode()

    def _give(self) -> None:
        self._count += 1
        sign = f'{socket.gethostname()} {os.getpid()} {self._count}'
        self._store.set(str(self._rank), sign)

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL):
            try:
                self.exchange()
            except torch.distributed.DistStoreError:
                continue  # no answer in time, as of a launcher that was paused
            except (RuntimeError, torch.distributed.DistError):
                return  # the launcher is gone; what follows the ranks learn otherwise


def start_pulse() -> RankPulse | None:
    """Start the exchange among the ranks of this job; every rank must call this.

    Returns:
        The exchange; None in a run of one process, or without a store on the network.
    """
    if not torch.distributed.is_initialized():
        return None
    store = torch.distributed.distributed_c10d._get_default_store()
    while isinstance(store, PrefixStore):
        store = store.underlying_store
    world_size = torch.distributed.get_world_size()
    if world_size == 1 or not isinstance(store, torch.distributed.TCPStore):
        return None
    # a connection of its own: others wait on theirs
    own = PrefixStore(f'ocec_pulse{next(_RUNS_OF_PROCESS)}', store.clone())
    own.set_timeout(timedelta(seconds=60))
    pulse = RankPulse(own, torch.distributed.get_rank(), world_size)
    torch.distributed.barrier()
    pulse.start()
    return pulse
