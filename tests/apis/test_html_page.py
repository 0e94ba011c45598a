import base64
import sys

import jinja2
import pytest

from ocec.apis import html_page
from ocec.apis.html_page import inline_png, render_template


@pytest.fixture
def template(tmp_path, monkeypatch):
    monkeypatch.setattr(html_page, 'files', lambda package: tmp_path)

    def write(text):
        (tmp_path / 'page.html.j2').write_text(text, encoding='utf-8')
        return 'page.html.j2'

    return write


def test_text_is_escaped(template):
    name = template('<p>{{ title }}</p>')
    assert render_template(name, title='a < b & c') == '<p>a &lt; b &amp; c</p>'


def test_misspelt_name_leaves_no_gap(template):
    with pytest.raises(jinja2.UndefinedError, match="'titel' is undefined"):
        render_template(template('{{ titel }}'), title='a')


def test_missing_package_is_named(template, monkeypatch):
    monkeypatch.setitem(sys.modules, 'jinja2', None)
    with pytest.raises(
        ImportError, match=r'needs jinja2: pip install "ocec\[report\]"'
    ):
        render_template(template(''))


def test_inlined_picture_is_the_same():
    head, _, data = inline_png(b'\x89PNG').partition(',')
    assert head == 'data:image/png;base64'
    assert base64.b64decode(data) == b'\x89PNG'
