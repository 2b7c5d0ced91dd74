# SPDX-License-Identifier: Apache-2.0
"""The shell that runs gadget scripts (requirements S004-55 to S004-64).

Small on purpose: the commands that such scripts use, quotes, variables, command substitution and
`>`. Unlike a real shell it stops at the first command that fails and raises, with the errno, the
line and the text of the command; what was done before stays done.
"""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tb.kernel import ms, os_error, sleep

from .vfs import Directory, Symlink, Vfs

__all__ = ["Shell"]

_NAME_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NAME = _NAME_START | frozenset("0123456789")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "b": "\b", "0": "\0"}


@dataclass
class _Command:
    """One simple command: its words, where its output goes, the line it starts in."""

    line: int
    text: str
    words: list[str] = field(default_factory=list)
    output: str | None = None
    append: bool = False


class Shell:
    """Runs scripts on a virtual file system; variables and `cd` last as long as the object.

    Args:
        vfs: the tree to work on.
        mount: called for `mount -t TYPE SOURCE TARGET` with those three.
    """

    def __init__(
        self, vfs: Vfs, mount: Callable[[str, str, str], Awaitable[None]] | None = None
    ) -> None:
        """Start in the root directory without variables."""
        self.vfs = vfs
        self.cwd = "/"
        self.variables: dict[str, str] = {}
        self._mount = mount
        self._out: list[str] = []
        self._commands: dict[str, Callable[[list[str]], Awaitable[str]]] = {
            "mount": self._do_mount,
            "mkdir": self._do_mkdir,
            "rmdir": self._do_rmdir,
            "echo": self._do_echo,
            "printf": self._do_printf,
            "cat": self._do_cat,
            "ln": self._do_ln,
            "rm": self._do_rm,
            "ls": self._do_ls,
            "cd": self._do_cd,
            "pwd": self._do_pwd,
            "sleep": self._do_sleep,
            "export": self._do_export,
            "true": self._do_nothing,
            ":": self._do_nothing,
            "set": self._do_nothing,
            "modprobe": self._do_nothing,
            "sync": self._do_nothing,
        }

    async def run(self, script: str) -> str:
        """Run a script and return what it printed.

        Raises:
            OSError: the errno of the command that failed; the message has its line and text.
        """
        output: list[str] = []
        for number, text in _logical_lines(script):
            try:
                output.append(await self._run_line(number, text))
            except OSError as error:
                reason = error.strerror or str(error)
                raise OSError(
                    error.errno, f"script line {number}: {text.strip()}: {reason}"
                ) from error
        return "".join(output)

    # -- parsing ---------------------------------------------------------------------------

    async def _run_line(self, number: int, text: str) -> str:
        output = ""
        position = 0
        while position < len(text):
            command, position = await self._parse(number, text, position)
            if command.words or command.output is not None:
                output += await self._execute(command)
        return output

    async def _parse(self, line: int, text: str, at: int) -> tuple[_Command, int]:
        """Parse one command from `at`; return it and where the next one starts."""
        command = _Command(line, text)
        word: str | None = None
        quoted = False
        redirect = False

        def end_word() -> None:
            nonlocal word, redirect, quoted
            if word is not None:
                if redirect:
                    command.output = word
                    redirect = False
                elif not (not quoted and not command.words and _is_assignment(word)):
                    command.words.append(word)
                else:
                    name, value = word.split("=", 1)
                    self.variables[name] = value
            word = None
            quoted = False

        while at < len(text):
            char = text[at]
            if char in " \t":
                end_word()
                at += 1
            elif char == "#" and word is None:
                at = len(text)
            elif char == ";":
                at += 1
                break
            elif text.startswith("&&", at):
                at += 2
                break
            elif char in "|&<()":
                raise os_error(errno.EINVAL, f"{char!r} is not understood by this shell")
            elif char == ">":
                end_word()
                if redirect:
                    raise os_error(errno.EINVAL, "a file name must follow '>'")
                redirect = True
                command.append = text.startswith(">>", at)
                at += 2 if command.append else 1
            elif char == "'":
                end = text.find("'", at + 1)
                if end < 0:
                    raise os_error(errno.EINVAL, "a quote is not closed")
                word = (word or "") + text[at + 1 : end]
                quoted = True
                at = end + 1
            elif char == '"':
                piece, at = await self._double_quoted(text, at + 1)
                word = (word or "") + piece
                quoted = quoted or not _is_assignment(word)
            elif char == "\\" and at + 1 < len(text):
                word = (word or "") + text[at + 1]
                at += 2
            elif char in "$`":
                assigning = word is not None and _is_assignment(word) and not command.words
                piece, at = await self._expand(text, at)
                if assigning or redirect:
                    word = (word or "") + piece
                    continue
                # An unquoted expansion is split into words and vanishes when empty.
                pieces = piece.split()
                if not pieces:
                    continue
                word = (word or "") + pieces[0]
                for extra in pieces[1:]:
                    end_word()
                    word = extra
            else:
                word = (word or "") + char
                at += 1
        end_word()
        if redirect:
            raise os_error(errno.EINVAL, "a file name must follow '>'")
        return command, at

    async def _double_quoted(self, text: str, at: int) -> tuple[str, int]:
        out = ""
        while at < len(text):
            char = text[at]
            if char == '"':
                return out, at + 1
            if char == "\\" and at + 1 < len(text) and text[at + 1] in '$`"\\':
                out += text[at + 1]
                at += 2
            elif char in "$`":
                piece, at = await self._expand(text, at)
                out += piece
            else:
                out += char
                at += 1
        raise os_error(errno.EINVAL, "a quote is not closed")

    async def _expand(self, text: str, at: int) -> tuple[str, int]:
        """Expand `$NAME`, `${NAME}`, `$(command)` or a back-quoted command at `at`."""
        if text[at] == "`":
            end = text.find("`", at + 1)
            if end < 0:
                raise os_error(errno.EINVAL, "a back quote is not closed")
            return (await self._run_line(0, text[at + 1 : end])).rstrip("\n"), end + 1
        if text.startswith("$(", at):
            depth, end = 1, at + 2
            while end < len(text) and depth:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            if depth:
                raise os_error(errno.EINVAL, "'$(' is not closed")
            return (await self._run_line(0, text[at + 2 : end - 1])).rstrip("\n"), end
        if text.startswith("${", at):
            end = text.find("}", at)
            if end < 0:
                raise os_error(errno.EINVAL, "'${' is not closed")
            return self._variable(text[at + 2 : end]), end + 1
        end = at + 1
        if end < len(text) and text[end] in _NAME_START:
            while end < len(text) and text[end] in _NAME:
                end += 1
            return self._variable(text[at + 1 : end]), end
        return "$", at + 1

    def _variable(self, name: str) -> str:
        name, separator, default = name.partition(":-")
        value = self.variables.get(name, "")
        return value or default if separator else value

    # -- executing -------------------------------------------------------------------------

    async def _execute(self, command: _Command) -> str:
        text = ""
        if command.words:
            name, *args = command.words
            run = self._commands.get(name)
            if run is None:
                known = " ".join(sorted(self._commands))
                raise os_error(errno.ENOENT, f"command {name!r} not found; there are: {known}")
            text = await run(args)
        if command.output is None:
            return text
        data = text.encode()
        if command.append and self.vfs.exists(command.output, self.cwd):
            try:
                data = await self.vfs.read(command.output, self.cwd) + data
            except OSError:
                pass
        if data or not self.vfs.exists(command.output, self.cwd):
            await self.vfs.write(command.output, data, self.cwd)
        return ""

    async def _do_nothing(self, args: list[str]) -> str:
        return ""

    async def _do_mount(self, args: list[str]) -> str:
        words: list[str] = []
        kind = ""
        queue = list(args)
        while queue:
            word = queue.pop(0)
            if word == "-t" and queue:
                kind = queue.pop(0)
            elif word == "-o" and queue:
                queue.pop(0)
            else:
                words.append(word)
        if not kind or len(words) != 2:
            raise os_error(errno.EINVAL, "usage: mount -t TYPE SOURCE DIRECTORY")
        if self._mount is None:
            raise os_error(errno.ENODEV, f"file system type {kind!r} is not known")
        await self._mount(kind, words[0], self.vfs.absolute(words[1], self.cwd))
        return ""

    async def _do_mkdir(self, args: list[str]) -> str:
        parents = "-p" in args
        for path in _operands("mkdir", args, ("-p",)):
            await self.vfs.mkdir(path, self.cwd, parents=parents)
        return ""

    async def _do_rmdir(self, args: list[str]) -> str:
        for path in _operands("rmdir", args, ()):
            await self.vfs.rmdir(path, self.cwd)
        return ""

    async def _do_echo(self, args: list[str]) -> str:
        newline, escapes = "\n", False
        while args and args[0] in ("-n", "-e", "-ne", "-en"):
            newline = "" if "n" in args[0] else newline
            escapes = escapes or "e" in args[0]
            args = args[1:]
        text = " ".join(args)
        return (_unescape(text) if escapes else text) + newline

    async def _do_printf(self, args: list[str]) -> str:
        if not args:
            raise os_error(errno.EINVAL, "usage: printf FORMAT [ARGUMENT]...")
        return _printf(args[0], args[1:])

    async def _do_cat(self, args: list[str]) -> str:
        data = b""
        for path in _operands("cat", args, ()):
            data += await self.vfs.read(path, self.cwd)
        return data.decode(errors="replace")

    async def _do_ln(self, args: list[str]) -> str:
        if not any(word in ("-s", "-sf", "-fs") for word in args):
            raise os_error(errno.EPERM, "only symbolic links can be made: ln -s TARGET LINK")
        paths = _operands("ln -s", args, ("-s", "-sf", "-fs"))
        if len(paths) > 2:
            raise os_error(errno.EINVAL, "usage: ln -s TARGET [LINK]")
        await self.vfs.symlink(paths[0], paths[1] if len(paths) == 2 else ".", self.cwd)
        return ""

    async def _do_rm(self, args: list[str]) -> str:
        force = any(word in ("-f", "-rf", "-fr") for word in args)
        for path in _operands("rm", args, ("-f", "-r", "-rf", "-fr")):
            try:
                await self.vfs.unlink(path, self.cwd)
            except FileNotFoundError:
                if not force:
                    raise
        return ""

    async def _do_ls(self, args: list[str]) -> str:
        detailed = any(word.startswith("-") and "l" in word for word in args)
        paths = [word for word in args if not word.startswith("-")] or ["."]
        out = ""
        for path in paths:
            node = self.vfs.find(path, self.cwd)
            if not isinstance(node, Directory):
                out += path + "\n"
                continue
            if len(paths) > 1:
                out += f"{path}:\n"
            entries = node.entries()
            for name in sorted(entries):
                entry = entries[name]
                if detailed and isinstance(entry, Symlink):
                    out += f"{name} -> {entry.target}\n"
                elif detailed and isinstance(entry, Directory):
                    out += f"{name}/\n"
                else:
                    out += f"{name}\n"
        return out

    async def _do_cd(self, args: list[str]) -> str:
        path = args[0] if args else "/"
        self.vfs.directory(path, self.cwd)
        self.cwd = self.vfs.absolute(path, self.cwd)
        return ""

    async def _do_pwd(self, args: list[str]) -> str:
        return self.cwd + "\n"

    async def _do_sleep(self, args: list[str]) -> str:
        try:
            seconds = float(args[0])
        except (IndexError, ValueError):
            raise os_error(errno.EINVAL, "usage: sleep SECONDS") from None
        await sleep(ms(seconds * 1000))
        return ""

    async def _do_export(self, args: list[str]) -> str:
        for word in args:
            if _is_assignment(word):
                name, value = word.split("=", 1)
                self.variables[name] = value
        return ""


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals and name and name[0] in _NAME_START and all(c in _NAME for c in name))


