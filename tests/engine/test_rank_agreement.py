import os
import subprocess
import sys

from ocec.engine.rank_agreement import RankAgreement

# rank 1 wants something at its third question
TWO_RANKS = """
import os, torch
from ocec.engine.rank_agreement import RankAgreement
torch.distributed.init_process_group('gloo')
rank = torch.distributed.get_rank()
agreement = RankAgreement()
answers = [agreement.ask(rank == 1 and n == 2) for n in range(5)]
answers.append(agreement.last())
agreement.ask(rank == 0)
answers += [agreement.last(), agreement.last()]
torch.distributed.destroy_process_group()
print(rank, answers)
"""


def test_one_process_gets_its_own_answer_at_once():
    agreement = RankAgreement()
    assert [agreement.ask(wish) for wish in (False, True, False)] == [
        False,
        True,
        False,
    ]
    assert agreement.last() is False


def test_all_ranks_learn_of_a_wish_one_question_later():
    from torch.distributed import TCPStore

    store = TCPStore('127.0.0.1', 0, is_master=True, wait_for_workers=False)
    ranks = [
        subprocess.Popen(
            [sys.executable, '-c', TWO_RANKS],
            env={
                **os.environ,
                'RANK': str(rank),
                'WORLD_SIZE': '2',
                'MASTER_ADDR': '127.0.0.1',
                'MASTER_PORT': str(store.port),
                'TORCHELASTIC_USE_AGENT_STORE': 'True',
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    answers = [process.communicate(timeout=120)[0] for process in ranks]
    expected = [False, False, False, True, False, False, True, False]
    assert answers == [f'{rank} {expected}\n' for rank in range(2)]
