"""The snippets of the pages: which there are, and what running one means.

A snippet is a fenced block; its fence names its language. Comments right above the fence say how it is meant:

    <!-- not run: reason -->        it cannot run here (it never ends, it needs another machine); counted and printed
    <!-- ends with status N: why --> a shell's block whose command is shown to fail

What a language does: `sh` runs in bash, ended by the first command that fails; `python` and `js` go on where the page's earlier
blocks of that language ended, as one program; `c` is put into a main() where it has none, and its file is left for the shell
blocks below it; `yaml` is a configuration, and `weir check` finds nothing wrong with it.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^( *)```(\S*) *$")
NOTE = re.compile(r"^ *<!-- (.*?) -->$")
NOT_RUN = re.compile(r"not run: (.+)")
ENDS_WITH = re.compile(r"ends with status (\d+): .+")
LONGEST = 120  # seconds that one block may take


@dataclass
class Snippet:
    page: str
    line: int  # of the page, where its text begins
    language: str
    text: str
    not_run: str = ""  # the reason
    status: int = 0  # that it ends with

    @property
    def place(self):
        return f"{self.page}:{self.line}"


def indented_code(lines):
    """Line numbers of code that is no fenced block: four spaces after an empty line. Nobody would run it."""
    inside, before = False, ""
    for number, line in enumerate(lines, 1):
        if FENCE.match(line):
            inside = not inside
        elif not inside and not before.strip() and re.match(r"    \S", line):
            yield number
        before = line


def snippets_of(page, text):
    """The snippets of a page, in order. Raises ValueError where one has no language, an unknown note, or no end."""
    found, notes, open_block = [], [], None
    for number, line in enumerate(text.split("\n"), 1):
        fence = FENCE.match(line)
        if open_block is not None:
            if not fence:
                open_block.text += line.removeprefix(indent) + "\n"
            elif fence[2]:
                raise ValueError(f"{page}:{number}: a block begins inside the one of line {open_block.line}")
            else:
                found.append(open_block)
                open_block = None
        elif fence:
            if not fence[2]:
                raise ValueError(f"{page}:{number}: the block names no language")
            indent = fence[1]
            open_block = Snippet(page, number + 1, fence[2], "")
            for note in notes:
                if reason := NOT_RUN.fullmatch(note):
                    open_block.not_run = reason[1]
                elif status := ENDS_WITH.fullmatch(note):
                    open_block.status = int(status[1])
            notes = []
        elif note := NOTE.match(line):
            notes.append(note[1])
        else:
            notes = []
    if open_block is not None:
        raise ValueError(f"{page}:{open_block.line}: the block has no end")
    return found


class Failed(AssertionError):
    pass


class Reader:
    """Who follows a page: a folder of his own, an installed weir, and what the page takes for granted.

    moved: what stands in the pages, and what it is here (addresses, paths): 127.0.0.1:8080 is taken on a developer's machine.
    """

    def __init__(self, folder, environment, moved, weir):
        self.folder, self.environment, self.moved, self.weir = Path(folder), environment, moved, weir
        self.before = {"python": "", "js": ""}
        folder.mkdir(exist_ok=True)

    def follow(self, snippet):
        """Runs it. Returns what it said; raises Failed where it ended otherwise than it should."""
        text = snippet.text
        for there, here in self.moved.items():
            text = text.replace(there, here)
        return getattr(self, f"follow_{snippet.language}")(snippet, text)

    def run(self, snippet, *command, status=0):
        process = subprocess.Popen([str(part) for part in command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            said, _ = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            raise Failed(f"{snippet.place}: did not end within {LONGEST} s") from None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # what it left running with &
            except ProcessLookupError:
                pass
            process.stdout.close()
            process.wait()
        if process.returncode != status:
            raise Failed(f"{snippet.place}: ended with status {process.returncode}, not {status}\n{said}")
        return said

    def follow_sh(self, snippet, text):
        """Whoever types waits until a program that he has started with & listens."""
        waits = r"until (exec 3<>/dev/tcp/\g<host>/\g<port>) 2>/dev/null; do kill -0 $!; sleep 0.02; done"
        text = re.sub(r"^(?P<line>.*--listen (?P<host>[\d.]+):(?P<port>\d+).*) &$", r"\g<line> >server.log 2>&1 &\n" + waits, text, flags=re.M)
        return self.run(snippet, "bash", "-euo", "pipefail", "-c", text, status=snippet.status)

    def follow_python(self, snippet, text):
        own = self.folder / ".venv" / "bin" / "python"
        return self.follow_program(snippet, text, "program.py", own if own.exists() else sys.executable)

    def follow_js(self, snippet, text):
        return self.follow_program(snippet, text, "program.mjs", "node")

    def follow_program(self, snippet, text, name, interpreter):
        """All that the page has said so far, each line at its line of the page."""
        so_far = self.before[snippet.language]
        so_far += "\n" * (snippet.line - 1 - so_far.count("\n")) + text
        self.before[snippet.language] = so_far
        (self.folder / name).write_text(so_far)
        return self.run(snippet, interpreter, name)

    def follow_c(self, snippet, text):
        if "main(" not in text:
            # What became of the call is looked at before the page gives it back, where it does.
            kept = "#define weir_result_free(r) (code = (r)->code, weir_result_free(r))\n" if "weir_result_free(" in text else ""
            code = "code" if kept else "result->code"
            text = f"#include <stdio.h>\n#include <weir.h>\n{kept}\nint main(void) {{\nint code = -1;\n(void)code;\n{text}return {code} != WEIR_OK;\n}}\n"
        (self.folder / "program.c").write_text(text)
        flags = self.run(snippet, "pkg-config", "--cflags", "--libs", "weir").split()
        self.run(snippet, "cc", "-Wall", "-Wextra", "-Werror", "program.c", *flags, "-o", "program")
        return self.run(snippet, "./program")

    def follow_yaml(self, snippet, text):
        (self.folder / "snippet.yaml").write_text(text)
        return self.run(snippet, self.weir, "check", "-c", "snippet.yaml")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
