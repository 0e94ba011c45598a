"""What bounds a training on many GPUs: a calculation from measured constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

BYTES_OF_GRADIENT = {'none': 4, 'fp16': 2, 'bf16': 2}


@dataclass(frozen=True)
class ScalingFacts:
    """The constants; those not measured are assumptions about machines.

    Args:
        images: of an epoch.
        image_bytes: of an encoded picture. 1,902: the column ``image_bytes`` of MRL
            eyes, 14,685 pictures, 2026-11-21.
        decoded_per_core: images that a core reads and decodes per second. 9,300:
            ``measure_reading.py --stream`` on MRL eyes at 32x64, per second of the
            processor, 2026-11-21, two cores of an AMD EPYC with other programs.
        cores_per_gpu: that read. An assumption.
        gpu_images: that a GPU trains per second. An assumption, not measured.
        batch_size: images of a step of one GPU.
        parameters: of the network. 11,457: the baseline.
        compression: of gradients: ``none``, ``fp16`` or ``bf16``.
        gpus_per_machine: that share a network link and the memory of a machine. An
            assumption.
        link_bytes: that a machine sends per second. 12.5e9: 100 Gbit/s, an assumption.
        hop_seconds: latency of a message between machines. An assumption.
        storage_bytes: that all machines together read per second. An assumption.
        bytes_per_row: memory of a rank for each row of the files. 11: the arrays of
            ``EyeParquetStream``, by ``count_kept_bytes``, 2026-11-21.
        machine_memory: bytes. An assumption.
    """

    images: float = 100e6
    image_bytes: float = 1902
    decoded_per_core: float = 9300
    cores_per_gpu: float = 8
    gpu_images: float = 100_000
    batch_size: int = 4096
    parameters: float = 11_457
    compression: str = 'none'
    gpus_per_machine: int = 8
    link_bytes: float = 12.5e9
    hop_seconds: float = 20e-6
    storage_bytes: float = 5e9
    bytes_per_row: float = 11
    machine_memory: float = 512e9


@dataclass(frozen=True)
class ScalingEstimate:
    """What follows for a number of GPUs.

    Args:
        gpus: how many.
        images_per_second: of all together: the least of the rates.
        hours: of an epoch.
        read_bytes: per second, from storage, of all together.
        exchanged_bytes: sent by each machine at a step.
        exchange_share: of a step that the exchange takes if nothing hides it, in
            [0, 1).
        rates: images per second that each part could keep up with, by its name.
        bound: the part with the least rate.
        table_share: of a machine's memory that the tables of its ranks take; above 1
            it does not fit.
    """

    gpus: int
    images_per_second: float
    hours: float
    read_bytes: float
    exchanged_bytes: float
    exchange_share: float
    rates: dict[str, float]
    bound: str
    table_share: float


def estimate_scaling(
    gpus: Sequence[int] = (1, 8, 64), **constants: float | str
) -> list[ScalingEstimate]:
    """Calculate hours and bytes of an epoch, and what bounds them; print a table.

    Args:
        gpus: numbers of GPUs, each >= 1.
        **constants: fields of :class:`ScalingFacts`, in place of their defaults.

    Returns:
        An estimate for each number.

    Raises:
        ValueError: a constant is unknown or out of range.
    """
    facts = make_facts(constants)
    estimates = [estimate(number, facts) for number in gpus]
    print('\n'.join(format_estimates(estimates, facts)))
    return estimates


def make_facts(constants: dict[str, float | str]) -> ScalingFacts:
    """Check constants.

    Args:
        constants: some fields of :class:`ScalingFacts`.

    Returns:
        All of them.

    Raises:
        ValueError: one is unknown or out of range.
    """
    known = [field.name for field in fields(ScalingFacts)]
    for name, value in constants.items():
        if name not in known:
            raise ValueError(f'{name} is no constant; there are {known}')
        if name == 'compression':
            if value not in BYTES_OF_GRADIENT:
                raise ValueError(
                    f'compression must be one of {tuple(BYTES_OF_GRADIENT)}, got '
                    f'{value!r}'
                )
        elif not 0 < value < math.inf:
            raise ValueError(f'{name} must be > 0 and finite, got {value}')
    return ScalingFacts(**constants)


def estimate(gpus: int, facts: ScalingFacts) -> ScalingEstimate:
    """Calculate for one number of GPUs.

    A step is the time of the GPU and, after it, that of an all-reduce in a ring of all
    GPUs; neither hides the other. Reading goes on beside it.

    Args:
        gpus: >= 1.
        facts: the constants.

    Returns:
        The estimate.

    Raises:
        ValueError: gpus is out of range.

    Source:
        Ring all-reduce: 2 (n - 1) messages of 1 / n of the bytes; Thakur et al.,
        Optimization of Collective Communication Operations in MPICH, 2005, section 4.5.
    """
    if gpus < 1:
        raise ValueError(f'gpus must be >= 1, got {gpus}')
    machines = math.ceil(gpus / facts.gpus_per_machine)
    gradient = facts.parameters * BYTES_OF_GRADIENT[facts.compression]
    hops = 2 * (gpus - 1)
    sent = hops / gpus * gradient
    # within a machine memory is faster than any link: not counted
    exchange = 0.0
    if machines > 1:
        exchange = sent / facts.link_bytes + hops * facts.hop_seconds
    compute = facts.batch_size / facts.gpu_images
    rates = {
        'GPU': gpus * facts.batch_size / (compute + exchange),
        'decoding': gpus * facts.cores_per_gpu * facts.decoded_per_core,
        'storage': facts.storage_bytes / facts.image_bytes,
    }
    bound = min(rates, key=rates.__getitem__)
    rate = rates[bound]
    ranks = min(gpus, facts.gpus_per_machine)
    return ScalingEstimate(
        gpus=gpus,
        images_per_second=rate,
        hours=facts.images / rate / 3600,
        read_bytes=rate * facts.image_bytes,
        exchanged_bytes=sent if machines > 1 else 0.0,
        exchange_share=exchange / (compute + exchange),
        rates=rates,
        bound=bound,
        table_share=ranks * facts.images * facts.bytes_per_row / facts.machine_memory,
    )


def format_estimates(
    estimates: Sequence[ScalingEstimate], facts: ScalingFacts
) -> list[str]:
    """Put estimates into a table.

    Args:
        estimates: of some numbers of GPUs.
        facts: the constants.

    Returns:
        The lines: the constants, then the table in Markdown.
    """
    given = ', '.join(
        f'{f.name} {_short(getattr(facts, f.name))}' for f in fields(facts)
    )
    lines = [
        f'calculated, not run, from: {given}',
        '',
        '| GPUs | images/s | hours per epoch | MB/s read | KB sent a step | exchange, '
        'share of a step | bound by | GPU, decoding, storage could, images/s | tables, '
        'share of memory |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    for found in estimates:
        rates = ', '.join(f'{rate:,.0f}' for rate in found.rates.values())
        lines.append(
            f'| {found.gpus} | {found.images_per_second:,.0f} | {found.hours:.3g} | '
            f'{found.read_bytes / 1e6:,.0f} | {found.exchanged_bytes / 1e3:,.0f} | '
            f'{found.exchange_share:.2g} | {found.bound} | {rates} | '
            f'{found.table_share:.2g} |'
        )
    return lines


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f'{value:g}'
