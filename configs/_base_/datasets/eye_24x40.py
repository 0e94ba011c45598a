_base_ = 'eye.py'

train_dataloader = dict(dataset=dict(image_size=(24, 40)))
val_dataloader = dict(dataset=dict(image_size=(24, 40)))
test_dataloader = dict(dataset=dict(image_size=(24, 40)))
