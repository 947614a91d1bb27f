"""Large bytes as files named by their hash: ``FileBlobs``."""

from lambent.adapters.blobs.files import FileBlobs

__all__ = ["FileBlobs"]
