import re

import numpy as np

from ocec.apis.compare_datasets import compare_datasets
from ocec.apis.compare_datasets_page import choose_pictures


def test_page_needs_no_network(make_eye_parquet, tmp_path):
    first, second = (make_eye_parquet(num_rows=40, seed=seed) for seed in (1, 2))
    report = compare_datasets(first, second, html=tmp_path / 'page.html', jobs=1)
    page = (tmp_path / 'page.html').read_text()
    text = re.sub(r'base64,[A-Za-z0-9+/=]+', '', page)
    assert 'http' not in text
    assert text.count('<img src="data:image/png;') == 7  # histograms, 3 sheets of each
    assert report.headline in text
    assert str(second) in text
    for found in report.statistics:
        assert f'<td>{found["statistic"]}</td>' in text
    assert 'An AUC of 0.5 means' in text


def test_pictures_are_sorted_by_what_gives_them_away():
    score_N = np.linspace(0, 1, 41)
    score_N[7] = np.nan
    [at_random, least, most] = choose_pictures(score_N, 'B').values()
    assert list(choose_pictures(score_N, 'B')) == [
        'at random',
        'least like A',
        'most like A',
    ]
    assert least.tolist() == list(range(40, 28, -1))
    assert most.tolist() == [*range(7), *range(8, 13)]
    assert len(set(at_random.tolist())) == 12
    assert 7 not in at_random
    mirrored = choose_pictures(score_N, 'A')
    assert mirrored['least like B'].tolist() == most.tolist()
