"""What a process sees: its environment variables, its limits, and the folder that stands for ``/var/runtime``.

The ``process`` driver mounts nothing: ``/var/task``, ``/opt`` and ``/tmp`` are folders of the server. ``LAMBDA_TASK_ROOT`` is the unpacked
function, ``TMPDIR`` the environment's own temporary folder, and layers are on the search paths, the last one first, as if laid over
each other. Code that spells ``/opt`` or ``/var/task`` out needs a driver that mounts; a literal ``/tmp`` is the machine's.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path

from lambent.domain.environments import Launch

GUEST = Path(__file__).with_name("guest")
SDK = {"boto3": "boto3", "botocore": "botocore", "s3transfer": "s3transfer", "jmespath": "jmespath"} | {
    "dateutil": "python-dateutil",
    "six": "six",
    "urllib3": "urllib3",
}  #: modules, and the distributions that they come from
RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot_restore_py")
_PATH = "/usr/local/bin:/usr/bin:/bin"
# As Lambda's, for what is started before a function's variables are known.
PATH = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
LIBRARY_PATH = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"


def sdk_runs_on(release: str) -> bool:
    """Return whether the installed boto3, and what it needs, says that it runs on a Python release such as ``3.12``."""
    import importlib.metadata  # noqa: PLC0415 - 10 ms, which are for the first function that is made

    for distribution in SDK.values():
        required = str(importlib.metadata.metadata(distribution).json.get("requires_python") or "")
        lowest = re.search(r">=\s*3\.(\d+)", required)
        if lowest and int(release.split(".")[1]) < int(lowest[1]):
            return False
    return True


def runtime_packages(release: str) -> tuple[str, ...]:
    """Return the modules that a Python function finds installed: awslambdaric, and the SDK where it runs on this release."""
    return (*RUNTIME_CLIENT, *(SDK if sdk_runs_on(release) else ()))


def is_compiled_for(release: str) -> bool:
    """Return whether the installed packages have bytecode for a Python release such as ``3.12`` beside them."""
    spec = importlib.util.find_spec("botocore")
    if spec is None or spec.origin is None:
        return False
    return Path(spec.origin).parent.joinpath("__pycache__", f"session.cpython-{release.replace('.', '')}.pyc").exists()


def link_python_runtime(folder: Path, release: str) -> Path:
    """Fill ``folder`` with links to awslambdaric and the SDK, so that nothing else of the server's packages can be seen; return it.

    Where the SDK doesn't run on this release, it is left out: ``import boto3`` then says that there is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in runtime_packages(release):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        target = origin.parent if origin.name == "__init__.py" else origin
        link = folder / target.name
        if link.is_symlink() and link.readlink() == target:
            continue
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return folder


def limits(launch: Launch) -> Mapping[str, int]:
    """Return the process's resource limits, by ``resource``'s names."""
    return {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 1024,
        "RLIMIT_FSIZE": launch.function.ephemeral_storage_mb * 1_048_576,  # no file can be larger than /tmp
    }


def variables(launch: Launch, runtime: Path, tmp: Path) -> dict[str, str]:
    """Return the process's environment: what Lambda and the function set, with folders as they are on this machine."""
    env = {"LANG": "en_US.UTF-8", "TZ": ":UTC", "PATH": _PATH, **launch.variables}
    roots = [launch.code, *reversed(launch.layers)]
    env["PATH"] = ":".join([env["PATH"], *(str(each / "bin") for each in reversed(launch.layers))])
    libraries = [str(folder) for root in roots for folder in (root / "lib", root) if folder == root / "lib" or root == launch.code]
    env["LD_LIBRARY_PATH"] = ":".join(filter(None, [env.get("LD_LIBRARY_PATH", ""), *libraries]))
    env["LAMBDA_TASK_ROOT"] = str(launch.code)
    env["LAMBDA_RUNTIME_DIR"] = str(runtime)
    env["TMPDIR"] = str(tmp)
    env.setdefault("_HANDLER", launch.function.handler)
    return env


def python_paths(launch: Launch, version: str) -> list[str]:
    """Return where imports are looked for before the runtime's own packages: ``/var/task``, then the layers'."""
    paths = [str(launch.code)]
    for layer in reversed(launch.layers):
        paths += [str(layer / "python" / "lib" / f"python{version}" / "site-packages"), str(layer / "python")]
    return paths


def node_paths(launch: Launch, major: str) -> str:
    """Return ``NODE_PATH`` for the function's layers."""
    folders = [layer / "nodejs" / part for layer in reversed(launch.layers) for part in (f"node{major}/node_modules", "node_modules")]
    return ":".join(str(each) for each in [*folders, launch.code])
