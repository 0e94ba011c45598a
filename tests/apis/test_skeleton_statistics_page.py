import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocec.apis.skeleton_statistics_findings import Finding
from ocec.apis.skeleton_statistics_numbers import summarise
from ocec.apis.skeleton_statistics_page import render_page
from ocec.apis.skeleton_statistics_scan import ScannedClip, SkeletonSet
from ocec.functional.ntu import parse_ntu_name
from ocec.preparation.ntu_annotation import split_by_names
from ocec.preparation.skeleton_facts import describe_skeletons

pytest.importorskip('jinja2')
pytest.importorskip('matplotlib')


def make_numbers(num_clips):
    rng = np.random.default_rng(0)
    names = [
        f'S{1 + n % 3:03d}C{1 + n % 3:03d}P{1 + n % 4:03d}R001A{1 + n % 7:03d}'
        for n in range(num_clips)
    ]
    clips = {}
    for name in names:
        keypoint = rng.integers(0, 9, (1, 30 + rng.integers(50), 17, 2)).astype(float)
        facts = describe_skeletons(keypoint, np.ones(keypoint.shape[:3]))
        ntu = parse_ntu_name(name)
        clips[name] = ScannedClip(name, ntu.action - 1, (96, 128), facts, ntu)
    splits = split_by_names(list(clips), 60)
    classes = ('<b>walk</b>', *'bcdefg')
    return summarise(
        SkeletonSet(Path('x.pkl'), 2, 17, clips, [], splits, True, classes)
    )


def test_the_page_in_a_browser(tmp_path, open_page):
    findings = [
        Finding('leak', '60 clips are in <i>train</i>', tuple(map(str, range(60)))),
        Finding('note', 'a note', ('x',)),
    ]
    page = tmp_path / 'page.html'
    page.write_text(render_page('LEAK FOUND: why & how', make_numbers(84), findings))
    page = open_page(page)
    assert page.title() == 'LEAK FOUND'
    assert page.locator('.verdict.bad p').inner_text() == 'why & how'
    assert page.locator('.level.leak').count() == 1
    assert '60 clips are in <i>train</i>' in page.locator('h3').first.inner_text()
    assert page.locator('details').first.locator('li').count() == 50
    images = page.locator('img')
    assert images.count() == 3
    for number in range(3):
        assert images.nth(number).evaluate('i => i.complete && i.naturalWidth > 500')
    rows = page.locator('table').last.locator('tr')
    assert rows.count() == 8
    assert '<b>walk</b>' in rows.nth(1).inner_text()


def test_the_figures_show_the_numbers(tmp_path):
    numbers = make_numbers(84)
    few, many = ({**numbers, 'missing_joints': joints(s)} for s in (0.1, 0.9))
    first, second = (
        picture(render_page('NO LEAK FOUND: x', n, [])) for n in (few, many)
    )
    # the bar of one joint reaches its end in both: the axis tells them apart
    assert first.shape == second.shape
    assert (first != second).any()


def joints(share):
    return [{'joint': '0 nose', 'share': share}, {'joint': '1 eye', 'share': 0.05}]


def picture(page):
    data = page.split('alt="Joints missing" src="data:image/png;base64,')[1]
    data = np.frombuffer(base64.b64decode(data.split('"')[0]), np.uint8)
    return cv2.imdecode(data, 1)


def test_a_set_without_clips_has_a_page():
    page = render_page('CLIPS OF NO USE: 3 clips', make_numbers(0), [])
    assert '<img' not in page
    assert 'Nothing was found.' in page
