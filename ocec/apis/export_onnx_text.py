"""The parity table as text."""

from __future__ import annotations

from collections.abc import Sequence

from ocec.apis.export_onnx_gate import Judged

HEADER = (
    f'{"file":<6} {"runtime":<12} {"max |dP|":>9} {"flips":>6} {"F1":>7} '
    f'{"median ms":>10} {"p99 ms":>8} {"vs torch":>9} {"KB":>8}'
)


def table(judged: Sequence[Judged], *, batch: int | None = None) -> str:
    """Return a line for each file and runtime.

    Args:
        judged: the files.
        batch: images of a call where the export fixed it.

    Returns:
        The table with its header, and a line of each file that OpenCV cannot run.
    """
    first = judged[0].agreements['onnxruntime']
    lines = [
        f'{first.num_images:,} images; latency of {_called(batch)} on one thread',
        HEADER,
    ]
    torch = judged[0].latencies['torch']
    f1 = _number(first.f1_torch, '7.4f')
    lines.append(
        f'{"-":<6} {"torch eager":<12} {"-":>9} {"-":>6} {f1} '
        f'{torch.median_ms:>10.3f} {torch.p99_ms:>8.3f} {"1.0x":>9} {"-":>8}'
    )
    notes = []
    for entry in judged:
        lines += [_row(entry, runtime) for runtime in entry.agreements]
        if entry.opencv is not None and entry.opencv['problem'] is not None:
            notes.append(f'OpenCV {entry.opencv["version"]}: {entry.opencv["problem"]}')
    return '\n'.join([*lines, *notes])


def _called(batch: int | None) -> str:
    return 'one image' if batch in (None, 1) else f'a batch of {batch}'


def _row(entry: Judged, runtime: str) -> str:
    agreement, latency = entry.agreements[runtime], entry.latencies[runtime]
    ratio = entry.latencies['torch'].median_ms / latency.median_ms
    return (
        f'{entry.precision:<6} {runtime:<12} {agreement.max_gap:>9.1e} '
        f'{agreement.flips:>6} {_number(agreement.f1, "7.4f")} '
        f'{latency.median_ms:>10.3f} {latency.p99_ms:>8.3f} {f"{ratio:.1f}x":>9} '
        f'{entry.num_bytes / 1000:>8.1f}'
    )


def _number(value: float | None, form: str) -> str:
    return f'{"-":>7}' if value is None else f'{value:{form}}'
