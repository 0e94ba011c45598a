import json

import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.pair_report import pair_report
from ocec.apis.score_checkpoint import score_checkpoint


@pytest.fixture
def data(make_pair_folder):
    return make_pair_folder((16, 16, 16, 80), per_digit=40)


@pytest.fixture
def stack_json(data, tmp_path, make_pair_run):
    scored = score_checkpoint(make_pair_run(data, 'stage9/x') / 'best.pth', data=data)
    numbers = {'accuracy': 0.91, 'low': 0.9, 'high': 0.92, 'gain': 0.01, 'p_value': 0.2}
    content = {
        'final': 'logistic',
        'members': [
            {'name': 'a', 'stack': numbers, 'test': numbers | {'accuracy': 0.8}}
        ],
        'methods': [
            {'name': 'logistic', 'stack_out_of_fold': numbers, 'test': numbers}
        ],
        'data': {'test': {'fingerprint': scored.dataset.fingerprint()}},
    }
    path = tmp_path / 'stack.json'
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def report(data, make_pair_run, stack_json, tmp_path):
    folders = [
        make_pair_run(data, 'stage0/plain-s1', seed=1, val=0.9),
        make_pair_run(data, 'stage1/fusion-s2', seed=2, val=0.7),
    ]
    return pair_report(
        folders, out=tmp_path / 'r.html', formats=['html', 'png'], stack=stack_json
    )


def texts(page, selector):
    return [text.strip() for text in page.locator(selector).all_inner_texts()]


def test_page_in_a_browser(report, open_page, data, tmp_path):
    page = open_page(report['html'])
    first = '#models tbody td:first-child'
    assert texts(page, first) == [
        'stage0/plain-s1',
        'stage1/fusion-s2',
        'ensemble: logistic',
    ]
    page.click('#models th:nth-child(6)')  # test %
    order = [float(text) for text in texts(page, '#models tbody td:nth-child(6)')]
    assert order == sorted(order, reverse=True)
    assert texts(page, first)[0] == 'ensemble: logistic'
    page.click('#models th:nth-child(6)')
    assert texts(page, first)[-1] == 'ensemble: logistic'
    assert page.locator('.warning').count() == 0
    # the best on val
    assert 'Errors of stage0/plain-s1' in texts(page, 'h2')
    stage4 = page.locator('#targets tr', has_text='stage4')
    assert stage4.inner_text().split() == ['stage4', '90.00', '–', '91.00']
    loaded = 'images => images.every(i => i.complete && i.naturalWidth > 0)'
    assert page.eval_on_selector_all('img', loaded)


def test_errors_of_the_page_can_be_filtered(report, open_page, data, tmp_path):
    page = open_page(report['html'])
    scores = score_checkpoint(tmp_path / 'runs/stage0/plain-s1/best.pth').scores
    says = scores['prob_B'] >= 0.5
    wrong = says != (scores['label_B'] == 1)
    digits = np.load(data / 'test.npz')['digit'].astype(int)
    adjacent = np.abs(digits[:, 0] - digits[:, 1]) == 1
    visible = page.locator('.tile:visible')
    assert visible.count() == wrong.sum()
    assert texts(page, '#shown') == [f'{wrong.sum()} shown']
    page.select_option('#difference', '1')
    assert visible.count() == (wrong & adjacent).sum()
    page.select_option('#said', 'larger')
    assert visible.count() == (wrong & adjacent & says).sum()
    page.select_option('#difference', '')
    assert visible.count() == (wrong & says).sum()
    worst = np.flatnonzero(wrong)[np.abs(scores['prob_B'][wrong] - 0.5).argmax()]
    page.select_option('#said', '')
    caption = page.locator('.tile figcaption').first.inner_text()
    left, right = digits[worst]
    assert caption.startswith(f'{left} | {right} P {scores["prob_B"][worst]:.3f}')
    cells = [int(text) for text in texts(page, '#confusion td')]
    assert (cells[1] + cells[2], sum(cells)) == (wrong.sum(), 80)


def test_the_picture_is_written_beside(report):
    assert report['png'].read_bytes().startswith(b'\x89PNG')


def test_a_model_that_fails_is_in_the_report(make_pair_run, data, tmp_path):
    good, bad = make_pair_run(data), make_pair_run(data, 'stage1/bad-s1')
    (bad / 'best.pth').unlink()
    with pytest.raises(
        ValueError, match=r'1 of 2 models could not be measured.*\n.*bad'
    ):
        pair_report([good, bad], out=tmp_path / 'r.html')
    page = (tmp_path / 'r.html').read_text()
    assert 'stage1/bad-s1 is missing here: ConfigError: ' in page
    assert '<tr class="failed"><td>stage1/bad-s1</td>' in page
    assert 'No stacking was given (--stack).' in page


def test_numbers_of_other_pairs_are_marked(
    make_pair_run, data, make_pair_folder, stack_json, tmp_path
):
    other = make_pair_folder((16, 16, 16, 24), seed=5)
    folders = [make_pair_run(data), make_pair_run(other, 'stage1/b-s1')]
    out = tmp_path / 'r.html'
    pair_report(folders, out=out)
    assert 'the models were scored on different files' in out.read_text()
    pair_report(folders, out=out, data=str(other), stack=stack_json)
    page = out.read_text()
    assert 'different files' not in page
    assert 'the stacking was scored on another file than the models (test)' in page


def test_wrong_format(tmp_path):
    with pytest.raises(ConfigError, match="must be of html, png, got 'pdf'"):
        pair_report(['x'], out=tmp_path / 'r.pdf')
