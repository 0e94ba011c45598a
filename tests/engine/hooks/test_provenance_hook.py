import json
import subprocess
import sys

import torch

from ocec.apis.train import train
from ocec.version import __version__


def session_of(folder):
    return json.loads((folder / 'provenance.json').read_text())['sessions'][-1]


def test_what_a_run_was_made_of(tmp_path, write_config):
    train(write_config(), work_dir=tmp_path / 'run', seed=7)
    session = session_of(tmp_path / 'run')
    assert session['seed'] == 7
    assert session['ranks'] == 1
    assert session['command'] == sys.argv
    assert session['packages']['ocec'] == __version__
    assert session['packages']['torch'] == torch.__version__.split('+')[0]
    train_data, val_data = session['data']['train'], session['data']['val']
    assert (train_data['closed'], train_data['open']) == (16, 16)
    assert (val_data['closed'], val_data['open']) == (8, 8)
    assert train_data['files'] == val_data['files']
    assert len(train_data['files'][0]['footer_sha256']) == 64


def test_git_state_is_that_of_the_current_folder(tmp_path, write_config, monkeypatch):
    folder = tmp_path / 'repository'
    folder.mkdir()
    monkeypatch.chdir(folder)
    config = write_config()
    train(config, work_dir=tmp_path / 'without')
    assert session_of(tmp_path / 'without')['git'] is None
    git = ['git', '-c', 'user.name=a', '-c', 'user.email=a@b.c']
    subprocess.run([*git, 'init', '-q'], check=True)
    subprocess.run([*git, 'commit', '-q', '--allow-empty', '-m', 'x'], check=True)
    (folder / 'new.txt').write_text('')
    train(config, work_dir=tmp_path / 'with')
    state = session_of(tmp_path / 'with')['git']
    head = subprocess.run(['git', 'rev-parse', 'HEAD'], capture_output=True, text=True)
    assert state == {'commit': head.stdout.strip(), 'changed': '?? new.txt'}
