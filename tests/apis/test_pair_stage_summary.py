import json

import pytest

from ocec.apis.pair_stage_plan import StageMember
from ocec.apis.pair_stage_run import MemberRun
from ocec.apis.pair_stage_summary import summarize_runs, summary_text
from ocec.engine.metrics_file import MetricsFile


@pytest.fixture
def make_run(tmp_path):
    def make(stage, name, seed, val=None):
        member = StageMember(stage, name, 'c', seed)
        run = MemberRun(member, tmp_path / stage / member.run, tmp_path, {}, '')
        run.prepare()
        if val is not None:
            best = {'value': val, 'epoch': 2, 'file': 'best.pth'}
            for file, content in (('best', best), ('finished', {'best': best})):
                (run.folder / f'{file}.json').write_text(json.dumps(content))
            (run.folder / 'best.pth').touch()
            log = MetricsFile(run.folder / 'metrics.jsonl')
            for epoch in (1, 2, 3):
                log.append('train_epoch', epoch, epoch, {'loss': 1.0, 'seconds': 40.0})
        return run

    return make


def test_means_are_those_of_finished_members(make_run):
    runs = [
        make_run('stage2', 'net', 1, 0.8),
        make_run('stage3', 'fusion5', 1, 0.84),
        make_run('stage3', 'fusion5', 2, 0.86),
        make_run('stage3', 'fpn', 1, 0.9),
        make_run('stage3', 'fpn', 2),
    ]
    summary = summarize_runs(runs, {'stage3/fpn-s2': 'exit code 1'})
    rows = {(row['stage'], row['member']): row for row in summary['means']}
    assert list(rows) == [
        ('stage2', 'all'),
        ('stage3', 'all'),
        ('stage3', 'fusion5'),
        ('stage3', 'fpn'),
    ]
    assert rows['stage2', 'all']['std'] is None
    # of 0.84, 0.86 and 0.9: mean 2.6 / 3, deviations -8, -2 and 10 of 300
    stage3 = rows['stage3', 'all']
    assert (stage3['finished'], stage3['mean']) == (3, pytest.approx(2.6 / 3))
    assert stage3['std'] == pytest.approx(((64 + 4 + 100) / 2) ** 0.5 / 300)
    assert rows['stage3', 'fpn']['finished'] == 1
    states = [row['state'] for row in summary['members']]
    assert states == ['finished'] * 4 + ['FAILED']
    text = summary_text(summary)
    assert '| stage2 | net | 1 | finished | 3 | 2 | 80.00% | 2.0 |' in text
    assert '| stage3 | fpn | 2 | FAILED | – | – | – | – |' in text
    assert '| stage3 | fusion5 | 2 | 85.00 ± 1.41 % |' in text
    assert '| stage2 | all | 1 | 80.00 % |' in text


def test_a_stage_without_a_finished_member_has_no_mean(make_run):
    summary = summarize_runs([make_run('stage0', 'net', 1)], {})
    assert summary['members'][0]['state'] == 'begun'
    assert '| stage0 | all | 0 | – |' in summary_text(summary)
