"""Options, logs and configs of any content: nothing but errors of our own."""

from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import changed
from targets import config, metrics, options

ALPHABET = 'ab01.,=[](){}"\'_- \n#*:type dict none\\\0ä'


def test_options(executions):
    @settings(max_examples=executions or 300)
    @given(
        st.one_of(
            st.text(ALPHABET, max_size=60).map(str.encode),
            changed('options'),
            st.binary(max_size=40),
        )
    )
    def run(data):
        options(data)

    run()


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_leaves=6,
)


@st.composite
def logged(draw):
    import json

    names = st.one_of(st.sampled_from(['phase', 'epoch', 'step', 'loss', 'eye/f1']))
    phases = st.sampled_from(['train', 'train_epoch', 'val', 'test'])
    lines = []
    for _ in range(draw(st.integers(0, 5))):
        line = draw(st.dictionaries(names, JSON, max_size=4))
        if draw(st.booleans()):
            line['phase'] = draw(phases)
        lines.append(json.dumps(line))
    return '\n'.join(lines).encode('utf-8', 'surrogatepass')


def test_metrics(executions):
    @settings(max_examples=executions or 150)
    @given(st.one_of(logged(), changed('metrics'), st.binary(max_size=60)))
    def run(data):
        metrics(data)

    run()


def test_config(executions):
    @settings(max_examples=executions or 100)
    @given(st.binary(max_size=120))
    def run(data):
        config(data)

    run()
