import json

import pytest

from ocec.apis.measure_stream import measure_stream


def test_it_reads_an_epoch_and_tells_of_it(make_eye_parquet, tmp_path, capsys):
    data = make_eye_parquet(num_rows=48)  # 24 of train
    found = measure_stream(
        data,
        image_size='8x12',
        batch_size=4,
        buffer_rows=8,
        lanes=2,
        num_points=3,
        json_file=tmp_path / 'out' / 'stream.json',
    )
    assert [point.images for point in found] == [0, 8, 16, 24]
    assert [p.seconds for p in found] == sorted(p.seconds for p in found)
    assert all(0 < point.anon_mb <= point.peak_mb for point in found)
    lines = capsys.readouterr().out.splitlines()[-5:]
    assert lines[0].startswith('24 images of 1 files, table read in ')
    assert lines[-1].split(' images: ')[0].strip() == '24'
    stored = json.loads((tmp_path / 'out' / 'stream.json').read_text())
    assert stored['buffer_rows'] == 8
    assert [point['images'] for point in stored['points']] == [0, 8, 16, 24]


def test_it_stops_after_some_batches(make_eye_parquet):
    found = measure_stream(
        make_eye_parquet(num_rows=48), batch_size=4, num_batches=2, num_points=1
    )
    assert [point.images for point in found] == [0, 8]


@pytest.mark.parametrize('name', ['batch_size', 'num_batches', 'num_points'])
def test_arguments_are_checked(name):
    with pytest.raises(ValueError, match=f'{name} must be >= 1, got 0'):
        measure_stream('nothing', **{name: 0})
