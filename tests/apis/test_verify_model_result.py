from ocec.apis.verify_model_result import (
    FAIL,
    OK,
    SKIP,
    WARN,
    CheckResult,
    Verdict,
    format_result,
    summarise,
    worst,
)


def test_worst_of_several():
    verdicts = [
        Verdict(OK, 'unsaid', details=['a'], facts={'x': 1}),
        Verdict(WARN, 'odd', 'look', details=['b']),
        Verdict(FAIL, 'broken', 'mend', facts={'y': 2}),
        Verdict(WARN, 'strange', 'look'),
    ]
    found = worst(verdicts, good='fine')
    assert (found.status, found.text) == (FAIL, 'broken; odd; strange')
    assert found.way_out == 'mend; look'
    assert (found.details, found.facts) == (['a', 'b'], {'x': 1, 'y': 2})
    good = worst(verdicts[:1], good='fine')
    assert (good.status, good.text, good.way_out) == (OK, 'fine', '')


def test_way_out_and_details_below_the_line():
    verdict = Verdict(WARN, 'odd\nand more', 'look', details=['one\ntwo'])
    lines = format_result(CheckResult('lr', verdict)).split('\n')
    assert lines[0] == 'WARN  lr          odd'
    told = [line.strip() for line in lines[1:]]
    assert told == ['and more', '-> look', 'one', 'two']
    assert {len(line) - len(line.lstrip()) for line in lines[1:]} == {18}


def test_summary_names_what_is_not_ok():
    results = [
        CheckResult(name, Verdict(status, ''))
        for name, status in zip('abcde', (OK, WARN, FAIL, SKIP, FAIL), strict=True)
    ]
    expected = '5 checks: 2 FAIL (c, e), 1 WARN (b), 1 ok, 1 skip'
    assert summarise(results) == expected


def test_record_is_plain():
    verdict = Verdict(OK, 'good', details=('a',), facts={'n': 1})
    assert CheckResult('x', verdict, 1.23456).record() == {
        'name': 'x',
        'status': 'ok',
        'text': 'good',
        'way_out': '',
        'details': ['a'],
        'facts': {'n': 1},
        'seconds': 1.235,
    }
