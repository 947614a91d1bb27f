"""Floor 7: commands: arguments in, calls to the server, readable output. stdout is data, stderr is talk."""

import gc

# None of what is loaded here is garbage, and looking for some takes a tenth of the start. A server collects from when it listens.
gc.disable()

from lambent.cli.commands import main  # noqa: E402

__all__ = ["main"]
