"""A toolbox for small recognisers that must run in real time.

``import ocec`` stays light: it neither imports torch nor the engine.
"""

from ocec.compat import check_engine_packages
from ocec.version import __version__

__all__ = ['__version__']

check_engine_packages()
