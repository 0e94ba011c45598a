"""Which rank of a job failed first: told to the launcher, so that it can say so."""

from __future__ import annotations

import os
import re
import sys
import time

# torchrun names a file for each rank, and shows the first one written
ERROR_FILE = 'TORCHELASTIC_ERROR_FILE'
# what gloo and NCCL say when another rank is gone
_LOST = re.compile(
    r'gloo|nccl|connection (was )?(closed|reset|refused)|socket timeout|broken pipe',
    re.IGNORECASE,
)
# within so many seconds the launcher ends the ranks that are left
SECONDS_TO_BE_ENDED = 10.0


def report_failure(error: BaseException) -> None:
    """Leave the traceback where the launcher looks for it; call it while handling.

    A rank that only lost another one waits first: the launcher then ends it, and shows
    the rank that failed by itself. Without a launcher nothing is done.

    Args:
        error: what ends this rank.
    """
    if ERROR_FILE not in os.environ:
        return
    if is_lost_rank(error):
        rank = os.environ.get('RANK', '?')
        print(
            f'rank {rank}: another rank has ended; its error stands above or in the '
            'summary below',
            file=sys.stderr,
            flush=True,
        )
        time.sleep(SECONDS_TO_BE_ENDED)
    from torch.distributed.elastic.multiprocessing.errors import get_error_handler

    get_error_handler().record_exception(error)


def is_lost_rank(error: BaseException) -> bool:
    """Whether an error says that another rank is gone.

    Args:
        error: any.

    Returns:
        True for errors of the communication between ranks.
    """
    from torch.distributed import DistError

    if isinstance(error, DistError):
        return True
    return isinstance(error, RuntimeError) and bool(_LOST.search(str(error)))
