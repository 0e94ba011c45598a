"""Pickles that try to run code, as annotations and as checkpoints."""

import io
import pickle
import struct
import zipfile

import joblib
import numpy as np
import pytest
import torch

P2, P4 = b'\x80\x02', b'\x80\x04'
STOP = b'.'


def text(value):
    """Push a text: BINUNICODE."""
    content = value.encode()
    return b'X' + struct.pack('<I', len(content)) + content


def name(module, attribute):
    """Push what a file names: GLOBAL."""
    return f'c{module}\n{attribute}\n'.encode()


def stack_name(module, attribute):
    """Push what a file names: STACK_GLOBAL."""
    return text(module) + text(attribute) + b'\x93'


def call(function, *arguments):
    """Push the result of a call: a tuple and REDUCE."""
    return function + b'(' + b''.join(arguments) + b'tR'


def shell(canary):
    return f'touch {canary}'


def python(canary):
    return f'open({str(canary)!r}, "w")'


SHELLS = [
    *(('os', 'system'), ('posix', 'system'), ('nt', 'system'), ('os', 'popen')),
    *(('subprocess', 'getoutput'), ('subprocess', 'getstatusoutput')),
    *(('pty', 'spawn'), ('commands', 'getoutput'), ('popen2', 'popen2')),
    ('multiprocessing.util', 'spawnv_passfds'),
    ('torch.utils.collect_env', 'run'),
    (
        'torch.distributed.elastic.multiprocessing.subprocess_handler',
        'SubprocessHandler',
    ),
]
PYTHONS = [
    *(('builtins', 'eval'), ('builtins', 'exec'), ('__builtin__', 'eval')),
    *(('__builtin__', 'execfile'), ('timeit', 'timeit'), ('cProfile', 'run')),
    *(('profile', 'run'), ('pdb', 'run'), ('bdb', 'Bdb.run'), ('trace', 'Trace.run')),
    *(('code', 'InteractiveInterpreter.runcode'), ('doctest', 'debug_script')),
    *(('numpy.testing._private.utils', 'runstring'), ('numpy.f2py', 'compile')),
    *(('torch._dynamo.guards', 'eval'), ('torch.fx.graph_module', '_exec_with_source')),
    *(('mmengine.config', 'Config.fromstring'), ('ast', 'literal_eval')),
    *(('lib2to3.pgen2.grammar', 'eval'), ('pydoc', 'pipepager')),
]
FILES = [
    *(('numpy', 'load'), ('numpy', 'fromfile'), ('numpy', 'memmap'), ('io', 'open')),
    *(('torch', 'load'), ('torch.serialization', 'load'), ('torch.jit', 'load')),
    *(('torch.hub', 'load'), ('torch.utils.cpp_extension', 'load'), ('joblib', 'load')),
    *(('runpy', 'run_path'), ('importlib', 'import_module'), ('imp', 'load_source')),
    *(('builtins', '__import__'), ('builtins', 'open'), ('shutil', 'rmtree')),
    *(('os', 'remove'), ('os', 'chmod'), ('webbrowser', 'open'), ('ctypes', 'CDLL')),
    *(('mmengine.config', 'Config.fromfile'), ('mmengine.fileio', 'load')),
    *(('urllib.request', 'urlopen'), ('logging.config', 'fileConfig')),
    *(('pickle', 'load'), ('shelve', 'open'), ('dill', 'load'), ('cv2', 'imread')),
    *(('onnxruntime', 'InferenceSession'), ('pyarrow', 'memory_map')),
]


def direct_calls(canary):
    listed = [(SHELLS, shell(canary)), (PYTHONS, python(canary)), (FILES, str(canary))]
    return {
        f'{module}.{attribute}': P2 + call(name(module, attribute), text(argument))
        for functions, argument in listed
        for module, attribute in functions
    }


