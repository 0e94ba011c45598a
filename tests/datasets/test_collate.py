import pytest

from ocec.datasets import batch_collate
from ocec.registry import FUNCTIONS


def test_a_finished_batch_passes_through_untouched():
    batch = {'inputs': object()}
    assert batch_collate(batch) is batch
    assert list(batch) == ['inputs']


def test_configs_find_it_by_name():
    assert FUNCTIONS.get('batch_collate') is batch_collate


@pytest.mark.parametrize(
    ('samples', 'kind'), [([{'inputs': 1}], 'list'), (({'inputs': 1},), 'tuple')]
)
def test_single_samples_are_refused(samples, kind):
    message = (
        'batch_collate needs a dataset whose __getitems__ returns a finished batch, '
        rf"got {kind}; use collate_fn=dict\(type='default_collate'\) for datasets of "
        'single samples'
    )
    with pytest.raises(TypeError, match=message):
        batch_collate(samples)
