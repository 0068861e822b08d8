"""make run and make install before a newcomer: what they install, what they say meanwhile, and where weir then listens or is.

make, the Makefile, tools/build and tools/deps are the real ones; apt, dpkg, meson, ninja and weir are stubs.

    test_make_run.py SOURCE_ROOT
"""

import json
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import tempfile
import unittest

source = pathlib.Path(sys.argv.pop(1))

NINJA = """
    case "$*" in *targets*) cat "$STUBS/targets"; exit ;; esac
    echo ninja $* >>"$STUBS/told"
    [ ! -e "$STUBS/idle" ] || { echo 'ninja: no work to do.'; exit; }
    for n in $(seq 25); do echo "[$n/25] Compiling C object part$n.o"; done
    echo 'part.c:3:9: warning: told whole'
    [ ! -e "$STUBS/broken" ] || { echo 'FAILED: part25.o'; exit 1; }
    printf '#!/bin/sh\\necho weir "$@"\\n' >weir; chmod +x weir"""
STUBS = {
    "dpkg-query": 'for p in $(cat "$STUBS/installed"); do case "$*" in *" $p") echo installed ;; esac; done',
    "apt-get": 'echo "apt-get $*" >>"$STUBS/told"; case "$*" in *download*) for last; do :; done; : >"${last}_1_all.deb" ;; esac',
    "apt-cache": '[ -e "$STUBS/packaged" ]',
    "dpkg-deb": 'case "$*" in *llhttp*) mkdir -p usr/share/llhttp; : >usr/share/llhttp/llhttp.c ;;'
                ' *prometheus*) mkdir -p usr/bin; : >usr/bin/promtool; chmod +x usr/bin/promtool ;; esac',
    "pkg-config": 'exit 1',
    "meson": 'case $1 in introspect) cat "$STUBS/options"; exit ;; setup) mkdir "$2"; : >"$2/build.ninja" ;; esac;'
             'echo "DESTDIR=${DESTDIR:-} meson $*" >>"$STUBS/told"',
    "ldconfig": 'exit',
    "ninja": NINJA,
}

