"""What this machine can run."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from lambent.adapters.sandbox.process import ProcessSandbox
from lambent.base.clock import SystemClock
from lambent.base.settings import Settings
from lambent.domain.environments import RuntimeStatus


def examine(settings: Settings) -> list[RuntimeStatus]:
    """Return every runtime that AWS documents, with what serves it here or what to install."""
    with TemporaryDirectory(prefix="lambent-doctor-") as folder:
        return ProcessSandbox(Path(folder), SystemClock(), settings.runtimes).runtimes()
