"""Reads a pickle of plain data without running it.

A pickle is a small program. Of its operations this reader knows those that put together
numbers, text, bytes, lists, tuples, dicts and NumPy arrays of numbers or text. What a
file names is compared with a short list and never called, so a pickle from anywhere can
do no more than be refused.
"""

from __future__ import annotations

import mmap
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ocec.datasets.pickle_array import PickleError, array_of_bytes, checked_code

# first number of a protocol whose operations are known: 0 and 1 write numbers as text
OLDEST_PROTOCOL, NEWEST_PROTOCOL = 2, 5
_MULTIARRAY = ('numpy.core.multiarray', 'numpy._core.multiarray')
_NUMERIC = ('numpy.core.numeric', 'numpy._core.numeric')
_KNOWN_NAMES = {
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
    ('_codecs', 'encode'),
    # protocol 2 writes no bytes, and empty ones so
    ('__builtin__', 'bytes'),
    *((module, name) for module in _MULTIARRAY for name in ('_reconstruct', 'scalar')),
    *((module, '_frombuffer') for module in _NUMERIC),
}


@dataclass(frozen=True)
class _Name:
    """What a file names, e.g. ``numpy.dtype``."""

    name: str


@dataclass
class _Unfinished:
    """An array, or a dtype, without its content; ``keys`` are those of the memo."""

    code: str | None = None
    keys: list[int] = field(default_factory=list)


def read_pickle(path: str | Path) -> Any:
    """Read a pickle of numbers, text, lists, tuples, dicts and NumPy arrays.

    Nothing in it is executed or imported. Sizes that the file declares are compared
    with what is there before memory is taken.

    Args:
        path: file of pickle protocol 2 to 5.

    Returns:
        What it holds. The arrays are read-only views of the file, bytes are
        memoryviews.

    Raises:
        FileNotFoundError: there is no such file.
        PickleError: it is cut off, damaged, or holds anything else, such as code or
            arrays of objects.
    """
    path = Path(path)
    with open(path, 'rb') as stream:
        if path.stat().st_size == 0:
            raise PickleError(f'{path}: the file is empty')
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    reader = _Reader(memoryview(mapped))
    try:
        return reader.read()
    except PickleError as error:
        raise PickleError(f'{path}: {error}') from error
    except (LookupError, TypeError, ValueError, OverflowError, struct.error) as error:
        raise PickleError(
            f'{path}: no pickle, or damaged at byte {reader.position:,}: {error}'
        ) from error


