"""A process of its own that reads hostile files: little memory, and a witness.

Reads lines ``{"reader", "path"}``, writes lines with what happened: the error, or what
came out, and what Python's audit hook saw meanwhile.
"""

import json
import os
import resource
import sys
import tempfile
from pathlib import Path

MEMORY = 1 << 30
"""Bytes that a reader may take, beside those of the libraries."""

# whatever starts a program, reaches for the network or changes files
WATCHED = (
    *('os.system', 'os.exec', 'os.posix_spawn', 'os.spawn', 'os.fork', 'os.startfile'),
    *('subprocess.Popen', 'pty.spawn', 'webbrowser.open', 'ctypes.dlopen'),
    *('socket.connect', 'socket.bind', 'socket.getaddrinfo', 'socket.sendto'),
    *('urllib.Request', 'ftplib.connect', 'http.client.connect'),
    *('os.remove', 'os.rename', 'os.symlink', 'os.chmod', 'os.putenv', 'os.mkdir'),
    *('shutil.rmtree', 'shutil.copyfile', 'shutil.move', 'shutil.unpack_archive'),
    *('builtins.input', 'sys.addaudithook', 'pickle.find_class'),
    *('builtins.breakpoint', 'os.kill', 'signal.pthread_kill'),
)
# what libraries may read while they are used for the first time
OWN_PLACES = (sys.prefix, sys.base_prefix, '/proc', '/sys', '/usr', '/etc/localtime')


class Witness:
    """Notes what is done while it watches."""

    def __init__(self):
        self.events, self.is_watching, self.folder = [], False, ''
        # temporary files of libraries, and the package itself
        self.places = [
            *OWN_PLACES,
            str(Path(__file__).parents[2] / 'ocec'),
            str(Path(sys.modules['ocec'].__file__).parent),
        ]
        sys.addaudithook(self.hear)

    def hear(self, event, arguments):
        if not self.is_watching:
            return
        if event in WATCHED:
            self.events.append(f'{event} {arguments!r}'[:200])
        elif event == 'open' and isinstance(arguments[0], (str, bytes)):
            self._note_open(os.fsdecode(arguments[0]), arguments[1])
        elif event == 'exec' and getattr(arguments[0], 'co_filename', '') == '<string>':
            self.events.append(f'exec {arguments[0].co_names!r}'[:200])

    def _note_open(self, path, mode):
        if path.startswith('<'):
            return  # where Python looks for the line of a SyntaxError
        # without links: a link that leads outside is what is looked for
        place = os.path.realpath(path)
        is_own = place.startswith((self.folder, *self.places))
        is_writing = isinstance(mode, str) and set(mode) & set('wax+')
        if not is_own or (is_writing and place != os.devnull):
            self.events.append(f'open {path!r} {mode!r}'[:200])


def main():
    # the parent's pipe; whatever is printed by libraries goes elsewhere
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    from readers import READERS, prepare

    tempfile.tempdir = tempfile.mkdtemp(dir=sys.argv[1])
    prepare(Path(tempfile.tempdir))
    with open('/proc/self/statm') as stream:
        taken = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    witness = Witness()
    answers.write('ready\n')
    answers.flush()
    for line in sys.stdin:
        case = json.loads(line)
        path = Path(case['path'])
        witness.events, witness.folder = [], os.path.realpath(path.parent)
        before = resource.getrusage(resource.RUSAGE_SELF)
        answer = {'error': None, 'kinds': [], 'value': None}
        witness.is_watching = True
        try:
            answer['value'] = str(READERS[case['reader']](path))[:2000]
        except Exception as error:  # noqa: BLE001  # told to the test
            answer['error'] = str(error)[:4000]
            answer['kinds'] = [kind.__name__ for kind in type(error).__mro__]
        witness.is_watching = False
        after = resource.getrusage(resource.RUSAGE_SELF)
        answer['events'] = list(witness.events)
        answer['cpu_s'] = after.ru_utime + after.ru_stime
        answer['cpu_s'] -= before.ru_utime + before.ru_stime
        answers.write(json.dumps(answer) + '\n')
        answers.flush()


if __name__ == '__main__':
    sys.path.insert(0, str(Path(__file__).parent))
    sys.path.insert(1, str(Path(__file__).parents[2]))
    import ocec  # noqa: F401  # where its files are

    main()
