import re

import cv2
import pytest

from ocec.apis import compare_runs as module
from ocec.apis.compare_runs import (
    RunReader,
    build_comparison,
    choose_metric,
    compare_runs,
    unique_names,
)
from ocec.apis.errors import ConfigError
from ocec.visualization.run_log import read_run


def test_all_formats(make_work_dir, tmp_path, capsys):
    folders = [make_work_dir(f'r-{seed}', seed=seed) for seed in (1, 2)]
    out = tmp_path / 'out' / 'report.html'
    found = compare_runs(folders, out=out, formats=['html', 'md', 'csv', 'png'])
    assert [run.name for run in found.runs] == ['r-1', 'r-2']
    assert (found.metric, found.rule, found.target) == ('val/f1', 'greater', 0.9)
    assert '<title>2 runs compared</title>' in out.read_text()
    assert out.with_suffix('.md').read_text().startswith('# 2 runs by val/f1')
    assert out.with_suffix('.csv').read_text().count('\n') == 3
    assert cv2.imread(str(out.with_suffix('.png'))) is not None
    assert f'written: {out}' in capsys.readouterr().out


def test_format_by_the_name_and_none_at_all(make_work_dir, tmp_path, capsys):
    folder = make_work_dir()
    compare_runs([folder], out=tmp_path / 'a.md')
    compare_runs([folder], out=tmp_path / 'v1.2', formats=['csv'])
    compare_runs([folder])
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert names == {'a.md', 'v1.2.csv'}
    assert capsys.readouterr().out.count('1 run by val/f1') == 3


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (
            dict(metric='f2'),
            r'--metric f2: no run has it; did you mean f1\? There are: ',
        ),
        (dict(watch=0), '--watch must be > 0 seconds, got 0'),
        (dict(formats=['md']), '--format needs -o FILE'),
        (dict(formats=['pdf'], out='x'), '--format must be of html, .*, got pdf'),
        (dict(out='x.txt'), '-o x.txt must end in .html, .md'),
    ],
)
def test_wrong_usage(make_work_dir, arguments, message):
    with pytest.raises(ConfigError, match=message):
        compare_runs([make_work_dir()], **arguments)


def test_broken_folders_are_named_and_the_rest_is_shown(make_work_dir, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'torn').mkdir()
    (tmp_path / 'torn' / 'metrics.jsonl').write_text('{"phase": "tr')
    folders = [
        make_work_dir('good'),
        *(tmp_path / n for n in ('empty', 'gone', 'torn')),
    ]
    out = tmp_path / 'report.md'
    with pytest.raises(ValueError, match='3 of 4 arguments cannot be shown') as caught:
        compare_runs(folders, out=out)
    text = out.read_text()
    assert '| good | 0.9000 |' in text
    for part in ('empty: holds no metrics', 'gone: no such folder', 'torn: metrics.js'):
        assert part in text
        assert part in str(caught.value)


def test_nothing_to_show(tmp_path):
    with pytest.raises(ValueError, match='there is no run to show:\n  .*gone: no such'):
        compare_runs([tmp_path / 'gone'], out=tmp_path / 'x.html')
    assert not (tmp_path / 'x.html').exists()


def test_runs_without_a_common_metric_are_all_shown(make_work_dir):
    runs = [read_run(make_work_dir(name, seed=seed)) for seed, name in enumerate('ab')]
    del runs[1].curves['val/f1']
    found = build_comparison(runs, {})
    assert found.notes == ['no common metric: b did not log val/f1']
    assert [numbers['best'] for numbers in found.numbers] == [0.9, None]
    for run in runs:
        # how long a validation took is no metric
        run.curves = {
            n: c for n, c in run.curves.items() if n[:4] != 'val/' or n == 'val/seconds'
        }
        assert 'val/seconds' in run.curves
    found = build_comparison(runs, {})
    assert found.notes == ['no run has a validation metric: only training is compared']
    assert (found.metric, found.target) == ('', None)


