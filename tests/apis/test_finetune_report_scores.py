"""Scores of real models with random weights, and made ones where values matter."""

import numpy as np
import pytest
import torch

from ocec.apis.finetune_report_runs import ReportRun
from ocec.apis.finetune_report_scores import (
    build_side,
    find_source,
    is_chosen_on,
    score_sides,
    stored_threshold,
)
from ocec.apis.score_checkpoint import ScoredSplit, score_checkpoint
from ocec.datasets.eye_parquet import EyeParquet
from ocec.engine.checkpoint_io import save_atomically
from ocec.visualization.run_provenance import describe_data


@pytest.fixture
def make_scored(make_eye_parquet):
    file = make_eye_parquet(num_rows=8, split=['val'] * 8)
    dataset = EyeParquet(file, 'val', image_size=(24, 40))

    def make(ids, label=None, thresholds=None):
        ids = np.array(ids)
        scores = {
            'prob_B': ids / 10,
            'label_B': ids % 2 if label is None else np.array(label),
            'sample_id_B': ids,
            'group_id_B': ids // 4,
        }
        return ScoredSplit(scores, dataset, None, thresholds)

    return make


def test_each_checkpoint_on_both(make_member, make_eye_parquet, capsys):
    data = {'A': str(make_eye_parquet()), 'B': str(make_eye_parquet(seed=3))}
    first = make_member(data['A'])
    # another architecture, its own threshold
    other = make_member(data['A'], 'model = dict(backbone=dict(base_channels=16))', 1)
    content = torch.load(other, weights_only=True)
    content['thresholds'] = {'best_f1': 0.375}
    save_atomically(content, other)
    methods = {
        'zero-shot': [ReportRun('zero-shot', first)],
        'full': [ReportRun('full', other)],
    }
    sides = score_sides(methods, data, split='test')
    assert list(sides) == ['B', 'A']
    for letter, side in sides.items():
        for name, file in (('zero-shot', first), ('full', other)):
            alone = score_checkpoint(file, data=data[letter], split='test').scores
            [found] = side.scores[name]
            np.testing.assert_array_equal(found.prob_N, alone['prob_B'])
            np.testing.assert_array_equal(side.label_N, alone['label_B'])
        assert side.scores['zero-shot'][0].threshold == 0.5
        assert side.scores['zero-shot'][0].origin == 'none is stored'
        assert side.scores['full'][0].threshold == 0.375
    # the drawn eyes have 16 rows of test
    assert len(sides['B'].label_N) == 16
    # before the last scoring, which is not silenced
    assert 'scoring' not in capsys.readouterr().out.split('->')[0]


def test_broken_weights(make_member, make_eye_parquet):
    data = str(make_eye_parquet())
    file = make_member(data)
    content = torch.load(file, weights_only=True)
    for name, tensor in content['state_dict'].items():
        if name.startswith('backbone') and tensor.is_floating_point():
            tensor.fill_(float('nan'))
    save_atomically(content, file)
    message = rf'{file}: 16 scores on {data} are not finite: the weights are broken'
    with pytest.raises(ValueError, match=message):
        score_sides({'x': [ReportRun('x', file)]}, {'A': data, 'B': data})


def test_only_images_that_all_have_scored_and_that_have_a_label(make_scored):
    some, all_of_them = make_scored([1, 2, 4, 5], [1, -1, 0, 1]), make_scored(range(8))
    all_of_them.scores['label_B'][2] = -1
    side = build_side('B', 'eyes/web.parquet', 'val', {'a': [all_of_them], 'b': [some]})
    assert side.sample_id_N.tolist() == [1, 4, 5]
    assert side.label_N.tolist() == [1, 0, 1]
    assert side.group_N.tolist() == [0, 1, 1]
    assert side.scores['a'][0].prob_N.tolist() == [0.1, 0.4, 0.5]
    assert side.name == 'B (web)'
    assert side.notes == [
        'B (web): 4 of 8 images are left out: not every run has scored them (other '
        'split settings or bad rows)',
        'B (web): 1 images without a label are left out',
    ]


def test_nothing_in_common_or_nothing_labelled(make_scored):
    parts = {'a': [make_scored([0, 1])], 'b': [make_scored([2, 3])]}
    with pytest.raises(ValueError, match='web: no image of val was scored by every'):
        build_side('B', 'web', 'val', parts)
    parts = {'a': [make_scored([0, 1], [-1, -1])]}
    with pytest.raises(ValueError, match='web: no image of test has a label'):
        build_side('B', 'web', 'test', parts)


def test_labels_that_contradict_each_other(make_scored):
    parts = {'a': [make_scored([0, 1])], 'b': [make_scored([0, 1], [1, 1])]}
    with pytest.raises(ValueError, match='web: the configs of two runs give one image'):
        build_side('B', 'web', 'val', parts)


def test_threshold_of_the_source():
    stored = {'best_f1': 0.4, 'sources': {'new': {'best_f1': 0.3}, 'x': {}}}
    assert stored_threshold(stored, 'new') == (0.3, 'stored, of the source new')
    assert stored_threshold(stored, 'x') == (0.4, 'stored')
    assert stored_threshold(stored, None) == (0.4, 'stored')
    assert stored_threshold({'best_f1': None}, None) == (0.5, 'none is stored')


def test_whether_a_checkpoint_was_chosen_here(make_scored):
    part = make_scored([0, 1])
    own = part.dataset.fingerprint()
    # moved to another folder and read at another size
    moved = {**own, 'image_size': [32, 64], 'files': [{**own['files'][0], 'file': 'x'}]}
    here = describe_data(own)
    assert is_chosen_on({'data': moved}, here)
    assert is_chosen_on({'data': {'split': 'val', 'sources': {'new': moved}}}, here)
    assert not is_chosen_on({'data': {**own, 'split': 'test'}}, here)
    assert not is_chosen_on(None, here)


def test_name_of_a_source_is_found_by_its_files(make_scored):
    own = make_scored([0]).dataset.fingerprint()
    of_other_split = {**own, 'split': 'test'}
    sources = {'home': {'files': [{'footer_sha256': 'a'}]}, 'new': of_other_split}
    assert find_source({'data': {'sources': sources}}, own) == 'new'
    assert find_source({'data': own}, own) is None
    assert find_source(None, own) is None
