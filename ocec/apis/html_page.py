"""HTML files that need nothing else: templates filled in, pictures inside."""

from __future__ import annotations

import base64
from importlib.resources import files


def render_template(name: str, **values) -> str:
    """Fill in a template of this package.

    Args:
        name: file beside this module, as ``compare_datasets_page.html.j2``.
        **values: what it shows; text is escaped.

    Returns:
        The HTML text.

    Raises:
        ImportError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise ImportError(
            'an HTML page needs jinja2: pip install "ocec[report]"'
        ) from error
    environment = Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,  # a misspelt name must not leave a gap
    )
    source = (files('ocec.apis') / name).read_text(encoding='utf-8')
    return environment.from_string(source).render(**values)


def inline_png(png: bytes) -> str:
    """Return a picture as the ``src`` of an ``<img>``.

    Args:
        png: the bytes of a PNG file.

    Returns:
        A data URI.
    """
    return 'data:image/png;base64,' + base64.b64encode(png).decode()