def test_metrics_are_found_by_any_of_their_names(make_work_dir):
    runs = [read_run(make_work_dir())]
    for name in ('f1', 'val/f1', 'eye/f1', None):
        assert choose_metric(runs, name) == 'val/f1'
    assert choose_metric(runs, 'loss') == 'val/loss'
    assert build_comparison(runs, {}, metric='loss').rule == 'less'
    assert build_comparison(runs, {}, target=0.7).target == 0.7
    del runs[0].curves['val/f1']
    assert choose_metric(runs, None) == 'val/loss'


def test_actions_are_judged_by_all_streams_together(make_action_dir, tmp_path, capsys):
    folders = [make_action_dir(name, seed=seed) for seed, name in enumerate('ab')]
    out = tmp_path / 'report.html'
    found = compare_runs(folders, out=out, formats=['html', 'md', 'csv', 'png'])
    assert (found.metric, found.rule, found.target) == (
        'val/fused_top1',
        'greater',
        0.8,
    )
    assert cv2.imread(str(out.with_suffix('.png'))) is not None
    printed = capsys.readouterr().out
    for title in ('train top-1', 'last gap', 'converged at', 'pose top-1'):
        assert title in printed


def test_eyes_and_actions_together_are_judged_by_f1(make_work_dir, make_action_dir):
    folders = [make_work_dir('eyes'), make_action_dir('actions', seed=2)]
    found = build_comparison([read_run(folder) for folder in folders], {})
    assert found.metric == 'val/f1'
    assert found.notes == ['no common metric: actions did not log val/f1']


def test_names_tell_runs_apart(tmp_path):
    paths = [tmp_path / name for name in ('x/run', 'y/run', 'y/other')]
    assert unique_names(paths) == ['x/run', 'y/run', 'y/other']
    assert unique_names(paths[1:]) == ['run', 'other']


def test_a_run_named_twice_is_shown_once(make_work_dir, tmp_path):
    folder = make_work_dir('all/a')
    runs, problems = RunReader([tmp_path / 'all', folder]).read()
    assert [run.name for run in runs] == ['a']
    assert problems == {}


def test_only_changed_logs_are_read_again(make_work_dir, monkeypatch):
    folders = [make_work_dir(name) for name in 'ab']
    reader = RunReader(folders)
    first, _ = reader.read()
    with open(folders[1] / 'metrics.jsonl', 'a') as log:
        log.write('{"phase": "val", "epoch": 4, "step": 40, "eye/f1": 0.95}\n')
    again, _ = reader.read()
    assert again[0] is first[0]
    assert again[1] is not first[1]
    assert again[1].num_epochs == 4


def going_on(folder, epochs):
    (folder / 'config.py').write_text(f'train_cfg = dict(max_epochs={epochs})')
    return folder


def test_watching_ends_with_the_runs(make_work_dir, tmp_path, monkeypatch, capsys):
    folder = going_on(make_work_dir(), 4)
    out = tmp_path / 'live.html'
    pages = []

    def sleep(seconds):
        pages.append(out.read_text())
        if len(pages) == 2:
            with open(folder / 'metrics.jsonl', 'a') as log:
                log.write('{"phase": "val", "epoch": 4, "step": 40, "eye/f1": 0.95}\n')

    monkeypatch.setattr(module.time, 'sleep', sleep)
    found = compare_runs([folder], out=out, watch=2.4)
    assert [run.state for run in found.runs] == ['finished']
    refresh = re.compile('<meta http-equiv="refresh" content="2">')
    assert [bool(refresh.search(page)) for page in pages] == [True, True]
    assert 'http-equiv="refresh"' not in out.read_text()
    assert 'all runs have ended' in capsys.readouterr().out


def test_watching_can_be_stopped(make_work_dir, tmp_path, monkeypatch, capsys):
    def sleep(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.time, 'sleep', sleep)
    out = tmp_path / 'live.html'
    compare_runs([going_on(make_work_dir(), 9)], out=out, watch=1)
    assert 'watching stopped' in capsys.readouterr().out
    assert 'http-equiv="refresh"' not in out.read_text()
