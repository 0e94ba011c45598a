"""Two machines: network namespaces of this one, joined by a cable that can be cut."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

TOOLS = Path(__file__).parents[2] / 'tools'
PORT = 29500  # each namespace has ports of its own
SECONDS_TO_END = 120
EPOCHS = 4
STEPS_PER_EPOCH = 7  # 200 rows in batches of 2 x 16
RUN = f"""
model['head'] = dict(dropout=0.3)
custom_hooks = [dict(type='EMAHook', decay=0.9)]
train_cfg = dict(max_epochs={EPOCHS})
default_hooks = dict(
    logger=dict(interval=1), watchdog=dict(timeout=15, silence=10), diagnostics=None,
)
"""
pytestmark = pytest.mark.slow


class TwoHosts:
    """Two namespaces, ``a`` and ``b``, with a cable between them.

    Args:
        name: prefix of what is made in the system.
        folder: for what each host has of its own.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.spaces = {host: f'{name}{host}' for host in 'ab'}
        self.addresses = {'a': '10.231.77.1', 'b': '10.231.77.2'}
        self.folder = folder
        self.started: list[subprocess.Popen] = []

    def make(self) -> None:
        """Make them; raises CalledProcessError where that is not permitted."""
        a, b = self.spaces.values()
        for space in (a, b):
            _ip('netns', 'add', space)
        _ip('link', 'add', a, 'netns', a, 'type', 'veth', 'peer', b, 'netns', b)
        for host, space in self.spaces.items():
            address = f'{self.addresses[host]}/24'
            _ip('-n', space, 'address', 'add', address, 'dev', space)
            for device in (space, 'lo'):
                _ip('-n', space, 'link', 'set', device, 'up')
            self.run_on(host, 'true').check_returncode()

    def remove(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        for space in self.spaces.values():
            subprocess.run(['ip', 'netns', 'delete', space], capture_output=True)

    def set_cable(self, state: str) -> None:
        """Set the cable ``up`` or ``down``."""
        _ip('-n', self.spaces['b'], 'link', 'set', self.spaces['b'], state)

    def command(self, host: str, *words) -> list[str]:
        """Return a command that runs on a host, with a hostname of its own."""
        named = f'hostname host-{host}; exec "$@"'
        space = ['ip', 'netns', 'exec', self.spaces[host], 'unshare', '--uts']
        return [*space, 'bash', '-c', named, 'bash', *map(str, words)]

    def run_on(self, host: str, *words) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(host, *words), capture_output=True)

    def train(self, config: Path, work_dir: Path, *arguments) -> list[str]:
        """Start a training on both hosts and return their processes."""
        script = [TOOLS / 'dist_train.sh', config, 1, '--work-dir', work_dir]
        for rank, host in enumerate('ab'):
            self.started.append(
                subprocess.Popen(
                    self.command(host, 'bash', *script, *arguments),
                    env={
                        **os.environ,
                        'PYTHON': sys.executable,
                        'CUDA_VISIBLE_DEVICES': '',
                        'OMP_NUM_THREADS': '1',
                        'OCEC_CACHE_DIR': str(self.folder / f'cache_{host}'),
                        'NNODES': '2',
                        'NODE_RANK': str(rank),
                        'MASTER_ADDR': self.addresses['a'],
                        'PORT': str(PORT),
                        'GLOO_SOCKET_IFNAME': self.spaces[host],
                    },
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    start_new_session=True,
                )
            )
        return self.started[-2:]


def _ip(*words) -> None:
    subprocess.run(['ip', *words], check=True, capture_output=True, text=True)


@pytest.fixture
def hosts(tmp_path):
    """Two hosts; skipped where namespaces cannot be made."""
    for program in ('ip', 'unshare', 'hostname'):
        if shutil.which(program) is None:
            pytest.skip(f'two hosts need the program "{program}"')
    made = TwoHosts(f'oc{os.getpid() % 100_000}', tmp_path)
    try:
        made.make()
    except subprocess.CalledProcessError as error:
        made.remove()
        pytest.skip(f'network namespaces are not permitted here: {error.stderr}')
    yield made
    made.remove()


