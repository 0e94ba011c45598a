import base64
import json

import numpy as np
import pytest

from ocec.apis.compare_runs import build_comparison
from ocec.apis.compare_runs_page import (
    build_payload,
    encode_curves,
    encode_json,
    render_page,
    thin_out,
)
from ocec.visualization.run_log import read_run

WIDE = 'model = dict(width=16)'


@pytest.fixture
def make_comparison(make_work_dir):
    """Two seeds of one config, and a better, slower run on another val set."""

    def make(problems=None):
        folders = [
            make_work_dir('base-1', f1=(0.5, 0.8, 0.9), seed=1),
            make_work_dir('base-2', f1=(0.4, 0.6, 0.7), seed=2),
            make_work_dir(
                'wide <b>',
                f1=(0.6, 0.93, 0.95),
                seconds=120.0,
                settings=WIDE,
                val_set='b',
            ),
        ]
        return build_comparison([read_run(f) for f in folders], problems or {})

    return make


@pytest.fixture
def page(make_comparison, open_page, tmp_path):
    path = tmp_path / 'report.html'
    path.write_text(render_page(make_comparison({'gone/x': 'no such folder'})))
    opened = open_page(path)
    opened.wait_for_selector('#charts .scatterlayer .trace')
    return opened


def names(page):
    return [cell.split('\n')[0] for cell in column(page, 0)]


def column(page, number):
    rows = page.locator('#runs tbody tr').all()
    return [row.locator('td').nth(number).inner_text().strip() for row in rows]


def titles(page):
    return page.locator('#runs th').all_inner_texts()


def lines(page, name):
    """X and y of the lines of a chart, by the names of their runs."""
    return page.evaluate(
        """name => Object.fromEntries(
            document.querySelector(`#charts [data-name="${name}"] .plot`).data
                .filter(trace => trace.name).map(t => [t.name, [t.x, t.y]]))""",
        name,
    )


def single_runs(page):
    page.uncheck('#grouped')


def test_table_is_sorted_by_a_click(page):
    single_runs(page)
    assert names(page) == ['wide <b>', 'base-1', 'base-2']
    page.click('#runs th[data-key=best]')
    assert names(page) == ['base-2', 'base-1', 'wide <b>']
    page.click('#runs th[data-key=seconds_per_epoch]')
    assert names(page)[-1] == 'wide <b>'
    assert 's / epoch ▲' in titles(page)
    page.click('#runs th[data-key=name]')
    assert names(page) == ['base-1', 'base-2', 'wide <b>']


def test_seeds_are_a_row_with_mean_and_deviation(page):
    assert [name.split('3')[0] for name in names(page)] == ['wide <b>', 'base2 seeds']
    best = column(page, titles(page).index('best f1 ▼'))
    # of 0.9 and 0.7
    assert best[1] == '0.8000± 0.1414'
    band = '#charts [data-name="val/f1"] .scatterlayer .fills path.js-fill'
    assert page.locator(band).count() == 1
    assert lines(page, 'val/f1')['base'][1] == pytest.approx([0.45, 0.7, 0.8])


def test_slider_moves_the_target(page):
    single_runs(page)
    at = titles(page).index('epochs to target')
    assert column(page, at) == ['2', '2', '3']  # every run reaches 0.7
    page.fill('#target-number', '0.92')
    assert column(page, at) == ['2', '–', '–']
    # 120 + 12 s an epoch
    assert column(page, at + 1)[0] == '4.4'
    page.eval_on_selector(
        '#target', "s => { s.value = 0.6; s.dispatchEvent(new Event('input')) }"
    )
    assert column(page, at) == ['1', '2', '2']


