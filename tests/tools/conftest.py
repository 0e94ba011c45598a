"""Running a tool without the seconds that a new process takes to import torch."""

import contextlib
import io
import os
import runpy
import subprocess
import sys

import pytest


@pytest.fixture
def run_in_process(monkeypatch):
    """Return a function that runs a tool as a script would, in this process.

    Args of the function:
        tool: path of the script.
        *arguments: of its command line.
        folder: to run in.

    Returns of the function: what ``subprocess.run(..., text=True)`` would, that is
    ``returncode``, ``stdout`` and ``stderr``.
    """

    def run(tool, *arguments, folder=None):
        command = [str(tool), *map(str, arguments)]
        stdout, stderr, code = io.StringIO(), io.StringIO(), 0
        before = dict(os.environ)
        with (
            monkeypatch.context() as patch,
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
        ):
            patch.setattr(sys, 'argv', command)
            if folder is not None:
                patch.chdir(folder)
            try:
                runpy.run_path(command[0], run_name='__main__')
            except SystemExit as end:
                code = end.code or 0
        os.environ.clear()
        os.environ.update(before)
        return subprocess.CompletedProcess(
            command, code, stdout.getvalue(), stderr.getvalue()
        )

    return run
