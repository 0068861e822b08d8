"""libweir as another program meets it: installed, found through pkg-config and nothing else, compiled against from C and C++, linked
shared and static. Each of examples/ is run so against the simulator or the scripted provider, and under valgrind; in a build with a
sanitizer the examples have it too, instead of valgrind."""

import json
import os
import re
import subprocess
import textwrap
import threading
from pathlib import Path

import pytest

import bodies
import daemon
from test_simulator import Sim
from upstream import error, reply, stall

BUILD = daemon.WEIR.parent
EXAMPLES = daemon.ROOT / "examples"
C_EXAMPLES = sorted(path.stem for path in EXAMPLES.glob("*.c"))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def output_of(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def sanitizer():
    """The build's b_sanitize, or none."""
    options = json.loads(output_of("meson", "introspect", BUILD, "--buildoptions"))
    return next(option["value"] for option in options if option["name"] == "b_sanitize")


SANITIZER = sanitizer()
WAYS = ["c shared", "c static", "c++ shared", "c++ static"]
if SANITIZER == "none":
    WAYS += ["c shared valgrind", "c++ static valgrind"]
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible", "--error-exitcode=9"]


class Installed:
    """What `make install DESTDIR=…` does, and programs compiled against what it installed."""

    def __init__(self, directory):
        self.directory = directory
        self.root = directory / "root"
        output_of("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--strip", "--destdir", self.root)
        self.packages = next(self.root.rglob("weir.pc")).parent
        self.libraries = self.packages.parent
        self.programs = {}
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PKG_CONFIG")}
        self.environment = {**plain, "PKG_CONFIG_PATH": str(self.packages), "PKG_CONFIG_SYSROOT_DIR": str(self.root)}

    def pkg_config(self, *what):
        return output_of("pkg-config", *what, "weir", env=self.environment).split()

    def compile(self, source, language, link, *more):
        """source: a path. Returns the program's; each is made once."""
        program = self.directory / f"{source.stem}-{language}-{link}"
        if program in self.programs:
            return program
        compiler = {"c": "gcc", "c++": "g++"}[language] if SANITIZER == "none" else {"c": "clang", "c++": "clang++"}[language]
        standard = {"c": "-std=c99", "c++": "-std=c++11"}[language]
        flags = [] if SANITIZER == "none" else [f"-fsanitize={SANITIZER}", "-g"]
        libraries = self.pkg_config("--libs")
        if link == "static":
            libraries = ["-l:libweir.a" if flag == "-lweir" else flag for flag in self.pkg_config("--static", "--libs")]
        output_of(compiler, standard, *WARNINGS, *flags, *more, *self.pkg_config("--cflags"), "-x", language, source, "-x", "none",
                  *libraries, "-o", program)
        needed = "[libweir.so.0]" in output_of("readelf", "-d", program)
        assert needed == (link == "shared"), f"{program} is not linked {link}"
        self.programs[program] = True
        return program

    def run_environment(self):
        plain = {name: value for name, value in os.environ.items() if not daemon.STRANGE.match(name)}
        return {**plain, "LD_LIBRARY_PATH": str(self.libraries)}

    def start(self, example, way, *arguments, env=None, **options):
        language, link, *tools = way.split()
        source = EXAMPLES / "cpp" / "ask.cpp" if example == "ask" else EXAMPLES / f"{example}.c"
        program = self.compile(source, language, link)
        environment = {**self.run_environment(), **(env or {})}
        command = [*(VALGRIND if "valgrind" in tools else []), str(program), *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(command, env=environment, text=True, bufsize=1, **pipes)

    def run(self, example, way, *arguments, env=None, status=0):
        """What it wrote to its standard output and standard error."""
        process = self.start(example, way, *arguments, env=env)
        out, err = process.communicate(timeout=60)
        assert process.returncode == status, f"status {process.returncode}\n{out}\n{err}"
        assert not daemon.DAMAGE.search(err), err
        return out, err

    def snippet(self, name, code, env):
        """Lines of a page as the body of a program. What that wrote, and its status."""
        source = self.directory / f"{name}.c"
        source.write_text("#include <stdio.h>\n#include <weir.h>\n\nint main(void) {\n" + textwrap.indent(code, "    ") + "    return 0;\n}\n")
        program = self.compile(source, "c", "shared")
        done = subprocess.run([str(program)], env={**self.run_environment(), **env}, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("library"))


def snippet_of_the_readme():
    return re.search(r"```c\n(.*?)```", (daemon.ROOT / "README.md").read_text(), re.S)[1]


def snippet_of_the_header():
    head = re.search(r"\n \*\n((?: \* {5}.*\n)+)", (daemon.ROOT / "include" / "weir.h").read_text())[1]
    return "".join(re.sub(r"//(.*)", r"/*\1 */", line[7:]) + "\n" for line in head.splitlines())


@pytest.fixture(scope="module")
def sim():
    started = Sim("--pace", "1")
    yield started
    started.stop()


@pytest.fixture
def asks_sim(sim):
    return {"OPENAI_BASE_URL": sim.base_url}


def asks(upstream):
    return {"OPENAI_BASE_URL": upstream.url, "OPENAI_API_KEY": daemon.PROVIDER_KEY}


each_way = pytest.mark.parametrize("way", WAYS)


# -- the installation --------------------------------------------------------------------------------------------------
def test_installation_is_whole(library):
    version = library.pkg_config("--modversion")[0]
    assert version == json.loads(output_of("meson", "introspect", BUILD, "--projectinfo"))["version"]
    assert (library.libraries / "libweir.so").resolve().name == f"libweir.so.{version}"
    assert (library.libraries / "libweir.so.0").resolve().name == f"libweir.so.{version}"
    assert "[libweir.so.0]" in output_of("readelf", "-d", library.libraries / "libweir.so.0")
    assert (library.libraries / "libweir.a").is_file()
    pages = next(library.root.rglob("man3"))
    assert (pages / "weir.3").is_file()
    exported = re.findall(r" T (weir_\w+)@", output_of("nm", "-D", "--with-symbol-versions", library.libraries / "libweir.so"))
    assert len(exported) > 40
    assert {path.stem for path in pages.glob("weir_*.3")} == set(exported)
    assert all(path.resolve() == (pages / "weir.3").resolve() for path in pages.glob("weir_*.3"))


def test_nothing_is_installed_that_only_a_debugger_reads(library):
    for path in [library.root / "usr/local/bin/weir", (library.libraries / "libweir.so").resolve()]:
        assert ".debug_info" not in output_of("readelf", "--sections", "--wide", path)


def test_it_is_found_where_pkg_config_looks(library):
    """Whichever tools the machine has that might have told the build another place."""
    places = output_of("pkg-config", "--variable", "pc_path", "pkg-config").strip().split(":")
    assert "/" + str(library.packages.relative_to(library.root)) in places


@pytest.mark.parametrize("link", ["shared", "static"])
def test_names_of_a_program_are_its_own(library, sim, tmp_path, link):
    """A program may have functions that are named as some inside the library are: neither calls the other's."""
    source = tmp_path / f"named-{link}.c"
    inner = ["buf_add", "mem_alloc", "loop_init", "json_scan", "config_load", "llhttp_execute", "yaml_parse", "list_init"]
    source.write_text("#include <weir.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
                      + "".join(f"void {name}(void); void {name}(void) {{ abort(); }}\n" for name in inner)
                      + """int main(void) {
    weir_client *client = weir_client_new(NULL, NULL);
    weir_request *request = weir_request_new();
    weir_request_add_message(request, "user", "hello");
    weir_result *result = weir_chat(client, request);
    printf("%s %s\\n", weir_version(), result->safe_text);
    weir_result_free(result);
    weir_request_free(request);
    weir_client_free(client);
    return 0;
}
""")
    env = {**library.run_environment(), "OPENAI_BASE_URL": sim.base_url}
    out = output_of(library.compile(source, "c", link, "-rdynamic"), env=env)
    assert out == f"{library.pkg_config('--modversion')[0]} You said: hello\n"


@pytest.mark.parametrize("standard", ["c99", "c11", "c17", "gnu2x", "c++11", "c++14", "c++17", "c++20"])
def test_header_is_of_every_standard(library, tmp_path, standard):
    source = tmp_path / "only.c"
    source.write_text("#include <weir.h>\n#include <weir.h>\nint main(void) { return weir_version() == 0; }\n")
    language = "c++" if "+" in standard else "c"
    output_of("g++" if language == "c++" else "gcc", f"-std={standard}", *WARNINGS, "-Wshadow", "-Wconversion", "-fsyntax-only",
              f"-I{next(library.root.rglob('weir.h')).parent}", "-x", language, source)


def test_examples_all_stand_here():
    """An example that is added gets a test."""
    here = Path(__file__).read_text()
    assert C_EXAMPLES == [name for name in C_EXAMPLES if f'library.run("{name}"' in here or f'library.start("{name}"' in here]
    told = (EXAMPLES / "README.md").read_text()
    assert all(f"({name}.c)" in told for name in C_EXAMPLES)
    assert sorted(path.name for path in (EXAMPLES / "cpp").iterdir()) == ["ask.cpp", "weir.hpp"]


# -- one call ----------------------------------------------------------------------------------------------------------
@each_way
def test_call(library, asks_sim, way):
    out, err = library.run("call", way, "hello there", env=asks_sim)
    assert out == "You said: hello there\n"
    assert re.fullmatch(r"asked 127\.0\.0\.1/gpt-4o-mini, 1 attempt\(s\), \d+\.\d{3} s, \d+ tokens\n", err), err


def test_call_reaches_the_provider_whole(library, upstream):
    upstream.script(reply(200, bodies.completion("Hi.", model="gpt-x")))
    out, _ = library.run("call", "c shared", "hello there", env=asks(upstream))
    assert out == "Hi.\n"
    request = upstream.wait_requests(1)[0]
    assert request.path == "/v1/chat/completions"
    assert request.header("authorization") == f"Bearer {daemon.PROVIDER_KEY}"
    assert request.json() == {
        "model": "gpt-4o-mini", "max_tokens": 200, "temperature": 0.2,
        "messages": [{"role": "system", "content": "Answer in one sentence."}, {"role": "user", "content": "hello there"}]}


@each_way
def test_call_that_fails(library, upstream, way):
    upstream.script(error(401, "no such key", "invalid_request_error", "invalid_api_key"))
    out, err = library.run("call", way, env=asks(upstream), status=1)
    assert out == ""
    assert "call: unauthenticated: " in err and daemon.PROVIDER_KEY not in err


@each_way
def test_call_without_anyone_to_ask(library, way):
    out, err = library.run("call", way, status=2)
    assert out == "" and err.startswith("call: ") and "OPENAI_API_KEY" in err


# -- a safe call -------------------------------------------------------------------------------------------------------
@each_way
def test_safe(library, asks_sim, upstream, way):
    assert library.run("safe", way, "hello", env=asks_sim) == ("You said: hello\n", "")
    upstream.script(error(400, "that is too odd"))
    out, err = library.run("safe", way, "hello", env=asks(upstream))
    assert out == "Invalid request: that is too odd\n"
    assert re.fullmatch(r"safe: invalid, request \S+\n", err), err


# -- functions that a model may call -------------------------------------------------------------------------------------
@each_way
def test_tools(library, asks_sim, way):
    asked = 'temperature {"city": "Berlin"}\ntemperature {"city": "Bonn"}\n\ntemperature {"town": "Berlin"}\nnothing {}'
    out, err = library.run("tools", way, asked, "sim/script", env=asks_sim)
    assert out.startswith("The tool says: ")
    code, tokens, steps = re.fullmatch(r"(\w+), (\d+) tokens, steps: (.*)\n", err).groups()
    steps = json.loads(steps)
    assert code == "ok" and int(tokens) > 0 and [s["tool"] for s in steps] == ["temperature"] * 3 + ["nothing"]
    assert steps[0]["result"] == "18 degrees (measurement 1)" and steps[1]["error"] == "only Berlin has a thermometer"
    assert "city" in steps[2]["error"] and "no tool of the name 'nothing'" in steps[3]["error"]


@each_way
def test_tools_that_a_model_never_stops_calling(library, asks_sim, way):
    out, err = library.run("tools", way, "Go on", "sim/forever", env=asks_sim, status=1)
    assert out and err.startswith("stopped, ") and len(json.loads(err.split("steps: ")[1])) == 5


def test_what_a_models_provider_is_asked_in_a_run(library, upstream):
    asked = {"name": "temperature", "arguments": '{"city": "Berlin"}'}
    calling = bodies.completion(None)
    calling["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": asked}]}
    upstream.script(*[reply(200, calling)] * 5, reply(200, bodies.completion("Warm.")))
    out, err = library.run("tools", "c shared", "How warm?", env=asks(upstream))
    assert out == "Warm.\n" and int(re.search(r"(\d+) tokens", err)[1]) == 6 * bodies.USAGE["total_tokens"]
    first, *_, last = (r.json() for r in upstream.wait_requests(6))
    (tool,) = first["tools"]
    assert tool["function"]["name"] == "temperature" and tool["function"]["parameters"]["required"] == ["city"]
    assert "tool_choice" not in first and last["tool_choice"] == "none"  # after max_steps rounds
    assert [m["role"] for m in last["messages"]] == ["user"] + ["assistant", "tool"] * 5
    ids = [m["tool_call_id"] for m in last["messages"] if m["role"] == "tool"]
    assert len(set(ids)) == 5 and ids == [m["tool_calls"][0]["id"] for m in last["messages"] if m["role"] == "assistant"]


