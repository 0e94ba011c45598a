"""tools/dist_train.sh, with a python that only notes what it gets."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / 'tools' / 'dist_train.sh'


@pytest.fixture
def launch(tmp_path):
    """Return a function that runs the script and returns what python got."""
    python = tmp_path / 'python'
    python.write_text('#!/usr/bin/env bash\necho "$*"\n')
    python.chmod(0o755)

    def run(*arguments, **environment):
        done = subprocess.run(
            ['bash', SCRIPT, *arguments],
            env={'PATH': os.environ['PATH'], 'PYTHON': str(python), **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout.strip() or done.stderr

    return run


def test_one_machine(launch):
    code, call = launch('a.py', '2', '--amp')
    assert code == 0
    assert call.startswith(
        '-m torch.distributed.run --nnodes=1 --node_rank=0 --master_addr=127.0.0.1 '
        '--master_port=29500 --nproc_per_node=2 '
    )
    assert call.endswith('train.py a.py --launcher pytorch --amp')


def test_several_machines(launch):
    settings = {'NNODES': '4', 'NODE_RANK': '3', 'MASTER_ADDR': 'a', 'PORT': '5'}
    _, call = launch('a.py', '8', **settings)
    assert ' --nnodes=4 --node_rank=3 --master_addr=a --master_port=5 ' in call


@pytest.mark.parametrize(
    ('settings', 'meeting'),
    [
        ({'MAX_RESTARTS': '3'}, '--nnodes=1 --rdzv_backend=c10d'),
        ({'NNODES': '1:4'}, '--nnodes=1:4 --rdzv_backend=c10d'),
    ],
)
def test_restarts_go_on_from_the_last_checkpoint(launch, settings, meeting):
    _, call = launch('a.py', '8', '--amp', MASTER_ADDR='a', PORT='5', **settings)
    restarts = settings.get('MAX_RESTARTS', '0')
    assert (
        f' {meeting} --rdzv_endpoint=a:5 --rdzv_id=ocec --max_restarts={restarts} '
        in call
    )
    assert '--master_addr' not in call
    assert call.endswith('--launcher pytorch --amp --resume')


@pytest.mark.parametrize(
    'given', [('--resume',), ('--resume', 'b.pth'), ('--resume=b',)]
)
def test_a_checkpoint_that_is_named_stays(launch, given):
    _, call = launch('a.py', '8', *given, MAX_RESTARTS='1', RDZV_ID='mine')
    assert ' --rdzv_id=mine ' in call
    assert call.endswith(' '.join(['--launcher pytorch', *given]))


def test_wrong_usage(launch):
    code, text = launch('a.py')
    assert code == 2
    assert 'usage: ' in text
