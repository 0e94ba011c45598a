"""Logs, records, configs and options of other people."""

import json
import os

import pytest

LINE = '{"phase": "train_epoch", "epoch": 1, "step": 1, "loss": 0.5}\n'

LINES = {
    'nested 100,000 times': '[' * 100_000 + '\n',
    'dicts nested 100,000 times': '{"a":' * 100_000 + '\n',
    'a number of 100,000 digits': '{"phase": "val", "epoch": ' + '9' * 10**5 + '}\n',
    'a number of 4,000 digits': '{"phase": "val", "epoch": 1, "step": '
    + '9' * 4000
    + ', "f1": 1}\n',
    'epochs that are none': '{"phase": "val", "epoch": NaN, "step": Infinity}\n',
    'a phase of a dict': '{"phase": {}, "epoch": 1, "step": 1}\n',
    'other values': '{"phase": "val", "epoch": 1, "step": 1, "a": [], "b": {}}\n',
    'a name of 1 MB': json.dumps(
        {'phase': 'val', 'epoch': 1, 'step': 1, 'x' * 2**20: 1}
    )
    + '\n',
    'a million empty lines': '\n' * 10**6,
    'null bytes': '\0' * 10**5 + '\n',
    'half a surrogate': '{"phase": "val", "epoch": 1, "step": 1, "\\ud800": 1}\n',
}


@pytest.mark.parametrize('name', LINES)
def test_lines_of_a_log(read, tmp_path, name):
    path = tmp_path / 'metrics.jsonl'
    path.write_text(LINE + LINES[name] + LINE)
    answer = read('run', path)
    # the sound lines are shown, the others are told
    assert answer['error'] is None
    assert 'metrics.jsonl' in answer['value'] or name in (
        'a name of 1 MB',
        'a million empty lines',
        'half a surrogate',
        'other values',
    )


def sparse(path):
    """A file of 8 GB that takes no room."""
    with open(path, 'wb') as stream:
        os.truncate(stream.fileno(), 2**33)


LOGS = {
    'a metrics.jsonl of 8 GB': ('metrics.jsonl', sparse),
    'a history of 8 GB': ('history.json', sparse),
    'a history nested 100,000 times': ('history.json', '[' * 100_000),
    'a history of other kinds': (
        'history.json',
        '[{"epoch": 1, "train": 3, "lr": []}]',
    ),
    'a history of epochs that are none': ('history.json', '[{"epoch": NaN}]'),
    'other bytes': ('metrics.jsonl', b'\xff\xfe\0'),
}


@pytest.mark.parametrize('name', LOGS)
def test_logs(assert_refused, tmp_path, name):
    file, content = LOGS[name]
    path = tmp_path / file
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_refused('run', path)


RECORDS = {
    'nested 100,000 times': '[' * 100_000,
    'a list': '[1]',
    'a text': '"a"',
    'no sessions': '{"sessions": []}',
    'sessions of another kind': '{"sessions": {"a": 1}}',
    'a session of another kind': '{"sessions": [3]}',
    'data of another kind': '{"sessions": [{"data": [1], "packages": [2], "git": 3}]}',
    'packages of lists': '{"sessions": [{"packages": {"a": [[]]}, "git": '
    '{"commit": 1}}]}',
    'nothing': '',
    'a file of 8 GB': sparse,
}


@pytest.mark.parametrize('name', RECORDS)
def test_records_of_a_run(read, tmp_path, name):
    (tmp_path / 'metrics.jsonl').write_text(LINE)
    path = tmp_path / 'provenance.json'
    content = RECORDS[name]
    content(path) if callable(content) else path.write_text(content)
    answer = read('run', tmp_path / 'metrics.jsonl')
    assert answer['error'] is None
    assert 'provenance.json cannot be read' in answer['value'] or 'no sess' in name


BEST = {
    'nested 100,000 times': '{"file":' * 100_000,
    'another kind': '[]',
    'a value of text': '{"file": "a.pth", "metric": "f1", "value": "high"}',
    'a file above': '{"file": "../../secret.pth", "metric": "f1", "value": 1}',
    'an absolute file': '{"file": "/etc/passwd", "metric": "f1", "value": 1}',
    'a file of a number': '{"file": 3, "metric": [], "value": 1}',
    'a file of 8 GB': sparse,
}