def _operands(command: str, args: list[str], options: tuple[str, ...]) -> list[str]:
    for word in args:
        if word.startswith("-") and word not in options:
            raise os_error(errno.EINVAL, f"{command}: option {word!r} is not understood")
    paths = [word for word in args if word not in options]
    if not paths:
        raise os_error(errno.EINVAL, f"{command}: the path is missing")
    return paths


def _logical_lines(script: str) -> list[tuple[int, str]]:
    """Return (number of the first line, text); lines ending in a backslash are joined."""
    lines: list[tuple[int, str]] = []
    held, start = "", 0
    for number, text in enumerate(script.splitlines(), 1):
        start = start or number
        if text.endswith("\\") and not text.endswith("\\\\"):
            held += text[:-1]
            continue
        lines.append((start, held + text))
        held, start = "", 0
    if held:
        lines.append((start, held))
    return [(number, text) for number, text in lines if text.strip()]


def _unescape(text: str) -> str:
    out = ""
    at = 0
    while at < len(text):
        if text[at] != "\\" or at + 1 >= len(text):
            out += text[at]
            at += 1
            continue
        code = text[at + 1]
        at += 2
        if code == "x":
            digits = ""
            while len(digits) < 2 and at < len(text) and text[at] in "0123456789abcdefABCDEF":
                digits += text[at]
                at += 1
            out += chr(int(digits, 16)) if digits else "\\x"
        elif code in "01234567":
            digits = code
            while len(digits) < 4 and at < len(text) and text[at] in "01234567":
                digits += text[at]
                at += 1
            out += chr(int(digits, 8) & 0xFF)
        else:
            out += _ESCAPES.get(code, "\\" + code)
    return out


def _printf(form: str, args: list[str]) -> str:
    """Format as printf(1) does: %s %d %i %u %x %X %o %c %% with width; the form is reused."""
    form = _unescape(form)
    queue = list(args)
    out = ""
    while True:
        taken = False
        at = 0
        while at < len(form):
            if form[at] != "%":
                out += form[at]
                at += 1
                continue
            end = at + 1
            while end < len(form) and form[end] in "-+ 0123456789.#":
                end += 1
            if end >= len(form):
                raise os_error(errno.EINVAL, "printf: the format ends in '%'")
            flags, kind = form[at + 1 : end], form[end]
            at = end + 1
            if kind == "%":
                out += "%"
                continue
            argument = queue.pop(0) if queue else ("" if kind in "sc" else "0")
            taken = True
            if kind in "diuxXo":
                try:
                    value = int(argument, 0)
                except ValueError:
                    raise os_error(errno.EINVAL, f"printf: {argument!r} is no number") from None
                out += f"%{flags}{'d' if kind in 'iu' else kind}" % value
            elif kind in "sc":
                out += f"%{flags}s" % (argument[:1] if kind == "c" else argument)
            else:
                raise os_error(errno.EINVAL, f"printf: %{kind} is not understood")
        if not queue or not taken:
            return out
