import pytest
from mmengine.config import Config

from ocec.apis.config_sites import iter_sites


def sites_of(**cfg):
    return {'.'.join(site.path): site for site in iter_sites(Config(cfg))}


@pytest.mark.parametrize(
    ('key', 'registry'),
    [
        ('model', 'MODELS'),
        ('model.backbone', 'MODELS'),
        ('model.backbone.init_cfg', 'WEIGHT_INITIALIZERS'),
        ('model.head.loss', 'MODELS'),
        ('model.data_preprocessor', 'MODELS'),
        ('model.data_preprocessor.batch_augments.0', 'BATCH_AUGMENTS'),
        ('train_dataloader.dataset', 'DATASETS'),
        ('train_dataloader.dataset.dataset.pipeline.0', 'TRANSFORMS'),
        ('train_dataloader.dataset.dataset.pipeline.0.transforms.0', 'TRANSFORMS'),
        ('train_dataloader.sampler', 'DATA_SAMPLERS'),
        ('train_dataloader.collate_fn', 'FUNCTIONS'),
        ('val_evaluator.0', 'METRICS'),
        ('test_evaluator', 'EVALUATOR'),
        ('test_evaluator.metrics.0', 'METRICS'),
        ('default_hooks.checkpoint', 'HOOKS'),
        ('custom_hooks.0', 'HOOKS'),
        ('optim_wrapper', 'OPTIM_WRAPPERS'),
        ('optim_wrapper.optimizer', 'OPTIMIZERS'),
        ('param_scheduler.0', 'PARAM_SCHEDULERS'),
        ('visualizer.vis_backends.0', 'VISBACKENDS'),
        ('log_processor', 'LOG_PROCESSORS'),
        ('tta_pipeline.0', 'TRANSFORMS'),
    ],
)
def test_registry_by_place(key, registry):
    item = dict(type='X')
    sites = sites_of(
        model=dict(
            type='X',
            backbone=dict(type='X', init_cfg=item),
            head=dict(type='X', loss=item),
            data_preprocessor=dict(type='X', batch_augments=[item]),
        ),
        train_dataloader=dict(
            batch_size=1,
            dataset=dict(
                type='X',
                dataset=dict(type='X', pipeline=[dict(type='X', transforms=[item])]),
            ),
            sampler=item,
            collate_fn=item,
        ),
        val_evaluator=[item],
        test_evaluator=dict(metrics=[item]),
        default_hooks=dict(checkpoint=item, timer=None),
        custom_hooks=[item],
        optim_wrapper=dict(optimizer=item, clip_grad=dict(type='norm')),
        param_scheduler=[item],
        visualizer=dict(type='X', vis_backends=[item]),
        log_processor=dict(),
        tta_pipeline=[item],
        train_pipeline=[item],
    )
    assert sites[key].place.registry == registry
    assert 'train_pipeline.0' not in sites
    assert 'optim_wrapper.clip_grad' not in sites


@pytest.mark.parametrize(
    ('cfg', 'key', 'name'),
    [
        (dict(train_cfg=dict(max_epochs=1)), 'train_cfg', 'EpochBasedTrainLoop'),
        (dict(train_cfg=dict(by_epoch=True)), 'train_cfg', 'EpochBasedTrainLoop'),
        (dict(train_cfg=dict(by_epoch=False)), 'train_cfg', 'IterBasedTrainLoop'),
        (dict(val_cfg=dict()), 'val_cfg', 'ValLoop'),
        (dict(test_cfg=dict(type='Own')), 'test_cfg', 'Own'),
        (dict(optim_wrapper=dict(optimizer=None)), 'optim_wrapper', 'OptimWrapper'),
        (dict(model=dict()), 'model', None),
    ],
)
def test_default_type(cfg, key, name):
    assert sites_of(**cfg)[key].type == name


def test_own_optimizer_constructor_may_read_any_key():
    assert 'optim_wrapper' in sites_of(optim_wrapper=dict(optimizer=None))
    assert 'optim_wrapper' not in sites_of(optim_wrapper=dict(constructor='Mine'))


def test_preprocessor_of_the_zoo_needs_no_type():
    inner = dict(data_preprocessor=dict(mean=[0]))
    assert 'model.data_preprocessor' in sites_of(model=dict(type='A', **inner))
    zoo = dict(type='mmpretrain.ImageClassifier', **inner)
    assert 'model.data_preprocessor' not in sites_of(model=zoo)


def test_schedulers_by_optimizer_name():
    sites = sites_of(param_scheduler=dict(first=[dict(type='X')]))
    assert 'param_scheduler.first.0' in sites


def test_sources_of_a_mix_need_no_type():
    dataset = dict(
        type='MixedEyes',
        sources=dict(
            home=dict(data='a'), new=dict(type='Other', pipeline=[dict(type='T')])
        ),
    )
    sites = list(iter_sites(Config(dict(train_dataloader=dict(dataset=dataset)))))
    found = {
        '.'.join(site.path[1:]): (site.type, site.place.registry) for site in sites
    }
    assert found == {
        'dataset': ('MixedEyes', 'DATASETS'),
        'dataset.sources.home': ('EyeParquet', 'DATASETS'),
        'dataset.sources.new': ('Other', 'DATASETS'),
        'dataset.sources.new.pipeline.0': ('T', 'TRANSFORMS'),
    }
