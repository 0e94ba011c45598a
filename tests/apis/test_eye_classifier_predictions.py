import pytest

from ocec.apis.eye_classifier_predictions import Prediction


@pytest.mark.parametrize(
    ('path', 'row', 'name'),
    [('a.png', None, 'a.png'), ('a.parquet', 0, 'a.parquet#0'), ('', 7, '7')],
)
def test_name_of_files_rows_and_arrays(path, row, name):
    assert Prediction(path, row, 0.5, True).name == name


def test_state_of_what_cannot_be_used_is_empty():
    states = [
        Prediction('', 0, 0.5, is_open=True).state,
        Prediction('', 0, 0.5, is_open=False).state,
        Prediction('', 0, float('nan'), is_open=False, error='damaged').state,
    ]
    assert states == ['open', 'closed', '']
