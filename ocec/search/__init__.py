from ocec.search.board import Board, Ticket
from ocec.search.parameters import Parameter, list_grid, read_space
from ocec.search.storage import OtherSweepError, open_storage, open_study
from ocec.search.strategies import build_pruner, check_sampler

__all__ = [
    'Board',
    'OtherSweepError',
    'Parameter',
    'Ticket',
    'build_pruner',
    'check_sampler',
    'list_grid',
    'open_storage',
    'open_study',
    'read_space',
]
