# SPDX-License-Identifier: Apache-2.0
"""A small virtual file system: the tree that gadget scripts walk.

Directories and files are objects whose methods raise `OSError` with the errno that Linux would
give. What a directory means (configfs, sysfs, a RAM disk) is up to its class.
"""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable

from tb.kernel import os_error

__all__ = ["Directory", "File", "FunctionFile", "Node", "RamDirectory", "RamFile", "Symlink", "Vfs"]


class Node:
    """Anything that has a place in the tree."""


class File(Node):
    """A file that is read and written whole, as sysfs and configfs attributes are."""

    async def read(self) -> bytes:
        """Return the content.

        Raises:
            OSError: EACCES where the file cannot be read.
        """
        raise os_error(errno.EACCES, "this file cannot be read")

    async def write(self, data: bytes) -> None:
        """Write the content in one piece.

        Raises:
            OSError: EACCES where the file cannot be written.
        """
        raise os_error(errno.EACCES, "this file cannot be written")


Reader = Callable[[], str | Awaitable[str]]
Writer = Callable[[str], Awaitable[None] | None]


class FunctionFile(File):
    """A file made of a show and a store function; each may be plain or a coroutine function."""

    def __init__(self, show: Reader | None = None, store: Writer | None = None) -> None:
        """Take the functions; None makes the file unreadable or unwritable."""
        self._show = show
        self._store = store

    async def read(self) -> bytes:
        """Return what the show function gives."""
        if self._show is None:
            return await super().read()
        text = self._show()
        if not isinstance(text, str):
            text = await text
        return text.encode()

    async def write(self, data: bytes) -> None:
        """Hand the text to the store function."""
        if self._store is None:
            await super().write(data)
            return
        result = self._store(data.decode(errors="surrogateescape"))
        if result is not None:
            await result


class Symlink(Node):
    """A symbolic link: the text it was made with and the node it leads to."""

    def __init__(self, target: str, node: Node | None = None) -> None:
        """Remember the text; `node` is set where the link holds its target (configfs)."""
        self.target = target
        self.node = node


class Directory(Node):
    """A directory; by itself one that nobody may change."""

    def __init__(self, children: dict[str, Node] | None = None) -> None:
        """Take the fixed children."""
        self.children: dict[str, Node] = dict(children or {})

    def entries(self) -> dict[str, Node]:
        """Return the children by name, in the order in which they are listed."""
        return self.children

    def lookup(self, name: str) -> Node | None:
        """Return a child, None if there is none."""
        return self.entries().get(name)

    async def mkdir(self, name: str) -> None:
        """Make a directory.

        Raises:
            OSError: EPERM where directories cannot be made.
        """
        raise os_error(errno.EPERM, f"no directory {name!r} can be made here")

    async def rmdir(self, name: str) -> None:
        """Remove a directory.

        Raises:
            OSError: EPERM where directories cannot be removed.
        """
        raise os_error(errno.EPERM, f"directory {name!r} cannot be removed")

    async def symlink(self, name: str, target: str, node: Node | None) -> None:
        """Make a symbolic link to `target`, which leads to `node` (None: to nothing).

        Raises:
            OSError: EPERM where links cannot be made.
        """
        raise os_error(errno.EPERM, f"no link {name!r} can be made here")

    async def unlink(self, name: str) -> None:
        """Remove a file or a link.

        Raises:
            OSError: EPERM where nothing can be removed.
        """
        raise os_error(errno.EPERM, f"{name!r} cannot be removed")

    async def create(self, name: str) -> File:
        """Make an empty file.

        Raises:
            OSError: EACCES where files cannot be made.
        """
        raise os_error(errno.EACCES, f"there is no file {name!r} and none can be made here")


class RamFile(File):
    """A file that keeps what was written."""

    def __init__(self) -> None:
        """Start empty."""
        self.data = b""

    async def read(self) -> bytes:
        """Return what was written last."""
        return self.data

    async def write(self, data: bytes) -> None:
        """Keep the data."""
        self.data = data


