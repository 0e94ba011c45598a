import numpy as np
import pytest

from ocec.functional.run_advice import (
    gradient_spikes,
    idle_learning_rate,
    lagging_average,
    overfitting,
    plateau_at_high_rate,
    rising_rate,
    slow_average,
    still_rising,
)

NAN, INF = float('nan'), float('inf')
# of a real run on MRL, 20 epochs: no augmentation but flips, the loss turns at epoch 6
REAL_TRAIN_LOSS = [0.58, 0.27, 0.20, 0.15, 0.12, 0.102, 0.095, 0.089, 0.082, 0.078] + [
    0.072,
    0.068,
    0.064,
    0.060,
    0.057,
    0.053,
    0.051,
    0.049,
    0.048,
    0.047,
]
REAL_VAL_LOSS = [
    0.469,
    0.356,
    0.223,
    0.203,
    0.198,
    0.190,
    0.197,
    0.201,
    0.198,
    0.204,
] + [0.207, 0.211, 0.209, 0.214, 0.219, 0.221, 0.224, 0.227, 0.229, 0.230]


def epochs(values):
    return list(range(1, len(values) + 1))


def judge_overfitting(train_loss, val_loss):
    return overfitting(epochs(val_loss), train_loss, val_loss)


def test_a_rising_validation_loss_is_overfitting():
    advice = judge_overfitting(REAL_TRAIN_LOSS, REAL_VAL_LOSS)
    assert advice.kind == 'overfitting'
    # means of three: lowest over epochs 5 to 7 (0.195), last over 18 to 20
    low, last = np.mean(REAL_VAL_LOSS[4:7]), np.mean(REAL_VAL_LOSS[-3:])
    train_low, train_last = np.mean(REAL_TRAIN_LOSS[4:7]), np.mean(REAL_TRAIN_LOSS[-3:])
    assert advice.evidence == (
        f'since epoch 6 the validation loss has risen by {last / low - 1:.0%} to '
        f'{last:.4f} while the training loss has fallen by '
        f'{1 - train_last / train_low:.0%} to {train_last:.4f}'
    )


@pytest.mark.parametrize(
    ('train_loss', 'val_loss'),
    [
        # both fall, both rise, and a validation loss that stays
        (REAL_TRAIN_LOSS, REAL_TRAIN_LOSS),
        (REAL_VAL_LOSS, REAL_VAL_LOSS),
        (REAL_TRAIN_LOSS, [0.5, *[0.2] * 19]),
        # one bad epoch at the end, and one in the middle
        (REAL_TRAIN_LOSS, [0.5, *[0.2] * 18, 0.25]),
        (REAL_TRAIN_LOSS, [0.5, *[0.2] * 9, 0.9, *[0.2] * 9]),
        # noise as large as the rise
        (REAL_TRAIN_LOSS, [0.5, 0.5, *[0.1, 0.3] * 9]),
        (REAL_TRAIN_LOSS[:7], REAL_VAL_LOSS[:7]),
        (REAL_TRAIN_LOSS, [*REAL_VAL_LOSS[:-1], NAN]),
        ([], []),
    ],
)
def test_what_is_no_overfitting(train_loss, val_loss):
    assert judge_overfitting(train_loss, val_loss) is None


def test_it_is_told_in_the_epoch_in_which_it_counts():
    told = [
        judge_overfitting(REAL_TRAIN_LOSS[:n], REAL_VAL_LOSS[:n]) is not None
        for n in range(1, 21)
    ]
    # means of three from epoch 7 on: 0.195, 0.196, ..., 0.2113, 0.214, 0.218 at 16:
    # the first that lies 10 % above 0.195 (0.2145)
    assert told.index(True) + 1 == 16


def test_a_rate_at_its_floor_long_before_the_end():
    # cut by ten at epoch 4 and 8: one hundredth from epoch 8 on
    lr = [0.1] * 3 + [0.01] * 4 + [0.001] * 5
    advice = idle_learning_rate(epochs(lr), lr, max_epochs=50)
    assert advice.evidence == (
        'the learning rate has been 1% of its peak 0.1 or less since epoch 8 (now '
        '0.001), and 38 of 50 epochs are left'
    )


