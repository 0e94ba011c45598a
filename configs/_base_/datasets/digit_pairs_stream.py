_base_ = 'digit_pairs.py'

# new pairs every epoch, of the source digits of the training split; no workers, as a
# resumed run would draw others there
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PairStream',
        data=_base_.data_root,
        split='train',
        length=50000,
        severity=6.0,
        adjacency=0.8,
    )
)
