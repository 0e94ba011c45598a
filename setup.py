"""Metadata, extras, and the packing of configs and tools into the wheel."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# `_base_ = 'ocec::...'` and `mim train ocec CONFIG` look for these in ocec/.mim
PACKED = ('configs', 'tools')

EXTRAS = {
    'stacking': ['lightgbm>=4.5', 'scikit-learn>=1.5'],
    'pair': ['mlxtend>=0.23'],
    'export': [
        'onnx>=1.18',
        'onnxruntime>=1.22',
        'onnxscript>=0.5',
        'onnxslim>=0.1.60',
        'safetensors>=0.4',
    ],
    'video': ['av>=14'],
    'search': ['optuna>=5.0', 'cmaes>=0.11', 'scikit-learn>=1.5', 'scipy>=1.11'],
    'report': ['plotly>=6', 'jinja2>=3.1', 'scikit-learn>=1.5'],
    'dev': [
        'pytest>=8.3',
        'pytest-xdist>=3.6',
        'ruff>=0.9',
        'pydoclint>=0.6',
        'scikit-learn>=1.5',
        'build>=1.2',
        'hypothesis>=6.100',
        'playwright>=1.50',
    ],
}
EXTRAS['all'] = sorted({need for needs in EXTRAS.values() for need in needs})


class BuildWithConfigs(build_py):
    """Copies configs and tools beside the modules."""

    def run(self) -> None:
        """Build the modules, then the copies."""
        super().run()
        target = Path(self.build_lib) / 'ocec' / '.mim'
        if self.editable_mode:
            target = ROOT / 'ocec' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        for name in PACKED:
            if not (ROOT / name).is_dir():
                raise FileNotFoundError(f'{ROOT / name}: needed inside the package')
            if self.editable_mode:  # a link: a changed config counts at once
                target.mkdir(parents=True, exist_ok=True)
                (target / name).symlink_to(ROOT / name, target_is_directory=True)
            else:
                ignored = shutil.ignore_patterns('__pycache__', '*.pyc')
                shutil.copytree(ROOT / name, target / name, ignore=ignored)
        target.mkdir(parents=True, exist_ok=True)
        # mmengine looks here first and falls back to the path in configs
        (target / 'model-index.yml').write_text('Import: []\n')


def read_version() -> str:
    """Read the version without importing the package."""
    scope: dict = {}
    exec((ROOT / 'ocec' / 'version.py').read_text(), scope)
    return scope['__version__']


setup(
    name='ocec',
    version=read_version(),
    description='Config-driven toolbox for small recognisers that run in real time',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['ocec', 'ocec.*']),
    package_data={'ocec': ['apis/*.j2']},
    python_requires='>=3.11',
    install_requires=[
        'onedl-mmengine>=0.10.12',
        'onedl-mmcv>=2.3.6',
        'onedl-mmpretrain>=1.3.6',
        'torch>=2.6',
        'torchvision>=0.21',
        'pyarrow>=18',
        'numpy>=2.0',
        'opencv-python>=4.8',
        'tensorboard>=2.18',
        'rich>=13',
    ],
    extras_require=EXTRAS,
    cmdclass={'build_py': BuildWithConfigs},
    zip_safe=False,
)
