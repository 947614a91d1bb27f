"""The smallest program: it waits until it is killed. Holders become it, so that an environment costs no interpreter but its own.

As a file in memory, and without a library: to execute it takes a tenth of a millisecond and 16 kB, ``sleep`` six times that.
"""

import fcntl
import os
import struct

_BASE = 0x400000
_HEADERS = 64 + 56
# ppoll(0, 0, 0, 0, 8), again and again
_CODE = {
    "x86_64": bytes.fromhex("31ff 31f6 31d2 4531d2 41b808000000 b80f010000 0f05 ebe8"),
    "aarch64": struct.pack("<8I", 0xD2800000, 0xD2800001, 0xD2800002, 0xD2800003, 0xD2800104, 0xD2800928, 0xD4000001, 0x17FFFFF9),
}
_MACHINE = {"x86_64": 62, "aarch64": 183}


def program(machine):
    """Return the executable for an architecture: one segment, headers included."""
    code = _CODE[machine]
    size = _HEADERS + len(code)
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)  # 64 bits, little-endian
    #                                      executable, version, entry, program header, no sections, flags, sizes and counts
    header = struct.pack("<HHIQQQIHHHHHH", 2, _MACHINE[machine], 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    #                               loaded, readable and executable, offset, addresses, sizes, alignment
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x10000)
    return identity + header + segment + code


def opened():
    """Return a descriptor that executes it; -1 where there can be none."""
    try:
        fd = os.memfd_create("holder", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(fd, program(os.uname().machine))
        os.fchmod(fd, 0o111)  # whoever executes what it can't read, can't be traced or looked into by others of its user id
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    except (AttributeError, KeyError, OSError):
        return -1
    return fd
