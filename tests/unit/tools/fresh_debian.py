"""tools/fresh-debian: one base for many runs, a root for each of them, and nothing left of those that were killed.

The script, git, namespaces, mounts and locks are the real ones. debootstrap, apt, df and date are stubs, and the Debian is a shell
with three programs. Nothing waits for time to pass: a run says what it is about, and the end of a pipe that all who held it are gone.
All of it happens in namespaces of its own, so that a test that is killed leaves no mounts either.

    fresh_debian.py SOURCE_ROOT
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

source = pathlib.Path(sys.argv.pop(1))
SOURCES = "deb http://mirror.test/debian trixie main\ndeb http://mirror.test/debian-security/ trixie-security main\n" \
          "deb http://mirror.test/ubuntu noble main\ndeb http://mirror.test/linux/debian trixie stable\n"
CHECKS = "echo here; read go"  # a command that says that it runs, and runs until it is told

STUBS = {
    "apt-get": 'cat "$STUBS/sources"',
    "apt-config": """echo 'Acquire::Retries "4";'; echo 'Acquire::Languages "none";'""",
    "date": 'cat "$STUBS/month"',
    "df": """printf ' Avail\\n%sM\\n' "$(cat "$STUBS/free")" """,
    "debootstrap": """
        for argument; do target=$mirror mirror=$argument; done
        echo "$mirror" >>"$STUBS/made"
        [ ! -p "$STUBS/gate" ] || { echo making >"$STUBS/news"; cat "$STUBS/gate"; }
        [ ! -e "$STUBS/broken" ] || { echo 'E: no such luck'; exit 1; }
        cp -a "$DEBIAN/." "$target" """,
}


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text + "\n")
    path.chmod(0o755)


def make_debian():
    """What the script and the commands below need of a Debian."""
    root = template / "debian"
    for folder in ["usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "etc/apt/apt.conf.d", "dev/pts", "dev/shm", "proc", "sys", "root"]:
        (root / folder).mkdir(parents=True)
    for name in ["bin", "lib", "lib64"]:
        (root / name).symlink_to("usr/" + name)
    os.mknod(root / "dev/null", 0o20666, os.makedev(1, 3))
    for program in ["sh", "cat", "env", "ls", "true"]:
        path = shutil.which(program)
        shutil.copy(path, root / "usr/bin" / program)
        for word in subprocess.run(["ldd", path], check=True, capture_output=True, text=True).stdout.split():
            if word.startswith("/"):
                (root / word[1:]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, root / word[1:])
    write_program(root / "usr/sbin/update-ca-certificates", "")
    write_program(root / "usr/bin/apt-get", "")


def git(*arguments):
    subprocess.run(["git", *arguments], cwd=template / "repository", check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})


def make_repository():
    (template / "repository/tools").mkdir(parents=True)
    for name in ["tools/fresh-debian", "tools/deps"]:
        shutil.copy(source / name, template / "repository" / name)
    (template / "repository/file").write_text("as committed\n")


def commit():
    git("init", "--quiet")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a", "commit", "--quiet", "--message", "All")


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-fresh-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder)
        self.cache, self.stubs, self.repository = (self.folder / name for name in ["cache", "stubs", "repository"])
        for name, text in STUBS.items():
            write_program(self.stubs / name, text)
        (self.stubs / "sources").write_text(SOURCES)
        (self.stubs / "free").write_text("4096")
        (self.stubs / "month").write_text("2026-01")
        self.environment = {
            "PATH": f"{self.stubs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "STUBS": str(self.stubs),
            "DEBIAN": str(template / "debian"),
            "WEIR_FRESH_CACHE": str(self.cache), "GIT_CONFIG_GLOBAL": "/dev/null", "TERM": "vt52"}
        self.tool = self.repository / "tools/fresh-debian"
        shutil.copytree(template / "repository", self.repository)

    def start(self, *arguments, before=(), **environment):
        run = subprocess.Popen([*before, self.tool, *arguments], env={**self.environment, **environment}, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, run)
        return run

    @staticmethod
    def end(run):
        run.kill()
        run.communicate()

    def finish(self, run, text=None):
        out, err = run.communicate(text)
        return run.returncode, out, err

    def play(self, *arguments, **environment):
        return self.finish(self.start(*arguments, **environment))


class Arguments(Case):
    def test_help(self):
        status, out, err = self.play("--help")
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.startswith("usage: tools/fresh-debian [--keep] COMMAND [ARGUMENT...]\n\nRuns the command as root"), out)
        self.assertTrue(out.endswith("Any number may run at once.\n"), out)

    def test_what_cannot_be_run(self):
        for arguments, sentence in [([], "needs a command; see tools/fresh-debian --help"),
                                    (["--keep"], "needs a command; see tools/fresh-debian --help"),
                                    (["--kep", "true"], "unknown option '--kep'; there are --keep and --help")]:
            self.assertEqual(self.play(*arguments), (125, "", f"fresh-debian: {sentence}\n"))

    def test_not_root(self):
        before = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.getuid() == 0 else []
        self.assertEqual(self.play("make", "test", before=before), (125, "",
            "fresh-debian: needs root, which alone may mount and change the root; run: sudo tools/fresh-debian make test\n"))
        self.assertFalse(self.cache.exists())


class Root(Case):
    """What needs root."""

    def made(self):
        return (self.stubs / "made").read_text().splitlines()

    def left(self):
        """What the cache holds, without what makes a name the only one, and what is mounted in it."""
        mounted = [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if str(self.cache) in line]
        return sorted(path.name.split(".")[0] for path in self.cache.iterdir() if path.name != "debootstrap.log") + mounted

    def use_cache(self):
        """Makes a base where there is none, clears what it may."""
        self.assertEqual(self.play("true")[0], 0)

    def runs(self, *arguments, **environment):
        """A run that is in its root and stays there."""
        run = self.start(*(arguments or ("sh", "-c", CHECKS)), **environment)
        self.assertEqual(run.stdout.readline(), "here\n", self)
        return run

    def makes(self):
        """A run that is making the base and does not come to an end of it until the gate is opened."""
        for pipe in ["gate", "news"]:
            os.mkfifo(self.stubs / pipe)
        run = self.start("cat", "file")
        self.assertEqual((self.stubs / "news").read_text(), "making\n")
        return run

    def open_gate(self):
        with (self.stubs / "gate").open("w"):
            (self.stubs / "gate").unlink()

    def hear(self, run, sentence):
        self.assertEqual(run.stderr.readline(), f"fresh-debian: {sentence}\n")

    def kill(self, run):
        """Kills a run; returns when the last process of it is gone, which is when the pipe that they share is closed."""
        run.kill()
        self.assertEqual(run.stdout.read(), "")
        run.wait()


class Runs(Root):
    def test_the_command_has_its_status_and_its_streams(self):
        self.assertEqual(self.play("cat", "file")[:2], (0, "as committed\n"))
        for command, status in [("exit 7", 7), ("kill -TERM $$", 143), ("exec nonesuch", 127), ("trap", 0)]:
            self.assertEqual(self.play("sh", "-c", command)[0], status, command)
        self.assertEqual(self.finish(self.start("cat"), "in\n"), (0, "in\n", ""))
        closed = ["sh", "-c", '"$0" "$@" <&-']
        self.assertEqual(self.play("ls", "/proc/self/fd", before=closed), (0, "0\n1\n2\n3\n", ""))  # 3 is ls's own
        self.assertEqual(self.left(), ["base"])
        self.assertEqual(len(self.made()), 1)

    def test_signals_are_as_a_login_has_them(self):
        self.use_cache()
        ignored = ["env", "--ignore-signal=INT", "--ignore-signal=QUIT"]
        self.assertEqual(self.play("sh", "-c", "kill -INT $$", before=ignored)[0], 130)

    def test_the_clone_is_of_head(self):
        self.use_cache()
        (self.repository / "file").write_text("changed since\n")
        (self.repository / "new").write_text("")
        status, out, err = self.play("cat", "file", GIT_DIR="/nonexistent")
        self.assertEqual((status, out), (0, "as committed\n"))
        self.assertEqual(err, "fresh-debian: not in the clone, since not committed:\n M file\n?? new\n")

    def test_the_environment_is_bare(self):
        bundle = self.folder / "bundle"
        bundle.write_text("certificates\n")
        status, out, _ = self.play("sh", "-c", 'env; cat "$PIP_CERT"', LANG="de_DE", SECRET="x", CI="true", https_proxy="http://proxy.test:1",
                                   PIP_CERT=str(bundle), SSL_CERT_FILE="/nonexistent")
        self.assertEqual(status, 0)
        self.assertEqual(sorted(out.splitlines()), sorted([
            "HOME=/root", "PWD=/root/weir", "LANG=C.UTF-8", "TERM=vt52", "CI=true", "https_proxy=http://proxy.test:1",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PIP_CERT=/etc/ssl/carried/PIP_CERT.pem", "certificates"]))

    def test_nothing_is_open_but_the_streams(self):
        self.assertEqual(self.play("ls", "/proc/self/fd")[1].split(), ["0", "1", "2", "3"])  # 3 is ls's own

    def test_files_are_made_as_by_a_login(self):
        _, out, _ = self.play("sh", "-c", "umask; ls -ld / /root/weir", before=["sh", "-c", 'umask 077; "$0" "$@"'])
        self.assertEqual([line.split()[0] for line in out.splitlines()], ["0022", "drwxr-xr-x", "drwxr-xr-x"])

    def test_the_sources_are_debians_for_the_suite(self):
        status, out, _ = self.play("cat", "/etc/apt/sources.list", "/etc/apt/apt.conf.d/99carried")
        self.assertEqual((status, out), (0, "deb http://mirror.test/debian bookworm main\n"
            "deb http://mirror.test/debian-security/ bookworm-security main\n" 'Acquire::Retries "4";\n'))
        self.assertEqual(self.made(), ["http://mirror.test/debian"])

    def test_mounts_are_its_own(self):
        _, out, _ = self.play("cat", "/proc/self/mountinfo")
        self.assertEqual([line.split()[4] for line in out.splitlines()], ["/", "/proc", "/sys", "/dev/shm", "/dev/pts"])

    def test_each_run_has_a_root_of_its_own(self):
        self.use_cache()
        one, two = (self.runs("sh", "-c", f"echo {name} >/{name}; {CHECKS}; ls /; ls /proc | cat") for name in ["one", "two"])
        self.assertEqual(self.left(), ["base", "run", "run"])
        for run, own, other in [(one, "one", "two"), (two, "two", "one")]:
            status, out, _ = self.finish(run, "go\n")
            self.assertEqual(status, 0)
            self.assertIn(own, out.splitlines())
            self.assertNotIn(other, out.splitlines())
            self.assertIn("1", out.splitlines())  # /proc is of its own processes
        self.assertEqual(self.left(), ["base"])
        self.assertNotIn("one", self.play("ls", "/")[1].splitlines())

    def test_one_base_is_made_for_all_who_want_it(self):
        first = self.makes()
        second = self.start("cat", "file")
        self.hear(second, f"waiting for another run, which makes a base in {self.cache}")
        self.open_gate()
        for run in [first, second]:
            self.assertEqual(self.finish(run)[:2], (0, "as committed\n"))
        self.assertEqual(len(self.made()), 1)

    def test_a_base_is_renewed_with_the_month(self):
        for month, made in [("2026-01", 1), ("2026-01", 1), ("2026-02", 2)]:
            (self.stubs / "month").write_text(month)
            self.use_cache()
            self.assertEqual((len(self.made()), self.left()), (made, ["base"]))

    def test_a_base_is_renewed_with_what_is_carried(self):
        certificate = pathlib.Path("/usr/local/share/ca-certificates/own.crt")
        certificate.parent.mkdir()
        self.addCleanup(shutil.rmtree, certificate.parent)
        for text in ["one\n", "another\n"]:
            certificate.write_text(text)
            self.assertEqual(self.play("cat", certificate)[:2], (0, text))
        self.assertEqual((len(self.made()), self.left()), (2, ["base"]))

    def test_a_base_is_renewed_when_its_sources_change(self):
        self.use_cache()
        old = self.runs("sh", "-c", f"{CHECKS}; cat /etc/apt/sources.list")
        (self.stubs / "sources").write_text(SOURCES.replace("mirror", "mirror2"))
        self.assertIn("deb http://mirror2.test/debian bookworm main", self.play("cat", "/etc/apt/sources.list")[1])
        self.assertEqual(self.left(), ["base", "base", "run"])
        status, out, _ = self.finish(old, "go\n")
        self.assertEqual((status, out.splitlines()[0]), (0, "deb http://mirror.test/debian bookworm main"))
        self.use_cache()
        self.assertEqual(self.left(), ["base"])
        self.assertEqual(len(self.made()), 2)

    def test_a_tree_is_kept(self):
        status, _, err = self.play("--keep", "sh", "-c", "echo left >/root/weir/new; exit 3")
        self.assertEqual(status, 3)
        kept, = self.cache.glob("kept.*")
        self.assertEqual(err.splitlines()[-1], f"fresh-debian: kept {kept}/root; it is yours to remove")
        self.use_cache()
        self.assertEqual(self.left(), ["base", "kept"])
        self.assertEqual((kept / "root/root/weir/new").read_text(), "left\n")
        self.assertTrue((kept / "root/usr/bin/cat").exists())

    def test_a_copy_where_the_kernel_lays_nothing_over(self):
        write_program(self.stubs / "mount", 'case "$*" in *overlay*) exit 32 ;; esac; PATH=${PATH#*:} exec mount "$@"')
        self.assertEqual(self.play("sh", "-c", "echo x >/x; cat file")[:2], (0, "as committed\n"))
        self.assertNotIn("x", self.play("ls", "/")[1].splitlines())
        self.assertEqual(self.left(), ["base"])


class Ends(Root):
    def test_killed_while_it_runs(self):
        self.use_cache()
        dead, alive = self.runs(), self.runs()
        self.kill(dead)
        self.assertEqual(self.left(), ["base", "run", "run"])
        self.use_cache()
        self.assertEqual(self.left(), ["base", "run"])
        self.assertEqual(self.finish(alive, "go\n")[0], 0)
        self.assertEqual(self.left(), ["base"])

    def test_killed_while_it_makes_the_base(self):
        dead = self.makes()
        self.kill(dead)
        self.assertEqual(self.left(), ["making"])
        (self.stubs / "gate").unlink()
        self.assertEqual(self.play("cat", "file")[:2], (0, "as committed\n"))
        self.assertEqual(self.left(), ["base"])

    def test_ended_by_a_signal(self):
        maker = self.makes()
        waiter = self.start("true")
        self.hear(waiter, f"waiting for another run, which makes a base in {self.cache}")
        for run, number in [(waiter, signal.SIGTERM), (maker, signal.SIGINT)]:
            run.send_signal(number)
            self.assertEqual(self.finish(run)[0], 128 + number)
        self.assertEqual(self.left(), [])
        (self.stubs / "gate").unlink()
        self.use_cache()
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]:
            run = self.runs()
            run.send_signal(number)
            self.assertEqual(run.wait(), 128 + number)
            os.set_blocking(run.stdout.fileno(), False)
            self.assertEqual(run.stdout.buffer.read(), b"")  # nobody has the other end, without waiting
            self.assertEqual(run.stderr.read(), "")
            self.assertEqual(self.left(), ["base"])

    def test_all_ends_where_the_kernel_gives_no_namespaces(self):
        write_program(self.stubs / "unshare", "exit 1")
        sentence = "fresh-debian: the kernel gives no namespaces: what a killed run leaves stays until the next\n"
        self.use_cache()
        self.assertEqual(self.play("sh", "-c", "cat file; exit 5"), (5, "as committed\n", sentence))
        self.assertEqual(self.left(), ["base"])
        self.assertEqual(self.play("--keep", "true")[0], 0)
        self.assertEqual(self.left(), ["base", "kept"])
        shutil.rmtree(*self.cache.glob("kept.*"))
        stopped = self.runs()
        stopped.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(stopped)[0], 143)
        self.assertEqual(self.left(), ["base"])
        killed, alive = self.runs(), self.runs()
        killed.kill()
        killed.wait()
        self.assertNotEqual(self.left(), ["base", "run", "run"])
        self.use_cache()
        self.assertEqual(killed.stdout.read(), "")
        self.assertEqual(self.finish(alive, "go\n")[0], 0)
        self.assertEqual(self.left(), ["base"])

    def test_what_is_wrong_is_said(self):
        def refused(sentence, **environment):
            status, out, err = self.play("true", **environment)
            self.assertEqual((status, out), (125, ""))
            self.assertTrue(err.endswith(f"fresh-debian: {sentence}\n"), err)
            self.assertEqual(self.left(), [])

        (self.stubs / "free").write_text("2047")
        refused(f"{self.cache} has 2047 MB free and needs 2048; free some, or let WEIR_FRESH_CACHE name a folder on a larger disk")
        (self.stubs / "free").write_text("2048")
        refused("cannot use the folder /dev/null/cache; WEIR_FRESH_CACHE may name another", WEIR_FRESH_CACHE="/dev/null/cache")
        (self.stubs / "broken").touch()
        refused(f"debootstrap made no Debian from http://mirror.test/debian, the mirror of the apt sources; {self.cache}/debootstrap.log "
                "ends with:\nE: no such luck")
        (self.stubs / "sources").write_text(SOURCES.splitlines()[2])
        refused("finds no Debian mirror in the apt sources; they need a line like: deb http://MIRROR/debian bookworm main")
        shutil.rmtree(self.repository / ".git")
        refused(f"finds no commit in {self.repository}; the command runs in a clone of its HEAD")


APART = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def why_not():
    """Why what needs root cannot be tried here."""
    if os.getuid() != 0:
        return "the rest needs root"
    if subprocess.run([*APART, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode:
        return "the rest needs the right to mount"
    return None


if __name__ == "__main__":
    reason = why_not()
    if reason:
        print(f"tried only what is refused before anything is done: {reason}")
        Runs = Ends = None
    elif "APART" not in os.environ:
        os.execvpe(APART[0], [*APART, sys.executable, __file__, str(source), *sys.argv[1:]], {**os.environ, "APART": "yes"})
    with tempfile.TemporaryDirectory(prefix="weir-fresh-") as folder:
        template = pathlib.Path(folder)
        make_repository()
        if not reason:
            commit()
            make_debian()
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/usr/local/share"], check=True)  # a test's certificates go there
        outcome = unittest.main(exit=False).result
    sys.exit(not outcome.wasSuccessful() or (77 if reason else 0))
