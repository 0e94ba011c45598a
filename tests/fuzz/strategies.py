"""Inputs for Hypothesis: sound ones with changed bytes, and programs of pickles."""

import pickletools
import struct

from hypothesis import strategies as st
from targets import seeds


@st.composite
def changed(draw, name):
    """A sound input, of which some pieces are replaced, cut out or put in twice."""
    content = bytearray(draw(st.sampled_from(seeds(name))))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([0, 1, 1, 2, 4, 8, 64, 1000]))
        piece = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    [b'\xff' * 4, b'\xff' * 8, bytes(8), b'\x7f', b'[' * 99]
                ),
                st.just(bytes(content[start : start + 32] * 2)),
            )
        )
        content[start : start + length] = piece
    return bytes(content)


@st.composite
def programs(draw):
    """A pickle of any operations with any arguments."""
    parts = [b'\x80', bytes([draw(st.integers(0, 6))])]
    for operation in draw(st.lists(st.sampled_from(pickletools.opcodes), max_size=30)):
        parts += [operation.code.encode('latin1'), draw(_argument(operation))]
    return b''.join(parts) + b'.'


def _argument(operation):
    if operation.arg is None:
        return st.just(b'')
    size = operation.arg.n
    if size > 0:
        return st.one_of(
            st.binary(min_size=size, max_size=size),
            st.integers(0, 5).map(lambda n: n.to_bytes(size, 'little')),
        )
    if size == pickletools.UP_TO_NEWLINE:
        names = [
            b'1\n',
            b'os\nsystem\n',
            b'numpy\ndtype\n',
            b'collections\nOrderedDict\n',
        ]
        return st.one_of(st.sampled_from(names), st.binary(max_size=8))
    form = {-2: '<B', -3: '<i', -4: '<I', -5: '<Q'}.get(size, '<I')
    texts = st.one_of(
        st.sampled_from([b'os', b'system', b'f2', b'latin1']), st.binary()
    )
    return texts.map(lambda text: struct.pack(form, len(text)) + text)
