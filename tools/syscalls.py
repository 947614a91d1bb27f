"""Write the numbers of the kernel's calls, from the C headers of this machine (``linux-libc-dev``), as a Python module.

``python tools/syscalls.py src/lambent/adapters/sandbox/_generated_syscalls.py``
"""

import re
import sys
import textwrap
from pathlib import Path

X86 = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
GENERIC = Path("/usr/include/asm-generic/unistd.h")
# What the generic table names by number of bits: the 64-bit names.
RENAMED = {"fcntl64": "fcntl", "statfs64": "statfs", "fstatfs64": "fstatfs", "truncate64": "truncate", "ftruncate64": "ftruncate"}
RENAMED |= {"llseek": "lseek", "sendfile64": "sendfile", "newfstatat64": "newfstatat", "mmap2": "mmap", "fadvise64_64": "fadvise64"}


def numbers(header: Path) -> dict[str, int]:
    found = {}
    for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\s", header.read_text() + "\n"):
        found.setdefault(RENAMED.get(name, name), int(number))
    return {name: number for name, number in found.items() if name not in {"syscalls", "arch_specific_syscall"}}


def main() -> None:
    text = '"""The kernel\'s calls by name, as ``tools/syscalls.py`` found them in its headers. Generated: do not edit."""\n\nNUMBERS = {\n'
    for machine, header in (("x86_64", X86), ("aarch64", GENERIC)):
        pairs = " ".join(f"{name}={number}" for name, number in sorted(numbers(header).items(), key=lambda each: each[1]))
        lines = textwrap.wrap(pairs, 120)
        text += f'    "{machine}": (\n' + "".join(f'        "{line} "\n' for line in lines) + "    ),\n"
    Path(sys.argv[1]).write_text(text + "}\n")


main()
