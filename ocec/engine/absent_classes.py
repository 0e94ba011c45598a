"""Classes that a model is to learn and never sees."""

from __future__ import annotations

from logging import Logger

from torch.utils.data import Dataset

# how many names the warning shows
SHOWN = 8


def warn_of_absent_classes(dataset: Dataset, logger: Logger) -> None:
    """Warn if the train split has no sample of a class.

    Args:
        dataset: with ``class_counts`` and ``metainfo``, or without.
        logger: for the warning.
    """
    counts = getattr(dataset, 'class_counts', None)
    if counts is None or min(counts) > 0:
        return
    metainfo = getattr(dataset, 'metainfo', None) or {}
    names = metainfo.get('classes') or range(len(counts))
    absent = [str(n) for n, count in zip(names, counts, strict=True) if count == 0]
    shown = ', '.join(absent[:SHOWN])
    more = f' and {len(absent) - SHOWN} more' if len(absent) > SHOWN else ''
    logger.warning(
        f'the train split has no sample of {len(absent)} of {len(counts)} classes '
        f'({shown}{more}): the model cannot learn to tell them. Look at the labels and '
        'at the split'
    )
