import torch
from torch import distributed

from ocec.engine.process_group import leave_process_group


def test_a_run_of_one_process_has_nothing_to_leave():
    assert not distributed.is_initialized()
    leave_process_group()


def test_the_group_is_gone_afterwards(tmp_path):
    store = distributed.FileStore(str(tmp_path / 'store'), 1)
    distributed.init_process_group('gloo', store=store, rank=0, world_size=1)
    try:
        number = torch.ones(1)
        distributed.all_reduce(number)
        leave_process_group()
        assert not distributed.is_initialized()
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()