def test_x_axis_and_smoothing(page):
    single_runs(page)
    x, y = lines(page, 'val/f1')['base-1']
    assert (x, y) == ([1, 2, 3], pytest.approx([0.5, 0.8, 0.9]))
    page.click('#x-axis [data-x=step]')
    assert lines(page, 'val/f1')['base-1'][0] == [10, 20, 30]
    page.click('#x-axis [data-x=minutes]')
    assert lines(page, 'val/f1')['base-1'][0] == pytest.approx([1.1, 2.2, 3.3])
    page.eval_on_selector(
        '#smoothing', "s => { s.value = 0.5; s.dispatchEvent(new Event('input')) }"
    )
    # weights 1; 1/3, 2/3; 1/7, 2/7, 4/7
    expected = [0.5, 0.5 / 3 + 1.6 / 3, 0.5 / 7 + 1.6 / 7 + 3.6 / 7]
    assert lines(page, 'val/f1')['base-1'][1] == pytest.approx(expected)


def test_runs_are_chosen_by_their_boxes(page):
    assert set(lines(page, 'train/loss')) == {'base', 'wide <b>'}
    page.uncheck('#runs tr:has-text("wide") input')
    assert set(lines(page, 'train/loss')) == {'base'}
    assert page.inner_text('#chosen-count').startswith('1 of 2 ')
    page.click('#choose-none')
    assert lines(page, 'train/loss') == {}
    page.click('#choose-all')
    assert set(lines(page, 'train/loss')) == {'base', 'wide <b>'}
    page.fill('#filter', 'wide')
    assert names(page) == ['wide <b>']


def test_curves_are_chosen(page):
    page.click('#picker summary')
    page.uncheck('#chips input[value="lr"]')
    assert page.locator('#charts [data-name="lr"]').count() == 0
    page.check('#chips input[value="val/seconds"]')
    assert page.locator('#charts [data-name="val/seconds"]').count() == 1


def test_another_metric_judges(page):
    single_runs(page)
    page.select_option('#metric', 'val/loss')
    assert 'best loss ▲' in titles(page)
    assert float(page.input_value('#target-number')) == pytest.approx(0.4334)


def test_hover_is_linked_between_charts_and_table(page):
    page.locator('#charts').scroll_into_view_if_needed()
    page.wait_for_selector('#charts [data-name="val/loss"] .scatterlayer .trace')
    x, y = page.evaluate(
        """() => {
            const plot = document.querySelector('#charts [data-name="val/f1"] .plot');
            const area = plot.querySelector('.nsewdrag').getBoundingClientRect();
            const {xaxis, yaxis} = plot._fullLayout;
            const line = plot.data.find(trace => trace.name === 'wide <b>');
            return [area.x + xaxis.d2p(line.x[1]), area.y + yaxis.d2p(line.y[1])];
        }"""
    )
    page.mouse.move(x, y)
    page.wait_for_selector('#charts [data-name="val/loss"] .hovertext')
    own = page.text_content('#charts [data-name="val/f1"] .hoverlayer')
    other = page.text_content('#charts [data-name="val/loss"] .hoverlayer')
    assert '0.93' in own
    assert '0.6' in other  # 1 / 2 + 0.1
    assert 'epoch 2' in other
    assert 'wide <b>' in other
    assert names(page)[0] == 'wide <b>'
    assert 'hot' in page.locator('#runs tbody tr').first.get_attribute('class')


def test_only_settings_that_differ_are_shown_and_marked(page):
    page.click('[data-tab=config]')
    rows = page.locator('#config tr[data-setting]')
    assert rows.count() == 1
    assert rows.first.locator('td').all_inner_texts() == ['model.width', '8', '16']
    marked = page.locator('#config td.differs').all_inner_texts()
    assert marked == ['16']
    page.check('#all-settings')
    assert page.locator('#config tr[data-setting]').count() == 3
    page.fill('#setting-filter', 'epochs')
    assert page.locator('#config tr[data-setting]').count() == 1


def test_another_val_set_is_flagged_while_its_run_is_chosen(page):
    assert 'not comparable: different val set' in page.inner_text('#flags')
    page.uncheck('#runs tr:has-text("wide") input')
    assert page.inner_text('#flags') == ''
    page.click('[data-tab=facts]')
    assert page.locator('#facts tr').count() == 3


