"""Texts out of foreign files, on pages and terminals: shown, never run."""

import json

import numpy as np
import pytest

from ocec.apis.check_dataset import check_dataset
from ocec.apis.compare_runs import compare_runs

SCRIPT = '<script>window.hacked = 1</script>'
TEXTS = (
    SCRIPT,
    '</script><script>window.hacked = 1</script>',
    '"><img src=x onerror="window.hacked = 1">',
    "'-(window.hacked = 1)-'",
    '{{ 7 * 7 }}{% for x in y %}',
    '<a href="javascript:window.hacked = 1">a</a>',
    '<!--<script>',
    '\u2028window.hacked = 1',
)


def log_with(texts):
    values = {f'val {text}': 0.5 for text in texts} | {'f1': 0.5, 'loss': 0.5}
    lines = [
        {'phase': phase, 'epoch': epoch, 'step': 10 * epoch, **values}
        for epoch in (1, 2)
        for phase in ('train_epoch', 'val')
    ]
    return ''.join(json.dumps(line) + '\n' for line in lines)


@pytest.fixture
def runs(tmp_path):
    """Two runs whose names, metrics, settings and records hold scripts."""
    pytest.importorskip('plotly', reason='the extra report is not installed')
    folders = []
    for number in (1, 2):
        # a folder cannot have a slash in its name
        folder = tmp_path / f'{number}"><img src=x onerror=window.hacked=1>'
        folder.mkdir()
        (folder / 'metrics.jsonl').write_text(log_with(TEXTS))
        settings = ''.join(f'a{n}{number} = {text!r}\n' for n, text in enumerate(TEXTS))
        (folder / 'config.py').write_text(settings)
        session = {
            'seed': number,
            'device': SCRIPT,
            'packages': {SCRIPT: TEXTS[number]},
            'git': {'commit': TEXTS[number], 'changed': SCRIPT},
            'data': {'val': {'closed': 1, 'open': 1, 'name': TEXTS[number]}},
        }
        (folder / 'provenance.json').write_text(json.dumps({'sessions': [session]}))
        folders.append(folder)
    return folders


def assert_no_script(text):
    for hostile in TEXTS[:3]:
        assert hostile not in text
    assert '<img src=x' not in text
    assert '{{ 7 * 7 }}' in text  # shown as it is, and not as 49


def test_the_comparison_of_runs(tmp_path, runs, open_page):
    out = tmp_path / 'page.html'
    compare_runs(runs, out=out)
    assert_no_script(out.read_text(encoding='utf-8'))
    page = open_page(out)
    page.wait_for_selector('#runs tbody tr')
    assert page.evaluate('window.hacked') is None
    assert page.locator('img[src=x]').count() == 0


def test_the_check_of_a_data_set(tmp_path, make_eye_parquet, open_page):
    pytest.importorskip('jinja2', reason='the extra report is not installed')
    rows = 16
    texts = [TEXTS[row % len(TEXTS)] for row in range(rows)]
    file = make_eye_parquet(
        num_rows=rows,
        group=[f'{text}{row // 4}' for row, text in enumerate(texts)],
        image_path=[f'{text}{row}.png' for row, text in enumerate(texts)],
        # look-alikes are listed with their paths
        image_bytes=[png(90 + row // 2) for row in range(rows)],
    )
    out = tmp_path / 'page.html'
    check_dataset([file], html=out, jobs=1)
    text = out.read_text(encoding='utf-8')
    for hostile in TEXTS[:3]:
        assert hostile not in text
    page = open_page(out)
    assert page.evaluate('window.hacked') is None
    assert page.locator('img[src=x]').count() == 0


def png(value):
    import cv2

    picture = np.full((16, 24, 3), value, np.uint8)
    picture[4:8, 4:12] = 255 - value
    return cv2.imencode('.png', picture)[1].tobytes()
