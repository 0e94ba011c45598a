from ocec.visualization.run_provenance import (
    FACTS,
    compare_facts,
    describe_data,
    describe_session,
    find_changes,
)

DATA = {
    'split': 'val',
    'closed': 1000,
    'open': 200,
    'image_size': [32, 64],
    'files': [{'file': '/a/eyes.parquet', 'bytes': 7, 'footer_sha256': 'ab'}],
}


def test_place_and_size_are_the_same_set_but_other_bytes_are_not():
    text = describe_data(DATA)
    assert text.startswith('1,200 images, ')
    moved = {'file': '/b/eyes.parquet', 'bytes': 7, 'footer_sha256': 'ab'}
    assert describe_data({**DATA, 'image_size': [24, 40], 'files': [moved]}) == text
    changed = {'file': '/a/eyes.parquet', 'bytes': 7, 'footer_sha256': 'cd'}
    assert describe_data({**DATA, 'files': [changed]}) != text
    assert describe_data({**DATA, 'split': 'test'}) != text
    assert describe_data(None) == 'not recorded'
    assert ',' not in describe_data({'pairs': 3})


def session(**changes):
    return {
        'ranks': 2,
        'threads': 1,
        'device': 'x86_64',
        'python': '3.11',
        'packages': {'ocec': '0.1.0', 'torch': '2.6'},
        'git': {'commit': '0123456789abcdef', 'changed': ' M a.py\n M b.py'},
        'data': {'val': DATA, 'train': None},
        **changes,
    }


def test_a_session_in_words():
    facts = describe_session(session())
    assert list(facts) == list(FACTS)
    assert facts['code'].startswith('ocec 0.1.0, commit 0123456789, 2 files changed')
    assert facts['packages'] == 'python 3.11, torch 2.6'
    assert (facts['ranks'], facts['train set']) == ('2', 'not recorded')
    assert describe_session({})['code'] == 'not recorded'


def test_a_resume_with_other_code_is_told():
    other = session(git={'commit': 'fedcba9876543210', 'changed': ''})
    [message] = find_changes([session(), other])
    assert message.startswith('resumed with another code: ocec 0.1.0, commit 01234')
    assert message.endswith(', then ocec 0.1.0, commit fedcba9876')
    assert find_changes([session(), session(ranks=4)]) == []


def test_differences_are_graded_the_gravest_first():
    other = session(data={'val': {**DATA, 'closed': 5}}, threads=8)
    facts = {'a': describe_session(session()), 'b': describe_session(other)}
    (level, text), (last_level, last_text) = compare_facts(facts)
    assert (level, last_level) == ('not comparable', 'times')
    assert text.startswith('different val set: 1,200 images, ')
    assert text.endswith('(b)')
    assert last_text == 'different threads: 1 (a); 8 (b)'
    assert compare_facts({'a': facts['a'], 'c': facts['a']}) == []


def test_many_runs_are_not_all_named():
    facts = {f'r{i}': {'ranks': '1'} for i in range(6)} | {'x': {'ranks': '2'}}
    [(_, text)] = compare_facts(facts)
    assert text == 'different ranks: 1 (r0, r1, r2, r3 and 2 more); 2 (x)'


def test_clips_are_counted_and_their_place_is_of_no_matter():
    data = {'clips': 1200, 'clips_sha256': 'ab', 'file': 'a.pkl', 'videos': 'a'}
    text = describe_data(data)
    assert text.startswith('1,200 clips, ')
    assert describe_data({**data, 'file': 'b.pkl', 'videos': 'b'}) == text
    assert describe_data({**data, 'clips_sha256': 'cd'}) != text
