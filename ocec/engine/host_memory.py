"""Memory of the process: how the C library hands it back, and how much it took."""

import ctypes
import resource
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


def peak_memory_mb() -> float:
    """Return the most memory taken so far, in MB.

    Returns:
        Of the GPU where tensors lie on one, else of this process.
    """
    import torch  # the rest of this module must not wait for it

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # kilobytes on Linux, bytes on a Mac
    return peak / (2**20 if sys.platform == 'darwin' else 2**10)
