import base64
import gzip
import json
import sys
from pathlib import Path

import pytest

from ocec.apis.demo_page_runtime import (
    BINARY,
    SCRIPT,
    VERSION,
    find_runtime,
    load_programs,
    pack,
    read_runtime,
)
from ocec.apis.errors import ConfigError

ROOT = Path(__file__).parents[2]


def make_package(folder, version='9.8.7'):
    (folder / 'dist').mkdir(parents=True)
    (folder / 'package.json').write_text(json.dumps({'version': version}))
    script = b'export const a = 1;\n//# sourceMappingURL=ort.wasm.bundle.min.mjs.map\n'
    (folder / SCRIPT).write_bytes(script)
    (folder / BINARY).write_bytes(b'\0asm')
    return folder


def unpack(text):
    return gzip.decompress(base64.b64decode(text))


def test_pack_is_gzip_in_base64():
    content = bytes(range(256)) * 9
    assert unpack(pack(content)) == content
    assert pack(content) == pack(content)


def test_files_of_the_package(tmp_path):
    folder = make_package(tmp_path / 'web')
    script, binary, version = read_runtime(folder)
    # nothing must look for the map of the script beside the page
    assert script == b'export const a = 1;\n'
    assert binary == b'\0asm'
    assert version == '9.8.7'
    programs = load_programs(folder)
    assert programs.version == version
    names = ['runtime-script', 'runtime-binary', 'plotly']
    assert list(programs.packed) == names
    assert unpack(programs.packed['runtime-binary']) == binary
    assert b'plotly.js' in unpack(programs.packed['plotly'])[:500]


def test_places_in_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'prefix', str(tmp_path / 'env'))
    here = tmp_path / 'here'
    here.mkdir()
    monkeypatch.chdir(here)
    with pytest.raises(ConfigError, match='npm install --prefix .* or name its folder'):
        find_runtime()
    make_package(here / 'node_modules/onnxruntime-web')
    assert find_runtime() == Path('node_modules/onnxruntime-web')
    env = make_package(tmp_path / 'env/web/node_modules/onnxruntime-web')
    assert find_runtime() == env
    # the folder of an npm project will do, too
    assert find_runtime(here) == here / 'node_modules/onnxruntime-web'


def test_folder_without_the_package(tmp_path):
    with pytest.raises(ConfigError, match=f'not found in .*onnxruntime-web@{VERSION}'):
        load_programs(tmp_path)


def test_package_that_is_not_whole(tmp_path):
    folder = make_package(tmp_path / 'web')
    (folder / BINARY).unlink()
    with pytest.raises(ConfigError, match=r'simd-threaded\.wasm is missing: install'):
        read_runtime(folder)
    (folder / BINARY).write_bytes(b'')
    (folder / 'package.json').write_text('[]')
    with pytest.raises(ConfigError, match='tells no version'):
        read_runtime(folder)


def test_version_is_that_of_the_requirements():
    pinned = json.loads((ROOT / 'requirements/web/package.json').read_text())
    assert pinned['dependencies'] == {'onnxruntime-web': VERSION}
