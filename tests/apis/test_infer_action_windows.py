import numpy as np
import pytest

from ocec.apis.errors import ConfigError
from ocec.apis.infer_action_windows import (
    NOBODY,
    Window,
    average_windows,
    join_pieces,
    label_of,
    parse_span,
    plan_windows,
    top_classes,
    whole_video,
)

NOBODY_ROW = [np.nan] * 3


@pytest.mark.parametrize(
    ('text', 'frames'),
    [('2', 50), ('2.5s', 62), ('0.04', 1), ('75f', 75), ('all', None)],
)
def test_lengths_of_time(text, frames):
    # 62.5 frames: Python rounds to the even one
    assert parse_span(text, 25.0, name='window') == frames


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('two', r"--stride must be seconds as 2\.5, or frames as 75f, got 'two'"),
        ('-1', 'must be seconds'),
        ('9' * 400, 'must be seconds'),
        ('0', 'no whole number of frames >= 1'),
        ('0.01', 'no whole number of frames >= 1'),
        ('1.5f', 'no whole number of frames >= 1'),
    ],
)
def test_wrong_lengths(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_span(text, 25.0, name='stride')


@pytest.mark.parametrize('length', [1, 2, 5, 7, 30])
@pytest.mark.parametrize('num_frames', [1, 2, 7, 20])
def test_every_frame_is_in_a_window(num_frames, length):
    for stride in range(1, length + 1):
        windows = plan_windows(num_frames, length, stride)
        assert [w.number for w in windows] == list(range(len(windows)))
        assert {w.stop - w.start for w in windows} == {min(length, num_frames)}
        starts = [w.start for w in windows]
        assert starts == sorted(set(starts))
        covered = {f for w in windows for f in range(w.start, w.stop)}
        assert covered == set(range(num_frames))


def test_the_whole_video_is_one_window():
    assert plan_windows(100, None, 1) == [Window(0, 0, 100)]


def test_a_stride_with_gaps_is_refused():
    with pytest.raises(
        ConfigError, match='--stride of 5 frames is longer than --window'
    ):
        plan_windows(100, 4, 5)


def test_frames_get_the_mean_of_their_windows():
    windows = plan_windows(11, 4, 2)
    rng = np.random.default_rng(0)
    prob_WC = rng.dirichlet(np.ones(3), len(windows))
    prob_WC[2] = np.nan
    edges, prob_SC = average_windows(windows, prob_WC)
    # frame by frame
    for frame in range(11):
        mine = [
            p
            for w, p in zip(windows, prob_WC, strict=True)
            if w.start <= frame < w.stop and not np.isnan(p).any()
        ]
        piece = np.searchsorted(edges, frame, side='right') - 1
        np.testing.assert_allclose(prob_SC[piece], np.mean(mine, axis=0))
    assert (edges[0], edges[-1]) == (0, 11)


def test_frames_that_only_nobody_is_in():
    windows = [Window(0, 0, 2), Window(1, 2, 4)]
    edges, prob_SC = average_windows(windows, np.array([[0.5, 0.3, 0.2], NOBODY_ROW]))
    np.testing.assert_allclose(prob_SC, [[0.5, 0.3, 0.2], NOBODY_ROW])
    assert label_of(prob_SC).tolist() == [0, NOBODY]
    np.testing.assert_allclose(whole_video(edges, prob_SC), [0.5, 0.3, 0.2])
    assert whole_video(np.array([0, 4]), np.array([NOBODY_ROW])) is None


def test_neighbours_with_the_same_answer_are_joined():
    edges = np.array([0, 1, 4, 6, 8, 9])
    prob_SC = np.array(
        [[0.9, 0.1, 0], [0.5, 0.2, 0.3], [0.1, 0.1, 0.8], NOBODY_ROW, [0.7, 0.2, 0.1]]
    )
    found = join_pieces(edges, prob_SC)
    assert [(s.start, s.stop, s.label) for s in found] == [
        (0, 4, 0),
        (4, 6, 2),
        (6, 8, NOBODY),
        (8, 9, 0),
    ]
    # 1 frame of 0.9, 3 of 0.5
    assert found[0].prob == pytest.approx(0.6)
    assert found[1].prob == pytest.approx(0.8)
    assert np.isnan(found[2].prob)


def test_the_whole_video_weighs_frames():
    found = whole_video(np.array([0, 1, 4]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert found.tolist() == [0.25, 0.75]


def test_the_likeliest_classes():
    assert top_classes(np.array([0.1, 0.4, 0.1, 0.4]), 3) == [1, 3, 0]
    assert top_classes(np.array([0.1, 0.9]), 5) == [1, 0]
