"""Opening files without waiting for what is none, and writing one in one step."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path


def require_writable(folder: Path) -> None:
    """See that files can be written into a folder, which is made if need be: before work whose result goes there.

    Raises:
        OSError: it cannot be made, or nothing can be written into it; with its name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def open_file(path: Path, flags: int = os.O_RDONLY) -> int:
    """The descriptor of a file; a new one (O_CREAT) is for its owner only.

    What stands there is judged by the descriptor: nothing can be put in its place meanwhile. A pipe would otherwise be
    waited for without end, and a device may do anything.

    Raises:
        OSError: it cannot be opened, or is no file.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o600)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "a pipe or device stands there, no file", str(path))


def read_file(path: Path, most: int) -> bytes:
    """What a file begins with, ``most`` bytes at most.

    Raises:
        OSError: it cannot be read, or is no file.
    """
    with os.fdopen(open_file(path), "rb") as file:
        return file.read(most)


def close_to_others(path: Path) -> bool:
    """Take from all other users of the machine (not from the group) what they may do there; whether that changed it.

    Raises:
        OSError: it belongs to somebody else.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & stat.S_IRWXO:
        path.chmod(mode & ~stat.S_IRWXO)
    return bool(mode & stat.S_IRWXO)


def replace_file(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file so that whoever reads it sees the old text or the new one, never half of it. ``mode``: who may.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123  a descriptor, not a path
            file.write(text)
        Path(temporary).chmod(mode)
        os.replace(temporary, path)  # noqa: PTH105  reads as what it is
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def readable_as_its_folder(path: Path) -> None:
    """Let whoever may read the folder around a new file or folder read it, too, whatever this process's umask is.

    Root writes policies for a service that runs as another user.

    Raises:
        OSError: it cannot be changed.
    """
    give_to_owner_of(path.parent, path)
    allowed = 0o755 if path.is_dir() else 0o644
    path.chmod(allowed & (path.parent.stat().st_mode | 0o600))


def give_to_owner_of(folder: Path, file: Path | int) -> None:
    """Have a new file (a path, or a descriptor) belong to whom its folder belongs to.

    Only root can make it otherwise: `sudo asapfill pause` must not leave files that the service cannot open.
    """
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(file, owner.st_uid, owner.st_gid)
