"""Pickles, checkpoints and parquet files of any content."""

from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import changed, programs
from targets import checkpoint, parquet, pickles


def test_pickles(executions):
    @settings(max_examples=executions or 300)
    @given(st.one_of(programs(), changed('pickles'), st.binary(max_size=40)))
    def run(data):
        pickles(data)

    run()


def test_checkpoint(executions):
    @settings(max_examples=executions or 150)
    @given(st.one_of(changed('checkpoint'), programs(), st.binary(max_size=40)))
    def run(data):
        checkpoint(data)

    run()


def test_parquet(executions):
    @settings(max_examples=executions or 150)
    @given(st.one_of(changed('parquet'), st.binary(max_size=40)))
    def run(data):
        parquet(data)

    run()
