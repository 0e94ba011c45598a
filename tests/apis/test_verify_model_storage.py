import shutil
from collections import namedtuple

import pytest

from ocec.apis.verify_model_storage import (
    check_disk,
    check_work_dir,
    checkpoint_bytes,
    num_kept,
)
from ocec.apis.verify_model_subject import size_of

Usage = namedtuple('Usage', 'total used free')


def test_new_folder_is_not_made(make_subject, tmp_path):
    verdict = check_work_dir(make_subject())
    assert verdict.status == 'ok'
    assert verdict.text == f'{tmp_path / "planned"} will be made; it can be written'
    assert not (tmp_path / 'planned').exists()
    (tmp_path / 'planned').mkdir()
    assert 'is there and empty of runs' in check_work_dir(make_subject()).text
    assert list((tmp_path / 'planned').iterdir()) == []


def test_folder_that_cannot_be_written(make_subject, tmp_path, monkeypatch):
    subject = make_subject()
    (tmp_path / 'file').touch()
    subject.cfg.work_dir = str(tmp_path / 'file' / 'run')
    verdict = check_work_dir(subject)
    assert verdict.status == 'FAIL'
    assert verdict.text.endswith(f'{tmp_path / "file"} is a file')
    assert verdict.way_out == 'choose another folder with --work-dir'

    def refuse(**_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('tempfile.TemporaryFile', refuse)
    subject.cfg.work_dir = str(tmp_path / 'run')
    verdict = check_work_dir(subject)
    assert verdict.status == 'FAIL'
    assert verdict.text.endswith(
        f'nothing can be written into {tmp_path}: Permission denied'
    )


def test_folder_with_another_run(make_subject, tmp_path):
    folder = tmp_path / 'planned'
    folder.mkdir()
    for name in ('metrics.jsonl', 'epoch_1.pth', 'epoch_2.pth'):
        (folder / name).touch()
    verdict = check_work_dir(make_subject())
    assert verdict.status == 'WARN'
    assert 'another run (metrics.jsonl, 2 checkpoints)' in verdict.text
    assert '--resume' in verdict.way_out


@pytest.mark.parametrize('ema', [True, False])
@pytest.mark.parametrize(
    'optimizer',
    [
        dict(type='AdamW', lr=1e-3),
        dict(type='SGD', lr=0.1, momentum=0.9),
        dict(type='SGD', lr=0.1),
    ],
)
def test_bytes_of_a_checkpoint(make_subject, optimizer, ema):
    subject = make_subject()
    subject.cfg.optim_wrapper = dict(type='OptimWrapper', optimizer=optimizer)
    subject.cfg.custom_hooks = [dict(type='EMAHook')] if ema else []
    wrapper = subject.build_optimizer()
    subject.model.train().train_step(subject.train_batch, wrapper)
    weights = size_of(subject.model.state_dict())
    true = weights * (1 + ema) + size_of(dict(wrapper.state_dict()['state']))
    # Adam also counts its steps, four bytes a parameter
    assert checkpoint_bytes(subject) == pytest.approx(true, abs=4 * 20)


@pytest.mark.parametrize(
    ('settings', 'kept'),
    [
        (dict(interval=1, max_keep_ckpts=3, save_best='eye/f1'), 4),
        (dict(interval=1, max_keep_ckpts=3, save_best=None), 3),
        # epochs 3, 6, 9 and 10
        (dict(interval=3, max_keep_ckpts=-1, save_best=None), 4),
        (dict(interval=-1, save_best='eye/f1', max_keep_best=2), 3),
        (None, 0),
    ],
)
def test_checkpoints_that_are_kept(make_subject, settings, kept):
    subject = make_subject()
    subject.cfg.train_cfg.max_epochs = 10
    subject.cfg.default_hooks['checkpoint'] = settings
    assert num_kept(subject) == kept


@pytest.mark.parametrize(
    ('share', 'status'), [(0.9, 'FAIL'), (1.5, 'WARN'), (2.5, 'ok')]
)
def test_room_on_the_disk(make_subject, monkeypatch, share, status):
    subject = make_subject()
    needed = check_disk(subject).facts['needed']
    # 2 epochs, at most 3 are kept: 2, the best, and one being written
    logs = needed - 4 * checkpoint_bytes(subject)
    assert 0 < logs < 20_000
    free = int(share * needed)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: Usage(0, 0, free))
    verdict = check_disk(subject)
    assert verdict.status == status
    assert ('hardly enough' in verdict.text) == (status == 'WARN')
    assert ('max_keep_ckpts' in verdict.way_out) == (status != 'ok')