def other_routes(canary):
    """One program for each operation that can lead to a call."""
    system, command = name('os', 'system'), text(shell(canary))
    nested = pickle.dumps(shell(canary))
    getattr_ = name('builtins', 'getattr')
    importing = call(name('builtins', '__import__'), text('os'))
    frames = b'\x8c\x01a'
    return {
        'STACK_GLOBAL': P4 + call(stack_name('os', 'system'), command),
        'STACK_GLOBAL with dots': P4 + call(stack_name('torch', 'os.system'), command),
        'STACK_GLOBAL, dots in the module': P4
        + call(stack_name('numpy.f2py.os', 'system'), command),
        'STACK_GLOBAL through an allowed name': P4
        + call(stack_name('collections', 'OrderedDict.__init__.__globals__'), command),
        'GLOBAL with dots': P2 + call(name('numpy', 'ndarray.tofile'), command),
        'GLOBAL with blanks': P2 + call(name(' os', 'system '), command),
        'GLOBAL of a private name': P2 + call(name('collections', '_sys'), command),
        'INST': P2 + b'(' + command + b'ios\nsystem\n',
        'OBJ': P2 + b'(' + system + command + b'o',
        'NEWOBJ': P2 + name('subprocess', 'Popen') + command + b'\x85\x81',
        'NEWOBJ_EX': P4 + name('subprocess', 'Popen') + command + b'\x85}\x92',
        'EXT1': P2 + call(b'\x82\xf0', command),
        'EXT2': P2 + call(b'\x83\xf0\x00', command),
        'EXT4': P2 + call(b'\x84\xf0\x00\x00\x00', command),
        'PERSID': P2 + b'Pos.system\n',
        'BINPERSID of a name': P2 + system + command + b'\x86Q',
        'BINPERSID as a storage': P2
        + b'('
        + text('storage')
        + system
        + text('0')
        + text('cpu')
        + b'K\x01tQ',
        'getattr of a module': P2
        + call(call(getattr_, importing, text('system')), command),
        'getattr of a class': P2
        + call(getattr_, name('collections', 'OrderedDict'), text('__subclasses__')),
        'operator.attrgetter': P2
        + call(call(name('operator', 'attrgetter'), text('system')), importing),
        'operator.methodcaller': P2
        + call(name('operator', 'methodcaller'), text('system'), command),
        'functools.partial': P2
        + call(call(name('functools', 'partial'), system), command),
        'builtins.map': P2
        + call(name('builtins', 'list'), call(name('builtins', 'map'), system)),
        'copyreg._reconstructor': P2
        + call(name('copyreg', '_reconstructor'), name('subprocess', 'Popen'), b'N'),
        'copyreg.__newobj__': P2
        + call(name('copyreg', '__newobj__'), name('subprocess', 'Popen'), command),
        'copyreg.add_extension': P2
        + call(name('copyreg', 'add_extension'), text('os'), text('system'), b'K\x01'),
        'types.FunctionType': P2 + call(name('types', 'FunctionType'), command),
        'marshal.loads': P2 + call(name('marshal', 'loads'), command),
        'pickle.loads': P2
        + call(name('pickle', 'loads'), text(nested.decode('latin1'))),
        'torch.storage._load_from_bytes': P2
        + call(name('torch.storage', '_load_from_bytes'), command),
        'numpy dtype with metadata': P2
        + call(name('numpy', 'dtype'), text('V'), system),
        'array of another class': P2
        + call(
            name('numpy._core.multiarray', '_reconstruct'),
            name('subprocess', 'Popen'),
            b'K\x00\x85',
            text('b'),
        ),
        'BUILD of a name': P2 + system + b'}' + text('__code__') + command + b'sb',
        'BUILD of a dict': P2 + b'}}' + text('__class__') + system + b'sb',
        'BUILD of OrderedDict': P2
        + name('collections', 'OrderedDict')
        + b')R}'
        + text('__reduce__')
        + system
        + b'sb',
        'memo put over an allowed name': P2
        + name('numpy', 'dtype')
        + b'q\x000'
        + system
        + b'q\x000'
        + call(b'h\x00', command),
        'LONG_BINPUT and LONG_BINGET': P2
        + system
        + b'r\xff\xff\xff\x0f0'
        + call(b'j\xff\xff\xff\x0f', command),
        'MEMOIZE': P4 + stack_name('os', 'system') + b'\x940' + call(b'h\x00', command),
        'left on the stack': P2 + call(system, command) + b'0}',
        'thrown away by POP_MARK': P2 + b'(' + call(system, command) + b'1}',
        'key of a dict': P2 + b'}' + call(system, command) + b'Ns',
        'item of a list': P2 + b'](' + call(system, command) + b'e',
        'DUP': P2 + system + b'2' + command + b'\x85R',
        'within a frame': P4
        + b'\x95'
        + struct.pack('<Q', len(frames))
        + frames
        + call(system, command),
        'second PROTO': P2 + P4 + call(system, command),
        'after STOP': P2 + b'}' + STOP + call(system, command),
        'protocol 0': call(system, b'V' + shell(canary).encode() + b'\n'),
        'protocol 1': call(system, command),
        'protocol 255': b'\x80\xff' + call(system, command),
    }


