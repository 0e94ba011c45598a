import os

from ocec.preparation.convert_manifest import (
    changes_since,
    edited_files,
    manifest_path,
    read_manifest,
    write_manifest,
)


def make(tmp_path):
    out = tmp_path / 'eyes.parquet'
    shard = tmp_path / 'eyes_0001.parquet'
    shard.write_bytes(b'rows')
    write_manifest(out, settings={'seed': 1}, sources=['abc'], files=[shard])
    return out, shard


def changes(out, settings=None, sources=('abc',)):
    return changes_since(
        read_manifest(out),
        settings=settings or {'seed': 1},
        sources=list(sources),
        folder=out.parent,
    )


def test_the_same_run_has_nothing_to_do(tmp_path):
    out, _ = make(tmp_path)
    assert manifest_path(out).name == 'eyes.convert.json'
    assert changes(out) == []


def test_each_change_is_named(tmp_path):
    out, shard = make(tmp_path)
    assert changes(out, {'seed': 2}) == ['seed was 1, is 2']
    assert changes(out, sources=['abd']) == ['the sources have changed']
    os.utime(shard, ns=(0, 0))
    rewritten = 'eyes_0001.parquet is missing or was written by something else'
    assert changes(out) == [rewritten]
    shard.unlink()
    assert changes(out) == [rewritten]


def test_files_that_were_edited_are_found(tmp_path):
    out, shard = make(tmp_path)
    assert edited_files(read_manifest(out), tmp_path) == []
    shard.write_bytes(b'other rows')
    assert edited_files(read_manifest(out), tmp_path) == [shard]
    shard.unlink()  # nothing is lost when it is written again
    assert edited_files(read_manifest(out), tmp_path) == []


def test_what_is_no_manifest_counts_as_none(tmp_path):
    out = tmp_path / 'eyes.parquet'
    assert read_manifest(out) is None
    for text in ('{', '{"version": 0}'):
        manifest_path(out).write_text(text)
        assert read_manifest(out) is None
