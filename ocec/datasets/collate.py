"""Collate function of datasets that return finished batches."""

from ocec.registry import FUNCTIONS


@FUNCTIONS.register_module()
def batch_collate(batch: dict) -> dict:
    """Pass a finished batch through.

    A dataset with ``__getitems__`` has collated already; collating again would
    cost a copy.

    Args:
        batch: what the dataset's ``__getitems__`` returned.

    Returns:
        The same object.

    Raises:
        TypeError: it is a list of samples, so the dataset has no ``__getitems__``.
    """
    if not isinstance(batch, dict):
        raise TypeError(
            'batch_collate needs a dataset whose __getitems__ returns a finished '
            f'batch, got {type(batch).__name__}; use collate_fn=dict('
            "type='default_collate') for datasets of single samples"
        )
    return batch
