import numpy as np
import pytest

from ocec.stacking import MemberScores, join_members


def draw_scores(num_rows=300, num_members=4, seed=0, group_size=3, spread=False):
    """Members of different quality that err on different rows."""
    rng = np.random.default_rng(seed)
    label_N = rng.integers(0, 2, num_rows)
    group_N = np.arange(num_rows) // group_size
    members = []
    for index in range(num_members):
        noise = rng.normal(0, 1.5 + 0.5 * index, num_rows)
        prob_N = 1 / (1 + np.exp(-(2 * (2 * label_N - 1) + noise)))
        spread_N = rng.uniform(0, 0.3, num_rows) if spread and index < 2 else None
        members.append(MemberScores(f'm{index}', prob_N, spread_N=spread_N))
    return join_members(members, label_N, group_N)


@pytest.fixture(name='draw_scores')
def _draw_scores():
    return draw_scores
