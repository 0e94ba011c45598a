import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ocec.apis.analyze_errors import analyze_errors, choose_threshold
from ocec.apis.errors import ConfigError
from ocec.apis.train import train

SPLITS = ['test'] * 24 + ['train'] * 32 + ['val'] * 8


@pytest.fixture(scope='module')
def runs():
    return []


@pytest.fixture
def checkpoint(runs, write_config):
    """A checkpoint that was trained once for all tests of this file."""
    if not runs:
        config = write_config(
            'train_cfg = dict(max_epochs=1)',
            num_rows=len(SPLITS),
            split=SPLITS,
        )
        runs.append(train(config).work_dir / 'epoch_1.pth')
    return runs[0]


def number_listed(page):
    return int(re.search(r'"num_listed": (\d+)', page)[1])


def test_page_lies_beside_the_checkpoint(checkpoint, capsys):
    out = analyze_errors(checkpoint)
    assert out == checkpoint.with_name('epoch_1_errors_test.html')
    page = out.read_text()
    assert f'<title>Errors of run/{checkpoint.name}</title>' in page
    assert 'test: 24 images (12 closed, 12 open), 6 groups' in page
    assert 'Threshold 0.5: that of the metric of the config' in page
    assert 'class="warning"' not in page
    assert 'confident learning, prune by noise rate' in page
    assert 'http' not in re.sub(r'base64,[A-Za-z0-9+/=]+', '', page)
    assert f'{out}: ' in capsys.readouterr().out


def test_all_samples_up_to_the_limit(checkpoint, tmp_path):
    out = tmp_path / 'new' / 'page.html'
    # none is called open: all that are open are missed
    options = {'out': out, 'threshold': '1', 'neighbours': 0}
    analyze_errors(checkpoint, all_samples=True, **options)
    assert number_listed(out.read_text()) == 24
    analyze_errors(checkpoint, limit=5, **options)
    page = out.read_text()
    assert re.search(r'<td>all errors</td><td>12</td><td>5</td>', page)
    assert 'at most 5 in each list' in page


@pytest.mark.parametrize(('split', 'is_told'), [('val', True), ('test', False)])
def test_the_split_that_chose_the_epoch_is_named(checkpoint, tmp_path, split, is_told):
    out = tmp_path / 'page.html'
    analyze_errors(checkpoint, split=split, out=out)
    page = out.read_text()
    assert ('If the checkpoint was chosen on this split' in page) == is_told


def test_training_data_have_no_probable_label_errors(checkpoint, tmp_path):
    out = tmp_path / 'page.html'
    analyze_errors(checkpoint, split='train', out=out)
    page = out.read_text()
    assert 'The model may have been trained on these samples' in page
    assert '<td>probable label errors</td>' not in page
    analyze_errors(checkpoint, split='train', out=out, held_out=True)
    page = out.read_text()
    assert 'class="warning"' not in page
    assert '<td>probable label errors</td>' in page


def test_broken_weights(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    for name, tensor in content['state_dict'].items():
        if name.startswith('backbone') and tensor.is_floating_point():
            tensor.fill_(float('nan'))
    torch.save(content, tmp_path / 'nan.pth')
    with pytest.raises(ValueError, match='no sample has a finite score: the weights'):
        analyze_errors(tmp_path / 'nan.pth')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'limit': 0}, 'limit must be >= 1, got 0'),
        ({'neighbours': -1}, 'neighbours must be >= 0, got -1'),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ConfigError, match=message):
        analyze_errors('any.pth', **arguments)


def scored(evaluator=None, thresholds=None):
    cfg = SimpleNamespace(test_evaluator=evaluator or {'type': 'BinaryMetric'})
    return SimpleNamespace(cfg=cfg, thresholds=thresholds)


def test_threshold_of_the_metric():
    assert choose_threshold(None, scored())[0] == 0.5
    metric = {'type': 'BinaryMetric', 'threshold': 0.7}
    assert choose_threshold(None, scored(metric))[0] == 0.7
    assert choose_threshold(None, scored([{'type': 'Other'}, metric]))[0] == 0.7


def test_threshold_that_is_given_or_stored():
    assert choose_threshold('0.25', scored()) == (0.25, 'as asked for')
    assert choose_threshold(1, scored())[0] == 1.0
    stored = scored(thresholds={'best_f1': 0.4, 'precision': None, 'split': 'dev'})
    value, origin = choose_threshold('best_f1', stored)
    assert value == 0.4
    assert origin == 'best_f1, chosen on dev and stored in the checkpoint'


@pytest.mark.parametrize(
    ('wanted', 'thresholds', 'message'),
    [
        ('best_f1', None, 'the checkpoint holds no threshold best_f1'),
        (
            'precision',
            {'precision': None},
            'the checkpoint holds no threshold precision',
        ),
        ('1.5', None, r'threshold must be in \[0, 1\] or one of best_f1.*: 1.5'),
        ('nan', None, r'threshold must be in \[0, 1\]'),
        ('f1', None, r'or one of best_f1, precision, false_alarm: f1'),
    ],
)
def test_threshold_that_cannot_be_used(wanted, thresholds, message):
    with pytest.raises(ConfigError, match=message):
        choose_threshold(wanted, scored(thresholds=thresholds))


@pytest.fixture
def change_scores(monkeypatch):
    """Return a function that puts a value into the scores of the first samples."""
    from ocec.apis import analyze_errors as module

    def change(field, value, num):
        def score_and_change(*args, **kwargs):
            found = score(*args, **kwargs)
            found.scores[field][:num] = value
            return found

        score = module.score_checkpoint
        monkeypatch.setattr(module, 'score_checkpoint', score_and_change)

    return change


@pytest.mark.parametrize(('field', 'value'), [('prob_B', np.nan), ('label_B', -1)])
def test_samples_that_tell_nothing_are_left_out(
    checkpoint, tmp_path, change_scores, field, value
):
    change_scores(field, value, 2)
    out = tmp_path / 'page.html'
    page = analyze_errors(checkpoint, out=out, all_samples=True).read_text()
    assert '2 of 24 samples have no label or no finite score and are left out' in page
    assert 'All 22 samples of the split are counted' in page
    assert number_listed(page) == 22
    counted = re.findall(r'class="(?:good|wrong)">(\d+)', page)
    assert sum(map(int, counted)) == 22


def test_no_sample_has_a_label(checkpoint, change_scores):
    change_scores('label_B', -1, None)
    with pytest.raises(ValueError, match='no sample has a label: there are no errors'):
        analyze_errors(checkpoint)
