"""The programs inside a page: onnxruntime-web runs the model, plotly draws."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ocec.apis.errors import ConfigError

PACKAGE = 'onnxruntime-web'
VERSION = '1.30.0'
"""The version that is tested, as in ``requirements/web/package.json``."""

SCRIPT = 'dist/ort.wasm.bundle.min.mjs'
BINARY = 'dist/ort-wasm-simd-threaded.wasm'
INSTALL = f'npm install --prefix "{sys.prefix}/web" {PACKAGE}@{VERSION}'


@dataclass(frozen=True)
class Programs:
    """What a page needs to run a model and to draw a curve.

    Args:
        packed: name to text, see :func:`pack`.
        version: of onnxruntime-web.
    """

    packed: dict[str, str]
    version: str


def load_programs(folder: str | Path | None = None) -> Programs:
    """Read onnxruntime-web and plotly.js.

    Args:
        folder: of onnxruntime-web; without it, where npm puts it: below ``web`` in the
            Python environment, then in the current folder.

    Returns:
        The programs.

    Raises:
        ConfigError: onnxruntime-web is not there, or not whole.
        ImportError: plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ImportError(
            'the curve of the page needs plotly: pip install "ocec[report]"'
        ) from error
    script, binary, version = read_runtime(find_runtime(folder))
    programs = {
        'runtime-script': script,
        'runtime-binary': binary,
        'plotly': get_plotlyjs().encode(),
    }
    return Programs({name: pack(it) for name, it in programs.items()}, version)


def pack(content: bytes) -> str:
    """Encode bytes for a page, which unpacks them without asking the network.

    Args:
        content: any bytes.

    Returns:
        Base64 of the gzip; the same bytes give the same text.
    """
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def read_runtime(found: Path) -> tuple[bytes, bytes, str]:
    """Read the files of onnxruntime-web.

    Args:
        found: folder of the package.

    Returns:
        A JavaScript module, its WebAssembly, and the version.

    Raises:
        ConfigError: a file is missing or damaged.
    """
    files = [found / name for name in ('package.json', SCRIPT, BINARY)]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise ConfigError(f'{missing[0]} is missing: install {PACKAGE} anew: {INSTALL}')
    description, script, binary = (file.read_bytes() for file in files)
    try:
        version = str(json.loads(description)['version'])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f'{files[0]} tells no version') from error
    # a browser's tools would look for a file beside the page
    script = re.sub(rb'\n//# sourceMappingURL=\S+\s*$', b'\n', script)
    return script, binary, version


def find_runtime(folder: str | Path | None = None) -> Path:
    """Find the folder of onnxruntime-web.

    Args:
        folder: as in :func:`load_programs`.

    Returns:
        The folder that holds its ``package.json``.

    Raises:
        ConfigError: there is none; the message holds the command that installs it.
    """
    if folder is not None:
        places = [Path(folder), Path(folder) / 'node_modules' / PACKAGE]
    else:
        places = [
            Path(sys.prefix, 'web', 'node_modules', PACKAGE),
            Path('node_modules', PACKAGE),
        ]
    for place in places:
        if (place / 'package.json').is_file():
            return place
    raise ConfigError(
        f'{PACKAGE} was not found in {" or ".join(map(str, places))}. Install it: '
        f'{INSTALL}, or name its folder with --runtime'
    )
