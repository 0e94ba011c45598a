import math
import shutil
from collections import namedtuple

import pytest
import torch

from ocec.apis import verify_model_machine
from ocec.apis.verify_model_machine import (
    check_amp,
    check_device,
    check_memory,
    check_start,
)

Usage = namedtuple('Usage', 'total used free')


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.version, 'cuda', None)
    monkeypatch.setattr(shutil, 'which', lambda name: None)


def test_cpu(make_subject, no_gpu):
    verdict = check_device(make_subject())
    assert verdict.status == 'ok'
    assert verdict.text.startswith(f'cpu, {torch.get_num_threads()} threads, torch 2.')


def test_gpu_that_is_not_there(make_subject):
    verdict = check_device(make_subject(), 'cuda')
    assert verdict.status == 'FAIL'
    assert 'sees no such device; all checks ran on the cpu' in verdict.text
    assert verdict.way_out.startswith('look at nvidia-smi')


def test_torch_for_cuda_without_a_gpu(make_subject, monkeypatch):
    monkeypatch.setattr(torch.version, 'cuda', '12.8')
    verdict = check_device(make_subject())
    assert verdict.status == 'WARN'
    assert 'built for CUDA 12.8, but sees no GPU' in verdict.text
    assert check_device(make_subject(), 'cpu').status == 'ok'


def test_gpu_that_this_torch_cannot_use(make_subject, no_gpu, monkeypatch):
    monkeypatch.setattr(shutil, 'which', lambda name: f'/usr/bin/{name}')
    verdict = check_device(make_subject())
    assert verdict.status == 'WARN'
    assert verdict.way_out.startswith('install a build of torch for CUDA')


@pytest.mark.parametrize(('free', 'status'), [(90, 'ok'), (30, 'WARN')])
def test_gpu_that_others_use(make_subject, monkeypatch, free, status):
    gib = 2**30
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda _: (free * gib, 100 * gib))
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda _: 'T1')
    subject = make_subject()
    subject.device = torch.device('cuda')
    verdict = check_device(subject)
    assert verdict.status == status
    assert verdict.text.startswith(f'1 GPU: cuda:0 T1, {free} GiB of 100 GiB free')
    assert ('others use cuda:0' in verdict.text) == (status == 'WARN')


def test_mixed_precision(make_subject):
    verdict = check_amp(make_subject())
    assert verdict.status == 'ok'
    assert 'used by this config' in verdict.text
    losses = verdict.facts
    assert losses['bfloat16'] == pytest.approx(losses['float32'], rel=0.1)
    # two computations
    assert losses['bfloat16'] != losses['float32']


@pytest.mark.parametrize(
    ('wrapper', 'status'), [('AmpOptimWrapper', 'FAIL'), ('OptimWrapper', 'WARN')]
)
def test_overflow_in_mixed_precision(make_subject, monkeypatch, wrapper, status):
    subject = make_subject()
    subject.cfg.optim_wrapper.type = wrapper
    loss = subject.model.head.loss

    def overflowing(*args):
        factor = math.inf if torch.is_autocast_enabled('cpu') else 1.0
        return loss(*args) * factor

    monkeypatch.setattr(subject.model.head, 'loss', overflowing)
    verdict = check_amp(subject)
    assert verdict.status == status
    assert 'loss or gradients are not finite' in verdict.text


def test_new_weights(make_subject):
    assert 'begins with new weights' in check_start(make_subject()).text


def test_weights_that_are_not_there(make_subject):
    subject = make_subject("load_from = 'gone.pth'")
    verdict = check_start(subject)
    assert verdict.status == 'FAIL'
    assert verdict.text.startswith('load_from gone.pth: no such checkpoint')
    subject = make_subject(settings={'pretrain': ['none*.pth']})
    assert check_start(subject).text.startswith('--pretrain none*.pth: the pattern mat')


def test_weights_that_fit(make_subject, make_member, own_data):
    file = make_member(own_data)
    verdict = check_start(make_subject(settings={'pretrain': [str(file)]}))
    assert verdict.status == 'ok'
    assert '100.0% of the values' in verdict.text
    # another head begins anew
    text = "model['head'] = dict(type='AvgMaxMLPHead')"
    verdict = check_start(make_subject(text, settings={'pretrain': [str(file)]}))
    assert verdict.status == 'WARN'
    assert 'starts anew: head: checkpoint: AvgHead' in verdict.text
    # another backbone does not fit
    text = "model['backbone']['base_channels'] = 16"
    verdict = check_start(make_subject(text, settings={'pretrain': [str(file)]}))
    assert verdict.status == 'FAIL'
    assert 'is a checkpoint of another model' in verdict.text


def test_teachers_that_are_not_there(make_subject):
    subject = make_subject()
    subject.cfg.model.distillation = dict(
        teachers=[dict(config=__file__, checkpoint='teacher.pth')]
    )
    verdict = check_start(subject)
    assert verdict.status == 'FAIL'
    assert verdict.text == 'teachers that are not there: teacher.pth'


def test_memory(make_subject, monkeypatch):
    subject = make_subject()
    monkeypatch.setattr(verify_model_machine, '_free_memory', lambda: 8 * 2**30)
    verdict = check_memory(subject)
    assert verdict.status == 'ok'
    # 16 images of 3 x 32 x 64 bytes, and three numbers of 8 bytes
    assert verdict.facts['batch_bytes'] == 16 * (3 * 32 * 64 + 3 * 8)
    monkeypatch.setattr(verify_model_machine, '_free_memory', lambda: 2**30)
    assert check_memory(subject).status == 'WARN'


def test_shared_memory_of_workers(make_subject, monkeypatch):
    subject = make_subject()
    subject.cfg.train_dataloader.num_workers = 4
    needed = 16 * (3 * 32 * 64 + 3 * 8) * 4 * 2
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: Usage(0, 0, needed - 1))
    monkeypatch.setattr(verify_model_machine, 'SHARED_MEMORY', '/')
    verdict = check_memory(subject)
    assert verdict.status == 'FAIL'
    assert 'workers would be killed (Bus error)' in verdict.text
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: Usage(0, 0, needed))
    assert check_memory(subject).status != 'FAIL'
