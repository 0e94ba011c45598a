_base_ = 'adamw_cosine_20e.py'

optim_wrapper = dict(optimizer=dict(lr=4e-3, weight_decay=0.05))
