"""What a check before a run says, and all of them as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

OK, WARN, FAIL, SKIP = 'ok', 'WARN', 'FAIL', 'skip'
#: from harmless to not
STATUSES = (SKIP, OK, WARN, FAIL)
# of the column of names
NAME_WIDTH = 11


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Args:
        status: one of ``STATUSES``.
        text: the reason; further lines are shown below the first.
        way_out: what to do about it, in one line; empty where all is well.
        details: further lines.
        facts: the numbers behind it, values that JSON knows.
    """

    status: str
    text: str
    way_out: str = ''
    details: Sequence[str] = ()
    facts: Mapping = field(default_factory=dict)


@dataclass(frozen=True)
class CheckResult:
    """A check that was made, or left out.

    Args:
        name: of the check.
        verdict: what it found.
        seconds: that it took.
    """

    name: str
    verdict: Verdict
    seconds: float = 0.0

    def record(self) -> dict:
        """Return plain values for a file."""
        rest = asdict(self.verdict)
        rest['details'] = list(rest['details'])
        return {'name': self.name, **rest, 'seconds': round(self.seconds, 3)}


def worst(verdicts: Sequence[Verdict], *, good: str) -> Verdict:
    """Make one verdict of several.

    Args:
        verdicts: what was found; those that are ok give their details and facts only.
        good: the text where nothing is wrong.

    Returns:
        The worst of them, with the texts and ways out of all that are not ok.
    """
    wrong = [v for v in verdicts if v.status in (WARN, FAIL)]
    wrong.sort(key=lambda verdict: -STATUSES.index(verdict.status))
    return Verdict(
        status=wrong[0].status if wrong else OK,
        text='; '.join(v.text for v in wrong) or good,
        way_out='; '.join(dict.fromkeys(v.way_out for v in wrong if v.way_out)),
        details=[line for v in verdicts for line in v.details],
        facts={key: value for v in verdicts for key, value in v.facts.items()},
    )


def format_result(result: CheckResult) -> str:
    """Return a check as text.

    Args:
        result: of the check.

    Returns:
        ``status  name  reason``, the way out and the details below it, indented.

    Example:
        >>> verdict = Verdict('FAIL', 'full', 'rm -r x')
        >>> print(format_result(CheckResult('disk', verdict)))
        FAIL  disk        full
                          -> rm -r x
    """
    verdict = result.verdict
    first, *below = verdict.text.split('\n')
    lines = [f'{verdict.status:4}  {result.name:{NAME_WIDTH}} {first}']
    indent = ' ' * (NAME_WIDTH + 7)
    below += [f'-> {verdict.way_out}'] if verdict.way_out else []
    below += [line for text in verdict.details for line in text.split('\n')]
    lines += [indent + line for line in below]
    return '\n'.join(lines)


def summarise(results: Sequence[CheckResult]) -> str:
    """Return the last line of a report.

    Args:
        results: of all checks.

    Returns:
        How many there are of each status, and the names of those that are not ok.
    """
    counts = {status: [] for status in reversed(STATUSES)}
    for result in results:
        counts[result.verdict.status].append(result.name)
    parts = [
        f'{len(names)} {status}'
        + (f' ({", ".join(names)})' if status in (FAIL, WARN) else '')
        for status, names in counts.items()
        if names
    ]
    return f'{len(results)} checks: {", ".join(parts)}'
