from ocec.apis.config_findings import Finding, format_findings


def test_line_has_place_key_problem_and_suggestion():
    finding = Finding(('a', '0'), 'is wrong', 'b', where='x.py:3')
    assert str(finding) == 'x.py:3  a.0: is wrong; did you mean b?'


def test_notes_come_last():
    note = Finding(('n',), 'a word', is_note=True)
    error = Finding(('e',), 'is wrong')
    assert format_findings([note, error]) == 'e: is wrong\nnote: n: a word'


def test_nothing_found():
    assert format_findings([]) == ''
