"""The filter on the kernel's calls that a function's code may make, assembled for the kernel's packet-filter machine. Pure.

An allow-list: what isn't on it fails with ``EPERM``, and what the list is too old to know with ``ENOSYS``, so that a C library falls
back. Of some calls only certain arguments are allowed. A call of another architecture (32-bit code) ends the process.
See seccomp(2) and the kernel's Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from lambent.adapters.sandbox._generated_syscalls import NUMBERS

_ALLOWED: Final = """
accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown clock_adjtime64 clock_getres clock_getres_time64
clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 clock_settime64 close close_range connect copy_file_range
creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit
exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchown fchownat fcntl fdatasync fgetxattr flistxattr
flock fork fremovexattr fsetxattr fstat fstatat fstatfs fsync ftruncate futex futex_time64 futex_waitv futimesat get_mempolicy
get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid
getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid
gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioprio_get ioprio_set kill
landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen listxattr llistxattr
lremovexattr lseek lsetxattr lstat madvise membarrier memfd_create mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall
mmap mprotect mq_getsetattr mq_notify mq_open
mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock
munlockall munmap nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 pselect6 pselect6_time64 pwrite64 pwritev pwritev2
read readahead readlink readlinkat readv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr rename renameat
renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 sendfile sendmmsg
sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority
setregid setresgid setresuid setreuid setrlimit setsid setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack
signalfd signalfd4 splice stat statfs statx symlink symlinkat sync sync_file_range sync_file_range2 syncfs sysinfo tee tgkill time
timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create
timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate umask uname unlink unlinkat utime
utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid write writev
"""
# What is not there: other processes' memory (ptrace, process_vm_readv, userfaultfd …), namespaces, mounts and roots, the machine's modules,
# clock, names, devices and accounting, keys, file handles, memory nodes, and io_uring, whose calls no filter sees. bpf and perf, too.
# io_setup and friends: the machine has one number of them for all (fs.aio-max-nr), which one function could use up.

_AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT: Final = 0x40000000

_LOAD: Final = 0x20  # a word of struct seccomp_data into the accumulator
_JUMP_EQUAL, _JUMP_ABOVE, _JUMP_FROM, _JUMP_SET = 0x15, 0x25, 0x35, 0x45
_RETURN: Final = 0x06
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000

_NEW_NAMESPACES: Final = 0x7E020000  # every CLONE_NEW… flag that clone takes
_UNIX: Final = 1  # AF_UNIX
_INTERNET: Final = (2, 10)  # AF_INET, AF_INET6
_PROTOCOLS: Final = (0, 1, 6, 17, 58)  # none, ICMP, TCP, UDP, ICMPv6; others may have the kernel load modules
_NETLINK, _ROUTE = 16, 0
_TERMINAL_INPUT: Final = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_LINGERING: Final = (1, 13)  # SOL_SOCKET, SO_LINGER
_MAP_HUGETLB, _MFD_HUGETLB = 0x40000, 0x4
_WRITE_OUT: Final = ("sync", "syncfs", "fsync", "fdatasync")
_MS_SYNC, _FADV_DONTNEED = 4, 4
_PERSONALITIES: Final = (0, 0x0008, 0x20000, 0x20008, 0x40000, 0xFFFFFFFF)


class Step(msgspec.Struct, frozen=True):
    """An instruction whose jumps name labels; an empty name is the next instruction."""

    operation: int
    value: int
    when: str = ""
    otherwise: str = ""
    label: str = ""


def numbers(machine: str) -> dict[str, int]:
    """Return the kernel's calls of an architecture (``x86_64``, ``aarch64``) by name."""
    return {name: int(number) for name, _, number in (pair.partition("=") for pair in NUMBERS[machine].split())}


def program(machine: str, *more: str) -> bytes:
    """Return the filter for an architecture: an array of ``struct sock_filter``. ``more`` are names to allow, too."""
    return assemble(_steps(numbers(machine), machine, more))


def assemble(steps: Sequence[Step]) -> bytes:
    """Return machine code. ``ValueError`` for a jump further than 255 instructions."""
    places = {step.label: at for at, step in enumerate(steps) if step.label}

    def distance(name: str, at: int) -> int:
        far = places[name] - at - 1 if name else 0
        if not 0 <= far <= 255:
            raise ValueError(f"a jump over {far} instructions to {name}")
        return far

    return b"".join(
        struct.pack("HBBI", step.operation, distance(step.when, at), distance(step.otherwise, at), step.value)
        for at, step in enumerate(steps)
    )


def ranges(values: Iterable[int]) -> list[tuple[int, int]]:
    """Return the values as inclusive ranges, in order."""
    found: list[tuple[int, int]] = []
    for value in sorted(values):
        if found and found[-1][1] == value - 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return found


