"""How the C library hands memory back between training steps on a CPU."""

import ctypes
import sys

# parameters of glibc's mallopt(3)
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
KEPT_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """Let freed tensors be used again instead of going back to the system.

    By default glibc returns every freed block of more than 32 MB at most to the
    system, and each training step then pays page faults for fresh, zeroed memory: a
    quarter of the step of the smallest model (docs/decisions/0003). The process
    keeps up to 1 GiB more than it uses.

    Returns:
        Whether it took effect; False on anything but Linux with glibc.
    """
    if not sys.platform.startswith('linux'):
        return False
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    took = [mallopt(name, KEPT_BYTES) for name in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD)]
    return all(took)