def test_four_dimensions_against_a_baseline(page):
    page.click('[data-tab=dimensions]')
    page.wait_for_selector('#bars .barlayer .point')
    wide = page.locator('#dimensions tr', has_text='wide').inner_text()
    assert '+100.0 %' in wide  # 120 s against 60 s an epoch
    assert '+15.00 points' in wide  # 0.95 against 0.8
    page.select_option('#baseline', label='wide <b>')
    base = page.locator('#dimensions tr', has_text='base').inner_text()
    assert '−50.0 %' in base
    assert '−15.00 points' in base


def test_gap_says_when_training_accuracy_is_missing(page):
    page.click('[data-tab=gap]')
    assert page.inner_text('#gap-note').startswith('Training accuracy was not logged')
    page.wait_for_selector('#gap-chart .scatterlayer .trace')
    wide = page.locator('#gap tr', has_text='wide').locator('td').all_inner_texts()
    # train loss 1/3, the lowest and the gap are 0.1 above; F1 0.95 at epoch 3
    assert wide[1:6] == ['0.3333', '0.4333', '0.1000', '0.9500', '3']


def test_problems_and_definitions_are_told(page):
    assert 'gone/x: no such folder' in page.inner_text('#problems')
    page.click('[data-tab=notes]')
    assert 'first epoch whose f1 reaches the target' in page.inner_text('#definitions')


def test_view_is_kept_over_a_reload(page):
    single_runs(page)
    page.click('[data-tab=config]')
    page.click('#runs th[data-key=name]')
    page.reload()
    assert names(page) == ['base-1', 'base-2', 'wide <b>']
    assert page.locator('#tab-config').is_visible()


def test_names_and_texts_are_no_html(make_work_dir, open_page, tmp_path):
    evil = '</script><img src="x:" onerror="window.ran = true">{{7*7}}%{y}'
    folders = [
        make_work_dir(
            'a<img src="x:" onerror="window.ran = true">', **{evil: [1.0] * 3}
        ),
        make_work_dir('b', settings=f'model = dict(type={evil!r})', val_set=evil),
    ]
    comparison = build_comparison([read_run(f) for f in folders], {evil: evil})
    comparison.notes.append(evil)
    for run in comparison.runs:
        run.messages.append(evil)
        run.state = evil
    path = tmp_path / 'report.html'
    path.write_text(render_page(comparison))
    page = open_page(path)
    page.wait_for_selector('#charts .scatterlayer .trace')
    page.select_option('#metric', index=0)
    page.evaluate("state.shown = DATA.names.filter(name => name.includes('7*7'))")
    for tab in ('curves', 'dimensions', 'gap', 'config', 'facts', 'notes'):
        page.click(f'[data-tab={tab}]')
    page.click('[data-tab=curves]')
    title = page.locator('#charts .gtitle').text_content()
    assert title == 'val/' + evil.rsplit('/', 1)[-1]
    assert page.locator('img').count() == 0
    assert page.evaluate('window.ran') is None
    assert page.inner_text('#problems li') == f'{evil}: {evil}'


def test_training_accuracy_where_it_was_logged(make_work_dir, open_page, tmp_path):
    folder = make_work_dir(**{'eye/accuracy': [0.5, 0.8, 0.9]})
    log = folder / 'metrics.jsonl'
    text = log.read_text().replace('"seconds": 60.0', '"seconds": 60, "accuracy": 0.97')
    log.write_text(text)
    path = tmp_path / 'report.html'
    path.write_text(render_page(build_comparison([read_run(folder)], {})))
    page = open_page(path)
    page.click('[data-tab=gap]')
    assert page.inner_text('#gap-note').startswith('Accuracies and losses at the epoch')
    assert page.locator('#gap td.bad').all_inner_texts() == ['0.0700']