@pytest.mark.parametrize(
    ('lr', 'max_epochs'),
    [
        ([0.1] * 3 + [0.01] * 4 + [0.001] * 4, 50),  # four validations only
        ([0.1] * 3 + [0.01] * 4 + [0.001] * 5, 14),  # 2 of 14 epochs are left
        ([0.1] * 3 + [0.01] * 9, 50),
        ([0.1] * 12, 50),
        ([0.0005, *[0.1] * 10], 50),  # warmup
        ([0.1] * 3 + [0.001] * 4 + [NAN], 50),
        ([], 50),
    ],
)
def test_what_is_no_idle_rate(lr, max_epochs):
    assert idle_learning_rate(epochs(lr), lr, max_epochs=max_epochs) is None


@pytest.mark.parametrize('max_epochs', [10, 20, 100, 1000])
def test_a_cosine_is_never_idle(max_epochs):
    at = np.arange(1, max_epochs + 1)
    lr = 0.008 * (1 + np.cos(np.pi * at / max_epochs)) / 2
    for n in range(1, max_epochs + 1):
        assert idle_learning_rate(at[:n], lr[:n], max_epochs=max_epochs) is None


def judge_plateau(metric, lr, max_epochs=40, rule='greater'):
    return plateau_at_high_rate(
        epochs(metric), metric, lr, metric='eye/f1', rule=rule, max_epochs=max_epochs
    )


def test_a_flat_metric_at_a_high_rate():
    metric, lr = [0.5, 0.7, 0.9, *[0.89, 0.90] * 5], [0.01] * 10 + [0.008] * 3
    advice = judge_plateau(metric, lr)
    assert advice.evidence == (
        'eye/f1 has not beaten 0.9000 of epoch 3 for 10 validations, and the learning '
        'rate is still 0.008, 80% of its peak'
    )
    # the same curve upside down
    assert judge_plateau([-value for value in metric], lr, rule='less') is not None


@pytest.mark.parametrize(
    ('metric', 'lr', 'max_epochs'),
    [
        ([0.5, 0.9, *[0.89] * 9], [0.01] * 11, 40),  # nine only
        ([0.5, 0.9, *[0.89] * 10], [0.01] * 12, 41),  # 10 epochs are not a quarter
        ([0.5, 0.9, *[0.89] * 10], [0.01] * 6 + [0.005] * 6, 40),  # it was cut
        ([0.5, 0.9, *[0.89] * 9, 0.91], [0.01] * 12, 40),  # a new best
        (np.linspace(0.5, 0.9, 30), [0.01] * 30, 40),
        ([0.5, 0.9, *[0.89] * 9, NAN], [0.01] * 12, 40),
        ([], [], 40),
    ],
)
def test_what_is_no_plateau(metric, lr, max_epochs):
    assert judge_plateau(metric, lr, max_epochs) is None


def judge_rising(metric, rule='greater'):
    return still_rising(epochs(metric), metric, metric='eye/f1', rule=rule)


def test_a_metric_that_rises_to_the_end():
    # a straight line over 20 epochs: the last 5 gain 4 of 19 steps
    metric = np.linspace(0.5, 0.88, 20)
    advice = judge_rising(metric)
    assert advice.evidence == (
        'over the last 5 validations (epochs 16 to 20) eye/f1 has gained 0.0800, '
        '21% of all that the run has gained'
    )
    assert judge_rising(1 - metric, rule='less') is not None
    # with noise of a twentieth of a step
    noise = np.random.default_rng(0).normal(0, 0.001, 20)
    assert judge_rising(metric + noise) is not None


@pytest.mark.parametrize(
    'metric',
    [
        np.linspace(0.88, 0.5, 20),
        [0.5, *[0.9] * 19],
        1 - 0.5 ** np.arange(1, 21),  # has come to rest
        np.linspace(0.5, 0.88, 7),  # too short to tell
        [*np.linspace(0.5, 0.9, 19), NAN],
        [0.7] * 20,
        [],
    ],
)
def test_what_does_not_rise(metric):
    assert judge_rising(metric) is None