class RamDirectory(Directory):
    """A directory of a RAM disk: everything may be made and removed."""

    async def mkdir(self, name: str) -> None:
        """Make a directory."""
        self.children[name] = RamDirectory()

    async def rmdir(self, name: str) -> None:
        """Remove an empty directory."""
        node = self.children[name]
        if isinstance(node, Directory) and node.entries():
            raise os_error(errno.ENOTEMPTY, f"directory {name!r} is not empty")
        del self.children[name]

    async def symlink(self, name: str, target: str, node: Node | None) -> None:
        """Make a symbolic link."""
        self.children[name] = Symlink(target)

    async def unlink(self, name: str) -> None:
        """Remove a file or a link."""
        del self.children[name]

    async def create(self, name: str) -> File:
        """Make an empty file."""
        file = RamFile()
        self.children[name] = file
        return file


class Vfs:
    """A tree of directories with mount points; paths are absolute or relative to a `cwd`."""

    def __init__(self) -> None:
        """Start with an empty RAM disk as root."""
        self.root = RamDirectory()

    # -- walking ---------------------------------------------------------------------------

    @staticmethod
    def absolute(path: str, cwd: str = "/") -> str:
        """Return the absolute form of a path; `..` is resolved as text."""
        parts: list[str] = []
        full = path if path.startswith("/") else f"{cwd}/{path}"
        for part in full.split("/"):
            if part in ("", "."):
                continue
            if part == "..":
                if parts:
                    parts.pop()
            else:
                parts.append(part)
        return "/" + "/".join(parts)

    def _walk(self, path: str, cwd: str, follow_last: bool) -> tuple[Directory, str, Node | None]:
        """Return (directory, last name, node or None) of a path."""
        if not path:
            raise os_error(errno.ENOENT, "an empty path names nothing")
        todo = [part for part in self.absolute(path, cwd).split("/") if part]
        trail: list[tuple[str, Directory]] = []
        here: Directory = self.root
        links = 0
        while todo:
            name = todo.pop(0)
            if name == "..":
                here = trail.pop()[1] if trail else here
                continue
            node = here.lookup(name)
            if isinstance(node, Symlink) and (todo or follow_last):
                links += 1
                if links > 40:
                    raise os_error(errno.ELOOP, f"{path}: too many links")
                if node.node is not None:
                    node = node.node
                else:
                    start = [] if node.target.startswith("/") else [step[0] for step in trail]
                    todo = start + [p for p in node.target.split("/") if p not in ("", ".")] + todo
                    trail, here = [], self.root
                    continue
            if not todo:
                return here, name, node
            if node is None:
                raise os_error(errno.ENOENT, f"{path}: there is no {name!r} on the way")
            if not isinstance(node, Directory):
                raise os_error(errno.ENOTDIR, f"{path}: {name!r} is not a directory")
            trail.append((name, here))
            here = node
        return here, "", here

    def find(self, path: str, cwd: str = "/", *, follow: bool = True) -> Node:
        """Return the node of a path.

        Raises:
            OSError: ENOENT or ENOTDIR, naming the part that is wrong.
        """
        _, _, node = self._walk(path, cwd, follow)
        if node is None:
            raise os_error(errno.ENOENT, f"{path}: no such file or directory")
        return node

    def exists(self, path: str, cwd: str = "/") -> bool:
        """Tell whether a path names something."""
        try:
            self.find(path, cwd)
        except OSError:
            return False
        return True

    def directory(self, path: str, cwd: str = "/") -> Directory:
        """Return the directory of a path.

        Raises:
            OSError: ENOENT, ENOTDIR.
        """
        node = self.find(path, cwd)
        if not isinstance(node, Directory):
            raise os_error(errno.ENOTDIR, f"{path} is not a directory")
        return node

    def add(self, path: str, node: Node) -> Node:
        """Put a node at an absolute path, making RAM directories on the way (set-up only)."""
        parts = [part for part in path.split("/") if part]
        here: Directory = self.root
        for part in parts[:-1]:
            child = here.children.get(part)
            if child is None:
                child = Directory()
                here.children[part] = child
            assert isinstance(child, Directory)
            here = child
        here.children[parts[-1]] = node
        return node

    # -- what a program does ---------------------------------------------------------------

    async def read(self, path: str, cwd: str = "/") -> bytes:
        """Return the content of a file.

        Raises:
            OSError: ENOENT, ENOTDIR, EISDIR, EACCES, or what the attribute answers.
        """
        node = self.find(path, cwd)
        if not isinstance(node, File):
            raise os_error(errno.EISDIR, f"{path} is a directory")
        return await node.read()

    async def write(self, path: str, data: bytes, cwd: str = "/") -> None:
        """Write a file in one piece; a RAM directory makes it if it is not there.

        Raises:
            OSError: ENOENT, ENOTDIR, EISDIR, EACCES, or what the attribute answers.
        """
        parent, name, node = self._walk(path, cwd, True)
        if node is None:
            node = await parent.create(name)
        if not isinstance(node, File):
            raise os_error(errno.EISDIR, f"{path} is a directory")
        await node.write(data)

    async def mkdir(self, path: str, cwd: str = "/", *, parents: bool = False) -> None:
        """Make a directory, with `parents` also those on the way (and no complaint if it is there).

        Raises:
            OSError: EEXIST, ENOENT, ENOTDIR, or what the directory answers.
        """
        if parents:
            parts = [part for part in self.absolute(path, cwd).split("/") if part]
            for count in range(1, len(parts)):
                await self._mkdir_if_missing("/" + "/".join(parts[:count]))
            await self._mkdir_if_missing("/" + "/".join(parts))
            return
        parent, name, node = self._walk(path, cwd, False)
        if node is not None:
            raise os_error(errno.EEXIST, f"{path} exists already")
        await parent.mkdir(name)

    async def _mkdir_if_missing(self, path: str) -> None:
        parent, name, node = self._walk(path, "/", True)
        if node is None:
            await parent.mkdir(name)
        elif not isinstance(node, Directory):
            raise os_error(errno.ENOTDIR, f"{path} is not a directory")

    async def rmdir(self, path: str, cwd: str = "/") -> None:
        """Remove a directory.

        Raises:
            OSError: ENOENT, ENOTDIR, ENOTEMPTY, EPERM, EBUSY.
        """
        parent, name, node = self._walk(path, cwd, False)
        if node is None:
            raise os_error(errno.ENOENT, f"{path}: no such directory")
        if not isinstance(node, Directory):
            raise os_error(errno.ENOTDIR, f"{path} is not a directory")
        if not name:
            raise os_error(errno.EBUSY, "the root directory cannot be removed")
        await parent.rmdir(name)

    async def symlink(self, target: str, path: str, cwd: str = "/") -> None:
        """Make a symbolic link; if `path` is a directory, inside it under the target's name.

        Raises:
            OSError: EEXIST, ENOENT, or what the directory answers.
        """
        parent, name, node = self._walk(path, cwd, True)
        if isinstance(node, Directory):
            parent, name = node, target.rstrip("/").rsplit("/", 1)[-1]
            node = parent.lookup(name)
        if node is not None:
            raise os_error(errno.EEXIST, f"{path}: {name!r} exists already")
        try:
            goal: Node | None = self.find(target, cwd)
        except OSError:
            goal = None
        await parent.symlink(name, target, goal)

    async def unlink(self, path: str, cwd: str = "/") -> None:
        """Remove a file or a link.

        Raises:
            OSError: ENOENT, EISDIR, EPERM.
        """
        parent, name, node = self._walk(path, cwd, False)
        if node is None:
            raise os_error(errno.ENOENT, f"{path}: no such file")
        if isinstance(node, Directory):
            raise os_error(errno.EISDIR, f"{path} is a directory: use rmdir")
        await parent.unlink(name)

    def listdir(self, path: str, cwd: str = "/") -> list[str]:
        """Return the names in a directory.

        Raises:
            OSError: ENOENT, ENOTDIR.
        """
        return list(self.directory(path, cwd).entries())
