import optuna
import pytest

from ocec.search.storage import (
    OtherSweepError,
    drop_torn_line,
    hide_password,
    is_url,
    open_storage,
    open_study,
)

SETTINGS = {
    'name': 'sweep',
    'directions': ['maximize'],
    'settings': {'space': {'lr': [1, 2]}},
    'fingerprint': 'aa',
}


@pytest.fixture(params=['journal', 'sqlite'])
def place(request, tmp_path):
    if request.param == 'journal':
        return tmp_path / 'deep' / 'journal.log'
    return f'sqlite:///{tmp_path / "sweep.db"}'


def test_a_study_is_made_once_and_found_again(place):
    study = open_study(open_storage(place), **SETTINGS)
    study.tell(study.ask(), 0.5)
    again = open_study(open_storage(place), **SETTINGS)
    assert [trial.value for trial in again.trials] == [0.5]


def test_another_sweep_on_the_same_storage_is_refused(place):
    open_study(open_storage(place), **SETTINGS)
    other = {**SETTINGS, 'settings': {'space': {'lr': [1, 3]}}, 'fingerprint': 'bb'}
    message = r"another sweep called 'sweep': space is \{\"lr\": \[1, 3\]\}, there"
    with pytest.raises(OtherSweepError, match=message):
        open_study(open_storage(place), **other)
    open_study(open_storage(place), **{**other, 'name': 'mine'})  # its own name


def test_another_base_config_is_told_as_such(tmp_path):
    storage = open_storage(tmp_path / 'j.log')
    open_study(storage, **SETTINGS)
    with pytest.raises(OtherSweepError, match='its base config differs'):
        open_study(storage, **{**SETTINGS, 'fingerprint': 'bb'})


def test_a_study_of_somebody_else_is_refused(tmp_path):
    storage = open_storage(tmp_path / 'j.log')
    study = optuna.create_study(
        storage=storage, study_name='sweep', direction='maximize'
    )
    study.tell(study.ask(), 1)
    with pytest.raises(OtherSweepError, match='was not made by tools/sweep.py'):
        open_study(storage, **SETTINGS)


@pytest.mark.parametrize(
    ('url', 'message'),
    [
        ('sqlite:////gone/away/x.db', 'unable to open database file'),
        ('nosuch://host/x', 'cannot be opened: .*nosuch'),
        ('postgresql+gone://me:secret@host/x', r'me:\*\*\*@host/x cannot be opened'),
    ],
)
def test_an_unreachable_database_is_told_without_its_password(url, message):
    with pytest.raises(ValueError, match=message) as caught:
        open_storage(url)
    assert 'secret' not in str(caught.value)


def test_a_file_that_is_no_journal_is_told(tmp_path):
    file = tmp_path / 'notes.txt'
    file.write_text('no journal\nat all\n')
    with pytest.raises(ValueError, match=r'notes\.txt: no journal that can be used'):
        open_storage(file)


def test_half_a_line_of_a_crash_does_not_spoil_the_journal(tmp_path):
    journal = tmp_path / 'journal.log'
    study = open_study(open_storage(journal), **SETTINGS)
    study.tell(study.ask(), 0.5)
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code": 4, "wor')
    again = open_study(open_storage(journal), **SETTINGS)
    assert journal.read_bytes().startswith(whole)
    again.tell(again.ask(), 0.7)  # appended on a line of its own
    found = open_study(open_storage(journal), **SETTINGS)
    assert [trial.value for trial in found.trials] == [0.5, 0.7]


def test_a_whole_an_empty_or_a_missing_journal_is_left_alone(tmp_path):
    journal = tmp_path / 'journal.log'
    drop_torn_line(journal)
    assert not journal.exists()
    for content in (b'', b'{}\n'):
        journal.write_bytes(content)
        drop_torn_line(journal)
        assert journal.read_bytes() == content


@pytest.mark.parametrize(
    ('place', 'shown'),
    [
        ('postgresql://me:p@ss@host/x', 'postgresql://me:***@host/x'),
        ('postgresql://me@host/x', 'postgresql://me@host/x'),
        ('sqlite:///a/b.db', 'sqlite:///a/b.db'),
        ('work_dirs/a/journal.log', 'work_dirs/a/journal.log'),
    ],
)
def test_passwords_are_hidden(place, shown):
    assert hide_password(place) == shown
    assert is_url(place) == ('://' in place)
