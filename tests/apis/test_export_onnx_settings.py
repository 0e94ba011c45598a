import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.export_onnx_settings import ExportSettings


@pytest.mark.parametrize(
    ('settings', 'dtypes'),
    [
        ({}, ('float32', 'float32')),
        ({'dtype': 'uint8'}, ('uint8', 'uint8')),
        ({'input': 'raw'}, ('uint8', 'float32')),
        ({'normalize': 'outside'}, ('float32', 'float32')),
    ],
)
def test_types_of_the_file_and_of_the_network(settings, dtypes):
    chosen = ExportSettings(**settings)
    assert (chosen.input_dtype, chosen.core_dtype) == dtypes


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'input': 'cut'}, r"--input must be one of \('resized', 'raw'\), got 'cut'"),
        ({'dtype': 'int8'}, '--dtype must be one of'),
        ({'exporter': 'x'}, '--exporter must be one of'),
        ({'precisions': ('fp8',)}, r"--precision must be of .*, got \('fp8',\)"),
        ({'precisions': ()}, r'--precision must be of .*, got \(\)'),
        ({'opset': 9}, '--opset must be in 15 to 23, got 9'),
        ({'input': 'raw', 'opset': 15}, '--input raw needs --opset 16 or more'),
        ({'batch': 0}, '--batch must be >= 1, got 0'),
        ({'max_drop': -1}, r'--max-drop must be in \[0, 1\], got -1'),
        ({'repeats': 0}, '--max-images must be >= 0 and --repeats >= 1'),
        ({'input': 'raw', 'normalize': 'outside'}, 'leave out --normalize outside'),
        ({'normalize': 'outside', 'dtype': 'uint8'}, 'normalised pixels are no uint8'),
        ({'precisions': ('int8',), 'parity': False}, 'so --no-parity cannot be'),
    ],
)
def test_what_cannot_be_exported(settings, message):
    with pytest.raises(ConfigError, match=message):
        ExportSettings(**settings)
