import pytest

from ocec.engine import same_start as module
from ocec.engine.same_start import check_same_start


@pytest.fixture
def other_ranks(monkeypatch):
    """Return a function that sets where the other ranks begin."""

    def set_starts(*starts):
        monkeypatch.setattr(module, 'is_distributed', lambda: True)
        monkeypatch.setattr(module, 'all_gather_object', lambda own: [own, *starts])

    return set_starts


def test_ranks_that_begin_together_go_on(other_ranks):
    other_ranks((3, 21), (3, 21))
    assert check_same_start('run', 3, 21) is None


@pytest.mark.parametrize('theirs', [(0, 0), (3, 20), (2, 21)])
def test_a_rank_that_begins_elsewhere_is_told(other_ranks, theirs):
    other_ranks((3, 21), theirs)
    epoch, step = theirs
    with pytest.raises(
        ValueError,
        match=f'rank 0 after epoch 3 and step 21, rank 2 after epoch {epoch} and step '
        f'{step}; /run must be one folder, on a disk that all machines share',
    ):
        check_same_start('/run', 3, 21)


def test_one_process_begins_where_it_likes():
    assert check_same_start('run', 3, 21) is None