def test_noise_alone_hardly_ever_rises():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(1000):
        metric = np.r_[np.linspace(0.5, 0.9, 20), 0.9 + rng.normal(0, 0.01, 30)]
        found += judge_rising(metric) is not None
    # Student's t with 8 degrees of freedom is above 3 in 0.85 % of cases
    assert found < 30


def judge_spikes(norms, **settings):
    steps = range(1, len(norms) + 1)
    return gradient_spikes(norms, steps, window=10, **settings)


def test_a_spike_is_told_with_its_step():
    norms = [1.0, 1.2] * 20
    norms[24], norms[30] = 12.0, 55.0  # steps 25 and 31; medians 1.1
    advice = judge_spikes(norms)
    assert advice.evidence == (
        '2 of 30 steps had a gradient norm over 10 times the median of the 10 steps '
        'before; the worst, step 31, 55 against 1.2'
    )
    assert 'clip_grad=dict(max_norm=2.4)' in advice.suggestion
    # the first is told already
    assert judge_spikes(norms, since=26).evidence.startswith('1 of 15 steps')
    assert judge_spikes(norms, since=32) is None


@pytest.mark.parametrize(
    ('norms', 'settings'),
    [
        ([1.0] * 20 + [9.9] + [1.0] * 20, {}),
        ([1.0] * 20 + [99.0] + [1.0] * 20, {'max_norm': 5.0}),  # cut to five
        ([1.0] * 9 + [99.0], {}),  # no median yet
        ([1.0] * 20 + [INF, NAN] + [1.0] * 20, {}),
        ([0.0] * 20 + [1.0], {}),  # nothing to compare with
        (np.geomspace(1000, 1, 100), {}),  # a start that calms down
        (np.geomspace(1, 100, 100), {}),  # and a steady rise
        ([], {}),
    ],
)
def test_what_is_no_spike(norms, settings):
    assert judge_spikes(norms, **settings) is None


def test_clipping_far_above_the_median_hides_no_spike():
    norms = [1.0] * 20 + [99.0]
    assert judge_spikes(norms, max_norm=50.0) is not None


@pytest.mark.parametrize(('share', 'is_told'), [(0.31, True), (0.3, False), (0, False)])
def test_lagging_average(share, is_told):
    advice = lagging_average(share, num_steps=9600)
    assert (advice is not None) == is_told
    if is_told:
        assert advice.evidence == (
            '31% of the averaged weights, which are validated and saved, come from '
            'before the last quarter of the 9,600 steps'
        )


def test_slow_average_needs_two_clear_comparisons():
    assert slow_average([5], [0.4], [0.2]) is None
    assert slow_average([5, 10], [0.4, 0.3], [0.2, 0.3]) is None
    assert slow_average([5, 10], [0.4, 0.3], [0.39, 0.29]) is None
    assert slow_average([5, 10], [0.4, NAN], [0.2, 0.1]) is None
    advice = slow_average([5, 10, 15], [0.9, 0.4, 0.3], [0.9, 0.2, 0.25])
    assert advice.evidence == (
        'in epochs 10 and 15 the validation loss of the averaged weights was 0.4000 '
        'and 0.3000, that of the weights as trained 0.2000 and 0.2500'
    )


def test_a_rate_that_rises_to_the_end():
    rates = [0.01, 0.02, 0.03, 0.04]
    assert rising_rate(epochs(rates), rates).evidence == (
        'the learning rate was still rising at the end: 0.03 in epoch 3, 0.04 in '
        'epoch 4, its highest'
    )


@pytest.mark.parametrize(
    'rates',
    [
        [0.01, 0.02, 0.02, 0.02],  # the warmup is over
        [0.02, 0.02, 0.02, 0.02 * (1 + 1e-9)],
        [0.04, 0.01, 0.02, 0.03],  # a restart, below the peak
        [0.01, 0.02],  # too short to tell
        [0.01, NAN, 0.03],
        [0.04, 0.03, 0.02],
    ],
)
def test_a_rate_that_does_not_rise_to_the_end(rates):
    assert rising_rate(epochs(rates), rates) is None
