import json
import os
import sys

import pytest
import torch

from ocec.engine import safetensors_io
from ocec.engine.checkpoint_io import load_safely, save_atomically

library = pytest.importorskip('safetensors')


def same(a, b):
    """Compare type, order and every bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return repr(a) == repr(b)


FULL = {
    'state_dict': {
        'b.weight': torch.randn(4, 3, 2, 2, dtype=torch.float64),
        'a.mean': torch.randn(3).half(),
        'a.rows': torch.tensor(7),
    },
    'meta': {'cfg': "x = 'ä'\ny = 1", 'dataset_meta': {'classes': ('closed', 'open')}},
    'optimizer': {
        'state': {0: {'step': torch.tensor(3.0), 'exp_avg': torch.ones(2)}},
        'groups': [{'lr': 0.1, 'betas': (0.9, 0.999), 'fused': None}],
    },
    'rng': [torch.arange(5, dtype=torch.uint8)],
    'numbers': [float('inf'), float('-inf'), float('nan'), -0.0, 1e-320, 2**70, True],
    'odd': {'$tensor': 'no tensor', '': {}, 'deep': {(1, 'a'): []}},
    'best': None,
}


def test_nothing_is_lost(tmp_path):
    path = tmp_path / 'a.safetensors'
    save_atomically(FULL, path)
    assert same(load_safely(path), FULL)


def test_others_read_the_weights_and_the_header(tmp_path):
    path = tmp_path / 'a.safetensors'
    save_atomically(FULL, path)
    with library.safe_open(path, framework='pt') as file:
        header = file.metadata()
        for name, x in FULL['state_dict'].items():
            assert torch.equal(file.get_tensor(name), x)
    assert header['format'] == 'pt'
    meta = json.loads(header['ocec.meta'])
    assert meta['cfg'] == FULL['meta']['cfg']
    assert meta['dataset_meta']['classes'] == {'$tuple': ['closed', 'open']}


def test_a_file_of_another_program_is_its_names_and_tensors(tmp_path):
    from safetensors.torch import save_file

    weights = {'stem.weight': torch.randn(2, 3), 'stem.bias': torch.zeros(2)}
    save_file(weights, tmp_path / 'other.safetensors')
    found = load_safely(tmp_path / 'other.safetensors')
    assert set(found) == set(weights)
    assert all(torch.equal(found[name], x) for name, x in weights.items())


def test_equal_checkpoints_give_equal_bytes():
    # the library alone writes the header in another order at nearly every call
    encoded = {safetensors_io.encode_safetensors(FULL) for _ in range(8)}
    assert len(encoded) == 1


def test_shared_transposed_and_partial_tensors():
    x = torch.arange(12.0).view(3, 4)
    state = {'x': x, 'again': x, 'turned': x.T, 'row': x[1], 'grad': x.clone()}
    state['grad'].requires_grad_()
    content = safetensors_io.encode_safetensors({'state_dict': state, 'x': x + 1})
    assert len(content) < 3000  # a row does not bring the matrix along

    from safetensors.torch import load

    found = load(content)
    assert torch.equal(found['turned'], x.T)
    assert torch.equal(found['row'], x[1])
    # one name is asked for twice
    assert {tuple(found[name][0].tolist()) for name in ('x', "x'")} == {
        (0.0, 1.0, 2.0, 3.0),
        (1.0, 2.0, 3.0, 4.0),
    }


def test_names_that_are_taken_twice_come_back(tmp_path):
    content = {'x': torch.zeros(1), 'state_dict': {'x': torch.ones(1)}}
    save_atomically(content, tmp_path / 'a.safetensors')
    assert same(load_safely(tmp_path / 'a.safetensors'), content)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'meta': {'f': [len]}}, 'meta.f.0 is a builtin_function_or_method, neither'),
        ({3: 'x'}, 'the key 3 is no text'),
        ({'x': torch.eye(2).to_sparse()}, 'x is no dense tensor'),
    ],
)
def test_what_the_format_cannot_hold(content, message, tmp_path):
    with pytest.raises(ValueError, match=f'safetensors: {message}'):
        save_atomically(content, tmp_path / 'a.safetensors')
    assert list(tmp_path.iterdir()) == []


def test_damaged_files(tmp_path):
    path = tmp_path / 'a.safetensors'
    save_atomically(FULL, path)
    # what is beside it would tell all of them
    (tmp_path / 'a.safetensors.sha256').unlink()
    whole = path.read_bytes()
    for length in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match='a.safetensors: damaged checkpoint: '):
            load_safely(path)
    path.write_bytes((2**40).to_bytes(8, 'little') + whole[8:])
    with pytest.raises(ValueError, match='a header of 1,099,511,627,776 bytes, at mos'):
        load_safely(path)
    path.write_bytes(b'x' * 200)
    with pytest.raises(ValueError, match='damaged checkpoint: a header of'):
        load_safely(path)


@pytest.mark.parametrize(
    ('header', 'told'),
    [
        ({'ocec': '["a"]'}, "KeyError: 'ocec.a'"),
        ({'ocec': '["a"]', 'ocec.a': '{'}, 'JSONDecodeError: Expecting property'),
        ({'ocec': '["a"]', 'ocec.a': '{"$tensor": "gone"}'}, "KeyError: 'gone'"),
        ({'ocec': '["a"]', 'ocec.a': '{"$float": []}'}, 'TypeError: float'),
        ({'ocec': '["a"]', 'ocec.a': '[' * 100_000}, 'RecursionError: '),
    ],
)
def test_texts_that_do_not_fit_the_tensors(header, told, tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / 'a.safetensors'
    save_file({'x': torch.zeros(1)}, path, header)
    with pytest.raises(ValueError, match=f'damaged checkpoint: {told}'):
        load_safely(path)


def test_a_header_too_large_to_be_read_back_is_not_written(monkeypatch):
    monkeypatch.setattr(safetensors_io, 'MAX_HEADER_BYTES', 100)
    with pytest.raises(ValueError, match='bytes of text beside the weights, at most 1'):
        safetensors_io.encode_safetensors({'meta': 'x' * 100})


class RunsCode:
    def __reduce__(self):
        return os.mkdir, (str(RunsCode.target),)


def test_a_pickle_of_that_name_is_not_unpickled(tmp_path):
    RunsCode.target = tmp_path / 'was_here'
    path = tmp_path / 'evil.safetensors'
    torch.save({'x': RunsCode()}, path)
    with pytest.raises(ValueError, match='damaged checkpoint'):
        load_safely(path, trust=True)
    assert not RunsCode.target.exists()


def test_without_the_library(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'safetensors', None)
    with pytest.raises(ImportError, match=r'pip install "ocec\[export\]"'):
        save_atomically({}, tmp_path / 'a.safetensors')
    (tmp_path / 'b.safetensors').write_bytes(b'')
    with pytest.raises(ImportError, match='needs safetensors'):
        load_safely(tmp_path / 'b.safetensors')
