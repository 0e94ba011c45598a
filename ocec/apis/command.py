"""From a function of this package to an exit code that scripts can use."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

DONE, FAILED, USAGE = 0, 1, 2
# mistakes of the user's data or settings, told without a traceback
USER_ERRORS = (ValueError, OSError, ImportError, FloatingPointError)


def run_command(function: Callable, **kwargs) -> int:
    """Call a function for a command-line tool.

    Args:
        function: what the tool does.
        **kwargs: its arguments.

    Returns:
        0 done, 1 failed, 2 wrong usage or config. The message of a failure goes to
        stderr, with a traceback when it is a bug or OCEC_TRACEBACK=1 is set.
    """
    from ocec.apis.errors import ConfigError

    try:
        _call(function, kwargs)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    except USER_ERRORS as error:
        if os.environ.get('OCEC_TRACEBACK') == '1':
            traceback.print_exc()
        print(f'error: {error}', file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return 130
    return DONE


def _call(function: Callable, kwargs: dict) -> None:
    """Call it; one rank of several tells the launcher what it fails with."""
    try:
        function(**kwargs)
    except Exception as error:
        if 'TORCHELASTIC_ERROR_FILE' in os.environ:
            from ocec.engine.rank_failure import report_failure

            report_failure(error)
        raise
