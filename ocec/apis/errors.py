"""Errors that a tool turns into a message and an exit code."""


class ConfigError(ValueError):
    """The config asks for something that does not exist.

    The message is the whole report. Tools print it without a traceback and exit
    with ``exit_code``.
    """

    exit_code = 2
