import pytest

from ocec.apis.estimate_scaling import (
    ScalingFacts,
    estimate,
    estimate_scaling,
    format_estimates,
    make_facts,
)

# round numbers: a step of 1000 images takes 0.01 s on a GPU
ROUND = {
    'images': 36e6,
    'image_bytes': 1000,
    'decoded_per_core': 10_000,
    'cores_per_gpu': 20,
    'gpu_images': 100_000,
    'batch_size': 1000,
    'parameters': 1e6,
    'gpus_per_machine': 2,
    'link_bytes': 1e9,
    'hop_seconds': 1e-3,
    'storage_bytes': 1e9,
    'bytes_per_row': 10,
    'machine_memory': 7.2e9,
}


def of(gpus, **constants):
    return estimate(gpus, ScalingFacts(**{**ROUND, **constants}))


def test_one_gpu_by_hand():
    found = of(1)
    assert found.rates == pytest.approx(
        {'GPU': 100_000, 'decoding': 200_000, 'storage': 1_000_000}
    )
    assert found.bound == 'GPU'
    assert found.hours == pytest.approx(0.1)  # 36e6 / 1e5 / 3600
    assert found.read_bytes == pytest.approx(1e8)
    assert found.exchanged_bytes == found.exchange_share == 0
    assert found.table_share == pytest.approx(0.05)  # 36e6 * 10 / 7.2e9


def test_within_a_machine_nothing_is_sent():
    found = of(2)
    assert found.images_per_second == pytest.approx(200_000)
    assert found.exchanged_bytes == 0
    assert found.table_share == pytest.approx(0.1)  # two ranks have a table each


def test_four_gpus_in_two_machines_by_hand():
    found = of(4)
    # 6 messages of a quarter of 4 MB; 6 ms of latency and 6 ms of bytes
    assert found.exchanged_bytes == pytest.approx(6e6)
    assert found.exchange_share == pytest.approx(12 / 22)
    assert found.rates['GPU'] == pytest.approx(4 * 1000 / 0.022)
    assert found.table_share == pytest.approx(0.1)  # still two ranks on each


@pytest.mark.parametrize('compression', ['fp16', 'bf16'])
def test_compressed_gradients_are_half_the_bytes(compression):
    found = of(4, compression=compression)
    assert found.exchanged_bytes == pytest.approx(3e6)
    assert found.rates['GPU'] == pytest.approx(4 * 1000 / 0.019)


@pytest.mark.parametrize(
    ('constants', 'bound', 'rate'),
    [
        ({'cores_per_gpu': 5}, 'decoding', 50_000),
        ({'storage_bytes': 1e7}, 'storage', 10_000),
        ({'gpu_images': 1000}, 'GPU', 1000),
    ],
)
def test_the_least_rate_bounds(constants, bound, rate):
    found = of(1, **constants)
    assert found.bound == bound
    assert found.images_per_second == pytest.approx(rate)


def test_the_table_holds_what_was_calculated(capsys):
    found = estimate_scaling([1, 4], **ROUND)
    facts = ScalingFacts(**ROUND)
    lines = format_estimates(found, facts)
    assert capsys.readouterr().out.splitlines() == lines
    assert 'images 3.6e+07' in lines[0]
    assert 'compression none' in lines[0]
    assert lines[-2].startswith('| 1 | 100,000 | 0.1 | 100 | 0 | 0 | GPU | 100,000, ')
    assert lines[-1].startswith('| 4 | 181,818 | 0.055 | 182 | 6,000 | 0.55 | GPU | ')


def test_defaults_are_used_where_nothing_is_given():
    assert make_facts({'images': 5}) == ScalingFacts(images=5)


@pytest.mark.parametrize(
    ('constants', 'message'),
    [
        ({'pictures': 1}, 'pictures is no constant; there are .*image_bytes'),
        ({'images': 0}, 'images must be > 0 and finite, got 0'),
        ({'link_bytes': float('inf')}, 'link_bytes must be > 0 and finite, got inf'),
        ({'compression': 'int8'}, "compression must be one of .*, got 'int8'"),
    ],
)
def test_constants_are_checked(constants, message):
    with pytest.raises(ValueError, match=message):
        estimate_scaling([1], **constants)


def test_the_number_of_gpus_is_checked():
    with pytest.raises(ValueError, match='gpus must be >= 1, got 0'):
        estimate_scaling([0])
