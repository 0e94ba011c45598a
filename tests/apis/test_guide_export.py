import shlex
from pathlib import Path

from ocec.apis.guide_export import export_by_guide, tool_call
from ocec.apis.guide_export_settings import GuideExport
from ocec.export.onnx_metadata import read_metadata


def test_call_of_the_tool():
    settings = GuideExport(
        checkpoint='a b.pth', output='eye.onnx', data='eyes', no_parity=True
    )
    _, tool, *words = shlex.split(tool_call(settings))
    assert Path(tool).name == 'export_onnx.py'
    assert words == [
        *('a b.pth', '--out', 'eye.onnx', '--opset', '17'),
        *('--data', 'eyes', '--no-parity'),
    ]


def test_command_exports(make_member, own_data, tmp_path, capsys):
    checkpoint = str(make_member(own_data))
    out = tmp_path / 'eye.onnx'
    settings = GuideExport(checkpoint=checkpoint, output=str(out), no_parity=True)
    result = export_by_guide(settings)
    assert result.files == {'fp32': out}
    assert read_metadata(out).parity == 'not checked'
    told = capsys.readouterr().out
    assert f'The same with the tool:\n{tool_call(settings)}\n\n' in told
