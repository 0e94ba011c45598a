"""From folders, CSV files, MRL names or parquet files to one checked parquet.

Shapes: N rows.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.process_map import map_in_processes
from ocec.apis.progress import track
from ocec.preparation.atomic_files import new_file
from ocec.preparation.convert_manifest import (
    changes_since,
    edited_files,
    read_manifest,
    write_manifest,
)
from ocec.preparation.convert_rows import embedded_rows, extra_columns, path_rows
from ocec.preparation.convert_settings import ConvertSettings
from ocec.preparation.eye_listing import EyeEntry, Listing, merge_duplicates
from ocec.preparation.list_sources import list_sources
from ocec.preparation.look_alikes import group_look_alikes
from ocec.preparation.output_files import (
    existing_outputs,
    output_path,
    remove_leftovers,
    remove_stale,
)
from ocec.preparation.picture_intake import PictureFacts, examine_picture
from ocec.preparation.picture_places import Place, chunk_places, read_pictures
from ocec.preparation.shard_writer import eye_schema, shard_paths, write_shards
from ocec.preparation.split_plan import SplitPlan

SHOWN_BAD_ROWS = 5
# starting processes takes longer than examining so many pictures
_MIN_FOR_PROCESSES = 2000


def convert_data(
    sources: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    *,
    settings: ConvertSettings | Mapping | None = None,
    jobs: int | None = None,
    force: bool = False,
) -> list[Path]:
    """Make a parquet, or shards of one, from pictures; say aloud what was done.

    Every picture is decoded once to see that it can be. An output that exists stays
    untouched until the new one is complete; one that is up to date is left alone.

    Args:
        sources: folders, CSV files, parquet files.
        out: ``.parquet`` file, or a folder that gets ``dataset.parquet``.
        settings: what to do, or its fields by name.
        jobs: processes, >= 1; None takes all cores.
        force: overwrite an output that this function did not make, or that is up to
            date.

    Returns:
        The parquet files of the output.

    Raises:
        ConfigError: a setting is out of range or has no effect.
        FileExistsError: the output, or a part of it, was made or changed by something
            else; needs ``force``.
        FileNotFoundError: a source is not there.
        ValueError: a source cannot be read, rows cannot be used, or no row is left.
    """
    try:
        if not isinstance(settings, ConvertSettings):
            settings = ConvertSettings(**settings or {})
        out = output_path(Path(out))
    except ValueError as error:
        raise ConfigError(f'error: {error}') from error
    listings = list_sources(
        sources,
        form=settings.format,
        data_root=settings.data_root,
        group_pattern=settings.compiled('group_pattern', 'group'),
        allow_outside=settings.allow_outside,
    )
    _say(*(line for listing in listings for line in listing.told))
    plain, digests = settings.as_json(), [listing.digest() for listing in listings]
    _say(*(f'removed, left by a killed run: {file}' for file in remove_leftovers(out)))
    if (files := _up_to_date(out, plain, digests, listings, force)) is not None:
        return files
    entries = [entry for listing in listings for entry in listing.entries]
    entries, told = merge_duplicates(entries, settings.duplicates)
    _say(*told)
    plan = settings.split_plan(_choose_split(entries, settings))
    entries, facts = _examine(entries, settings, jobs, out)
    entries, facts = _filter(entries, facts, settings)
    entries = _group(entries, facts, settings)
    entries, facts = _divide(entries, facts, plan)
    files = _write(out, entries, facts, settings)
    write_manifest(out, settings=plain, sources=digests, files=files)
    return files


def _say(*lines: str) -> None:
    for line in lines:
        print(line)


def _up_to_date(
    out: Path, plain: dict, digests: list[str], listings: list[Listing], force: bool
) -> list[Path] | None:
    """Files of an output that is what this run would make; None to go on."""
    manifest = read_manifest(out)
    there = existing_outputs(out)
    inputs = {file.resolve() for listing in listings for file in listing.files}
    if clash := sorted(str(file) for file in there if file.resolve() in inputs):
        raise ValueError(f'{clash[0]} is a source; write to another name')
    if force:
        return None
    listed = manifest['files'] if manifest else {}
    foreign = [file for file in there if file.name not in listed]
    if manifest is None:
        _refuse(foreign, 'exists and was not made by this tool')
        return None
    _refuse(edited_files(manifest, out.parent), 'was changed after this tool wrote it')
    changes = changes_since(
        manifest, settings=plain, sources=digests, folder=out.parent
    )
    if not changes:
        _say(f'{out}: up to date, nothing to do')
        return [out.parent / name for name in manifest['files']]
    _refuse(foreign, 'is no part of the output made before')
    _say(f'{out}: is made again: {"; ".join(changes)}')
    return None


def _refuse(files: list[Path], why: str) -> None:
    if files:
        raise FileExistsError(
            f'{files[0]} {why}; choose another name, or set force (--force) to '
            'overwrite it'
        )


def _examine(
    entries: list[EyeEntry], settings: ConvertSettings, jobs: int | None, out: Path
) -> tuple[list[EyeEntry], list[PictureFacts]]:
    """Decode every picture on all cores; keep the rows that can be used."""
    sound = [entry for entry in entries if not entry.problem]
    chunks = chunk_places([(entry.file, entry.row) for entry in sound])
    wants_thumbnails = settings.group_by == 'near-duplicates'
    examine = partial(_examine_chunk, with_thumbnail=wants_thumbnails)
    few = len(sound) < _MIN_FOR_PROCESSES
    results = map_in_processes(
        examine, chunks, jobs=1 if few and jobs is None else jobs
    )
    facts: list[PictureFacts] = []
    if chunks:
        for chunk in track(results, total=len(chunks), what='examining pictures'):
            facts += chunk
    bad = [(entry, entry.problem) for entry in entries if entry.problem]
    bad += [(e, f.problem) for e, f in zip(sound, facts, strict=True) if f.problem]
    _handle_bad_rows(bad, len(entries), settings.bad_rows, out)
    usable = [(e, f) for e, f in zip(sound, facts, strict=True) if not f.problem]
    if not usable:
        raise ValueError('no picture is left')
    conversions = Counter(f.conversion for _, f in usable if f.conversion)
    verb = 'converted' if settings.store == 'bytes' else 'converted when read'
    _say(*(f'{verb}, {how}: {n:,}' for how, n in sorted(conversions.items())))
    return [entry for entry, _ in usable], [fact for _, fact in usable]


def _examine_chunk(places: list[Place], *, with_thumbnail: bool) -> list[PictureFacts]:
    """Runs in a worker."""
    return [
        examine_picture(data, with_thumbnail=with_thumbnail)
        for data in read_pictures(places)
    ]


def _handle_bad_rows(bad: list, num_rows: int, policy: str, out: Path) -> None:
    report = out.with_name(f'{out.stem}.bad_rows.csv')
    if not bad:
        report.unlink(missing_ok=True)  # of an earlier run
        return
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(['image_path', 'source', 'problem'])
    writer.writerows((entry.path, entry.source, problem) for entry, problem in bad)
    with new_file(report) as stream:
        stream.write(text.getvalue().encode(errors='backslashreplace'))
    shown = '\n'.join(f'  {entry.path}: {p}' for entry, p in bad[:SHOWN_BAD_ROWS])
    if len(bad) > SHOWN_BAD_ROWS:
        shown += f'\n  and {len(bad) - SHOWN_BAD_ROWS:,} more'
    shown += f'\nAll are listed in {report}'
    if policy == 'error':
        raise ValueError(
            f'{len(bad):,} of {num_rows:,} pictures cannot be used:\n{shown}\nMend '
            'them, or leave them out with --bad-rows skip'
        )
    _say(f'WARNING: {len(bad):,} of {num_rows:,} pictures left out:\n{shown}')


def _filter(entries, facts, settings: ConvertSettings):
    keep_N, told = settings.size_filter().apply(
        np.array([fact.height for fact in facts]),
        np.array([fact.width for fact in facts]),
        np.array([entry.label for entry in entries]),
    )
    _say(*told)
    if not keep_N.any():
        raise ValueError('the filters leave no picture')
    return _kept(entries, facts, keep_N)


def _kept(entries, facts, keep_N):
    return (
        [entry for entry, keep in zip(entries, keep_N, strict=True) if keep],
        [fact for fact, keep in zip(facts, keep_N, strict=True) if keep],
    )


def _group(entries, facts, settings: ConvertSettings) -> list[EyeEntry]:
    """Let look-alikes be groups where none are known, if asked to."""
    lone = [i for i, entry in enumerate(entries) if not entry.group]
    if settings.group_by != 'near-duplicates' or not lone:
        return entries
    names = group_look_alikes(
        np.stack([facts[i].thumbnail_HW for i in lone]),
        max_distance=settings.bits_of_near,
    ).tolist()
    sizes = Counter(names).values()
    _say(
        f'{len(lone):,} pictures without a group form {len(sizes):,} of near '
        f'duplicates, the largest of {max(sizes):,}, {list(sizes).count(1):,} alone'
    )
    entries = list(entries)
    for i, name in zip(lone, names, strict=True):
        entries[i] = replace(entries[i], group=name)
    return entries


def _choose_split(entries, settings: ConvertSettings) -> str:
    """How to divide, before the long work begins."""
    entries = [entry for entry in entries if not entry.problem]
    num_without = sum(not entry.split for entry in entries)
    method = settings.split
    if method is None:
        is_kept = entries and not num_without and not settings.resplit
        method = 'keep' if is_kept else 'grouped'
    if method == 'keep' and num_without:
        raise ValueError(
            f'{num_without:,} of {len(entries):,} rows have no split to keep; divide '
            'with --split grouped'
        )
    if method != 'keep' and entries and not num_without and not settings.resplit:
        raise ValueError(
            f'the sources have splits already; add --resplit to divide anew by {method}'
        )
    try:
        settings.check_options(method)
    except ValueError as error:
        raise ConfigError(f'error: {error}') from error
    return method


def _divide(entries, facts, plan: SplitPlan):
    """Give each row its split; print what came of it."""
    split_N, warnings = plan.divide(entries)
    _say(f'split: {plan.method}', *(f'WARNING: {line}' for line in warnings))
    _say(*plan.tell_shares(entries, split_N))
    if num_left_out := int((split_N == '').sum()):
        _say(f'{num_left_out:,} rows in gaps left out')
    entries = [
        replace(entry, split=split)
        for entry, split in zip(entries, split_N.tolist(), strict=True)
    ]
    return _kept(entries, facts, split_N != '')


def _write(out: Path, entries, facts, settings: ConvertSettings) -> list[Path]:
    paths = shard_paths(out, len(entries), settings.max_rows_per_file)
    with_bytes = settings.store == 'bytes'
    schema = eye_schema(extra_columns(entries), with_bytes=with_bytes)
    if with_bytes:
        rows = embedded_rows(entries, facts)
    else:
        rows = path_rows(entries, out.parent, allow_outside=settings.allow_outside)
    rows = track(rows, total=len(entries), what='writing rows')
    write_shards(rows, paths, schema, settings.max_rows_per_file)
    stale = remove_stale(out, paths, before=(read_manifest(out) or {}).get('files', ()))
    _say(*(f'removed, of an earlier output: {file}' for file in stale))
    shown = str(paths[0]) if len(paths) == 1 else f'{paths[0]} to {paths[-1].name}'
    _say(f'written: {shown}, {len(entries):,} rows')
    return paths
