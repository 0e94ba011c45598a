import numpy as np
import pytest

from ocec.functional.outliers import chi_square_quantile
from ocec.visualization.sample_lists import decision_confidence, sample_lists

NAMES = ['hard_samples', 'confident_errors', 'probable_label_errors', 'outliers']


def scores_of(prob, label, embedding=None):
    scores = {'prob_B': np.float32(prob), 'label_B': np.array(label)}
    if embedding is not None:
        scores['embedding_BD'] = np.float32(embedding)
    return scores


def test_hard_samples_are_the_nearest_to_the_threshold_on_both_sides():
    scores = scores_of([0.6, 0.34, 0.49, 0.9, 0.64], [1, 0, 0, 1, 0])
    found = sample_lists(scores, threshold=0.5)['hard_samples']
    # |P - 0.5|: 0.1, 0.16, 0.01, 0.4, 0.14; hard below 0.15
    assert found.index_K.tolist() == [2, 0, 4]
    assert found.value_K == pytest.approx([0.02, 0.2, 0.28], abs=1e-6)
    assert found.num_found == 3
    assert 'threshold 0.5' in found.method


def test_confident_errors_are_false_alarms_first_then_missed_ones():
    prob = [0.9, 0.95, 0.01, 0.2, 0.6, 0.99]
    label = [0, 0, 1, 1, 0, 1]
    found = sample_lists(scores_of(prob, label), threshold=0.5)['confident_errors']
    # the sure miss at 0.01 comes after both false alarms; 0.6 is wrong but not sure
    assert found.index_K.tolist() == [1, 0, 2, 3]
    assert found.value_K == pytest.approx([0.9, 0.8, 0.98, 0.6], abs=1e-6)


def test_the_limit_leaves_room_for_missed_ones():
    prob, label = [0.9] * 5 + [0.1] * 4, [0] * 5 + [1] * 4
    found = sample_lists(scores_of(prob, label), threshold=0.5, limit=2)
    assert found['confident_errors'].index_K.tolist() == [0, 1, 5, 6]
    assert found['confident_errors'].num_found == 9


def test_at_a_high_threshold_a_false_alarm_can_still_be_sure():
    # 0.99 is nearer than 0.15 to the threshold, yet nearly as far as can be
    scores = scores_of([0.99, 0.92, 0.89], [0, 0, 1])
    found = sample_lists(scores, threshold=0.9)
    assert found['confident_errors'].index_K.tolist() == [0]
    assert found['hard_samples'].index_K.tolist() == [2, 1]


def test_the_decision_is_that_of_the_metrics_at_a_score_on_the_threshold():
    # as float64 the threshold 0.7 lies above float32(0.7) = 0.699999988
    assert np.float32(0.7) >= 0.7
    found = sample_lists(scores_of([0.7], [1]), threshold=0.7)
    assert found['hard_samples'].index_K.tolist() == [0]
    assert len(found['confident_errors'].index_K) == 0


def test_label_errors_are_those_that_the_scores_contradict():
    prob = [0.9, 0.8, 0.1, 0.1, 0.2, 0.95]
    found = sample_lists(scores_of(prob, [1, 1, 1, 0, 0, 0]), threshold=0.5)
    errors = found['probable_label_errors']
    # P(label) is 0.05 of the last, 0.1 of the third
    assert errors.index_K.tolist() == [5, 2]
    assert errors.value_K == pytest.approx([0.05, 0.1], abs=1e-6)
    assert 'confident learning' in errors.method


def test_outliers_are_beyond_the_quantile_farthest_first():
    rng = np.random.default_rng(0)
    embedding = np.float64(rng.normal(size=(400, 3)))
    embedding[7], embedding[300] = 9, -12
    label = np.arange(400) // 200
    found = sample_lists(scores_of(np.full(400, 0.5), label, embedding), threshold=0.5)[
        'outliers'
    ]
    # by hand: each class with its own mean and covariance
    distance = np.empty(400)
    for code in (0, 1):
        rows = label == code
        x = np.float64(np.float32(embedding[rows]))
        x = x - x.mean(axis=0)
        inverse = np.linalg.inv(x.T @ x / (len(x) - 1))
        distance[rows] = np.einsum('nd,de,ne->n', x, inverse, x)
    limit = chi_square_quantile(0.999, 3)
    expected = [i for i in np.argsort(-distance).tolist() if distance[i] > limit]
    assert expected[:2] in ([7, 300], [300, 7])
    assert found.index_K.tolist() == expected
    assert found.value_K == pytest.approx(distance[expected], rel=1e-4)


def test_without_embeddings_the_list_of_outliers_is_empty_and_says_why():
    found = sample_lists(scores_of([0.5, 0.6], [0, 1]), threshold=0.5)
    assert list(found) == NAMES
    assert len(found['outliers'].index_K) == 0
    assert 'no embeddings' in found['outliers'].method


@pytest.mark.parametrize('label', [0, 1])
def test_one_class_alone(label):
    embedding = np.eye(4)
    scores = scores_of([0.1, 0.4, 0.6, 0.9], [label] * 4, embedding)
    found = sample_lists(scores, threshold=0.5)
    assert found['confident_errors'].index_K.tolist() == ([3] if label == 0 else [0])
    assert len(found['probable_label_errors'].index_K) == 0


def test_no_sample_at_all():
    found = sample_lists(scores_of([], [], np.empty((0, 3))), threshold=0.5)
    assert [len(found[name].index_K) for name in NAMES] == [0] * 4


@pytest.mark.parametrize('threshold', [0.0, 1.0])
def test_a_threshold_at_the_end_has_no_way_to_go(threshold):
    confidence = decision_confidence(np.array([0.0, 0.25, 1.0]), threshold)
    expected = {0.0: [0, 0.25, 1], 1.0: [1, 0.75, 0]}
    assert confidence.tolist() == expected[threshold]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'threshold': 1.5}, r'threshold must be in \[0, 1\], got 1.5'),
        ({'threshold': 0.5, 'limit': 0}, 'limit must be > 0, got 0'),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        sample_lists(scores_of([0.5], [1]), **arguments)
