import pytest

from ocec.stacking.averages import MeanCombiner
from ocec.stacking.combiner import Combiner


def test_a_combiner_must_do_everything():
    class Half(Combiner):
        type = 'half'

        def fit(self, scores):
            pass

    with pytest.raises(TypeError, match='load_state, predict, state|load_state'):
        Half()


def test_by_default_there_are_no_parts_and_no_importance():
    assert MeanCombiner().parts() == {}
    assert MeanCombiner().importance() == {}
