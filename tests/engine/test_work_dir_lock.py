import json
import os
import signal
import subprocess
import sys

import pytest

from ocec.engine import work_dir_lock
from ocec.engine.work_dir_lock import WorkDirInUseError, lock_work_dir

HOLD = """
import os, sys, time
from ocec.engine.work_dir_lock import lock_work_dir
with lock_work_dir(sys.argv[1]):
    if os.fork() == 0:  # as a data worker: it outlives its parent
        time.sleep(60)
        os._exit(0)
    print('held', flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, '-c', HOLD, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == 'held\n'
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_it_is_gone_afterwards_and_can_be_taken_again(tmp_path):
    folder = tmp_path / 'new'
    for _ in range(2):
        with lock_work_dir(folder):
            assert json.loads((folder / '.lock').read_text())['pid'] == os.getpid()
        assert list(folder.iterdir()) == []


def test_a_second_run_is_refused_and_told_who_is_there(tmp_path, holder):
    message = (
        rf'{tmp_path} is in use by process {holder.pid} on \S+ since 20\d\d-.*: wait '
        r'for it, or choose another --work-dir$'
    )
    with pytest.raises(WorkDirInUseError, match=message), lock_work_dir(tmp_path):
        pass
    assert json.loads((tmp_path / '.lock').read_text())['pid'] == holder.pid


def test_of_a_killed_run_it_is_taken_over(tmp_path, holder, capsys):
    holder.kill()
    holder.wait()
    with lock_work_dir(tmp_path):
        pass
    assert f'the run of process {holder.pid} that began' in capsys.readouterr().out


def write(tmp_path, **content):
    (tmp_path / '.lock').write_text(json.dumps(content))


def test_a_run_of_another_host_may_still_be_there(tmp_path):
    write(tmp_path, pid=1, host='elsewhere', started='then')
    message = (
        rf'is in use by process 1 on elsewhere since then: .*\. If that process is no '
        rf'more, remove {tmp_path}/.lock'
    )
    with pytest.raises(WorkDirInUseError, match=message), lock_work_dir(tmp_path):
        pass
    (tmp_path / '.lock').unlink()
    with lock_work_dir(tmp_path):
        pass


@pytest.mark.parametrize('content', ['', '{"pid": 1', '[]'])
def test_a_torn_file_is_nobodys(tmp_path, content):
    (tmp_path / '.lock').write_text(content)
    with lock_work_dir(tmp_path):
        pass


def test_without_locks_the_process_decides(tmp_path, monkeypatch):
    def flock(*args):
        raise OSError(work_dir_lock.errno.ENOLCK, 'no locks')

    monkeypatch.setattr(work_dir_lock.fcntl, 'flock', flock)
    host = work_dir_lock.socket.gethostname()
    write(tmp_path, pid=os.getppid(), host=host, started='then')
    with pytest.raises(WorkDirInUseError, match='in use'), lock_work_dir(tmp_path):
        pass
    gone = subprocess.Popen(['true'])
    gone.wait()
    write(tmp_path, pid=gone.pid, host=host, started='then')
    with lock_work_dir(tmp_path):
        pass
    # an earlier container of the same name
    write(tmp_path, pid=os.getpid(), host=host, started='then')
    with lock_work_dir(tmp_path):
        pass
