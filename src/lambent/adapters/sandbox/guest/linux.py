"""The kernel's calls that Python has no function for, on every CPython from 3.8 and every 64-bit Linux from 5.11.

They are made through ``PyDLL``, which keeps the interpreter's lock: a child of ``clone`` comes back into Python holding it.
"""

import contextlib
import ctypes
import os
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
CLONE_PARENT_SETTID = 0x00100000
CLONE_CHILD_CLEARTID = 0x00200000
CLONE_CHILD_SETTID = 0x01000000
CLONE_INTO_CGROUP = 0x200000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE, MS_SLAVE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
    1 << 19,
)
MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_GET_TID_ADDRESS = (
    1,
    4,
    22,
    24,
    36,
    38,
    40,
)
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP = 28, 4
CAP_KILL, CAP_SETPCAP, CAP_SYS_PTRACE = 5, 8, 19
MADV_COLLAPSE = 25

# Calls newer than 5.0 have one number everywhere; the older ones that are needed differ.
_PIDFD_OPEN, _CLONE3, _CLOSE_RANGE = 434, 435, 436
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}[os.uname().machine]

_libc = ctypes.PyDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong)
_libc.malloc.restype = ctypes.c_void_p
_libc.putenv.argtypes = (ctypes.c_void_p,)
_call = _libc.syscall
_word = ctypes.c_ulong


def _checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (what, os.strerror(number)))
    return result


def mount(source, target, kind, flags, data=None):
    """``mount(2)``."""
    encoded = [os.fsencode(each) if each is not None else None for each in (source, target, kind)]
    _checked(_libc.mount(*encoded, flags, None if data is None else os.fsencode(data)), "mount %s" % target)


def unmount(target):
    """Detach a mount, and what is mounted below it."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH), "umount %s" % target)


def pivot_root(new, old):
    """``pivot_root(2)``."""
    _checked(_call(_word(_PIVOT_ROOT), ctypes.c_char_p(os.fsencode(new)), ctypes.c_char_p(os.fsencode(old))), "pivot_root")


def setns(fd, flags):
    """Enter a process's namespaces by its pidfd."""
    _checked(_libc.setns(fd, flags), "setns")


def collapse():
    """Have the kernel put our memory into large pages, as far as it likes: a fork copies one entry for each page."""
    with open("/proc/self/maps") as maps:
        lines = maps.read().splitlines()
    for line in lines:
        span, mode, _, _, inode, *_ = line.split()
        if mode == "rw-p" and inode == "0":
            start, end = (int(each, 16) for each in span.split("-"))
            start, end = (start + (1 << 21) - 1) >> 21 << 21, end >> 21 << 21
            if end > start:
                _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_COLLAPSE)


def trim():
    """Give memory that was freed back to the kernel, where the C library can: a fork would copy it."""
    with contextlib.suppress(AttributeError):  # it is glibc's
        _libc.malloc_trim(0)


def unshare(flags):
    """``unshare(2)``."""
    _checked(_libc.unshare(flags), "unshare")


def pidfd_open(pid):
    """Return a descriptor of a process."""
    return _checked(_call(_word(_PIDFD_OPEN), _word(pid), _word(0)), "pidfd_open")


def prctl(option, value=0, third=0):
    """``prctl(2)``."""
    return _checked(_libc.prctl(option, value, third, 0, 0), "prctl %d" % option)


def sethostname(name):
    """``sethostname(2)``."""
    _checked(_libc.sethostname(name, len(name)), "sethostname")


def close_from(lowest):
    """Close every descriptor from ``lowest`` up."""
    _checked(_call(_word(_CLOSE_RANGE), _word(lowest), _word(0xFFFFFFFF), _word(0)), "close_range")


