import cv2
import pytest

from ocec.visualization.run_curves_plot import MAX_LINES, draw_curves
from ocec.visualization.run_groups import group_runs
from ocec.visualization.run_log import read_run


@pytest.fixture
def drawn(monkeypatch):
    """Figures, as they are saved."""
    from matplotlib.figure import Figure

    figures = []
    save = Figure.savefig

    def remember(figure, path):
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(Figure, 'savefig', remember)
    return figures


def test_seeds_are_a_line_with_a_band(make_work_dir, tmp_path, drawn):
    folders = [make_work_dir(f'a-{s}', f1=(0.5, 0.6 + s / 10), seed=s) for s in (1, 2)]
    folders.append(make_work_dir('b', f1=(0.4, 0.5), settings='x = 1'))
    runs = [read_run(folder) for folder in folders]
    path = tmp_path / 'curves.png'
    draw_curves(runs, group_runs(runs), path, metric='val/f1')
    assert cv2.imread(str(path)).shape[2] == 3
    [figure] = drawn
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert list(panels) == ['val/f1', 'val/loss', 'train/loss', 'lr', 'grad_norm']
    seeds, single = panels['val/f1'].lines
    assert list(seeds.get_ydata()) == pytest.approx([0.5, 0.75])
    assert list(single.get_ydata()) == [0.4, 0.5]
    [band] = panels['val/f1'].collections
    # 0.7 and 0.8: mean 0.75, deviation 0.0707
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(0.8207, abs=1e-4)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ['a (2)', 'b']
    assert panels['lr'].get_yscale() == 'log'


def test_too_many_groups_are_told(make_work_dir, tmp_path, drawn):
    run = read_run(make_work_dir())
    runs = [run] * (MAX_LINES + 3)
    for_each = [group_runs([run])[0]] * len(runs)
    draw_curves(runs, for_each, tmp_path / 'curves.png', metric='')
    assert drawn[0].legends[0].get_title().get_text() == '3 more are not drawn'


def test_a_name_is_no_formula(make_work_dir, tmp_path, drawn):
    run = read_run(make_work_dir('lr $\\nothing$ _'))
    draw_curves([run], group_runs([run]), tmp_path / 'curves.png', metric='val/f1')
    [text] = drawn[0].legends[0].get_texts()
    assert text.get_text() == r'lr \$\nothing\$ _'


def test_streams_of_actions_have_panels(make_action_dir, tmp_path, drawn):
    run = read_run(make_action_dir())
    path = tmp_path / 'curves.png'
    draw_curves([run], group_runs([run]), path, metric='val/fused_top1')
    titles = [axes.get_title() for axes in drawn[0].axes]
    assert titles[:4] == [
        'val/fused_top1',
        'train/fused_top1',
        'val/rgb_top1',
        'val/pose_top1',
    ]
