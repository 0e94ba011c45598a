_base_ = 'actions.py'

data_root = 'data/skeleton'

train_dataloader = dict(
    dataset=dict(
        annotations=f'{data_root}/hrnet16_2d.pkl',
        num_pose_frames=24,
        num_rgb_frames=24,
        max_persons=1,
        num_classes=16,
    ),
)
val_dataloader = dict(
    batch_size=31, dataset=dict(train_dataloader['dataset'], split='xsub_test')
)
# ten clips of a video, as is usual for its tests
test_dataloader = dict(dataset=dict(val_dataloader['dataset'], num_clips=10))
