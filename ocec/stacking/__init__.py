from ocec.stacking.base_scores import BaseScores, MemberScores, join_members
from ocec.stacking.build import build_combiner, load_combiner, save_combiner
from ocec.stacking.combiner import Combiner
from ocec.stacking.folds import assign_folds
from ocec.stacking.out_of_fold import out_of_fold

__all__ = [
    'BaseScores',
    'Combiner',
    'MemberScores',
    'assign_folds',
    'build_combiner',
    'join_members',
    'load_combiner',
    'out_of_fold',
    'save_combiner',
]
