"""Keeping the server's memory flat: glibc gives back what many threads have used."""

from __future__ import annotations

import ctypes
import platform

# From glibc's malloc.h.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_ARENAS = 2
_GIVEN_BACK_BYTES = 1 << 22  # a piece's sound is larger, what a sampler step needs is smaller


def give_memory_back() -> None:
    """Tell glibc to give large blocks back at once, and to keep few heaps; nothing elsewhere.

    By default it makes up to eight heaps a core for the threads of the requests, and once a large
    block has been freed it keeps all such blocks in them, where they leave gaps.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    library.mallopt(_M_ARENA_MAX, _ARENAS)
    library.mallopt(_M_MMAP_THRESHOLD, _GIVEN_BACK_BYTES)
