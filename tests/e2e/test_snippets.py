"""What the pages tell a reader to type does what they say: every snippet of every page is run, in the page's order, by a reader who
has an installed weir, the simulator and nothing else; those that cannot run say why (snippets.py has the rules)."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import daemon
from pki import Authority
from ports import free_port
from snippets import Failed, Reader, Snippet, indented_code, snippets_of
from test_library import Installed, SANITIZER

TOP = daemon.ROOT
PAGES = [page for page in subprocess.run(["git", "ls-files", "*.md"], cwd=TOP, check=True, capture_output=True, text=True).stdout.split()
         if not page.startswith("findings/")]
LANGUAGES = {"sh", "python", "js", "c", "yaml"}
SHOWN = {"text"}  # what a program prints, or a picture
ALL = {page: snippets_of(page, (TOP / page).read_text()) for page in PAGES}
RUNS = {page: [s for s in found if not s.not_run and s.language not in SHOWN] for page, found in ALL.items()}


class Serving:
    """`weir serve` as a newcomer starts it: no configuration, no key, so it serves the simulator."""

    def __init__(self, folder):
        folder.mkdir()
        environment = {k: v for k, v in os.environ.items() if not daemon.STRANGE.match(k)}
        self.process = subprocess.Popen([str(daemon.WEIR), "serve", "--listen", "127.0.0.1:0"], cwd=folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=(folder / "log").open("w"),
                                        env={**environment, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)})
        daemon.wait_until(lambda: "listening on" in (folder / "log").read_text(), 20, "it did not listen")
        self.address = re.search(r"listening on (\S+)", (folder / "log").read_text())[1]

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    if SANITIZER != "none":
        pytest.skip("what the compiler and Python load would need the sanitizer too")
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    started = Serving(tmp_path_factory.mktemp("serving") / "weir")
    yield started
    started.stop()


@pytest.fixture
def reader(installed, serving, tmp_path):
    """In a repository with notes in it, as `weir chat` is shown to be used."""
    folder = tmp_path / "reader"
    folder.mkdir()
    (folder / "notes.txt").write_text("The weir was built in 1889.\n")
    (folder / "call.c").symlink_to(TOP / "examples" / "call.c")
    (folder / "node_modules").symlink_to(TOP / "tests" / "e2e" / "node" / "node_modules")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    certificates = tmp_path / "tls"
    certificates.mkdir()
    identity = Authority(certificates).issue("localhost", stem="fullchain")
    program = next(path for path in installed.root.rglob("bin/weir"))
    (folder / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n")
    kept = {name: value for name, value in installed.environment.items() if not daemon.STRANGE.match(name)}
    environment = {
        **kept, "PIP_CONSTRAINT": str(TOP / "tests" / "e2e" / "requirements.txt"), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PATH": f"{program.parent}:{Path(sys.executable).parent}:{kept['PATH']}", "LD_LIBRARY_PATH": str(installed.libraries),
        "HOME": str(folder), "CURL_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "PYTHONPATH": str(TOP / "bindings/python/src"),
        "OPENAI_BASE_URL": f"http://{serving.address}/v1", "OPENAI_API_KEY": "sk-nobody-asks-for-this", "CI_KEY": "a-key-of-a-client-of-weir",
            }
    moved = {"127.0.0.1:8080": serving.address, "127.0.0.1:8081": f"127.0.0.1:{free_port()}", "/etc/weir/tls/fullchain.pem": str(identity.cert),
             "/etc/weir/tls/key.pem": str(identity.key)}
    return Reader(folder, environment, moved, program)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", [page for page, found in RUNS.items() if found])
def test_page(reader, page):
    for snippet in RUNS[page]:
        reader.follow(snippet)


def test_every_block_is_run_or_says_why_not(capsys):
    assert not [s.place for found in RUNS.values() for s in found if s.language not in LANGUAGES]
    left_out = [s for found in ALL.values() for s in found if s.not_run]
    with capsys.disabled():
        print(f"\n{sum(map(len, RUNS.values()))} snippets are run, {len(left_out)} are not:")
        for snippet in left_out:
            print(f"    {snippet.place}: {snippet.not_run}")
    assert len(RUNS["README.md"]) > len([s for s in left_out if s.page == "README.md"])


@pytest.mark.parametrize("page", PAGES)
def test_no_code_hides_from_this(page):
    lines = (TOP / page).read_text().split("\n")
    assert not [f"{page}:{number}" for number in indented_code(lines)], "code stands in a fenced block that names its language"


# ---- the harness itself: what is wrong is seen ----

def test_reading_a_page():
    page = "a\n\n<!-- not run: it never ends -->\n<!-- test command -->\n```sh\nmake\n```\n  ```c\n  x\n    y\n  ```\n<!-- ends with status 3: why -->\n```sh\n```\n"
    assert snippets_of("p", page) == [
        Snippet("p", 6, "sh", "make\n", not_run="it never ends"), Snippet("p", 9, "c", "x\n  y\n"), Snippet("p", 14, "sh", "", status=3)]
    for wrong, says in (("```\nx\n```\n", "p:1: the block names no language"), ("```sh\nx\n", "p:2: the block has no end"),
                        ("```sh\n```c\n", "p:2: a block begins inside")):
        with pytest.raises(ValueError, match=says):
            snippets_of("p", wrong)
    assert list(indented_code(["a", "", "    code", "    more", "", "* list", "    of it"])) == [3]


@pytest.mark.parametrize("language, text", [
    ("sh", "false\ntrue"),
    ("sh", "curl http://127.0.0.1:8080/v1/nothing"),
    ("sh", "weir batch nothing.txt -o out.jsonl"),
    ("python", "from openai import Nothing"),
    ("js", "throw new Error('no')"),
    ("c", "weir_result *result = weir_nothing();"),
    ("c", 'weir_client *client = weir_client_new(NULL, NULL);\nweir_result *result = weir_chat(client, NULL, 1);'),
    ("yaml", "provider: {openai: {}}"),
    ("yaml", "providers: {openai: {kind: nothing}}"),
])
def test_what_is_wrong_is_seen(reader, language, text):
    with pytest.raises(Failed, match="page.md:3: "):
        reader.follow(Snippet("page.md", 3, language, text + "\n"))


def test_python_goes_on_where_the_page_was(reader):
    reader.follow(Snippet("page.md", 3, "python", "x = 1\n"))
    said = reader.follow(Snippet("page.md", 9, "python", "import inspect\nprint(x, inspect.currentframe().f_lineno)\n"))
    assert said == "1 10\n"
