"""Makes the control groups of one environment. Whoever makes them may have to wait for the kernel: better a holder than the server.

A plan has ``folders`` to make, ``writes`` (path, text), and ``opens`` (path, flags). It is made by ``cgroups.py``.
"""

import os


def make(plan, machine=""):
    """Make the folders and return the descriptors; ``machine`` is where the machine's root is seen. ``OSError`` leaves folders behind."""
    for each in plan["folders"]:
        os.mkdir(machine + each)
    for path, text in plan["writes"]:
        fd = os.open(machine + path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)
    fds = []
    try:
        for path, flags in plan["opens"]:
            fds.append(os.open(machine + path, flags | os.O_CLOEXEC))
    except OSError:
        for fd in fds:
            os.close(fd)
        raise
    return fds
