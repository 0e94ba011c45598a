"""Fuzz a target with Atheris, which looks for inputs that reach new code.

    python tests/fuzz/guided.py TARGET --runs N [--seconds S] [--corpus FOLDER]

Prints libFuzzer's lines; the last one counts the executions. What a target must not
raise ends the run with a traceback, exit code 77, and the input in the current folder.
"""

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import FunctionType

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[2]))
# what is watched for new code: all of the package takes a minute to prepare
WATCHED = {
    'options': ['ocec.apis.cfg_options', 'ocec.apis.option_values'],
    'pickles': ['ocec.datasets.action_pickle', 'ocec.datasets.pickle_array'],
    'metrics': [
        *('ocec.visualization.run_log_jsonl', 'ocec.visualization.run_records'),
        'ocec.functional.json_text',
    ],
    'config': [
        *('ocec.apis.config_check', 'ocec.apis.config_sites', 'ocec.apis.config_types'),
        *('ocec.apis.config_monitors', 'ocec.apis.config_param_groups'),
        *('ocec.apis.config_variables', 'ocec.apis.config_locations'),
    ],
    'checkpoint': ['ocec.engine.checkpoint_io', 'torch._weights_only_unpickler'],
    'parquet': ['ocec.datasets.eye_table', 'ocec.datasets.eye_columns'],
}


def instrument(atheris, module):
    """Watch the functions of a module and the methods of its classes."""
    for value in vars(module).values():
        inner = vars(value).values() if isinstance(value, type) else [value]
        for function in inner:
            is_function = isinstance(function, FunctionType)
            if is_function and function.__module__ == module.__name__:
                atheris.instrument_func(function)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('target', choices=WATCHED)
    parser.add_argument('--runs', type=int, default=100_000)
    parser.add_argument('--seconds', type=int, default=0, help='at most; 0: any')
    parser.add_argument('--corpus', help='folder that new inputs are kept in')
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    try:
        import atheris
    except ImportError as error:
        sys.exit(
            f'coverage-guided fuzzing needs atheris: pip install atheris ({error})'
        )
    from targets import TARGETS, seeds

    for module in WATCHED[args.target]:
        instrument(atheris, import_module(module))

    folder = Path(args.corpus or tempfile.mkdtemp(prefix='ocec_corpus_'))
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(seeds(args.target)):
        (folder / f'seed{number}').write_bytes(content)
    settings = {
        'atheris_runs': args.runs,
        'max_total_time': args.seconds,
        'seed': args.seed,
        'max_len': 4096,
        'rss_limit_mb': 4096,
        'timeout': 60,
        'print_final_stats': 1,
    }
    flags = [f'-{name}={value}' for name, value in settings.items()]
    atheris.Setup([sys.argv[0], *flags, str(folder)], TARGETS[args.target])
    atheris.Fuzz()


if __name__ == '__main__':
    main()