TOOLS = ["build", "deps", "fuzz", "install", "soak", "test"]


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="weir-run-"))
        self.addCleanup(shutil.rmtree, self.top)
        self.stubs = self.top / "stubs"
        (self.top / "tools").mkdir()
        for name in ["Makefile", *(f"tools/{name}" for name in TOOLS)]:
            shutil.copy(source / name, self.top / name)
        self.stubs.mkdir()
        for name, text in STUBS.items():
            (self.stubs / name).write_text(f"#!/bin/sh\n{text}\n")
            (self.stubs / name).chmod(0o755)
        for name in ["installed", "targets"]:
            (self.stubs / name).touch()
        self.environment = {"PATH": f"{self.stubs}:/usr/bin:/bin", "STUBS": str(self.stubs), "HOME": str(self.top)}

    def run_tool(self, *command, status=0, **environment):
        done = subprocess.run(command, cwd=self.top, env={**self.environment, **environment}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout.splitlines()

    def told(self):
        path = self.stubs / "told"
        return path.read_text().splitlines() if path.exists() else []


class Words(Case):
    def test_a_tool_that_is_asked_for_help_tells_it_and_does_nothing(self):
        before = sorted(self.top.rglob("*"))
        for name in TOOLS:
            said = self.run_tool(f"tools/{name}", "--help")
            self.assertIn(f"tools/{name}", "\n".join(said))
            self.assertNotIn("#", said[0])
            self.assertEqual((self.told(), sorted(self.top.rglob("*"))), ([], before), name)

    def test_a_tool_that_does_not_understand_says_what_it_takes(self):
        for name, words, complaint in [
            ("build", [], "tools/build: a folder is missing; there is --help"),
            ("build", ["--tests"], "tools/build: a folder is missing; there is --help"),
            ("build", ["--tuend", "build"], "tools/build: unknown option '--tuend'; there is --help"),
            ("install", [], "tools/install: a folder is missing; there is --help"),
            ("install", ["-n"], "tools/install: unknown option '-n'; there is --help"),
            ("test", ["build"], "tools/test: unknown argument 'build'; there is --help"),
            ("fuzz", [], "tools/fuzz: how many seconds? There is --help"),
            ("soak", ["long"], "tools/soak: how many seconds? There is --help"),
            ("deps", ["nothing"], "tools/deps: unknown word 'nothing'; it takes build, run, test, bench, coverage, fuzz, fresh, package, lint, soak, machine"),
        ]:
            self.assertEqual(self.run_tool(f"tools/{name}", *words, status=2), [complaint])
        self.assertEqual(self.told(), [])


class Run(Case):
    def test_says_what_it_does(self):
        said = self.run_tool("make", "run", MESON_ARGS="-Dx=y")
        steps = ["1", "3", "5", "8", "10", "13", "15", "18", "20", "23", "25"]
        self.assertRegex(said.pop(0), "^Installing: gcc .*")
        self.assertEqual(said, ["Setting up build/", *(f"Building weir: {n} of 25" for n in steps), "part.c:3:9: warning: told whole",
                                "weir serve"])
        self.assertIn("DESTDIR= meson setup build -Dx=y", self.told())

    def test_is_quiet_when_nothing_is_to_do(self):
        self.run_tool("make", "run")
        (self.stubs / "told").unlink()
        (self.stubs / "idle").touch()
        self.assertEqual(self.run_tool("make", "run"), ["weir serve"])
        self.assertEqual(self.told(), ["ninja weir"])

    def test_ends_with_the_compiler(self):
        (self.stubs / "broken").touch()
        said = self.run_tool("make", "run", status=2)
        self.assertIn("FAILED: part25.o", said)
        self.assertNotIn("weir serve", said)

    def test_the_port(self):
        for arguments, environment, served in [
                (["PORT=9000"], {}, "weir serve --listen 127.0.0.1:9000"),
                (["PORT=9000", "ARGS=-c weir.yaml"], {}, "weir serve --listen 127.0.0.1:9000 -c weir.yaml"),
                ([], {"PORT": "9000"}, "weir serve")]:  # somebody else's
            with self.subTest(arguments, **environment):
                self.assertEqual(self.run_tool("make", "run", *arguments, **environment)[-1], served)

    def test_a_terminal_has_the_line_of_ninja(self):
        reader, writer = pty.openpty()
        done = subprocess.Popen(["make", "run"], cwd=self.top, env=self.environment, stdout=writer, stderr=writer)
        os.close(writer)
        said = b""
        try:
            while piece := os.read(reader, 4096):
                said += piece
        except OSError:
            pass  # the other end has closed
        os.close(reader)
        self.assertEqual(done.wait(), 0)
        self.assertIn(b"[25/25] Compiling", said)
        self.assertNotIn(b"Building weir", said)


class Install(Case):
    def install(self, *arguments, prefix="/usr/local"):
        (self.stubs / "options").write_text(json.dumps([{"name": "werror", "value": False}, {"name": "prefix", "value": prefix}]))
        return self.run_tool("make", "install", *arguments)

    def test_says_one_line(self):
        self.run_tool("make", "build")
        (self.stubs / "idle").touch()
        self.assertEqual(self.install("DESTDIR=/out"), ["Installed weir, libweir and their pages under /out/usr/local"])
        self.assertIn("DESTDIR=/out meson install -C build --no-rebuild --quiet --strip", self.told())

    def test_another_prefix_is_set_before_it_is_built(self):
        self.install("PREFIX=/usr", "DESTDIR=/out")
        told = [line for line in self.told() if " meson " in line or line == "ninja"]
        self.assertEqual([line for line in told if "apt-get" not in line], ["DESTDIR=/out meson setup build", "ninja", "DESTDIR=/out meson configure build -Dprefix=/usr", "ninja",
                                "DESTDIR=/out meson install -C build --no-rebuild --quiet --strip"])

    def test_the_prefix_of_the_build_is_left(self):
        self.install("PREFIX=/usr", "DESTDIR=/out", prefix="/usr")
        self.install("DESTDIR=/out", prefix="/usr")
        self.assertNotIn("configure", " ".join(self.told()))


class Tuned(Case):
    def setUp(self):
        super().setUp()
        (self.top / "bench").mkdir()
        train = self.top / "bench/train"
        train.write_text('#!/bin/sh\necho "train $*" >>"$STUBS/told"\n[ ! -e "$STUBS/one-core" ] || { echo "bench/train: no load here" >&2; exit 1; }\n'
                         '[ -e "$STUBS/sees-nothing" ] || : >"$2/seen.gcda"\n')
        train.chmod(0o755)

    def tuned(self):
        said = self.run_tool("tools/build", "--tuned", "build-tuned")
        told = [line.removeprefix("DESTDIR= ") for line in self.told()]
        (self.stubs / "told").unlink()
        return said, told

    def test_is_built_run_and_built_with_what_was_seen(self):
        self.assertEqual(self.tuned()[1], ["meson setup build-tuned -Dtests=disabled -Db_pgo=generate", "ninja weir bench-tools",
                                           "train --build build-tuned", "meson configure build-tuned -Db_pgo=use", "ninja"])

    def test_is_left_where_nothing_has_changed(self):
        self.tuned()
        (self.stubs / "idle").touch()
        self.assertEqual(self.tuned(), ([], ["ninja -C build-tuned -n"]))

    def test_is_seen_anew_where_something_has(self):
        self.tuned()
        old = self.top / "build-tuned/part.gcda"
        old.touch()
        self.assertEqual(self.tuned()[1], ["ninja -C build-tuned -n", "meson configure build-tuned -Db_pgo=generate", "ninja weir bench-tools",
                                           "train --build build-tuned", "meson configure build-tuned -Db_pgo=use", "ninja"])
        self.assertFalse(old.exists())

    def test_is_built_all_the_same_where_it_cannot_run(self):
        (self.stubs / "one-core").touch()
        said, told = self.tuned()
        self.assertIn("bench/train: no load here", said)
        self.assertIn("tools/build: build-tuned/ is built without a profile", said)
        self.assertEqual(told[-2:], ["meson configure build-tuned -Db_pgo=off", "ninja"])
        (self.stubs / "one-core").unlink()
        (self.stubs / "idle").touch()
        self.assertEqual(self.tuned()[1][-2:], ["meson configure build-tuned -Db_pgo=use", "ninja"])  # it is no tuned one yet

    def test_is_none_where_nothing_was_seen(self):
        (self.stubs / "sees-nothing").touch()
        said, told = self.tuned()
        self.assertIn("tools/build: build-tuned/ is built without a profile", said)
        self.assertEqual(told[-2:], ["meson configure build-tuned -Db_pgo=off", "ninja"])

    def test_is_for_gcc(self):
        (self.stubs / "other-cc").write_text("#!/bin/sh\necho other version 15\n")
        (self.stubs / "other-cc").chmod(0o755)
        said = self.run_tool("tools/build", "--tuned", "build-tuned", CC="other-cc")
        self.assertIn("tools/build: --tuned is for gcc; build-tuned/ is built without a profile", said)
        self.assertEqual(self.told(), ["DESTDIR= meson setup build-tuned", "ninja"])


class Tests(Case):
    def test_a_build_without_tests_gets_them(self):
        self.run_tool("tools/build", "build")
        self.run_tool("tools/build", "--tests", "build")
        self.assertIn("DESTDIR= meson configure build -Dtests=enabled", self.told())

    def test_a_build_with_tests_is_left_alone(self):
        self.run_tool("tools/build", "build")
        (self.stubs / "told").unlink()
        (self.stubs / "targets").write_text("weir: phony\ntests/unit/test-base.span: c_LINKER\n")
        self.run_tool("tools/build", "--tests", "build")
        self.assertEqual(self.told(), ["ninja"])


class SourcesOfLlhttp(Case):
    def installed_by(self, *words):
        self.run_tool("tools/deps", *words)
        return " ".join(self.told())

    def test_are_unpacked(self):
        told = self.installed_by("build")
        self.assertIn("download node-llhttp", told)
        self.assertTrue((self.top / "deps/llhttp/usr/share/llhttp/llhttp.c").exists())
        self.assertFalse(list((self.top / "deps/llhttp").glob("*.deb")))
        (self.stubs / "told").unlink()
        self.assertNotIn("download", self.installed_by("build"))

    def test_are_not_needed_beside_the_package(self):
        (self.stubs / "installed").write_text("node-llhttp")
        self.assertNotIn("download", self.installed_by("build"))

    def test_are_not_needed_where_there_is_a_library(self):
        (self.stubs / "packaged").touch()
        told = self.installed_by("build")
        self.assertIn(" libllhttp-dev", told)
        self.assertNotIn("download", told)


class Prometheus(Case):
    """Its package starts a server, so it is not installed where it is only asked things."""

    def test_is_unpacked_for_tests_alone(self):
        self.run_tool("tools/deps", "build", "run", "bench")
        self.assertNotIn("download prometheus", " ".join(self.told()))
        self.run_tool("tools/deps", "test")
        self.assertIn("download prometheus", " ".join(self.told()))
        self.assertFalse([line for line in self.told() if " install " in line and "prometheus" in line])
        self.assertTrue((self.top / "deps/prometheus/usr/bin/promtool").exists())
        (self.stubs / "told").unlink()
        self.run_tool("tools/deps", "test")
        self.assertNotIn("download", " ".join(self.told()))


class Needed(Case):
    def test_no_more_than_the_program_needs(self):
        """What only tests, browsers or Node's programs need is not installed to serve."""
        self.run_tool("make", "run")
        words = " ".join(self.told())
        for needed in ["gcc", "meson", "libssl-dev", "curl"]:
            self.assertIn(f" {needed} ", words + " ")
        self.assertNotRegex(words, "cmocka|chromium|valgrind|install.*node")


unittest.main()