def finish(processes, code=0):
    outs = [process.communicate(timeout=400)[0] for process in processes]
    codes = [process.returncode for process in processes]
    assert codes == [code] * len(processes), '\n'.join(out[-4000:] for out in outs)
    return outs


def train_on_one_host(config, work_dir, *arguments, **environment):
    import socket

    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    command = [TOOLS / 'dist_train.sh', config, 2, '--work-dir', work_dir, *arguments]
    return subprocess.Popen(
        ['bash', *map(str, command)],
        env={
            **os.environ,
            'PYTHON': sys.executable,
            'CUDA_VISIBLE_DEVICES': '',
            'OMP_NUM_THREADS': '1',
            'PORT': str(port),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_steps(process, work_dir, number):
    """Wait until a run has trained so many steps."""
    path = work_dir / 'metrics.jsonl'
    while process.poll() is None:
        if path.exists() and path.read_text().count('"train"') >= number:
            return
        time.sleep(0.05)
    pytest.fail(process.communicate()[0][-4000:])


def weights_of(work_dir):
    path = work_dir / f'epoch_{EPOCHS}.pth'
    checkpoint = torch.load(path, weights_only=True)
    return {
        **checkpoint['state_dict'],
        'steps': torch.tensor(checkpoint['meta']['iter']),
    }


def assert_same(work_dir, other):
    expected, found = weights_of(work_dir), weights_of(other)
    assert expected['steps'] == EPOCHS * STEPS_PER_EPOCH
    assert expected.keys() == found.keys()
    for name in expected:
        assert torch.equal(found[name], expected[name]), name


def test_two_hosts_train_as_one_and_survive_a_cut(tmp_path, write_config, hosts):
    config = write_config(RUN, num_rows=400)
    one, two, cut = (tmp_path / name for name in ('one', 'two', 'cut'))
    finish([train_on_one_host(config, one)])
    out, other = finish(hosts.train(config, two))
    assert '2 ranks x 16 images x 1 accumulated = 32' in out
    assert 'rank 1 talks to the others through gloo' in other
    assert_same(one, two)
    # the disks are their own: one builder on each
    for host in 'ab':
        [manifest] = (tmp_path / f'cache_{host}').glob('*/manifest.json')
        assert json.loads(manifest.read_text())['rows'] == 400

    processes = hosts.train(config, cut)
    wait_for_steps(processes[0], cut, STEPS_PER_EPOCH + 2)
    hosts.set_cable('down')
    began = time.monotonic()
    out, other = finish(processes, code=1)
    assert time.monotonic() - began < SECONDS_TO_END
    assert 'no sign of life for 10 s of rank 1 (process ' in out
    assert ' on host-b)' in out
    assert 'rank 1 has made no step for 15 s' in other
    assert not (cut / f'epoch_{EPOCHS}.pth').exists()

    hosts.set_cable('up')
    out, _ = finish(hosts.train(config, cut, '--resume'))
    assert 'Load checkpoint from' in out
    assert_same(one, cut)


def test_a_killed_rank_is_restarted_from_the_last_checkpoint(tmp_path, write_config):
    config = write_config(RUN, num_rows=400)
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    finish([train_on_one_host(config, whole)])
    process = train_on_one_host(config, parts, MAX_RESTARTS='1')
    wait_for_steps(process, parts, STEPS_PER_EPOCH + 2)
    os.kill(rank_of(process.pid, '1'), signal.SIGKILL)
    [out] = finish([process])
    assert f'Load checkpoint from {parts}/epoch_' in out
    assert_same(whole, parts)


def rank_of(process, rank):
    """Return the process number of a rank below another process."""
    for path in Path('/proc').glob('[0-9]*'):
        try:
            environment = (path / 'environ').read_bytes().split(b'\0')
            command = (path / 'cmdline').read_bytes()
        except OSError:  # it has ended
            continue
        if f'RANK={rank}'.encode() in environment and b'train.py' in command:
            parent = int(path.name)
            while parent > 1 and parent != process:
                parent = int(
                    (Path('/proc') / str(parent) / 'stat').read_text().split()[3]
                )
            if parent == process:
                return int(path.name)
    raise AssertionError(f'no rank {rank} below {process}')
