"""Stage 4: the runs of stages 0 to 3 combined, on digits that none of them has seen.

Stack:   python tools/stack.py configs/pair/stack-lgbm_4base-5fold_digits-28x28.py
Predict: python tools/stack.py --predict FOLDER/ensemble DATA -o submission.csv
Result: not measured.
"""

# the best checkpoint of each run; add and leave out as many as you like
members = [
    dict(name='compare', work_dir='work_dirs/pair-compare'),
    dict(name='fusion', work_dir='work_dirs/pair-fusion', mc_dropout=20),
    dict(name='order', work_dir='work_dirs/pair-order'),
    dict(name='resnet', work_dir='work_dirs/pair-resnet', swap=True),
]
# combiners learn on `stack` and are judged on `test`: no member was trained on either
stack = dict(data='data/digit_pairs', split='stack')
test = dict(data='data/digit_pairs', split='test')
meta = [
    'lightgbm',
    'logistic',
    'mean',
    'logit_mean',
    'weighted_mean',
    'best_single',
    'majority_vote',
    'two_level',
    'dynamic',
]
folds = 5
seed = 42
out = 'work_dirs/pair-stack'