def bombs():
    """Small programs that ask for memory or time."""
    rebuild = name('torch._utils', '_rebuild_tensor_v2')
    storage = (
        b'('
        + text('storage')
        + name('torch', 'FloatStorage')
        + text('0')
        + text('cpu')
        + b'\x8a\x08'
        + struct.pack('<q', 2**40)
        + b'tQ'
    )
    return {
        'bytes of 8 EB': P4 + b'\x8e' + struct.pack('<Q', 2**63 - 1),
        'text of 8 EB': P4 + b'\x8d' + struct.pack('<Q', 2**63 - 1),
        'text of 4 GB': P2 + b'X\xff\xff\xff\xff',
        'bytearray of 8 EB': b'\x80\x05\x96' + struct.pack('<Q', 2**63 - 1),
        'frame of 16 EB': P4 + b'\x95' + b'\xff' * 8,
        'number of 2 GB': P2 + b'\x8b\xff\xff\xff\x7f',
        'number of less than nothing': P2 + b'\x8b\xff\xff\xff\xff',
        'memo of 4 billion': P2 + b'}r\xff\xff\xff\xff' + b'j\xfe\xff\xff\xff',
        '100,000 marks': P2 + b'(' * 10**5,
        '100,000 lists in each other': P2 + b']' * 10**5 + b'a' * (10**5 - 1),
        '100,000 tuples in each other': P2 + b')' + b'\x85' * 10**5,
        'a list that holds itself': P2 + b']q\x00h\x00a',
        '2**60 items by reference': P2 + b'](K\x01e' + b'q\x00]h\x00ah\x00a' * 60,
        'calls bytearray': P2
        + call(name('builtins', 'bytearray'), b'J\xff\xff\xff\x7f'),
        'calls a tensor of 8 TB': P2
        + call(
            name('torch', 'DoubleTensor'), b'\x8a\x06' + struct.pack('<q', 2**40)[:6]
        ),
        'a storage of 4 TB': P2 + storage,
        'a tensor beyond its storage': P2
        + call(rebuild, storage, b'K\x00', b'\x8a\x05\x00\x00\x00\x00\x01\x85'),
        'a codec': P2
        + call(name('_codecs', 'encode'), text('a' * 9), text('zip_codec')),
        'a dtype of 2 GB': P2 + call(name('numpy', 'dtype'), text('S2147483647')),
        'an array of -1': P2
        + call(name('numpy', 'ndarray'), b'J\xff\xff\xff\xff\x85', text('O')),
    }


CANARY = 'canary'
# the programs are made again for the folder of the test; here only their names count
NAMES = [*direct_calls(CANARY), *other_routes(CANARY), *bombs()]


@pytest.fixture
def program(request, canary):
    made = {**direct_calls(canary), **other_routes(canary), **bombs()}
    return made[request.param] + STOP


def as_zip(path, program):
    """As torch saves today: the pickle is a member of an archive."""
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', program)
        archive.writestr('archive/version', '3\n')
        archive.writestr('archive/byteorder', 'little')
        archive.writestr('archive/data/0', b'\0' * 8)
    return path


def as_legacy(path, program):
    """As torch saved before: pickles in a row."""
    head = io.BytesIO()
    for value in (
        torch.serialization.MAGIC_NUMBER,
        torch.serialization.PROTOCOL_VERSION,
        {'little_endian': True, 'protocol_version': 1001, 'type_sizes': {}},
    ):
        pickle.dump(value, head, 2)
    path.write_bytes(head.getvalue() + program + pickle.dumps([], 2))
    return path


@pytest.mark.parametrize('program', NAMES, indirect=True)
def test_annotations(assert_refused, tmp_path, program):
    path = tmp_path / 'clips.pkl'
    path.write_bytes(program)
    assert_refused('annotations', path)


# what torch itself takes for data: it may be loaded, and nothing else happens
HARMLESS = {'ast.literal_eval'}


@pytest.mark.parametrize('write', [as_zip, as_legacy])
@pytest.mark.parametrize('program', NAMES, indirect=True)
def test_checkpoints(assert_refused, read, tmp_path, write, program, request):
    path = write(tmp_path / 'eyes.pth', program)
    if 'after STOP' in request.node.name:
        assert write is as_legacy or read('checkpoint', path)['value'] == '{}'
        return
    assert_refused('checkpoint', path)


def test_an_archive_of_joblib_is_no_annotation(assert_refused, tmp_path):
    for compress in (0, 3):
        path = tmp_path / f'clips{compress}.pkl'
        joblib.dump({'annotations': [np.zeros(100)]}, path, compress=compress)
        assert_refused('annotations', path)
        assert_refused('checkpoint', path)