@pytest.mark.parametrize('name', BEST)
def test_the_record_of_the_best(assert_refused, tmp_path, name):
    (tmp_path / 'secret.pth').write_bytes(b'here')
    path = tmp_path / 'a' / 'run' / 'best.json'
    path.parent.mkdir(parents=True)
    content = BEST[name]
    content(path) if callable(content) else path.write_text(content)
    assert_refused('best', path)


ENSEMBLES = {
    'nested 100,000 times': '[' * 100_000,
    'another kind': '[]',
    'no type': '{}',
    'another type': '{"type": "logistic", "texts": []}',
    'texts elsewhere': '{"type": "mean", "texts": ["../../../etc/passwd"]}',
    'texts of numbers': '{"type": "mean", "texts": [3]}',
}


@pytest.mark.parametrize('name', ENSEMBLES)
def test_parts_of_an_ensemble(assert_refused, tmp_path, name):
    path = tmp_path / 'combiner.json'
    path.write_text(ENSEMBLES[name])
    told = assert_refused('ensemble', path, named=tmp_path.name)
    assert 'root:' not in told  # of /etc/passwd


SETTINGS = {
    'nested 1,000 times': 'a = ' + '[' * 1000 + ']' * 1000,
    'minus 100,000 times': 'a = ' + '-' * 100_000 + '1',
    'calls in calls': 'a = ' + 'dict(a=' * 1000 + ')' * 1000,
    'sums of 100,000': 'a = ' + '1+' * 100_000 + '1',
    'a null byte': 'a = 1\0',
    'no Python': 'a b c',
    'a file of 8 GB': sparse,
}


@pytest.mark.parametrize('name', SETTINGS)
def test_dumped_configs(assert_refused, tmp_path, name):
    path = tmp_path / 'config.py'
    content = SETTINGS[name]
    content(path) if callable(content) else path.write_text(content)
    assert_refused('settings', path)


CODE = {
    'a call': 'a = __import__("os").system("touch canary")',
    'a power': 'a = 9 ** 9 ** 9',
    'a set of lists': 'a = {[1]}',
    'a key of lists': 'a = {[1]: 2, (3,): 4}',
    'a class': 'class A: __import__("os").system("touch canary")',
    'a text in curly brackets': 'a = f"{print(1)}"',
}


@pytest.mark.parametrize('name', CODE)
def test_code_in_dumped_configs_stays_text(read, tmp_path, name):
    path = tmp_path / 'config.py'
    path.write_text(CODE[name])
    assert read('settings', path)['error'] is None


OPTIONS = {
    'a call': 'a=__import__("os").system("touch canary")',
    'a call in a list': 'a=[__import__("os").system("touch canary")]',
    'a call in a dict': 'a=dict(b=open("canary", "w"))',
    'a key that is a call': 'a={open("canary", "w"): 1}',
    'a comprehension': 'a=[x for x in ().__class__.__base__.__subclasses__()]',
    'a lambda': 'a=(lambda: open("canary", "w"))()',
    'an f-string': "a=f\"{open('canary', 'w')}\"",
    'an attribute': 'a=dict.__base__.__subclasses__',
    'a key of the language': '__class__.__init__.__globals__=1',
    'two stars': 'a=dict(**{"b": 1})',
    'a power': 'a=9**9**9',
    'a text times a number': 'a="a"*10**10',
    'a walrus': 'a=(b:=3)',
    'brackets nested 2,000 times': 'a=' + '[' * 2000 + ']' * 2000,
    'brackets nested 500 times': 'a=' + '[01,' * 500 + ']' * 500,
    'dicts nested 300 times': 'a=' + 'dict(a=' * 300 + '1' + ')' * 300,
    'minus 100,000 times': 'a=' + '-' * 100_000 + '1',
    'a number of 100,000 digits': 'a=' + '9' * 10**5,
    'commas': 'a=' + ',' * 10**4,
    'a key of 10,000 names': '.'.join('a' * 10**4) + '=1',
    'a null byte': 'a=1\0',
    'a set of lists': 'a={[1]}',
    'a dict of lists': 'a={[1]: 2}',
    'a set of dicts': 'a=[{dict(a=1)}]',
}


@pytest.mark.parametrize('name', OPTIONS)
def test_options_are_never_evaluated(read, tmp_path, name):
    path = tmp_path / 'options.txt'
    path.write_text(OPTIONS[name])
    answer = read('cfg_options', path)
    if answer['error'] is not None:
        assert 'ValueError' in answer['kinds']
        assert 'UnicodeError' not in answer['kinds']