def fork(flags=0, cgroup=None):
    """Fork, into new namespaces and (v2) into a cgroup, given its folder's descriptor; as ``os.fork`` otherwise.

    ``clone3`` and not ``fork`` because only it can do that in one step; with what the C library's ``fork`` does for its own
    notion of the thread's id, without which ``raise`` and ``abort`` would fail in the child.
    """
    if not flags and cgroup is None:
        return os.fork()
    tid = ctypes.c_void_p()
    # A kernel without CONFIG_CHECKPOINT_RESTORE doesn't say where; then the note stays the parent's, which newer C libraries don't mind.
    if _libc.prctl(PR_GET_TID_ADDRESS, ctypes.addressof(tid), 0, 0, 0) == 0:
        flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID
    if cgroup is not None:
        flags |= CLONE_INTO_CGROUP
    #                          flags, pidfd, child_tid, parent_tid, exit_signal (SIGCHLD), stack twice, tls, set_tid twice, cgroup
    arguments = struct.pack("11Q", flags, 0, tid.value or 0, 0, 17, 0, 0, 0, 0, 0, cgroup or 0)
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = _call(_word(_CLONE3), ctypes.c_char_p(arguments), _word(len(arguments)))
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    number = ctypes.get_errno()
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, "clone3: " + os.strerror(number))
    return pid


def may(*capabilities):
    """Return whether we have capabilities, effectively."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("CapEff:"))
    return all(int(line.split()[1], 16) >> each & 1 for each in capabilities)


def be_known_as(uid):
    """As root: be another effective user, without losing a capability or the access to files that we have as root. 0: be root again."""
    prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    os.seteuid(uid)
    _libc.setfsuid(0)
    prctl(PR_SET_SECUREBITS, 0)
    prctl(PR_SET_DUMPABLE, 1)


def drop_capabilities(keep=()):
    """Give up every capability but ``keep``, for good."""
    bound_capabilities()
    keep_capabilities(keep)


def bound_capabilities():
    """See to it that no program that is executed gets a capability; those that we have stay ours."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    capability = 0
    while capability < 64 and _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1


def keep_capabilities(keep=()):
    """Give up every capability but ``keep``. For good only after ``bound_capabilities``."""
    kept = sum(1 << each for each in keep)
    header = struct.pack("=Ii", 0x20080522, 0)
    data = struct.pack("=6I", kept & 0xFFFFFFFF, kept & 0xFFFFFFFF, 0, kept >> 32, kept >> 32, 0)
    _checked(_libc.capset(header, data), "capset")


def filter_calls(program):
    """Install a seccomp filter; ``program`` is an array of ``struct sock_filter``. Needs ``PR_SET_NO_NEW_PRIVS``."""
    buffer = ctypes.create_string_buffer(program, len(program))
    fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer)))
    prctl(PR_SET_SECCOMP, 2, ctypes.addressof(fprog))


class Variable:
    """An environment variable that changes all the time.

    The C library keeps each value that ``setenv``, and so ``os.environ``, ever gave it. Here they have one place, one after the other.
    """

    SPACE = 512

    def __init__(self, name):
        self._name = name
        self._key = os.fsencode(name)
        self._variables = os.environ
        self._value = object()  # what we gave it last, as ``os.environ`` keeps it
        self._at = _libc.malloc(self.SPACE)  # for good: the C library reads it for as long as the process lives
        self._place = (ctypes.c_char * self.SPACE).from_address(self._at)

    def set(self, value):
        """Give it a value as ``os.environ[name] = value`` does, or none."""
        if value is None:
            os.environ.pop(self._name, None)
            return
        encoded = value.encode("ascii") if value.isascii() else os.fsencode(value)
        entry = b"%b=%b" % (self._key, encoded)
        if os.environ is self._variables and len(entry) < self.SPACE and 0 not in encoded:
            known = os.environ._data  # noqa: SLF001 - to be changed without ``setenv``
            is_there = known.get(self._key) is self._value  # nobody has changed it, so the C library has our place
            self._place.value = entry
            if is_there or _libc.putenv(self._at) == 0:
                known[self._key] = self._value = encoded
                return
        os.environ[self._name] = value
