import json
import re

import pytest

from ocec.stacking.build import COMBINERS, build_combiner, load_combiner, save_combiner


@pytest.mark.parametrize('name', COMBINERS)
def test_every_combiner_is_saved_and_read_without_pickle(name, draw_scores, tmp_path):
    scores, new = draw_scores(spread=True), draw_scores(seed=1, spread=True)
    combiner = build_combiner(name)
    combiner.fit(scores)
    save_combiner(combiner, tmp_path / 'saved')
    again = load_combiner(tmp_path / 'saved', name)
    assert again.predict(new).tolist() == combiner.predict(new).tolist()
    suffixes = {f.suffix for f in (tmp_path / 'saved').rglob('*') if f.is_file()}
    assert suffixes <= {'.json', '.txt'}


def test_settings_reach_the_class():
    combiner = build_combiner({'type': 'lightgbm', 'params': {'num_leaves': 7}}, seed=3)
    assert combiner.params['num_leaves'] == 7
    assert combiner.params['seed'] == 3
    assert build_combiner({'type': 'two_level', 'seed': 5}, seed=3).seed == 5


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ('lightgmb', "there is no combiner 'lightgmb'; did you mean lightgbm?; there"),
        ({}, 'there is no combiner None'),
        (
            {'type': 'logistic', 'c': 1},
            "logistic takes no argument 'c'; it takes C",
        ),
        ({'type': 'mean', 'weights': 1}, "mean takes no argument 'weights'"),
        (
            {'type': 'two_level', 'fold': 3},
            "two_level takes no argument 'fold'; did you mean folds?",
        ),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build_combiner(settings)


def test_damaged_and_missing_files(draw_scores, tmp_path):
    combiner = build_combiner('two_level')
    combiner.fit(draw_scores())
    save_combiner(combiner, tmp_path)
    with pytest.raises(ValueError, match=re.escape('damaged: it is no logistic')):
        load_combiner(tmp_path, 'logistic')
    (tmp_path / 'level2' / 'combiner.json').unlink()
    message = re.escape(f'{tmp_path}/level2/combiner.json: this part of the ensemble')
    with pytest.raises(FileNotFoundError, match=message):
        load_combiner(tmp_path, 'two_level')
    (tmp_path / 'combiner.json').write_text(json.dumps({'type': 'two_level'}))
    with pytest.raises(ValueError, match="damaged: 'texts'"):
        load_combiner(tmp_path, 'two_level')