# -- a stream ----------------------------------------------------------------------------------------------------------
@each_way
def test_stream(library, asks_sim, way):
    out, err = library.run("stream", way, "one two three", env=asks_sim)
    assert out == "You said: one two three\n"
    assert re.fullmatch(r"complete \(stop\), first token after \d+\.\d{3} s\n", err), err


@each_way
def test_stream_is_stopped(library, asks_sim, way):
    out, err = library.run("stream", way, "one two three four five", "13", env=asks_sim)
    assert out == "You said: one\n"
    assert err == "stopped after 13 bytes\n"


# -- a batch -----------------------------------------------------------------------------------------------------------
@each_way
def test_batch(library, asks_sim, way):
    questions = [f"question {n}" for n in range(9)]
    out, err = library.run("batch", way, *questions, env=asks_sim)
    assert out == "".join(f"{question}\n    You said: {question}\n" for question in questions)
    assert re.fullmatch(r"9 calls, 100 % answered, 0 retries, \d+ tokens, \d+\.\d{3} s each\n  gpt-4o-mini\n", err), err


def test_batch_keeps_to_its_concurrency(library, upstream):
    gate, lock, now = threading.Event(), threading.Lock(), []

    def held(request):
        with lock:
            now.append(request)
            if len(now) == 4:
                gate.set()
        gate.wait(10)
        return reply(200, bodies.completion("Hi."))

    upstream.always(held)
    process = library.start("batch", "c shared", *"abcdefgh", env=asks(upstream))
    assert gate.wait(20)  # four are there before any is answered
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert err.startswith("8 calls, 100 % answered")
    assert len({request.connection for request in now}) == 4