class _Reader:
    """A stack machine with the operations of ``_OPERATIONS``."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.position = 0
        self.stack: list = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def read(self) -> Any:
        data, operations = self.data, _OPERATIONS
        if data[0] != 0x80 or not OLDEST_PROTOCOL <= data[1] <= NEWEST_PROTOCOL:
            raise PickleError(
                'does not begin as a pickle of protocol '
                f'{OLDEST_PROTOCOL} to {NEWEST_PROTOCOL}'
            )
        while True:
            if self.position >= len(data):
                raise PickleError(f'cut off after {len(data):,} bytes')
            code = data[self.position]
            self.position += 1
            if code == ord('.'):
                return self.stack.pop()
            operation = operations.get(code)
            if operation is None:
                raise PickleError(
                    f'{_operation_name(code)} at byte {self.position - 1:,} does not '
                    'belong to plain data; nothing of the file was executed'
                )
            operation(self)

    def take(self, size: int) -> memoryview:
        start, end = self.position, self.position + size
        if end > len(self.data):
            raise PickleError(
                f'cut off: {size:,} bytes are declared at byte {start:,}, '
                f'{len(self.data) - start:,} are left'
            )
        self.position = end
        return self.data[start:end]

    def number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), 'little', signed=signed)

    def text(self, size: int) -> str:
        return str(self.take(size), 'utf-8', 'surrogatepass')

    def line(self) -> str:
        start = self.position
        # names are short; a missing end of line must not copy the whole file
        end = bytes(self.data[start : start + 200]).find(b'\n')
        if end < 0:
            raise PickleError(f'a name at byte {start:,} does not end')
        self.position = start + end + 1
        return str(self.data[start : start + end], 'utf-8')

    def pop_to_mark(self) -> list:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def remember(self, key: int) -> None:
        value = self.stack[-1]
        self.memo[key] = value
        if type(value) is _Unfinished:
            value.keys.append(key)


def _operation_name(code: int) -> str:
    operation = pickletools.code2op.get(chr(code))
    return f'the operation {operation.name}' if operation else f'the byte {code}'


def _push_name(reader: _Reader, module: Any, name: Any) -> None:
    if not isinstance(module, str) or not isinstance(name, str):
        raise PickleError(f'a name at byte {reader.position:,} is no text')
    if (module, name) not in _KNOWN_NAMES:
        raise PickleError(
            f'it names {module[:80]}.{name[:80]}, which is no plain data; nothing of '
            'the file was executed'
        )
    reader.stack.append(_Name(name))


def _read_global(reader: _Reader) -> None:
    _push_name(reader, reader.line(), reader.line())


def _read_stack_global(reader: _Reader) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    _push_name(reader, module, name)


def _reduce(reader: _Reader) -> None:
    arguments, name = reader.stack.pop(), reader.stack.pop()
    match name, arguments:
        case _Name('_reconstruct'), (_Name('ndarray'), *_):
            value = _Unfinished()
        case _Name('dtype'), (str(code), *_):
            value = _Unfinished(checked_code(code))
        case _Name('scalar'), (np.dtype() as dtype, raw):
            value = array_of_bytes(dtype, (), raw)[()]
        case _Name('_frombuffer'), (raw, np.dtype() as dtype, tuple(shape), str(order)):
            value = array_of_bytes(dtype, shape, raw, is_fortran=order == 'F')
        case _Name('encode'), (str(text), 'latin1'):
            value = memoryview(text.encode('latin1'))
        case _Name('bytes'), ():
            value = memoryview(b'')
        case _:
            raise PickleError(
                f'a call at byte {reader.position - 1:,} does not belong to plain '
                'data; nothing of the file was executed'
            )
    reader.stack.append(value)


def _build(reader: _Reader) -> None:
    state, target = reader.stack.pop(), reader.stack.pop()
    match target, state:
        case _Unfinished(code=str(code)), (_, str(order), None, None, None, *_):
            value = np.dtype(checked_code(order + code.lstrip('<>|=')))
        case _Unfinished(code=None), (_, tuple(shape), np.dtype() as dtype, fortran, r):
            value = array_of_bytes(dtype, shape, r, is_fortran=bool(fortran))
        case _:
            raise PickleError(
                f'what is filled in at byte {reader.position - 1:,} is no array of '
                'numbers; nothing of the file was executed'
            )
    for key in target.keys:
        reader.memo[key] = value
    reader.stack.append(value)


def _append(reader: _Reader, items: list) -> None:
    target = reader.stack[-1]
    if type(target) is not list:
        raise PickleError(f'byte {reader.position - 1:,} appends to no list')
    target.extend(items)


def _set_items(reader: _Reader, items: list) -> None:
    target = reader.stack[-1]
    if type(target) is not dict or len(items) % 2:
        raise PickleError(f'byte {reader.position - 1:,} fills no dict')
    keys = items[::2]
    # tuples nested deep enough overrun the interpreter's own stack when hashed
    if not {type(key) for key in keys} <= {str, int}:
        raise PickleError(
            f'a dict at byte {reader.position - 1:,} has keys that are neither text '
            'nor whole numbers'
        )
    target.update(zip(keys, items[1::2], strict=True))


def _push(make: Callable[[_Reader], Any]) -> Callable[[_Reader], None]:
    def operation(reader: _Reader) -> None:
        reader.stack.append(make(reader))

    return operation


def _push_tuple(size: int) -> Callable[[_Reader], None]:
    def operation(reader: _Reader) -> None:
        if len(reader.stack) < size:
            raise PickleError(f'byte {reader.position - 1:,} finds no values')
        reader.stack[-size:] = [tuple(reader.stack[-size:])]

    return operation


# by the names of pickletools; the lists of the standard library's documentation
_BY_NAME: dict[str, Callable[[_Reader], None]] = {
    'PROTO': lambda r: r.take(1),
    'FRAME': lambda r: r.take(8),
    'MARK': lambda r: r.marks.append(len(r.stack)),
    'POP': lambda r: r.stack.pop(),
    'POP_MARK': lambda r: r.pop_to_mark(),
    'DUP': _push(lambda r: r.stack[-1]),
    'NONE': _push(lambda r: None),
    'NEWTRUE': _push(lambda r: True),
    'NEWFALSE': _push(lambda r: False),
    'BININT': _push(lambda r: r.number(4, signed=True)),
    'BININT1': _push(lambda r: r.number(1)),
    'BININT2': _push(lambda r: r.number(2)),
    'LONG1': _push(lambda r: r.number(r.number(1), signed=True)),
    'BINFLOAT': _push(lambda r: struct.unpack('>d', r.take(8))[0]),
    'SHORT_BINUNICODE': _push(lambda r: r.text(r.number(1))),
    'BINUNICODE': _push(lambda r: r.text(r.number(4))),
    'BINUNICODE8': _push(lambda r: r.text(r.number(8))),
    'SHORT_BINBYTES': _push(lambda r: r.take(r.number(1))),
    'BINBYTES': _push(lambda r: r.take(r.number(4))),
    'BINBYTES8': _push(lambda r: r.take(r.number(8))),
    'BYTEARRAY8': _push(lambda r: r.take(r.number(8))),
    'EMPTY_LIST': _push(lambda r: []),
    'EMPTY_DICT': _push(lambda r: {}),
    'EMPTY_TUPLE': _push(lambda r: ()),
    'APPEND': lambda r: _append(r, [r.stack.pop()]),
    'APPENDS': lambda r: _append(r, r.pop_to_mark()),
    'SETITEM': lambda r: _set_items(r, [r.stack.pop(-2), r.stack.pop()]),
    'SETITEMS': lambda r: _set_items(r, r.pop_to_mark()),
    'TUPLE': _push(lambda r: tuple(r.pop_to_mark())),
    'TUPLE1': _push_tuple(1),
    'TUPLE2': _push_tuple(2),
    'TUPLE3': _push_tuple(3),
    'MEMOIZE': lambda r: r.remember(len(r.memo)),
    'BINPUT': lambda r: r.remember(r.number(1)),
    'LONG_BINPUT': lambda r: r.remember(r.number(4)),
    'BINGET': _push(lambda r: r.memo[r.number(1)]),
    'LONG_BINGET': _push(lambda r: r.memo[r.number(4)]),
    'GLOBAL': _read_global,
    'STACK_GLOBAL': _read_stack_global,
    'REDUCE': _reduce,
    'BUILD': _build,
}
_OPERATIONS = {
    ord(code): _BY_NAME[operation.name]
    for code, operation in pickletools.code2op.items()
    if operation.name in _BY_NAME
}
