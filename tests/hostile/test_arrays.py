"""Archives of arrays, checkpoints and models that are not what they claim."""

import json
import pickle
import struct
import zipfile
import zlib

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper


class Touch:
    """Runs a command when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        import os

        return os.system, (f'touch {self.canary}',)


def npy(header, content=b''):
    body = (header + '\n').encode()
    return b'\x93NUMPY\x02\x00' + struct.pack('<I', len(body)) + body + content


def npz(**members):
    def write(path, canary):
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(f'{name}.npy', content)

    return write


def head(shape='(1, 28, 56)', descr="'|u1'"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


def saved(make):
    return lambda path, canary: np.savez(path, **make(canary))


def save_npy(path, array):
    with open(path, 'wb') as stream:
        np.save(stream, array)


def zip_slip(path, canary):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(f'../../{canary.name}.npy', npy(head('(0,)')))
        archive.writestr(str(canary), 'here')


def bomb(path, canary):
    """Half a gigabyte in half a megabyte: one block of zeros, many times."""
    count, size = 512, 2**20
    header = npy(head(f'({count * size // 1568}, 28, 56)'))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = packer.compress(header) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(size)) + packer.flush(zlib.Z_FULL_FLUSH)
    content += zeros * count + packer.flush()
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('x.npy', content)
    packed = bytearray(path.read_bytes())
    for mark, method, unpacked in ((b'PK\x03\x04', 8, 22), (b'PK\x01\x02', 10, 24)):
        start = packed.index(mark)
        packed[start + method] = zipfile.ZIP_DEFLATED
        declared = struct.pack('<I', len(header) + count * size)
        packed[start + unpacked : start + unpacked + 4] = declared
    path.write_bytes(packed)


def lying_sizes(path, canary):
    npz(x=npy(head(), bytes(1568)))(path, canary)
    content = bytearray(path.read_bytes())
    place = content.index(b'PK\x01\x02') + 24
    content[place : place + 4] = struct.pack('<I', 2**32 - 2)
    path.write_bytes(content)


def encrypted(path, canary):
    npz(x=npy(head(), bytes(1568)))(path, canary)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b'PK\x03\x04', 6), (b'PK\x01\x02', 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(content)


ARCHIVES = {
    'objects that run code': saved(
        lambda canary: {'x': np.array([Touch(canary)], dtype=object)}
    ),
    'ids that run code': saved(
        lambda canary: {
            'x': np.zeros((1, 28, 56), np.uint8),
            'id': np.array([Touch(canary)], dtype=object),
        }
    ),
    'a record with objects': npz(x=npy(head(descr="[('a', '|O'), ('b', '<i4')]"))),
    'a header that is code': npz(x=npy("__import__('os').system('touch canary')")),
    'a header of names': npz(x=npy("{'descr': os.system, 'shape': (1,)}")),
    'a header in a header': npz(x=npy('(' * 5000)),
    'a header of 4 GB': npz(x=b'\x93NUMPY\x02\x00\xff\xff\xff\xff' + b' ' * 99),
    'a header with a huge power': npz(x=npy(head('(9**9**9,)'))),
    'a header of a million spaces': npz(x=npy(head() + ' ' * 10**6)),
    'a shape of 10**18': npz(x=npy(head('(1000000000, 1000000000)'))),
    'a shape of less than nothing': npz(x=npy(head('(-1, 28, 56)'))),
    'a shape of text': npz(x=npy(head("('1', 28, 56)"))),
    'texts of 2 GB each': npz(x=npy(head('(4,)', "'|S2147483647'"))),
    'a dtype within dtypes': npz(x=npy(head(descr="('" * 200 + 'u1' + "',)" * 200))),
    'version 9 of the format': npz(x=b'\x93NUMPY\x09\x09' + bytes(64)),
    'a pickle as a member': npz(x=pickle.dumps([1, 2])),
    'names that leave the folder': zip_slip,
    'a bomb of 512 MB': bomb,
    'sizes that lie': lying_sizes,
    'an encrypted member': encrypted,
    'a pickle': lambda path, canary: path.write_bytes(pickle.dumps(Touch(canary))),
    'a plain npy': lambda path, canary: save_npy(path, np.zeros(3)),
    'an npy of objects': lambda path, canary: save_npy(
        path, np.array([Touch(canary)], dtype=object)
    ),
    'an empty archive': lambda path, canary: path.write_bytes(
        b'PK\x05\x06' + bytes(18)
    ),
}


@pytest.mark.parametrize('reader', ['pairs', 'digits', 'source_digits'])
@pytest.mark.parametrize('name', ARCHIVES)
def test_archives_of_arrays(assert_refused, tmp_path, canary, name, reader):
    path = tmp_path / 'train.npz'
    ARCHIVES[name](path, canary)
    assert_refused(reader, path)


def test_a_gzip_bomb_of_digits(assert_refused, tmp_path):
    import gzip

    shape = struct.pack('>III', 2**20, 28, 28)
    content = b'\0\0\x08\x03' + shape + bytes(2**24)
    path = tmp_path / 'a-images-idx3-ubyte.gz'
    path.write_bytes(gzip.compress(content, 1))
    (tmp_path / 'a-labels-idx1-ubyte.gz').write_bytes(gzip.compress(b'\0\0\x08\x01'))
    assert 'truncated' in assert_refused('digits', path)


def safetensors(header, content=b'', size=None):
    body = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack('<Q', len(body) if size is None else size) + body + content


def tensor(dtype='F32', shape=(1,), offsets=(0, 4)):
    return {'dtype': dtype, 'shape': shape, 'data_offsets': offsets}


def with_texts(**texts):
    metadata = {'ocec': json.dumps(list(texts))}
    metadata |= {f'ocec.{key}': text for key, text in texts.items()}
    return safetensors({'__metadata__': metadata, 'w': tensor()}, bytes(4))


SAFETENSORS = {
    'a header of 16 EB': safetensors(b'{}', size=2**64 - 1),
    'a header of 1 GB': safetensors(b'{}', size=2**30),
    'no header': b'\0\0\0',
    'no text': safetensors(b'\xff' * 16),
    'nested 100,000 times': safetensors(b'{"a":' * 100_000),
    'a tensor of 2**64 numbers': safetensors({'w': tensor(shape=(2**32, 2**32))}),
    'a tensor beyond the end': safetensors({'w': tensor(shape=(9,), offsets=(0, 36))}),
    'offsets that go back': safetensors({'w': tensor(offsets=(4, 0))}, bytes(4)),
    'tensors over each other': safetensors({'a': tensor(), 'b': tensor()}, bytes(4)),
    'a hole': safetensors({'w': tensor(offsets=(4, 8))}, bytes(8)),
    'numbers of no type': safetensors({'w': tensor('PICKLE')}, bytes(4)),
    'a pickle': pickle.dumps({'w': 1}),
    'texts nested 100,000 times': with_texts(meta='[' * 100_000),
    'a tensor that is not there': with_texts(meta='{"$tensor": "os.system"}'),
    'a key that cannot be one': with_texts(meta='{"$dict": [[[1], 2]]}'),
    'pairs that are none': with_texts(meta='{"$dict": [[1]]}'),
    'a tuple of nothing': with_texts(meta='{"$tuple": 3}'),
    'a number that is none': with_texts(meta='{"$float": "9**9"}'),
}


@pytest.mark.parametrize('name', SAFETENSORS)
def test_safetensors(assert_refused, tmp_path, name):
    path = tmp_path / 'eyes.safetensors'
    path.write_bytes(SAFETENSORS[name])
    assert_refused('checkpoint', path)


def repacked(path, canary):
    """All members of a checkpoint packed, one of them with 4 MB of zeros."""
    torch.save({'w': torch.zeros(4)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            size = 2**22 if name.endswith('data/0') else 0
            archive.writestr(name, content + bytes(size))


def scripted(path, canary):
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), path)


def save(make):
    return lambda path, canary: torch.save(make(canary), path)


def laughs(canary):
    value = [0]
    for _ in range(60):
        value = [value, value]
    return {'meta': value}


def endless(canary):
    value = []
    value.append(value)
    return {'meta': value}


CHECKPOINTS = {
    'packed zeros': repacked,
    'a program of TorchScript': scripted,
    'a number seen as 4 TB': save(
        lambda canary: {'state_dict': {'w': torch.zeros(1).expand(2**20, 2**20)}}
    ),
    '2**60 lists by reference': save(laughs),
    'a list that holds itself': save(endless),
    'an object that runs code': save(lambda canary: {'meta': Touch(canary)}),
    'a module': save(lambda canary: torch.nn.Linear(1, 1)),
    'a list': save(lambda canary: [1, 2]),
    'a number': save(lambda canary: 3),
    'an array of numpy': save(lambda canary: {'w': np.zeros(3)}),
    'a zip of something else': zip_slip,
    'an empty archive': lambda path, canary: path.write_bytes(
        b'PK\x05\x06' + bytes(18)
    ),
    'an archive of tar': lambda path, canary: path.write_bytes(
        b'pickle' + bytes(94) + b'0000644\0' + bytes(149) + b'ustar\0' + bytes(1000)
    ),
}


@pytest.mark.parametrize('name', CHECKPOINTS)
def test_checkpoints(assert_refused, tmp_path, canary, name):
    path = tmp_path / 'eyes.pth'
    CHECKPOINTS[name](path, canary)
    assert_refused('checkpoint', path)


CONFIGS = {
    'an import': 'import os\nmodel = dict(type="A")',
    'a call': 'model = __import__("os").system("touch canary")',
    'a call in a default': 'model = (lambda x=open("canary", "w"): x)()',
    'a comprehension': 'model = [x for x in ().__class__.__base__.__subclasses__()]',
    'an attribute': 'model = dict.__base__',
    'a text with a value in it': "model = f\"{open('canary', 'w')}\"",
    'a decorator': '@print\nclass A: pass',
    'an assignment in an expression': 'model = (a := 3)',
    'a template': 'model = "{{ fileDirname }}"',
    'an environment variable': 'model = "{{$HOME:x}}"',
    'another file': '_base_ = ["/etc/passwd"]',
    'imports by a setting': 'custom_imports = dict(imports=["os"])',
    'a function as a type': 'model = dict(type="os.system", command="touch canary")',
    'a function within': 'model = dict(a=[dict(type="subprocess.getoutput", cmd="x")])',
    'a function under another key': 'model = dict(b=dict(ema_type="os.system"))',
    'a type by a key of a dict': 'model = {"type": "builtins.eval"}',
    'a name of a private class': 'model = dict(type="mmengine.registry.utils")',
    'a text in pieces': 'model = dict(type="os." "system")',
    'nested 1,000 times': 'model = ' + '[' * 1000 + ']' * 1000,
    'minus 100,000 times': 'model = ' + '-' * 100_000 + '1',
    'a power': 'model = 9 ** 9 ** 9',
    'a text times a number': 'model = "a" * 10 ** 10',
    'a null byte': 'model = 1\0',
    'a star': 'model = [*open("canary", "w")]',
    'del': 'del print',
    'nothing at all': '   ',
}


@pytest.mark.parametrize('name', CONFIGS)
def test_configs_in_checkpoints(assert_refused, tmp_path, name):
    path = tmp_path / 'eyes.pth'
    torch.save({'state_dict': {}, 'meta': {'cfg': CONFIGS[name]}}, path)
    assert_refused('stored_config', path)
    assert not (tmp_path / 'config.py').exists()


@pytest.mark.parametrize('meta', [None, 3, [], 'cfg', {'cfg': 3}, {'cfg': ['a']}])
def test_a_meta_of_another_kind(assert_refused, tmp_path, meta):
    path = tmp_path / 'eyes.pth'
    torch.save({'state_dict': {}, 'meta': meta}, path)
    assert 'holds no config' in assert_refused('stored_config', path)


def external(location):
    one = TensorProto(name='w', dims=[1], data_type=TensorProto.FLOAT)
    one.data_location = TensorProto.EXTERNAL
    entry = one.external_data.add()
    entry.key, entry.value = 'location', location
    return one


def model_with(nodes=(), initializers=(), card=None):
    image = helper.make_tensor_value_info('images', TensorProto.FLOAT, [1, 3, 8, 8])
    found = helper.make_tensor_value_info('prob_open', TensorProto.FLOAT, [1, 3, 8, 8])
    relu = helper.make_node('Relu', ['images'], ['prob_open'])
    graph = helper.make_graph(
        [*nodes, relu], 'g', [image], [found], initializer=list(initializers)
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)])
    model.ir_version = 8
    if card is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = 'ocec', card
    return model


def constant(name, *numbers):
    value = helper.make_tensor(name, TensorProto.INT64, [len(numbers)], numbers)
    return helper.make_node('Constant', [], [name], value=value)


def filling(kind):
    size = constant('size', 10**5, 10**5)
    if kind == 'ConstantOfShape':
        return [size, helper.make_node(kind, ['size'], ['huge'])]
    one = helper.make_node('Constant', [], ['one'], value_float=1.0)
    return [size, one, helper.make_node('Expand', ['one', 'size'], ['huge'])]


LOCATIONS = {
    'a file above': '../../../../etc/passwd',
    'an absolute path': '/etc/passwd',
    'a link': 'link.bin',
    'a file beside it': 'weights.bin',
    'the memory': '/proc/self/mem',
    'a name with dots': './a/../../secret.bin',
}
CARD = {
    'input': 'resized',
    'dtype': 'float32',
    'layout': 'NCHW',
    'image_size': [8, 8],
    'normalized_inside': True,
    'mean': [0, 0, 0],
    'std': [1, 1, 1],
    'task': 'eye',
    'format': 1,
}
GOOD = json.dumps(CARD)


def card(**changes):
    return json.dumps(CARD | changes)


MODELS = {
    **{
        f'weights in {what}': model_with(initializers=[external(place)], card=GOOD)
        for what, place in LOCATIONS.items()
    },
    'a constant in another file': model_with(
        [helper.make_node('Constant', [], ['c'], value=external('/etc/passwd'))],
        card=GOOD,
    ),
    'a value of 10**10 zeros': model_with(filling('ConstantOfShape'), card=GOOD),
    'a value of 10**10 ones': model_with(filling('Expand'), card=GOOD),
    'random numbers': model_with(
        [helper.make_node('RandomNormal', [], ['r'], shape=[10**5, 10**5])], card=GOOD
    ),
    'an operation of nobody': model_with(
        [helper.make_node('System', ['images'], ['x'], domain='os')], card=GOOD
    ),
    'a loop through itself': model_with(
        [helper.make_node('Add', ['a', 'a'], ['a'])], card=GOOD
    ),
}
CARDS = {
    'nested 100,000 times': '[' * 100_000,
    'a list': '[]',
    'text': 'nothing',
    'no fields': '{"task": "eye", "format": 1}',
    'a size of text': card(image_size='ab'),
    'a size of nothing': card(image_size=None),
    'a size of less than nothing': card(image_size=[-8, -8]),
    'a mean of text': card(mean='abc', std='abc'),
    'a deviation of 0': card(std=[0, 0, 0]),
    'a threshold of text': card(threshold='high'),
    'a threshold that is none': card(threshold=float('nan')),
    'a task of a list': card(task=[]),
    'an interpolation of nobody': card(dtype='object'),
}


def with_link(tmp_path):
    (tmp_path / 'secret.bin').write_bytes(bytes(4))
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data' / 'link.bin').symlink_to(tmp_path / 'secret.bin')
    (tmp_path / 'data' / 'weights.bin').write_bytes(bytes(4))
    return tmp_path / 'data' / 'eye.onnx'


@pytest.mark.parametrize('reader', ['onnx', 'deim', 'yunet'])
@pytest.mark.parametrize('name', MODELS)
def test_models(assert_refused, read, tmp_path, name, reader):
    path = with_link(tmp_path)
    path.write_bytes(MODELS[name].SerializeToString())
    if reader == 'yunet':
        read(reader, path)  # OpenCV may take it; it opens nothing
    else:
        assert_refused(reader, path)


@pytest.mark.parametrize('name', CARDS)
def test_what_models_say_of_themselves(assert_refused, tmp_path, name):
    path = tmp_path / 'eye.onnx'
    path.write_bytes(model_with(card=CARDS[name]).SerializeToString())
    assert_refused('onnx', path)


BYTES = {
    'nothing': b'',
    'zeros': bytes(1000),
    'groups without end': b'\x0b' * 100_000,
    'a graph in a graph': b'\x3a\x80\x80\x80\x80\x01' * 1000,
    'a length of 2**63': b'\x3a' + b'\xff' * 8 + b'\x7f',
    'a pickle': pickle.dumps([1]),
    'cut off': MODELS['a value of 10**10 zeros'].SerializeToString()[:-40],
}


@pytest.mark.parametrize('reader', ['onnx', 'deim', 'yunet'])
@pytest.mark.parametrize('name', BYTES)
def test_what_is_no_model(assert_refused, tmp_path, name, reader):
    path = tmp_path / 'eye.onnx'
    path.write_bytes(BYTES[name])
    assert_refused(reader, path)


def test_the_models_are_sound_but_for_what_is_hostile():
    # else the refusals above would prove nothing
    onnx.checker.check_model(model_with(card=GOOD))
