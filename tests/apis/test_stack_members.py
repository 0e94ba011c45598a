import re
from dataclasses import replace

import numpy as np
import pytest

from ocec.apis import stack_members
from ocec.apis.errors import ConfigError
from ocec.apis.score_checkpoint import score_checkpoint
from ocec.apis.stack_config import DataConfig, MemberConfig
from ocec.apis.stack_members import score_members

SMALLER = '\n'.join(
    f'{split}_dataloader = dict(batch_size=16, dataset=dict(data={{0!r}}, '
    f'split={split!r}, image_size=(24, 40)))'
    for split in ('train', 'val', 'test')
)


@pytest.fixture
def members(make_member, own_data):
    return [
        MemberConfig('a', make_member(own_data, seed=1)),
        MemberConfig('b', make_member(own_data, seed=2)),
    ]


@pytest.fixture
def test_rows(unseen_data):
    return DataConfig(str(unseen_data), 'test')


def test_scores_are_those_of_score_checkpoint(members, test_rows):
    scored = score_members(members, test_rows)
    assert scored.scores.names == ('a', 'b')
    for column, member in enumerate(members):
        alone = score_checkpoint(member.checkpoint, data=test_rows.data, split='test')
        prob_N = alone.scores['prob_B']
        assert scored.scores.prob_NM[:, column].tolist() == prob_N.tolist()
    assert scored.scores.label_N.tolist() == [0, 1] * 20
    assert scored.sample_id_N.tolist() == list(range(80, 120))
    assert scored.id_N[0] == 'images/00080.png'
    assert len(np.unique(scored.scores.group_N)) == 10
    assert scored.fingerprint['split'] == 'test'


def test_scores_are_kept_until_something_changes(
    members, test_rows, tmp_path, monkeypatch, capsys
):
    cache = tmp_path / 'scores'
    first = score_members(members, test_rows, cache=cache)
    assert len(list(cache.iterdir())) == 2
    calls = []
    original = stack_members.score_checkpoint

    def counted(*args, **kwargs):
        calls.append(kwargs['split'])
        return original(*args, **kwargs)

    monkeypatch.setattr(stack_members, 'score_checkpoint', counted)
    again = score_members(members, test_rows, cache=cache)
    assert calls == []
    assert f'a: scores of {test_rows} from {cache}' in capsys.readouterr().out
    assert again.scores.prob_NM.tolist() == first.scores.prob_NM.tolist()
    # other rows, other weights, another number of passes
    score_members(members, replace(test_rows, split='val'), cache=cache)
    assert calls == ['val', 'val']
    calls.clear()
    more = [members[0], replace(members[1], checkpoint=members[0].checkpoint)]
    more = [more[0], replace(more[1], mc_dropout=3)]
    score_members(more, test_rows, cache=cache)
    assert len(calls) == 1
    assert len(list(cache.iterdir())) == 5


def test_passes_with_dropout_become_features(members, test_rows):
    with_passes = [replace(members[0], mc_dropout=4), members[1]]
    scores = score_members(with_passes, test_rows).scores
    assert scores.feature_names == ('a', 'a:spread', 'b')
    assert scores.is_prob_F.tolist() == [True, False, True]
    assert (scores.spread_NM[:, 0] > 0).all()
    assert np.isnan(scores.spread_NM[:, 1]).all()
    assert scores.feature_NF[:, 1].tolist() == scores.spread_NM[:, 0].tolist()


def test_members_of_other_image_sizes_go_together(
    members, make_member, own_data, test_rows
):
    small = make_member(own_data, SMALLER.format(str(own_data)), seed=3)
    both = [*members, MemberConfig('small', small)]
    assert score_members(both, test_rows).scores.prob_NM.shape == (40, 3)


def test_model_of_another_input_size_is_named(members, test_rows):
    size = 'test_dataloader.dataset.image_size=[48,64]'
    other = replace(members[1], cfg_options=(size,))
    message = re.escape(f"member 'b' ({other.checkpoint}) cannot score {test_rows}: ")
    with pytest.raises(ConfigError, match=f'{message}images of different sizes'):
        score_members([members[0], other], test_rows)


def test_data_of_another_kind_name_the_member(members, tmp_path):
    np.savez(tmp_path / 'pairs.npz', x=np.zeros((2, 28, 56), np.uint8))
    rows = DataConfig(str(tmp_path / 'pairs.npz'), 'test')
    with pytest.raises(ConfigError, match=r"member 'a' .* cannot score split \"test\""):
        score_members(members, rows)


def test_members_must_score_the_same_rows(members, make_eye_parquet):
    paths = [str(make_eye_parquet(num_rows=n, splits={'test': 1.0})) for n in (16, 24)]
    odd = [
        replace(
            member,
            cfg_options=(
                f'test_dataloader.dataset.data={path}',
                'test_dataloader.dataset.split=test',
            ),
        )
        for member, path in zip(members, paths, strict=True)
    ]
    message = "member 'b' scored 24 rows, 'a' 16, and their sample_ids differ"
    with pytest.raises(ConfigError, match=message):
        score_members(odd, DataConfig())


def test_swap_is_for_pairs_only(members, test_rows):
    swapped = [replace(members[0], swap=True), members[1]]
    message = re.escape('swap=True: ImageClassifier has no swap_tta, it knows no two')
    with pytest.raises(ConfigError, match=message):
        score_members(swapped, test_rows)
