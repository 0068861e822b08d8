"""The build that tools/mutate tries its mutants in: a copy of the tree, the unit test programs of it, and the processes that run there."""

import collections
import dataclasses
import filecmp
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
from pathlib import Path

NOT_COPIED = re.compile(r"\..*|build(-[^.]*)?|node_modules|__pycache__|.*\.egg-info")


class Broken(Exception):
    """No figures can be given; the text says why."""


class Processes:
    """Those that run, each in a group of its own, so that all can be ended whenever."""

    def __init__(self):
        self.lock, self.running, self.stopped = threading.Lock(), set(), False

    def run(self, command, cwd, stdin=None, env=None, limit=None, output=subprocess.PIPE):
        """(status, what it said); the status of what took longer than limit seconds is None."""
        with self.lock:
            if self.stopped:
                raise KeyboardInterrupt
            process = subprocess.Popen(command, cwd=cwd, env=env, start_new_session=True, stdout=output, stderr=subprocess.STDOUT,
                                       stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
            self.running.add(process)
        try:
            said, _ = process.communicate(stdin, limit)
            return process.returncode, (said or b"").decode(errors="replace")
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            with self.lock:
                self.running.discard(process)
            self.end(process)

    @staticmethod
    def end(process):
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout:
            process.stdout.close()

    def stop(self):
        """Ends all, and lets none begin. Whoever waits for one goes on, and fails with its next."""
        with self.lock:
            self.stopped = True
            for process in self.running:
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)


@dataclasses.dataclass
class Source:
    path: str  # from the top of the tree
    text: str
    command: list[str]  # compiles standard input; the object's name is to be added
    outputs: list[str]  # its objects in the build
    codes: set[str] = dataclasses.field(default_factory=set)  # digests of what it and its mutants compiled to

    @property
    def room(self):
        return room_of(self.path)

    def is_in(self, program):
        return any(Path(output).name in program.objects for output in self.outputs)


@dataclasses.dataclass
class Program:
    """A unit test program."""
    name: str  # ROOM.THING
    path: Path
    env: dict[str, str]
    link: list[str] = None  # makes it; the program's name is to be added
    objects: set[str] = None  # the names of what is linked into it
    seconds: float = 0  # what it takes without a mutant

    @property
    def room(self):
        return self.name.split(".")[0]

    def link_with(self, source, changed):
        """The object goes before its archive, which then has nothing to add; or in the place of the object itself, where that is named."""
        command = [str(changed) if word in source.outputs else word for word in self.link]
        return command if command != self.link else [command[0], str(changed), *command[1:]]


class Build:
    def __init__(self, top, work, processes, sanitize):
        self.top, self.tree, self.folder = top, work / "tree", work / ("sanitize" if sanitize else "plain")
        self.scratch, self.processes, self.sanitize = work / "scratch", processes, sanitize

    def run(self, what, *command):
        status, said = self.processes.run(command, self.folder if self.folder.exists() else self.tree)
        if status:
            raise Broken(f"{what}:\n{said.strip()}")
        return said

    def make(self):
        copy_tree(self.top, self.tree)
        options = ["-Dbuildtype=debug", "-Ddebug=false"]
        if self.sanitize:  # where gcc warns of more, and wrongly
            options += ["-Doptimization=1", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dwerror=false"]
        else:
            options += ["-Doptimization=2"]
        if shutil.which("ld.gold"):
            os.environ.setdefault("CC_LD", "gold")  # links in half the time
        stamp, asked = self.folder / "options", " ".join([os.environ.get("CC", ""), os.environ.get("CC_LD", ""), *options])
        if not stamp.exists() or stamp.read_text() != asked:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.run("the copy of the tree cannot be set up", "meson", "setup", str(self.folder), str(self.tree), *options)
            stamp.write_text(asked)
        self.run("the build of the copy cannot be made anew", "ninja", "build.ninja")

    def sources(self, paths):
        compiled = collections.defaultdict(list)
        for entry in json.loads((self.folder / "compile_commands.json").read_text()):
            compiled[(Path(entry["directory"]) / entry["file"]).resolve()].append(entry)
        for path in paths:
            entries = compiled.get((self.tree / path).resolve())
            if not entries:
                raise Broken(f"{path} is not compiled by the build")
            yield Source(path, (self.tree / path).read_text(), compile_command(entries[0]), [entry["output"] for entry in entries])

    def programs(self, wanted, present):
        """Builds the programs that have one of these names or rooms; those in present need not be there."""
        found = []
        for test in json.loads((self.folder / "meson-info" / "intro-tests.json").read_text()):
            path = Path(test["cmd"][0])
            # What runs a script, or the program beside its own, would not see a mutant.
            if len(test["cmd"]) == len(test["depends"]) == 1 and self.folder in path.parents:
                found.append(Program(test["name"], path, test["env"]))
        for name in wanted - present - {program.name for program in found} - {program.room for program in found}:
            raise Broken(f"there is no unit test program '{name}', and no room of that name has one")
        found = [program for program in found if {program.name, program.room} & (wanted | present)]
        if not found:
            raise Broken("no unit test program of these rooms is there")
        self.run("the unit tests do not build", "ninja", *(str(program.path.relative_to(self.folder)) for program in found))
        for program in found:
            self.look_into(program)
        return found

    def look_into(self, program):
        command = shlex.split(self.run("no link command", "ninja", "-t", "commands", "-s", str(program.path.relative_to(self.folder))))
        out = command.index("-o")
        program.link = command[:out] + command[out + 2:]
        traced = self.scratch / "traced"
        program.objects = set(re.findall(r"[^\s/()]+\.o\b", self.run("no link", *program.link, "-Wl,--trace", "-o", str(traced))))
        traced.unlink()


def room_of(path):
    return Path(path).parts[1]


def copy_tree(source, to):
    """Makes to the same as source, touching only what differs, so that the build has little to do."""
    names = {path.name for path in source.iterdir() if path.exists() and not NOT_COPIED.fullmatch(path.name)}
    to.mkdir(parents=True, exist_ok=True)
    for gone in {path.name for path in to.iterdir()} - names:
        remove(to / gone)
    for name in names:
        one, other = source / name, to / name
        if one.is_dir() != other.is_dir():
            remove(other)
        if one.is_dir():
            copy_tree(one, other)
        elif not other.exists() or not filecmp.cmp(one, other, shallow=False):
            shutil.copyfile(one, other)
            shutil.copymode(one, other)


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def compile_command(entry):
    words = shlex.split(entry["command"])
    if Path(words[0]).name == "ccache":
        words.pop(0)
    kept, rest = [], iter(words)
    for word in rest:
        if word in ("-o", "-MQ", "-MF"):
            next(rest)
        elif word not in ("-c", "-MD", entry["file"]):
            kept.append(word)
    return [*kept, "-x", "c", "-c", "-"]