# -- a configuration ---------------------------------------------------------------------------------------------------
def configuration(tmp_path, sim):
    path = tmp_path / "weir.yaml"
    path.write_text(f"providers:\n  first: {{kind: simulator, url: {sim.base_url}}}\n  second: {{kind: simulator, url: {sim.base_url}}}\n"
                    "models:\n  good: [first/sim/503, second/echo]\n  bad: first/sim/400\nretry: {base: 1ms}\n")
    return str(path)


@each_way
def test_configured(library, sim, tmp_path, way):
    path = configuration(tmp_path, sim)
    out, err = library.run("configured", way, path, "good", "hello")
    assert (out, err) == ("You said: hello\n", "second/echo: ok\n")
    out, err = library.run("configured", way, path, "bad", "hello", status=1)
    assert out == "" and err.startswith("first/sim/400: ")
    # Laid over the file: a target whose first try of each question fails, with and without a second try.
    flaky = "models.good=first/sim/flaky-1"
    out, err = library.run("configured", way, path, "good", f"by {way}", flaky, "retry.retries=1")
    assert (out, err) == (f"You said: by {way}\n", "first/sim/flaky-1: ok\n")
    out, err = library.run("configured", way, path, "good", f"by {way}", flaky, "retry.retries=0", status=1)
    assert out == "" and err.startswith("first/sim/flaky-1: ")


