"""Ending a loop over frames: between two of them, so that all files get complete."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator


class Stop:
    """Whether somebody wants the loop to end."""

    def __init__(self) -> None:
        self.asked = False


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn the first Ctrl-C, or the signal to terminate, into a wish.

    The second one interrupts at once. Outside the main thread nothing is changed.

    Yields:
        the wish.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: object) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    before = {
        number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_display() -> None:
    """Check that a window can be shown.

    Raises:
        ValueError: there is no display, or OpenCV was built without windows.
    """
    import cv2

    wanted = ('DISPLAY', 'WAYLAND_DISPLAY')
    on_linux = sys.platform.startswith('linux')
    if on_linux and not any(os.environ.get(name) for name in wanted):
        raise ValueError(
            '--show needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set; '
            'without it the overlay video has the same picture'
        )
    try:
        cv2.namedWindow('ocec')
    except cv2.error as error:
        raise ValueError(
            '--show needs an OpenCV with windows: opencv-python, not '
            f'opencv-python-headless, and a display that can be opened ({error.err})'
        ) from error
