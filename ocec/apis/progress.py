"""Progress of a loop on stderr."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn


def track(items: Iterable, *, total: int, what: str) -> Iterator:
    """Pass items through and show how many have passed.

    A bar on a terminal, which disappears at the end; else four lines.

    Args:
        items: what the loop runs over.
        total: number of items, > 0.
        what: what is being done, as ``reading images``.

    Yields:
        the items.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        for done, item in enumerate(items, start=1):
            yield item
            if done * 4 // total > (done - 1) * 4 // total:
                console.print(f'{what}: {done} of {total}', highlight=False)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(what, *columns, console=console, transient=True) as progress:
        yield from progress.track(items, total=total)
