"""Debian's packages: what they ask for is what the build and the program need, and tools/package builds what is committed.

The scripts and packaging/debian are the real ones; dpkg-buildpackage is a stub. tools/play-package builds and installs in earnest.

    test_package.py SOURCE_ROOT BUILD_ROOT
"""

import fnmatch
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

source, build = pathlib.Path(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1))
control = (source / "packaging/debian/control").read_text()

BUILDER = r"""#!/bin/sh
[ ! -e "$STUBS/fails" ] || { echo "told by the compiler"; exit 2; }
cp debian/changelog "$STUBS/changelog"
ls >"$STUBS/tree"
for name in weir_1_all.deb weir_1_all.changes weir_1_all.buildinfo; do : >../$name; done
"""


def names(paragraph, field):
    """The packages of a field, each as the set of its alternatives."""
    text = re.search(rf"^{field}: ?((?:.*\n)(?: .*\n)*)", paragraph, re.M)
    wanted = [word.strip() for word in text[1].replace("\n", " ").split(",")] if text else []
    return [{re.sub(r" *\(.*\)", "", name).strip() for name in word.split("|")} for word in wanted if word]


class Control(unittest.TestCase):
    def setUp(self):
        self.source, self.program, *_ = control.split("\n\n")

    def test_is_built_from_what_the_build_installs(self):
        build = re.search(r"^ *build\) echo (.*) ;;$", (source / "tools/deps").read_text(), re.M)[1].split()
        given = {"gcc", "libc6-dev", "ninja-build"}  # by build-essential, which every build of a package has, and by meson
        own = {"debhelper-compat", "libllhttp-dev", "systemd-dev"}  # tools/deps has a way of its own to llhttp, and needs no unit
        asked = {frozenset(one) for one in names(self.source, "Build-Depends") if not one & own}
        self.assertEqual(asked, {frozenset([name]) for name in build if name not in given})

    def test_what_is_loaded_on_demand_is_not_demanded(self):
        loaded = set()
        for path in (source / "src").rglob("*.c"):
            if found := re.search(r'dlopen\("(lib[a-z]+)\.so\.(\d+)"', path.read_text()):
                loaded.add(found[1] + found[2])
        self.assertEqual(loaded, {"libedit2", "libpq5"})
        offered = set().union(*names(self.program, "Recommends"), *names(self.program, "Suggests"))
        self.assertLessEqual(loaded, offered)
        self.assertFalse(loaded & set().union(*names(self.program, "Depends")))


class Files(unittest.TestCase):
    def test_whatever_is_installed_is_in_a_package(self):
        """A file in no package ends their build. Debian's libraries lie in a folder of their processor's."""
        told = subprocess.run(["meson", "introspect", "--installed", build], capture_output=True, text=True, check=True).stdout
        options = json.loads(subprocess.run(["meson", "introspect", "--buildoptions", build], capture_output=True, text=True, check=True).stdout)
        prefix = next(option["value"] for option in options if option["name"] == "prefix")
        wanted = {re.sub(rf"^{re.escape(prefix)}/", "usr/", path).lstrip("/") for path in json.loads(told).values()}
        patterns = [line.split()[0].replace("/lib/*/", "/lib/") for path in (source / "packaging/debian").glob("*.install")
                    for line in path.read_text().splitlines()]
        self.assertIn("usr/bin/weir", wanted)
        self.assertEqual([path for path in sorted(wanted) if not any(fnmatch.fnmatch(path, p) or path.startswith(p + "/") for p in patterns)], [])


class Package(unittest.TestCase):
    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="weir-package-"))
        self.addCleanup(shutil.rmtree, self.top)
        self.stubs, self.tree = self.top / "stubs", self.top / "tree"
        self.stubs.mkdir()
        (self.tree / "tools").mkdir(parents=True)
        shutil.copy(source / "tools/package", self.tree / "tools")
        shutil.copytree(source / "packaging/debian", self.tree / "packaging/debian")
        (self.tree / "meson.build").write_text("project('weir', 'c',\n  version: '1.2.3',\n)\n")
        (self.tree / ".gitignore").write_text("/build*/\n")
        (self.stubs / "dpkg-buildpackage").write_text(BUILDER)
        (self.stubs / "dpkg-buildpackage").chmod(0o755)
        self.environment = {"PATH": f"{self.stubs}:/usr/bin:/bin", "STUBS": str(self.stubs), "HOME": str(self.top), "GIT_CONFIG_NOSYSTEM": "1"}
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git("-c", "user.name=a", "-c", "user.email=a@weir.example", "commit", "--quiet", "-m", "a")

    def git(self, *arguments):
        subprocess.run(["git", *arguments], cwd=self.tree, env=self.environment, check=True)

    def package(self, *arguments, status=0):
        done = subprocess.run(["tools/package", *arguments], cwd=self.tree, env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def test_what_is_committed(self):
        (self.tree / "new.c").touch()
        done = self.package()
        self.assertIn("not in the packages, since not committed:\n?? new.c\n", done.stderr)
        self.assertEqual(done.stdout.splitlines()[0], "Building the packages of weir 1.2.3")
        self.assertEqual((self.stubs / "tree").read_text().split(), ["debian", "meson.build", "packaging", "tools"])
        self.assertRegex((self.stubs / "changelog").read_text(),
                         r"(?s)\Aweir \(1\.2\.3-1\) unstable; .*\n -- weir maintainers <maintainers@weir\.example>  \w{3}, .*\n\Z")
        self.assertEqual(sorted(path.name for path in (self.tree / "build-package").iterdir()),
                         ["build.log", "weir_1_all.buildinfo", "weir_1_all.changes", "weir_1_all.deb"])

    def test_nothing_is_said_of_a_clean_tree(self):
        self.assertEqual(self.package().stderr, "")

    def test_a_folder_keeps_what_is_not_a_package(self):
        folder = self.tree / "build-there"
        folder.mkdir()
        for name in ["mine.txt", "weir_0_all.deb", "weir_0_all.changes"]:
            (folder / name).touch()
        self.package("build-there")
        self.assertEqual(sorted(path.name for path in folder.iterdir()),
                         ["build.log", "mine.txt", "weir_1_all.buildinfo", "weir_1_all.changes", "weir_1_all.deb"])

    def test_a_failure_says_why_and_takes_nothing_away(self):
        self.package()
        (self.stubs / "fails").touch()
        done = self.package(status=1)
        self.assertIn("told by the compiler", done.stderr)
        self.assertIn("build-package/build.log", done.stderr)
        self.assertTrue((self.tree / "build-package/weir_1_all.deb").exists())

    def test_wrong_arguments(self):
        for arguments in [["--fast"], ["-o", "x"], ["a", "b"]]:
            done = self.package(*arguments, status=2)
            self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("--help", self.package("--fast", status=2).stderr)
        self.assertIn("usage: tools/package", self.package("--help").stdout)
        self.git("diff", "--quiet")
        self.assertFalse((self.tree / "build-package").exists())

    def test_wrong_arguments_of_the_others(self):
        for name, status in [("booted", 125), ("play-package", 1), ("play-image", 1)]:
            done = subprocess.run([source / "tools" / name, "--fast"], env=self.environment, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (status, ""), name)
            self.assertEqual(len(done.stderr.splitlines()), 1, name)


unittest.main()
