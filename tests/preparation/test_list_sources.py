import pytest

from ocec.preparation.list_sources import detect_format, list_sources, parquet_files


def test_formats_are_detected(tmp_path, make_eye_parquet):
    parquet = make_eye_parquet(tmp_path / 'p' / 'a.parquet', num_rows=2)
    folders = {
        'folder': 'eyes/open/a.png',
        'mrl': 'mrl/s0001_00013_0_1_0_2_1_03.png',
        'csv': 'a.csv',
    }
    for path in folders.values():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b'x,1')
    sources = [tmp_path / path.split('/')[0] for path in folders.values()]
    found = [detect_format(source) for source in (*sources, parquet, parquet.parent)]
    assert found == [*folders, 'parquet', 'parquet']
    # an output beside the pictures that it was made of
    make_eye_parquet(tmp_path / 'eyes' / 'dataset.parquet', num_rows=2)
    assert detect_format(tmp_path / 'eyes') == 'folder'

    listings = list_sources([*sources, parquet.parent])
    assert [len(listing.entries) for listing in listings] == [1, 1, 1, 2]
    named = list_sources([tmp_path / 'mrl'], form='folder')[0]
    assert named.entries[0].problem == 'it lies below neither open/ nor closed/'


def test_shards_are_listed_by_name(tmp_path, make_eye_parquet):
    names = ['b.parquet', 'a.parquet']
    for name in names:
        make_eye_parquet(tmp_path / 'p' / name, num_rows=2)
    files = parquet_files(tmp_path / 'p')
    assert [file.name for file in files] == ['a.parquet', 'b.parquet']
    assert len(list_sources([tmp_path / 'p'])) == 2


def test_other_things_are_refused(tmp_path):
    (tmp_path / 'a.txt').write_text('')
    with pytest.raises(ValueError, match=r'a.txt: neither a folder nor a .csv or'):
        list_sources([tmp_path / 'a.txt'])
    with pytest.raises(FileNotFoundError, match='gone: no such file or folder'):
        list_sources([tmp_path / 'gone'])
    with pytest.raises(ValueError, match=r"auto or one of \('folder', .*got 'zip'"):
        list_sources([tmp_path], form='zip')
