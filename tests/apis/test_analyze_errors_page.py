import csv
import io
import re

import numpy as np
import pytest

from ocec.apis.analyze_errors_page import Analysis, render_page
from ocec.apis.diagnose import diagnose
from ocec.apis.merge_labels import merge_labels
from ocec.datasets.eye_parquet import EyeParquet
from ocec.visualization.sample_lists import SampleList

NUM = 40
# scores that call the first of each group of 4 wrong: closed and open by turns, so
# rows 0, 8, 16... are false alarms (closed called open) and rows 5, 13... are missed
PROBS = np.array(
    [
        0.9 if row % 8 == 0 else 0.2 if row % 8 == 5 else 0.05 + 0.9 * (row % 2)
        for row in range(NUM)
    ],
    np.float32,
)
WRONG = [row for row in range(NUM) if row % 8 in (0, 5)]


@pytest.fixture
def analysis(make_eye_parquet, tmp_path):
    """An analysis of drawn eyes whose scores are known; two columns more."""

    def make(num_listed=NUM, **overrides):
        file = make_eye_parquet(
            num_rows=NUM,
            split=['val'] * NUM,
            glasses=[row % 5 == 0 for row in range(NUM)],
            source=['<b>web</b>', 'infrared'] * (NUM // 2),
        )
        dataset = EyeParquet(file, 'val', image_size=(24, 40))
        # neighbours of a row are those of the nearest numbers
        angle_N = np.arange(NUM) / NUM
        label_N = np.arange(NUM) % 2
        scores = {
            'prob_B': PROBS,
            'loss_B': -np.log(np.where(label_N, PROBS, 1 - PROBS)),
            'label_B': label_N,
            'sample_id_B': np.arange(NUM),
            'group_id_B': np.arange(NUM) // 4,
            'embedding_BD': np.stack([np.cos(angle_N), np.sin(angle_N)], 1),
        }
        every = np.array(WRONG[:num_listed]), np.arange(NUM)[:num_listed]
        lists = {
            name: SampleList(name, 'by hand', index, PROBS[index], 'loss', NUM)
            for name, index in zip(('errors', 'all'), every, strict=True)
        }
        return Analysis(
            **{
                'name': 'run/best.pth',
                'facts': ['Checkpoint: <run>/best.pth'],
                'warnings': ['Mind the gap.'],
                'scores': scores,
                'dataset': dataset,
                'diagnosis': diagnose(scores, dataset, tmp_path / 'diagnosis'),
                'lists': lists,
                'limit': 1000,
                'num_neighbours': 2,
                **overrides,
            }
        )

    return make


@pytest.fixture(scope='module')
def rendered():
    return []


@pytest.fixture
def html(rendered, analysis):
    """The page of all 40 samples, made once for this file."""
    if not rendered:
        rendered.append(render_page(analysis()))
    return rendered[0]


@pytest.fixture
def page(html, open_page, tmp_path):
    path = tmp_path / 'page.html'
    path.write_text(html)
    return open_page(path)


def ids(page):
    """Sample ids of the tiles in their order."""
    titles = page.locator('.tile button.open').evaluate_all(
        'all => all.map(x=>x.title)'
    )
    return [int(title.rpartition('#')[2]) for title in titles]


def test_numbers_of_the_page(page):
    cells = page.locator('#confusion td').all_inner_texts()
    assert [int(re.match(r'\d+', text)[0]) for text in cells] == [15, 5, 5, 15]
    rows = page.locator('#summary tbody tr').all_inner_texts()
    # 15 true positives, 5 false alarms, 5 missed
    assert rows[0].split('\t')[:2] == ['F1', '0.7500']
    assert re.match(r'precision\t0\.7500\t0\.\d{4} to \d\.\d{4}\t', rows[1])
    assert page.locator('.warning').all_inner_texts() == ['Mind the gap.']
    assert page.locator('.facts').inner_text() == 'Checkpoint: <run>/best.pth'
    assert 'Bootstrap over 10 groups, drawn whole.' in page.inner_text('body')
    assert '40 of 40 samples are listed here, at most 1,000 in each list' in (
        page.inner_text('body')
    )


def test_filters(page):
    assert page.inner_text('#count') == '40 of 40 listed samples'
    page.select_option('#list', label='all errors (10)')
    assert ids(page) == WRONG
    page.select_option('#decision', label='false alarm')
    assert ids(page) == [0, 8, 16, 24, 32]
    assert page.inner_text('#count') == '5 of 40 listed samples'
    page.click('#reset-filters')
    page.select_option('#decision', label='missed')
    page.select_option('select[aria-label=glasses]', label='true')
    assert ids(page) == [5]
    page.click('#reset-filters')
    page.select_option('select[aria-label=source]', label='<b>web</b>')
    page.select_option('#group', label='s002')
    assert ids(page) == [8, 10]
    page.click('#reset-filters')
    page.select_option('#label', label='open')
    page.fill('#score-max', '0.5')
    assert sorted(ids(page)) == [5, 13, 21, 29, 37]
    page.click('#reset-filters')
    page.fill('#search', '#13')
    assert ids(page) == [13]
    page.fill('#search', 'images/00021')
    assert ids(page) == [21]


def test_filter_by_size_of_the_crop(page):
    page.fill('#width-min', '28')
    sizes = page.evaluate('data.samples.map(s => [s.id, s.sprite[5], s.sprite[6]])')
    # the drawn eyes are 20 to 36 pixels wide
    wide = sorted(number for number, width, _ in sizes if width >= 28)
    assert 0 < len(wide) < NUM
    assert sorted(ids(page)) == wide
    page.fill('#height-max', '16')
    both = sorted(n for n, width, height in sizes if width >= 28 and height <= 16)
    assert sorted(ids(page)) == both


def test_order(page):
    # all lists: the errors first
    assert ids(page)[:10] == WRONG
    page.select_option('#sort', label='loss, highest first')
    # false alarms at 0.9: -log 0.1; missed at 0.2: -log 0.2
    assert ids(page)[:10] == [*range(0, 40, 8), *range(5, 40, 8)]
    page.select_option('#sort', label='P(open), lowest first')
    assert ids(page)[0] == 2
    page.select_option('#sort', label='sample id')
    assert ids(page) == list(range(NUM))


def test_tables_sort_and_filter(page):
    table = page.locator('table[data-table=glasses]')
    first = table.locator('tbody tr').first
    # of the 8 with glasses 0, 5 and 40 ... are wrong: most errors are without
    assert first.inner_text().split('\t')[0] == 'false'
    table.locator('th', has_text='share').click()
    shares = table.locator('tbody td:last-child').all_inner_texts()
    numbers = [float(share.split()[0]) for share in shares]
    assert numbers == sorted(numbers, reverse=True)
    table.locator('th', has_text='share').click()
    shares = table.locator('tbody td:last-child').all_inner_texts()
    assert [float(share.split()[0]) for share in shares] == numbers[::-1]
    table.locator('tr', has_text='true').click()
    assert (
        page.locator('select[aria-label=glasses]').evaluate(
            'x => x.selectedOptions[0].text'
        )
        == 'true'
    )
    assert sorted(ids(page)) == list(range(0, NUM, 5))
    groups = page.locator('table[data-table=group] tbody tr')
    assert groups.count() == 10
    groups.filter(has_text='s003').click()
    assert sorted(ids(page)) == [15]


def test_enlarged_sample_and_its_neighbours(page):
    page.locator('.tile button.open[title$="#5"]').click()
    text = page.inner_text('#facts')
    for fact in (
        'sample id\t5',
        'images/00005.png',
        'label\topen',
        'P(open)\t0.200000',
    ):
        assert fact in text
    for fact in (
        'decision\tmissed',
        'group\ts001',
        'glasses\ttrue',
        'all errors, all s',
    ):
        assert fact in text
    near = page.locator('#neighbours button')
    assert [re.search(r'#(\d+)', x)[1] for x in near.all_inner_texts()] == ['4', '6']
    assert 'closed 0.050' in near.first.inner_text()
    # the crop of the sheet has the proportions of the picture
    box = page.locator('#large').bounding_box()
    width, height = page.evaluate('data.samples[5].sprite.slice(5)')
    assert box['width'] / box['height'] == pytest.approx(width / height, rel=0.01)
    assert box['width'] > 300
    near.last.click()
    assert 'sample id\t6' in page.inner_text('#facts')
    page.keyboard.press('Escape')
    page.locator('.tile button.open').first.click()
    assert 'sample id\t0\n' in page.inner_text('#facts')
    page.keyboard.press('ArrowRight')
    assert 'sample id\t5\n' in page.inner_text('#facts')
    page.click('#previous')
    assert 'sample id\t0\n' in page.inner_text('#facts')


def test_selection_is_exported_and_can_be_merged(page, tmp_path):
    assert page.locator('#export').is_disabled()
    page.locator('.tile input').nth(1).check()  # row 5
    page.locator('.tile button.open').first.click()  # row 0
    page.keyboard.press('1')
    page.keyboard.press('ArrowRight')
    assert page.locator('#viewer-selected').is_checked()
    page.click('#close')
    assert page.inner_text('#num-selected') == '2 selected'
    page.check('#only-selected')
    assert ids(page) == [0, 5]
    with page.expect_download() as download:
        page.click('#export')
    assert download.value.suggested_filename == 'relabel_val.csv'
    exported = tmp_path / 'exported.csv'
    download.value.save_as(exported)
    rows = list(csv.DictReader(io.StringIO(exported.read_text())))
    columns = ['sample_id', 'path', 'file', 'row', 'label', 'prob_open', 'new_label']
    assert list(rows[0]) == columns
    file = rows[0].pop('file')
    assert rows[0] == {
        'sample_id': '0',
        'path': 'images/00000.png',
        'row': '0',
        'label': 'closed',
        'prob_open': '0.900000',
        'new_label': 'open',
    }
    assert rows[1]['new_label'] == ''
    merged = merge_labels(exported, file, out=tmp_path / 'new.parquet')
    assert [change.row for change in merged.changed] == [0]
    assert merged.num_blank == 1


def test_labels_of_the_whole_selection(page):
    page.select_option('#decision', label='missed')
    page.click('#select-shown')
    page.select_option('#set-label', label='the other label')
    assert page.locator('.tile .new').all_inner_texts() == ['→ closed'] * 5
    page.select_option('#set-label', label='leave blank')
    assert page.locator('.tile .new').all_inner_texts() == [''] * 5
    page.click('#clear')
    assert page.inner_text('#num-selected') == '0 selected'
    assert page.locator('.tile.selected').count() == 0


def test_text_with_commas_and_quotes_survives_the_export(page):
    text = page.evaluate('csvField(\'a,"b"\\n\')')
    assert next(csv.reader(io.StringIO(text))) == ['a,"b"\n']


def test_tiles_are_made_as_they_come_into_view(html, open_page, tmp_path):
    path = tmp_path / 'page.html'
    text = html.replace('const CHUNK = 200;', 'const CHUNK = 8;')
    path.write_text(text.replace("rootMargin: '800px'", "rootMargin: '0px'"))
    page = open_page(path)
    page.wait_for_timeout(100)
    assert page.locator('.tile').count() == 8  # the end is below what is seen
    # each row that appears moves the end out of view
    page.wait_for_function(
        'scrollTo(0, 1e6), document.querySelectorAll(".tile").length === 40'
    )
    assert ids(page)[:10] == WRONG


def test_neighbours_are_shown_but_not_listed(analysis, open_page, tmp_path):
    path = tmp_path / 'page.html'
    path.write_text(render_page(analysis(num_listed=1)))
    page = open_page(path)
    assert ids(page) == [0]
    assert '2 more are shown as neighbours only' in page.inner_text('body')
    page.locator('.tile button.open').click()
    page.locator('#neighbours button').first.click()
    assert 'none (a neighbour)' in page.inner_text('#facts')
    assert page.locator('#no-neighbours').is_visible()


def test_without_embeddings_groups_and_errors(analysis, open_page, tmp_path):
    made = analysis()
    scores = {k: v for k, v in made.scores.items() if k != 'embedding_BD'}
    scores['prob_B'] = scores['label_B'].astype(np.float32)
    scores['group_id_B'] = np.full(NUM, -1)
    nothing = SampleList('errors', 'by hand', np.empty(0, int), np.empty(0), 'loss', 0)
    diagnosis = diagnose(scores, made.dataset, tmp_path / 'other')
    made = analysis(scores=scores, diagnosis=diagnosis, lists={'errors': nothing})
    path = tmp_path / 'page.html'
    path.write_text(render_page(made))
    page = open_page(path)
    assert page.inner_text('#count') == '0 of 0 listed samples'
    assert 'no group is known' in page.inner_text('body')
    table = page.locator('table[data-table=group] tbody tr')
    assert table.all_inner_texts() == ['unknown\t40\t20\t0\t0\t0\t0.0 %']


def test_texts_of_the_data_are_no_html(analysis, make_eye_parquet, open_page, tmp_path):
    evil = '</script><img src="x:" onerror="window.ran = true">{{7*7}}'
    file = make_eye_parquet(
        num_rows=NUM,
        split=['val'] * NUM,
        group=[f'{row // 4} {evil}' for row in range(NUM)],
        image_path=[f'{row} {evil}' for row in range(NUM)],
        **{evil: [evil, 'b'] * (NUM // 2)},
    )
    dataset = EyeParquet(file, 'val', image_size=(24, 40))
    texts = {'name': evil, 'facts': [evil], 'warnings': [evil]}
    path = tmp_path / 'page.html'
    path.write_text(render_page(analysis(dataset=dataset, **texts)))
    page = open_page(path)
    page.locator('.tile button.open').first.click()
    facts = page.locator('#facts td').all_inner_texts()
    assert facts[1] == f'{facts[0]} {evil}'
    assert evil in facts
    assert page.locator('img[onerror]').count() == 0
    assert page.evaluate('window.ran') is None
    assert page.locator('.warning').all_inner_texts() == [evil]
