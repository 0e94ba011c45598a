import base64
import re
import sys
from html.parser import HTMLParser

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from ocec.apis.check_dataset import check_dataset
from ocec.apis.check_dataset_page import EXTREMES, draw_sheets, render_page
from ocec.apis.check_dataset_scan import scan_pictures
from ocec.datasets.eye_table import read_eye_table


class Page(HTMLParser):
    """Tags, texts and pictures of a page."""

    VOID = {'meta', 'img', 'br', 'link'}

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.texts, self.links = [], {}, [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == 'img':
            kind, data = attributes['src'].split(',')
            assert kind == 'data:image/png;base64'
            encoded = np.frombuffer(base64.b64decode(data), np.uint8)
            self.images[attributes['alt']] = cv2.imdecode(encoded, 1)
        self.links += [attributes[name] for name in ('href',) if name in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return re.sub(r'\s+', ' ', ' '.join(self.texts))


@pytest.fixture
def dirty(make_eye_parquet):
    """A group and a picture in two splits, one with two labels, and a bad one."""
    images = pq.read_table(make_eye_parquet())['image_bytes'].to_pylist()
    images[32], images[3], images[7] = images[0], images[2], b'broken'
    group = [f's{row // 4}' for row in range(64)]
    group[32:36] = ['<b>& s0</b>'] * 4
    group[0:4] = ['<b>& s0</b>'] * 4
    return make_eye_parquet(image_bytes=images, group=group)


def test_the_page_says_everything_and_needs_no_network(dirty, tmp_path):
    report = check_dataset([dirty], html=tmp_path / 'page.html', jobs=1)
    source = (tmp_path / 'page.html').read_text()
    page = Page(source)
    assert 'http' not in source
    assert page.links == []
    assert page.text.index('LEAK FOUND') < page.text.index('Rows')
    for finding in report.findings:
        assert finding.title in page.text
        assert finding.meaning in page.text
    # a name with markup stays a name
    assert '<b>& s0' in page.text
    assert '<b>& s0' not in source
    for counts in report.counts:
        row = f'{counts["split"]} {counts["rows"]} {counts["closed"]} {counts["open"]}'
        assert row in page.text
    assert 'row 7: the picture cannot be decoded' in page.text
    shown = {'groups_across_splits', 'duplicates_across_splits', 'contradictory_labels'}
    assert shown | set(EXTREMES) <= set(page.images)
    assert 'unreadable_pictures' not in page.images


def test_sheets_show_the_rows_of_a_finding(make_eye_parquet):
    colours = [(row * 3, 255 - row * 3, row) for row in range(64)]
    images = [
        cv2.imencode('.png', np.full((21, 42, 3), c[::-1], np.uint8))[1].tobytes()
        for c in colours
    ]
    file = make_eye_parquet(
        group=[f's{row % 16}' for row in range(64)], image_bytes=images
    )
    table = read_eye_table([file])
    scanned = scan_pictures(table, jobs=1)
    report = check_dataset([file], jobs=1)
    sheets = draw_sheets(report.findings, table, scanned.facts_N)
    sets = report.findings[0].sets
    assert sets[0] == (0, 32, 48)  # group s0 in train, val, test
    step_x, middle_y = 180, 6 + 42
    for place, row in enumerate((*sets[0], *sets[1])):
        at = place * step_x + step_x // 2
        assert tuple(sheets['groups_across_splits'][middle_y, at]) == colours[row]
    darkest = np.argsort(scanned.facts_N['mean'], kind='stable')[:12]
    assert tuple(sheets['darkest'][middle_y, 90]) == colours[darkest[0]]
    brightest = np.argsort(-scanned.facts_N['mean'], kind='stable')[0]
    assert tuple(sheets['brightest'][middle_y, 90]) == colours[brightest]


def test_clean_data_have_no_sheets_but_extremes(make_eye_parquet):
    file = make_eye_parquet()
    table = read_eye_table([file])
    scanned = scan_pictures(table, jobs=1)
    assert set(draw_sheets((), table, scanned.facts_N)) == set(EXTREMES)


def test_nothing_readable_has_no_sheet_at_all(make_eye_parquet, tmp_path):
    file = make_eye_parquet(num_rows=4, image_bytes=[b'broken'] * 4)
    check_dataset([file], html=tmp_path / 'page.html', jobs=1)
    page = Page((tmp_path / 'page.html').read_text())
    assert page.images == {}
    assert '4 rows have pictures that cannot be read' in page.text


def test_without_jinja2_the_extra_is_named(make_eye_parquet, monkeypatch):
    file = make_eye_parquet(num_rows=8)
    report = check_dataset([file], jobs=1)
    table = read_eye_table([file])
    monkeypatch.setitem(sys.modules, 'jinja2', None)
    with pytest.raises(
        ImportError, match=r'needs jinja2: pip install "ocec\[report\]"'
    ):
        render_page(report, table, scan_pictures(table, jobs=1).facts_N)
