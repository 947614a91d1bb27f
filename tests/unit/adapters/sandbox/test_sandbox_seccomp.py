"""The filter, run on a machine of ours: what is allowed, what isn't, and by which arguments."""

from __future__ import annotations

import errno
import struct

import pytest

from lambent.adapters.sandbox import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def verdict(program: bytes, number: int, arch: int, *arguments: int) -> int:
    """Run a filter over one call."""
    data = struct.pack("<iIQ6Q", number, arch, 0, *(list(arguments) + [0] * 6)[:6])
    at, accumulator = 0, 0
    while True:
        operation, when, otherwise, value = struct.unpack_from("<HBBI", program, at * 8)
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif operation == 0x06:
            return int(value)
        else:
            holds = {0x15: accumulator == value, 0x25: accumulator > value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}
            at += when if holds[operation] else otherwise


def refused(number: int) -> int:
    return 0x00050000 | number


@pytest.mark.parametrize("machine", ARCH)
def test_every_call_gets_its_verdict(machine: str) -> None:
    program, calls = seccomp.program(machine), seccomp.numbers(machine)
    for name in ("read", "openat", "execve", "mmap", "futex", "wait4", "kill", "getrandom", "epoll_ctl", "statx", "mknodat", "seccomp"):
        assert verdict(program, calls[name], ARCH[machine]) == ALLOW, name
    for name in (
        "ptrace",
        "mount",
        "unshare",
        "setns",
        "bpf",
        "keyctl",
        "io_uring_setup",
        "io_setup",
        "process_vm_readv",
        "pivot_root",
        "open_tree",
    ):
        assert verdict(program, calls[name], ARCH[machine]) == refused(errno.EPERM), name
    assert verdict(program, calls["clone3"], ARCH[machine]) == refused(errno.ENOSYS)
    assert verdict(program, 900, ARCH[machine]) == refused(errno.ENOSYS)
    assert verdict(program, calls["read"], 0x40000003) == KILL
    assert verdict(seccomp.program(machine, "setns"), calls["setns"], ARCH[machine]) == ALLOW


@pytest.mark.parametrize("machine", ARCH)
def test_some_calls_depend_on_their_arguments(machine: str) -> None:
    program, calls, arch = seccomp.program(machine), seccomp.numbers(machine), ARCH[machine]
    assert verdict(program, calls["clone"], arch, 0x01200011) == ALLOW
    for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert verdict(program, calls["clone"], arch, flag | 17) == refused(errno.EPERM)
    for family in (1, 2, 10):
        assert verdict(program, calls["socket"], arch, family, 1, 0) == ALLOW
    assert verdict(program, calls["socket"], arch, 16, 3, 0) == ALLOW  # routes
    for family, protocol in ((16, 12), (17, 0), (38, 0), (40, 0)):  # netfilter, packets, kernel crypto, virtual machines
        assert verdict(program, calls["socket"], arch, family, 3, protocol) == refused(errno.EAFNOSUPPORT)
    assert verdict(program, calls["ioctl"], arch, 0, 0x5401) == ALLOW
    assert verdict(program, calls["ioctl"], arch, 0, 0x5412) == refused(errno.EPERM)
    assert verdict(program, calls["setsockopt"], arch, 3, 1, 13) == refused(0)  # SO_LINGER: it is pretended
    for level, option in ((1, 2), (6, 13), (1, 9)):
        assert verdict(program, calls["setsockopt"], arch, 3, level, option) == ALLOW
    for family, protocol in (
        (2, 132),
        (10, 33),
        (2, 262),
        (2, 136),
        (10, 256),
    ):  # SCTP, DCCP, MPTCP, UDP-Lite, SMC: the kernel would load them
        assert verdict(program, calls["socket"], arch, family, 1, protocol) == refused(errno.EPROTONOSUPPORT)
    for family, protocol in ((2, 6), (10, 17), (2, 1), (10, 58), (1, 300)):
        assert verdict(program, calls["socket"], arch, family, 1, protocol) == ALLOW
    assert verdict(program, calls["personality"], arch, 0xFFFFFFFF) == ALLOW
    assert verdict(program, calls["personality"], arch, 0x400000) == refused(errno.EPERM)


@pytest.mark.parametrize("machine", ARCH)
def test_what_is_the_machine_s_is_left_alone(machine: str) -> None:
    program, calls, arch = seccomp.program(machine), seccomp.numbers(machine), ARCH[machine]
    assert verdict(program, calls["mmap"], arch, 0, 4096, 3, 0x22) == ALLOW
    assert verdict(program, calls["mmap"], arch, 0, 4096, 3, 0x40022) == refused(errno.ENOMEM)  # huge pages
    assert verdict(program, calls["memfd_create"], arch, 0, 3) == ALLOW
    assert verdict(program, calls["memfd_create"], arch, 0, 4) == refused(errno.ENOMEM)
    for name in ("sync", "syncfs", "fsync", "fdatasync"):
        assert verdict(program, calls[name], arch, 3) == refused(0), name  # pretended
    assert verdict(program, calls["msync"], arch, 0, 4096, 4) == refused(0)
    assert verdict(program, calls["msync"], arch, 0, 4096, 1) == ALLOW
    assert verdict(program, calls["fadvise64"], arch, 3, 0, 0, 4) == refused(0)
    assert verdict(program, calls["fadvise64"], arch, 3, 0, 0, 3) == ALLOW


def test_a_jump_that_is_too_far_is_refused() -> None:
    steps = [seccomp.Step(0x15, 1, when="end"), *(seccomp.Step(0x06, 0) for _ in range(256)), seccomp.Step(0x06, 0, label="end")]
    with pytest.raises(ValueError, match="256"):
        seccomp.assemble(steps)


def test_ranges() -> None:
    assert seccomp.ranges([3, 1, 2, 7]) == [(1, 3), (7, 7)]
