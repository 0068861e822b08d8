"""weir completion in the shells themselves: what stands on the line after the tab key."""

import json
import re
import shutil
import subprocess

import pytest

import daemon
from terminal import environment
from test_manual import RARE


def weir(*args):
    return subprocess.run([daemon.WEIR, *args], capture_output=True, text=True, timeout=30, check=True).stdout


def commands():
    listed = re.search(r"^Commands:\n((?:  .*\n)+)", weir("--help"), re.M)[1]
    return re.findall(r"^  (\w+)", listed, re.M)


PARTS = ["batch join", "tools list", "tools call", "tools check"]  # which stand in no list


def options(command):
    return sorted(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", weir(*command.split(), "--help"), re.M) + [f"--{name}" for name in RARE.get(command, ())])


@pytest.fixture
def folder(tmp_path):
    """What there is to complete, and the scripts where the shells look for them."""
    work = tmp_path / "work"
    (work / "my folder").mkdir(parents=True)
    for name in ("my file.yaml", "weir.yaml", "web.yaml"):
        (work / name).write_text("")
    for shell, name in (("bash", "weir.bash"), ("zsh", "_weir"), ("fish", "weir.fish")):
        (tmp_path / "scripts" / shell).mkdir(parents=True)
        (tmp_path / "scripts" / shell / name).write_text(weir("completion", shell))
    return work


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_well_formed(shell, tmp_path):
    script = tmp_path / "script"
    script.write_text(weir("completion", shell))
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


# ---- a person at a prompt ----------------------------------------------------------------------------------------------

START = {
    "bash": ("bash --noprofile --norc -i", "source {scripts}/bash/weir.bash"),
    "zsh": ("zsh -f -i", "fpath=({scripts}/zsh $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=0"),
}


def prompt(terminal, folder, shell):
    start, setup = START[shell]
    t = terminal(program=start.split(), cwd=folder, home=folder, columns=100, rows=40, env={"PS1": "$ ", "HISTFILE": None})
    t.send(setup.format(scripts=folder.parent / "scripts") + "; PS1='now> '; bind 'set bell-style none' 2>/dev/null; clear\r")
    t.wait_screen(r"\Anow>")
    return t


TYPED = [
    ("weir che", "weir check "),
    ("weir help che", "weir help check "),
    ("weir --ver", "weir --version "),
    ("weir check --exp", "weir check --explain "),
    ("weir sim --word", "weir sim --words "),
    ("weir check -c web", "weir check -c web.yaml "),
    ("weir check --config my\\ fi", "weir check --config my\\ file.yaml "),
    ("weir check --config=web", "weir check --config=web.yaml "),
    ("weir completion zs", "weir completion zsh "),
    ("weir batch --input-format op", "weir batch --input-format openai "),
    ("weir batch --input-format=op", "weir batch --input-format=openai "),
    ("weir batch web", "weir batch web.yaml "),
    ("weir batch -q my\\ fi", "weir batch -q my\\ file.yaml "),
    ("weir batch -o my\\ fo", "weir batch -o my\\ folder/"),
    ("weir chat -f web.yaml --no-s", "weir chat -f web.yaml --no-stream "),
    ("weir chat -f web.yaml -f my\\ fi", "weir chat -f web.yaml -f my\\ file.yaml "),
    ("weir chat Hello --usa", "weir chat Hello --usage "),
    ("weir chat Hello -f web", "weir chat Hello -f web.yaml "),
    ("weir batch -- web", "weir batch -- web.yaml "),
    ("weir batch jo", "weir batch join "),
    ("weir tools ca", "weir tools call "),
    ("weir tools check -c web", "weir tools check -c web.yaml "),
    ("weir batch join --qui", "weir batch join --quiet "),
    ("weir batch join --input-format ts", "weir batch join --input-format tsv "),
    ("weir batch join web", "weir batch join web.yaml "),
    ("weir batch join web.yaml -o my\\ fi", "weir batch join web.yaml -o my\\ file.yaml "),
]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tab_completes(terminal, folder, shell):
    t = prompt(terminal, folder, shell)
    for typed, line in TYPED:
        t.send(typed)
        t.press("tab")
        t.send("#")  # shows whether a blank was added
        t.wait_screen(rf"^now> {re.escape(line)}\s*#$")
        t.press("ctrl-u")
        t.wait_screen(r"^now>\Z|^now>\n")


def test_zsh_leaves_out_what_is_excluded(terminal, folder):
    t = prompt(terminal, folder, "zsh")
    for typed, line in [("weir batch --restart --retry-f", "weir batch --restart --retry-f"),
                        ("weir batch --retry-failed --rest", "weir batch --retry-failed --rest"),
                        ("weir batch --retries 1 --rest", "weir batch --retries 1 --restart "),
                        ("weir chat -j --js", "weir chat -j --js"),
                        ("weir chat -f web.yaml --fi", "weir chat -f web.yaml --file=")]:
        t.send(typed)
        t.press("tab")
        t.send("#")
        t.wait_screen(rf"^now> {re.escape(line)}#$")
        t.press("ctrl-u")
        t.wait_screen(r"^now>\Z|^now>\n")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tab_shows_what_there_is(terminal, folder, shell):
    t = prompt(terminal, folder, shell)
    for command in commands() + PARTS:
        t.send(f"weir {command} --")
        t.press("tab", "tab")
        for option in options(command) if len(options(command)) > 1 else []:
            t.wait_screen(rf"(^|\s){option}(\s|$)")
        t.press("ctrl-u")
        t.send("clear\r")
        t.wait_screen(r"\Anow>\n*\Z")


# ---- fish, which says what it would show -------------------------------------------------------------------------------

def fish(folder, line):
    """The candidates for the end of the line, with what is said of each."""
    script = f"source {folder.parent}/scripts/fish/weir.fish; complete -C {json.dumps(line)}"
    done = subprocess.run(["fish", "--no-config", "-c", script], cwd=folder, env=environment(folder), capture_output=True, text=True,
                          timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    return dict(row.partition("\t")[::2] for row in done.stdout.splitlines())


def test_fish_shows_what_there_is(folder):
    assert sorted(fish(folder, "weir ")) == sorted(commands())
    assert fish(folder, "weir che") == {"check": "Check the configuration"}
    assert sorted(fish(folder, "weir --")) == ["--help", "--version"]
    for command in commands() + PARTS:
        assert sorted(fish(folder, f"weir {command} --")) == options(command), command
    assert fish(folder, "weir batch jo").keys() == {"join"}
    assert fish(folder, "weir help --he").keys() == {"--help"}
    assert fish(folder, "weir help che").keys() == {"check"}
    assert fish(folder, "weir check serve").keys() == set()


def test_fish_offers_files_where_a_file_is_meant(folder):
    assert fish(folder, "weir check -c we").keys() == {"web.yaml", "weir.yaml"}
    assert fish(folder, "weir check --config=we").keys() == {"--config=web.yaml", "--config=weir.yaml"}
    assert fish(folder, "weir check -c my\\ fi").keys() == {"my file.yaml"}
    assert fish(folder, "weir check we") == {}
    assert fish(folder, "weir sim --pace we") == {}
    assert fish(folder, "weir batch --input-format o").keys() == {"openai"}
    assert fish(folder, "weir batch we").keys() == {"web.yaml", "weir.yaml"}
    assert fish(folder, "weir batch join we").keys() == {"web.yaml", "weir.yaml"}
    assert fish(folder, "weir batch join --input-format o").keys() == {"openai"}
    assert fish(folder, "weir completion ").keys() == {"bash", "zsh", "fish"}


# ---- installed ---------------------------------------------------------------------------------------------------------

def test_meson_installs_the_scripts_where_shells_look():
    build = daemon.WEIR.parent
    if not shutil.which("meson") or not (build / "meson-info").is_dir():
        pytest.skip("no Meson, or weir is not in its build folder")
    done = subprocess.run(["meson", "introspect", "--installed", build], capture_output=True, text=True, timeout=60, check=True)
    installed = {goal.rpartition("/share/")[2]: source for source, goal in json.loads(done.stdout).items()}
    for shell, goal in (("bash", "bash-completion/completions/weir"), ("zsh", "zsh/site-functions/_weir"),
                        ("fish", "fish/vendor_completions.d/weir.fish")):
        assert open(installed[goal]).read() == weir("completion", shell)
