import os
import signal
import threading

import cv2
import pytest

from ocec.apis.infer_video_stop import check_display, stop_on_signals


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_wish_and_the_second_interrupts(number):
    before = signal.getsignal(number)
    with stop_on_signals() as stop:
        assert not stop.asked
        os.kill(os.getpid(), number)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_signals_are_given_back_after_an_error():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), stop_on_signals():
        1 / 0  # noqa: B018
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_leaves_the_signals_alone():
    seen = []

    def work():
        with stop_on_signals() as stop:
            seen.append((stop.asked, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, signal.getsignal(signal.SIGINT))]


def test_no_display_is_told(monkeypatch):
    monkeypatch.setattr('sys.platform', 'linux')
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match='--show needs a display, and neither DISPLAY'):
        check_display()


def test_an_opencv_without_windows_is_told(monkeypatch):
    def refuse(name):
        raise cv2.error('not implemented')

    monkeypatch.setenv('DISPLAY', ':0')
    monkeypatch.setattr(cv2, 'namedWindow', refuse)
    with pytest.raises(ValueError, match='not opencv-python-headless'):
        check_display()
    opened = []
    monkeypatch.setattr(cv2, 'namedWindow', opened.append)
    check_display()
    assert opened == ['ocec']
