import pytest

from ocec.apis.finetune_report_page import build_payload, render_page
from ocec.apis.finetune_report_runs import ReportRun
from ocec.visualization.run_log import read_run

EVIL = '</script><img src="x:" onerror="window.ran = true">{{7*7}}'
ON_B = {
    'zero-shot': [{0, 1, 2, 5}],
    'scratch': [{2, 5, 7}],
    'full': [{2, 5}, {2, 5, 6}, {2}],
}
ON_A = {'zero-shot': [set()], 'scratch': [{0, 1, 2}], 'full': [{3}] * 3}


@pytest.fixture
def show(open_page, tmp_path):
    def open_report(report, limit=40):
        path = tmp_path / 'page.html'
        path.write_text(render_page(report, limit=limit))
        return open_page(path)

    return open_report


def texts(page, selector):
    return [text.strip() for text in page.locator(selector).all_inner_texts()]


def test_tables_and_pictures(make_finetune_report, make_work_dir, show):
    folder = make_work_dir()
    run = ReportRun('full #0', folder / 'best.pth', log=read_run(folder))
    run.log.facts.clear()
    report = make_finetune_report(
        {**ON_B, 'full': ON_B['full'][:1]},
        {**ON_A, 'full': ON_A['full'][:1]},
        {'full': [run]},
    )
    page = show(report)
    assert texts(page, '#summary p') == report.summary
    assert texts(page, '.warning') == report.notes
    assert texts(page, '#overview tbody td:first-child') == list(ON_B)
    assert texts(page, '#overview .best td:first-child') == ['full']
    assert texts(page, '#side-B tbody td:first-child') == list(ON_B)
    loaded = 'images => images.length === 2 && images.every(i => i.naturalWidth > 0)'
    assert page.eval_on_selector_all('img', loaded)
    page.click('#overview th:nth-child(3)')
    f1 = [float(text.split()[0]) for text in texts(page, '#overview td:nth-child(3)')]
    assert f1 == sorted(f1, reverse=True)


def test_images_of_a_change(make_finetune_report, show):
    page = show(make_finetune_report(ON_B, ON_A))
    assert 'No run has a validation curve' in page.inner_text('body')
    # B, full against scratch first: the seeds agree on 2 and 5
    assert texts(page, '#count') == ['1 of 1 fixed']
    assert texts(page, '#changes .chosen td')[:7] == [
        'B',
        'full',
        'scratch',
        '3',
        '2',
        '1',
        '0',
    ]
    page.select_option('#change', label='B: full against zero-shot')
    assert texts(page, '#count') == ['2 of 2 fixed']
    tile = page.locator('#tiles .tile.fixed').first
    assert tile.inner_text().split('\n')[:3] == [
        'is closed, P(open):',
        'zero-shot 0.900',
        'full 0.100',
    ]
    assert 'images/00000.png' in tile.get_attribute('title')
    assert 'scratch: P(open) 0.100, right' in tile.get_attribute('title')
    rows = page.locator('#groups tbody tr').all_inner_texts()
    assert rows == ['s000\t4\t3\t1\t2\t0', 's001\t4\t1\t1\t0\t0']
    # a click on a line shows its images; A is what was forgotten
    page.select_option('#kind', 'broken')
    page.locator('#changes tr', has_text='full').last.click()
    assert texts(page, '#count') == ['1 of 1 broken']
    assert page.locator('#tiles .tile.broken').count() == 1
    is_drawn = """crop =>
        getComputedStyle(crop).backgroundImage.startsWith('url("data:')
        && crop.getBoundingClientRect().height > 10"""
    assert page.eval_on_selector('#tiles .crop', is_drawn)


def test_wrong_in_every_method(make_finetune_report, show):
    page = show(make_finetune_report(ON_B, ON_A), limit=1)
    assert texts(page, '#everywhere-B-count') == ['1 of 2 shown']
    assert page.locator('#everywhere-B .tile').count() == 1
    assert texts(page, '#everywhere-A-count') == ['0 of 0 shown']


def test_no_error_anywhere(make_finetune_report, show):
    right = {'zero-shot': [set()], 'full': [set()]}
    page = show(make_finetune_report(right, right))
    assert texts(page, '#count') == ['0 of 0 fixed']


def test_names_are_no_html(make_finetune_report, show):
    wrong = {'zero-shot': [{0}], EVIL: [{1}]}
    report = make_finetune_report(wrong, wrong, group=[EVIL] * 8, image_path=[EVIL] * 8)
    report.notes.append(EVIL)
    page = show(report)
    assert EVIL in texts(page, '.warning')
    assert EVIL in page.locator('.tile .note').first.inner_text()
    assert page.locator('img[onerror]').count() == 0
    assert page.evaluate('window.ran') is None


def test_payload_keeps_to_the_limit(make_finetune_report):
    payload = build_payload(make_finetune_report(ON_B, ON_A), {}, 1)
    [change] = [
        change
        for change in payload['changes']
        if (change['side'], change['method'], change['reference'])
        == ('B', 'full', 'zero-shot')
    ]
    assert (len(change['fixed']), change['num_fixed']) == (1, 2)
    assert payload['everywhere']['B'] == {'places': [2], 'total': 2}
