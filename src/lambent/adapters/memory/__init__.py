"""The store in memory: for unit tests and ``--ephemeral``. Nothing here touches a disk, but for ``MemoryBlobs.path``."""

from lambent.adapters.memory.blobs import MemoryBlobs
from lambent.adapters.memory.store import MemoryStore

__all__ = ["MemoryBlobs", "MemoryStore"]