def test_gap_of_actions_is_in_points(make_action_dir, open_page, tmp_path):
    runs = [
        read_run(make_action_dir('steady', train=(0.4, 0.7, 0.81))),
        read_run(make_action_dir('keen', train=(0.4, 0.87, 0.99), seed=2)),
    ]
    path = tmp_path / 'report.html'
    path.write_text(render_page(build_comparison(runs, {})))
    page = open_page(path)
    page.wait_for_selector('#charts .scatterlayer .trace')
    assert set(lines(page, 'train/fused_top1'))
    page.uncheck('#grouped')
    page.click('[data-tab=gap]')
    note = page.inner_text('#gap-note')
    assert 'A gap above 3 points is marked' in note
    assert 'augmented clips with dropout' in note
    heads = page.locator('#gap th').all_inner_texts()
    assert heads[1:3] == ['train top-1', 'val top-1']
    assert heads[3:5] == ['gap, points', 'last gap, points']
    # 0.7 and 0.87 against 0.8 in the best epoch, 0.81 and 0.99 against 0.75 in the last
    assert page.locator('#gap td.bad').all_inner_texts() == ['6.00', '7.00', '24.00']
    title = page.text_content('#gap-chart .gtitle')
    assert title == 'val/fused_top1 (solid) and train/fused_top1 (dotted)'


def test_page_without_any_validation(make_work_dir, open_page, tmp_path):
    run = read_run(make_work_dir())
    run.curves = {n: c for n, c in run.curves.items() if not n.startswith('val/')}
    path = tmp_path / 'report.html'
    path.write_text(render_page(build_comparison([run], {})))
    page = open_page(path)
    page.wait_for_selector('#charts .scatterlayer .trace')
    assert page.locator('#target').is_disabled()
    for tab in ('dimensions', 'gap', 'config', 'facts', 'notes'):
        page.click(f'[data-tab={tab}]')


def test_long_curves_keep_ends_and_spikes():
    value_N = np.sin(np.arange(10_001) / 500)
    value_N[7777], value_N[100:105] = 50.0, np.nan
    keep = thin_out(value_N, limit=200)
    assert len(keep) <= 200
    assert {0, 7777, 10_000} <= set(keep.tolist())
    assert (np.diff(keep) > 0).all()
    assert thin_out(value_N[:200], limit=200).tolist() == list(range(200))
    assert thin_out(np.full(300, np.nan), limit=200)[-1] == 299


def test_curves_share_their_axes(make_work_dir):
    found = encode_curves(read_run(make_work_dir()))
    number, text = found['curves']['val/f1']
    values = np.frombuffer(base64.b64decode(text), '<f4')
    assert values.tolist() == pytest.approx([0.5, 0.8, 0.9])
    epochs = np.frombuffer(base64.b64decode(found['axes'][number][0]), '<f4')
    assert epochs.tolist() == [1, 2, 3]
    # of training, of validation
    assert len(found['axes']) == 2


def test_json_cannot_end_its_element():
    text = encode_json({'name': '</script>\u2028'})
    assert '<' not in text
    assert json.loads(text) == {'name': '</script>\u2028'}
    with pytest.raises(ValueError, match='not JSON compliant'):
        encode_json({'x': float('nan')})


def test_payload(make_comparison):
    payload = build_payload(make_comparison())
    assert payload['metrics'] == {'val/f1': 'greater', 'val/loss': 'less'}
    assert [group['name'] for group in payload['groups']] == ['base', 'wide <b>']
    assert payload['runs'][2]['by_metric']['val/f1']['best'] == 0.95
    width = payload['settings'].index('model.width')
    assert [run['settings'][width] for run in payload['runs']] == ['8', '8', '16']


def test_plotly_missing_names_the_extra(make_comparison, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'plotly.offline', None)
    with pytest.raises(ImportError, match=r'pip install "ocec\[report\]"'):
        render_page(make_comparison())