@each_way
def test_configured_wrongly(library, tmp_path, way):
    path = tmp_path / "weir.yaml"
    path.write_text("retry: {retries: 99}\nmodls: {}\n")
    out, err = library.run("configured", way, str(path), "m", "hello", "timeouts.totl=1s", status=2)
    assert out == ""
    assert f"{path}:1:18: retry.retries is 99; allowed 0 to 20\n" in err
    assert f"{path}:2:1: unknown option 'modls'; did you mean 'models'?\n" in err
    assert err.endswith("setting timeouts.totl: unknown option 'timeouts.totl'; did you mean 'timeouts.total'?\n")


# -- without waiting ---------------------------------------------------------------------------------------------------
@each_way
def test_async_takes_the_first_and_cancels_the_rest(library, upstream, way):
    def behave(request):
        return reply(200, bodies.completion("Quick.")) if "quick" in request.body.decode() else stall("before_head")

    upstream.always(behave)
    out, _ = library.run("async", way, "slow", "quick", "slow too", env=asks(upstream))
    assert out == "Quick.\n"
    for request in upstream.wait_requests(3):
        if b"slow" in request.body:
            request.wait_closed()


@each_way
def test_async_where_all_fail(library, upstream, way):
    upstream.always(error(400, "that is too odd"))
    out, err = library.run("async", way, "a", "b", env=asks(upstream), status=1)
    assert out == "" and "that is too odd" in err


