import pytest

from ocec.apis.verify_model_rates import check_rates, find_gaps

COSINE = dict(type='CosineAnnealingLR', by_epoch=True)


@pytest.mark.parametrize(
    ('schedulers', 'texts'),
    [
        ([COSINE], []),
        ([], []),
        ([dict(type='LinearLR', end=5), COSINE], []),
        (
            [dict(COSINE, end=30)],
            ['the last scheduler ends after 30 of 50 epochs; the rate stays'],
        ),
        # 10 iterations an epoch: 200 are 20 epochs
        (
            [dict(type='LinearLR', by_epoch=False, end=200)],
            ['the last scheduler ends after 20 of 50 epochs'],
        ),
        (
            [dict(COSINE, T_max=25)],
            [r'is down at epoch 25 \(T_max=25\) and rises again until 50'],
        ),
        (
            [dict(COSINE, T_max=80)],
            [r'is not down at epoch 50, where it ends \(T_max=80\)'],
        ),
        ([dict(COSINE, T_max=45, begin=5, end=50)], []),
        (
            [dict(type='MultiStepLR', milestones=[20, 50, 60])],
            ['MultiStepLR steps at epoch 50, 60, the run ends at 50'],
        ),
        (
            [COSINE, dict(type='LinearLR', begin=50)],
            ['LinearLR begins at epoch 50, the run ends at 50'],
        ),
    ],
)
def test_gaps_of_schedules(schedulers, texts):
    found = find_gaps(schedulers, 50, 10)
    assert len(found) == len(texts)
    for text, expected in zip(found, texts, strict=True):
        with pytest.raises(AssertionError, match=expected):
            raise AssertionError(text)


def test_first_peak_and_last(make_subject):
    subject = make_subject('param_scheduler = None')
    subject.cfg.param_scheduler = dict(
        type='MultiStepLR', milestones=[1], gamma=0.1, by_epoch=True
    )
    verdict = check_rates(subject)
    assert verdict.status == 'ok'
    assert verdict.facts == pytest.approx({'first': 8e-3, 'peak': 8e-3, 'last': 8e-4})
    # 32 images in batches of 16
    assert '2 epochs of 2 iterations' in verdict.text
    assert verdict.details == [
        'the rate is meant for a batch of 256, one process has 16: 16 processes, or '
        '--auto-scale-lr'
    ]


def test_schedule_that_is_too_short(make_subject):
    subject = make_subject()
    subject.cfg.param_scheduler = dict(type='LinearLR', by_epoch=True, end=1)
    verdict = check_rates(subject)
    assert verdict.status == 'WARN'
    assert verdict.text.startswith('the last scheduler ends after 1 of 2 epochs')
    assert verdict.way_out == (
        'make param_scheduler end where train_cfg.max_epochs ends'
    )
    assert verdict.details[0].startswith('lr 0.00267 first')


def test_rate_of_nothing(make_subject):
    subject = make_subject()
    subject.cfg.optim_wrapper.optimizer.lr = 0.0
    subject.cfg.param_scheduler = None
    verdict = check_rates(subject)
    assert verdict.status == 'FAIL'
    assert verdict.text == 'the learning rate is 0.0'


def test_run_by_iterations(make_subject):
    subject = make_subject()
    subject.cfg.train_cfg = dict(by_epoch=False, max_iters=10)
    assert 'counts iterations' in check_rates(subject).text


def test_long_runs_are_counted_with_shorter_epochs(make_subject, monkeypatch):
    monkeypatch.setattr('ocec.apis.verify_model_rates.MAX_ITERATIONS', 2)
    subject = make_subject()
    subject.cfg.auto_scale_lr = None
    verdict = check_rates(subject)
    assert verdict.status == 'ok'
    assert '2 epochs of 2 iterations' in verdict.text
    assert verdict.details == []