def _steps(calls: dict[str, int], machine: str, more: Iterable[str]) -> list[Step]:
    known = max(calls.values())
    allowed = frozenset([*_ALLOWED.split(), *more])
    steps = [
        Step(_LOAD, _ARCH_AT),
        Step(_JUMP_EQUAL, _AUDIT_ARCH[machine], otherwise="kill"),
        Step(_LOAD, _NUMBER_AT),
        Step(_JUMP_FROM, _X32_BIT, when="refuse"),
        Step(_JUMP_EQUAL, calls["clone3"], when="unknown"),  # its flags lie in memory, where no filter sees them; clone's don't
        Step(_JUMP_ABOVE, known, when="unknown"),
    ]
    special = {
        each: each for each in ("clone", "socket", "ioctl", "personality", "setsockopt", "mmap", "memfd_create", "msync", "fadvise64")
    }
    special |= {"socketpair": "socket"} | dict.fromkeys(_WRITE_OUT, "pretend")
    steps += [Step(_JUMP_EQUAL, calls[name], when=label) for name, label in special.items()]
    for low, high in ranges(number for name, number in calls.items() if name in allowed):
        steps += [Step(_JUMP_FROM, low, otherwise="refuse"), Step(_JUMP_ABOVE, high, otherwise="allow")]
    steps += [
        Step(_RETURN, _ERRNO | errno.EPERM, label="refuse"),
        Step(_RETURN, _ALLOW, label="allow"),
        Step(_RETURN, _ERRNO | errno.ENOSYS, label="unknown"),
        Step(_RETURN, _KILL, label="kill"),
        Step(_LOAD, _ARGUMENTS_AT, label="clone"),
        Step(_JUMP_SET, _NEW_NAMESPACES, when="refuse_clone", otherwise="allow_clone"),
        Step(_RETURN, _ERRNO | errno.EPERM, label="refuse_clone"),
        Step(_RETURN, _ALLOW, label="allow_clone"),
        Step(_LOAD, _ARGUMENTS_AT, label="socket"),
        Step(_JUMP_EQUAL, _UNIX, when="allow_argument"),
        *(Step(_JUMP_EQUAL, each, when="protocol") for each in _INTERNET),
        Step(_JUMP_EQUAL, _NETLINK, otherwise="refuse_family"),
        Step(_LOAD, _ARGUMENTS_AT + 16),
        Step(_JUMP_EQUAL, _ROUTE, when="allow_argument"),
        Step(_RETURN, _ERRNO | errno.EAFNOSUPPORT, label="refuse_family"),
        Step(_LOAD, _ARGUMENTS_AT + 16, label="protocol"),
        *(Step(_JUMP_EQUAL, each, when="allow_argument") for each in _PROTOCOLS),
        Step(_RETURN, _ERRNO | errno.EPROTONOSUPPORT),
        # Huge pages are the machine's, which set them aside for somebody else.
        Step(_LOAD, _ARGUMENTS_AT + 24, label="mmap"),
        Step(_JUMP_SET, _MAP_HUGETLB, when="no_memory", otherwise="allow_argument"),
        Step(_LOAD, _ARGUMENTS_AT + 8, label="memfd_create"),
        Step(_JUMP_SET, _MFD_HUGETLB, otherwise="allow_argument"),
        Step(_RETURN, _ERRNO | errno.ENOMEM, label="no_memory"),
        # What can be written in here is in memory: written out would be what others have written, and their disk made to wait. Nor is what
        # the machine has read of shared files to be forgotten.
        Step(_LOAD, _ARGUMENTS_AT + 16, label="msync"),
        Step(_JUMP_SET, _MS_SYNC, when="pretend", otherwise="allow_argument"),
        Step(_LOAD, _ARGUMENTS_AT + 24, label="fadvise64"),
        Step(_JUMP_EQUAL, _FADV_DONTNEED, otherwise="allow_argument"),
        Step(_RETURN, _ERRNO, label="pretend"),
        # A socket that lingers keeps whoever closes it waiting, for as long as it was told: that is the server, once it was sent to it with
        # SCM_RIGHTS on the frames' socket. That it lingers is only pretended.
        Step(_LOAD, _ARGUMENTS_AT + 8, label="setsockopt"),
        Step(_JUMP_EQUAL, _LINGERING[0], otherwise="allow_argument"),
        Step(_LOAD, _ARGUMENTS_AT + 16),
        Step(_JUMP_EQUAL, _LINGERING[1], otherwise="allow_argument"),
        Step(_RETURN, _ERRNO),
        Step(_LOAD, _ARGUMENTS_AT + 8, label="ioctl"),
        *(Step(_JUMP_EQUAL, each, when="refuse_argument") for each in _TERMINAL_INPUT),
        Step(_RETURN, _ALLOW, label="allow_argument"),
        Step(_LOAD, _ARGUMENTS_AT, label="personality"),
        *(Step(_JUMP_EQUAL, each, when="allow_personality") for each in _PERSONALITIES),
        Step(_RETURN, _ERRNO | errno.EPERM, label="refuse_argument"),
        Step(_RETURN, _ALLOW, label="allow_personality"),
    ]
    return steps