# -- a foreign loop ----------------------------------------------------------------------------------------------------
@each_way
def test_epoll(library, asks_sim, way):
    """An answer comes while standard input stays open, and a question is taken while an answer streams."""
    process = library.start("epoll", way, env=asks_sim)
    process.stdin.write("one two\n")
    process.stdin.flush()
    lines = []
    while lines[-1:] != ["[1] done: ok\n"]:
        lines.append(process.stdout.readline())
        assert lines[-1], process.stderr.read()
    assert "".join(line[4:-1] for line in lines[:-1]) == "You said: one two"
    out, err = process.communicate("three four\n\nfive\nthe last, without an end", timeout=60)
    assert process.returncode == 0, err
    assert not daemon.DAMAGE.search(err), err
    for number, text in ((2, "three four"), (3, "five"), (4, "the last, without an end")):
        mine = [line[4:] for line in out.splitlines() if line.startswith(f"[{number}] ")]
        assert mine[-1] == "done: ok" and "".join(mine[:-1]) == f"You said: {text}", out


@each_way
def test_epoll_says_what_failed(library, upstream, way):
    upstream.script(error(400, "that is too odd"))
    process = library.start("epoll", way, env=asks(upstream))
    out, err = process.communicate("one\n", timeout=60)
    assert process.returncode == 1, err
    assert out == "[1] Invalid request: that is too odd\n[1] done: invalid\n"


# -- C++ ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("way", [way for way in WAYS if way.startswith("c++ ")])
def test_ask(library, asks_sim, upstream, way):
    out, err = library.run("ask", way, "one two", env=asks_sim)
    assert out == "You said: one two\n"
    assert err == "4 pieces from gpt-4o-mini\n"
    upstream.script(error(400, "that is too odd"))
    out, err = library.run("ask", way, env=asks(upstream), status=1)
    assert err == "ask: that is too odd\n"
    assert library.run("ask", way, status=1)[1].startswith("ask: nobody to ask is known")


@pytest.mark.parametrize("page", [snippet_of_the_readme, snippet_of_the_header])
def test_the_first_snippet_runs(library, page):
    """As it stands on the page: with the simulator, and with nobody to ask, which is told instead of ending the program."""
    status, out, err = library.snippet(page.__name__, page(), {"OPENAI_BASE_URL": "simulator"})
    assert (status, out, err) == (0, "You said: Hello\n", "")
    status, out, err = library.snippet(page.__name__, page(), {})
    assert (status, err) == (0, "")
    assert out.startswith("An unexpected error occurred: There is no client (NULL)") and "OPENAI_API_KEY" in out
