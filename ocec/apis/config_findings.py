"""What the checks of a config report."""

from collections.abc import Iterable
from dataclasses import dataclass

KeyPath = tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth a word.

    Args:
        path: the key, as names and list indices.
        problem: what is wrong, without the key.
        suggestion: what was probably meant.
        is_note: worth a word, but the run may start.
        where: ``file:line``, empty when not known.
    """

    path: KeyPath
    problem: str
    suggestion: str | None = None
    is_note: bool = False
    where: str = ''

    @property
    def key(self) -> str:
        """The dotted key."""
        return '.'.join(self.path)

    def __str__(self) -> str:
        """Return the line of the report."""
        text = f'{self.key}: {self.problem}'
        if self.suggestion:
            text += f'; did you mean {self.suggestion}?'
        if self.is_note:
            text = f'note: {text}'
        return f'{self.where}  {text}' if self.where else text


def format_findings(findings: Iterable[Finding]) -> str:
    """Return one report: a line for each finding, notes last.

    Args:
        findings: from ``check_config``.

    Returns:
        The lines, joined; empty when there are none.

    Example:
        >>> print(format_findings([Finding(('a', '0'), 'is wrong', 'b')]))
        a.0: is wrong; did you mean b?
    """
    ordered = sorted(findings, key=lambda finding: finding.is_note)
    return '\n'.join(map(str, ordered))
