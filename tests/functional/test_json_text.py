import pytest

from ocec.functional import json_text
from ocec.functional.json_text import parse_json, read_json


@pytest.fixture
def write(tmp_path):
    def to_file(content: bytes):
        path = tmp_path / 'best.json'
        path.write_bytes(content)
        return path

    return to_file


def test_a_file_is_read(write):
    assert read_json(write('{"f1": 0.5, "name": "ä"}'.encode()), dict) == {
        'f1': 0.5,
        'name': 'ä',
    }


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match='none.json'):
        read_json(tmp_path / 'none.json')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'Expecting value'),
        (b'{"a": 1', "Expecting ',' delimiter"),
        (b'\xff\xfe', "can't decode byte 0xff"),
        (b'[' * 100_000, 'nested too deeply'),
        (b'{"a":' * 100_000, 'nested too deeply'),
        (b'[1]', 'it must hold a dict, not a list'),
        (b'null', 'it must hold a dict, not null'),
        (b'9' * 5000, 'Exceeds the limit'),
    ],
)
def test_what_is_wrong_is_told_with_the_file(write, content, message):
    with pytest.raises(ValueError, match=f'best.json: no readable JSON: .*{message}'):
        read_json(write(content), dict)


def test_a_huge_file_is_not_parsed(write, monkeypatch):
    monkeypatch.setattr(json_text, 'MAX_JSON_BYTES', 10)
    assert read_json(write(b'[1,2,3,45]')) == [1, 2, 3, 45]
    with pytest.raises(ValueError, match='best.json: .*more than 10 bytes'):
        read_json(write(b'[1,2,3,456]'))


def test_text_is_parsed():
    assert parse_json('[1, null]') == [1, None]
    with pytest.raises(ValueError, match='^nested too deeply$'):
        parse_json('[' * 100_000)
