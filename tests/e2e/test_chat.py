"""weir chat: one question through pipes, and the conversation in a terminal. The provider is scripted, or simulated."""

import base64
import json
import os
import signal
import subprocess
import threading

import pytest

import bodies
import daemon
from terminal import SEQUENCE, environment
from upstream import error, refused_port, reply, sse


class Chat:
    """weir chat as a process with pipes."""

    def __init__(self, home, *args, url=None, env=None, stdin=subprocess.DEVNULL):
        env = {"XDG_CONFIG_HOME": str(home), "TERM": None, **(env or {})}
        if url:
            args = ("--url", url, *args)
        # A suite that a script runs in the background ignores SIGINT, which children take over.
        self.process = subprocess.Popen([daemon.WEIR, "chat", *args], cwd=home, env=environment(home, env), stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def finish(self, text=None, timeout=30):
        """(status, stdout, stderr)"""
        out, err = self.process.communicate(text, timeout)
        assert not daemon.DAMAGE.search(err.decode()), err.decode()
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def chat(tmp_path):
    """chat("…", url=) starts weir chat with pipes; .finish() waits for its end."""
    running = []

    def start(*args, text=None, **options):
        if text is not None:
            options["stdin"] = subprocess.PIPE
        running.append(Chat(tmp_path, *args, **options))
        return running[-1].finish(text.encode() if isinstance(text, str) else text) if text is not None else running[-1]

    yield start
    for c in running:
        if c.process.poll() is None:
            c.process.kill()
            c.process.communicate()


def answer(*words, **over):
    """A streamed answer."""
    return sse(bodies.stream(*words, usage=bodies.USAGE, **over))


def messages(request):
    return [(m["role"], m["content"]) for m in request.json()["messages"]]


# ---- one question ----

def test_one_question_with_pipes(chat, upstream):
    upstream.script(answer("Hello", " there."))
    status, out, err = chat("--model", "m1", "--system", "Be brief.", "-t", "0.5", "--max-tokens", "7", "What", "now?",
                            url=upstream.url, env={"OPENAI_API_KEY": "sk-secret"}).finish()
    assert (status, out, err) == (0, "Hello there.\n", "")
    request = upstream.wait_requests(1)[0]
    assert request.path == "/v1/chat/completions"
    assert request.header("authorization") == "Bearer sk-secret"
    body = request.json()
    assert body["stream"] is True
    assert {k: body[k] for k in ("model", "temperature", "max_tokens")} == {"model": "m1", "temperature": 0.5, "max_tokens": 7}
    assert messages(request) == [("system", "Be brief."), ("user", "What now?")]


@pytest.mark.parametrize("words, out", [
    (("No end",), "No end\n"), (("One end\n",), "One end\n"), (("Many\n", "\n", "\n"), "Many\n"), (("\n\nIn", "side\n\nit",), "\n\nInside\n\nit\n"),
    (("\033[31mred\033[0m\r\n\a",), "\033[31mred\033[0m\r\n\a\n"), (("Grü", "ße 日本 🙂"), "Grüße 日本 🙂\n")])
def test_stdout_is_the_answer_and_one_line_end(chat, upstream, words, out):
    upstream.script(answer(*words))
    c = chat("Hi", url=upstream.url)
    assert c.process.communicate(timeout=30)[0].decode() == out


def test_standard_input_is_the_question_or_its_context(chat, upstream):
    upstream.script(answer("1"), answer("2"))
    assert chat(url=upstream.url, text="What is\nweir?\n\n")[:2] == (0, "1\n")
    assert chat("Summarise", url=upstream.url, text="a long text\n")[:2] == (0, "2\n")
    first, second = upstream.wait_requests(2)
    assert messages(first) == [("user", "What is\nweir?")]
    assert messages(second) == [("user", '<file name="standard input">\na long text\n</file>\n\nSummarise')]


def test_files_are_context(chat, upstream, tmp_path):
    (tmp_path / "notes.txt").write_text("Grüße\n")
    (tmp_path / "b.c").write_text("int b;")
    upstream.script(answer("Fine."))
    assert chat("Compare", "-f", "notes.txt", "--file=b.c", url=upstream.url).finish()[:2] == (0, "Fine.\n")
    content = messages(upstream.wait_requests(1)[0])[0][1]
    assert content == '<file name="notes.txt">\nGrüße\n</file>\n<file name="b.c">\nint b;\n</file>\n\nCompare'


@pytest.mark.parametrize("content, why", [
    (b"a\0b", "weir: chat: f is no text: it holds a NUL byte\n"),
    (b"one\nGr\xfc\n", "weir: chat: f is no text in UTF-8: line 2 is not; iconv can convert it\n"),
    (b"x" * (1 << 20) + b"x", "weir: chat: f is longer than 1048576 bytes, the most that one file may have\n"),
    (None, "weir: chat: cannot open f: No such file or directory\n")])
def test_files_that_are_refused(chat, upstream, tmp_path, content, why):
    if content is not None:
        (tmp_path / "f").write_bytes(content)
    assert chat("-f", "f", "Hi", url=upstream.url).finish() == (1, "", why)


@pytest.mark.parametrize("args, status, why", [
    ((), 2, "weir: chat: nothing was asked: no question was given, and standard input is empty\n"),
    (("-t", "3", "Hi"), 2, "weir: chat: --temperature is '3'; allowed: a number from 0 to 2\n"),
    (("--max-tokens", "0", "Hi"), 2, "weir: chat: --max-tokens is '0'; allowed: a whole number from 1 to 1000000000\n"),
    (("--modle", "x", "Hi"), 2, "weir: chat: unknown option --modle; did you mean --model?\n"),
    ((b"\xff",), 2, "weir: chat: the question is no UTF-8\n"),
    (("--url", "http://127.0.0.1:1/v1", "-c", "x.yaml", "Hi"), 2, "weir: chat: --config and --url exclude each other; give one of them\n"),
    (("--url", "nonsense", "Hi"), 2, None), (("-c", "nowhere.yaml", "Hi"), 1, None)])
def test_wrong_arguments(chat, args, status, why):
    got, out, err = chat(*args).finish()
    assert (got, out) == (status, "") and err.startswith("weir: ")
    assert why is None or err == why


def test_without_standard_input(chat, upstream):
    upstream.script(answer("Fine."))
    shell = subprocess.run(["sh", "-c", f"exec {daemon.WEIR} chat --url {upstream.url} Hi <&-"], capture_output=True, timeout=30)
    assert (shell.returncode, shell.stdout, shell.stderr) == (0, b"Fine.\n", b"")


def test_json_is_one_object(chat, upstream):
    upstream.script(answer("Hello", ' "there".\n'))
    status, out, err = chat("--json", "Hi", url=upstream.url).finish()
    assert (status, err) == (0, "") and out.count("\n") == 1
    got = json.loads(out)
    assert got.pop("seconds") > 0 and got.pop("first_token_seconds") > 0 and len(got.pop("request_id")) == 36
    assert got == {"text": 'Hello "there".\n', "model": "gpt-test", "target": got["target"], "finish_reason": "stop", "attempts": 1,
                   "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "cached_tokens": None, "reasoning_tokens": None,
                             "estimated": False},
                   "provider_request_id": None, "error": None}
    assert got["target"].startswith("127.0.0.1")


def test_json_of_a_failure(chat, upstream):
    upstream.script(error(401, "Incorrect API key.", "invalid_request_error", "invalid_api_key"))
    status, out, err = chat("--json", "Hi", url=upstream.url).finish()
    got = json.loads(out)
    assert status == 1 and got["text"] is None
    assert got["error"] == {"kind": "unauthenticated", "type": "server_error", "code": "provider_refused", "param": None, "status": 401,
                            "message": "The provider 127.0.0.1 asks for a key, and none is configured for it (status 401).", "retry_after_ms": None}
    assert "none is configured for it (status 401). (unauthenticated, HTTP status 401, from " in err
    assert err.endswith("weir: it was asked without a key, as OPENAI_API_KEY is not set\n")


def test_without_a_stream(chat, upstream):
    upstream.script(reply(200, bodies.completion("In one piece.")))
    assert chat("--no-stream", "Hi", url=upstream.url).finish() == (0, "In one piece.\n", "")
    assert not upstream.wait_requests(1)[0].json().get("stream")


def test_limit_of_models_that_reason(chat, upstream):
    refusal = {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model.", "type": "invalid_request_error",
                         "param": "max_tokens", "code": "unsupported_parameter"}}
    upstream.script(reply(400, refusal), answer("Thought."))
    assert chat("--max-tokens", "50", "Hi", url=upstream.url).finish() == (0, "Thought.\n", "")
    first, second = (r.json() for r in upstream.wait_requests(2))
    assert first["max_tokens"] == 50 and "max_completion_tokens" not in first
    assert second["max_completion_tokens"] == 50 and "max_tokens" not in second


def test_answers_that_end_early_say_so(chat, upstream):
    upstream.script(answer("Cut", finish="length"), answer(finish="stop"))
    assert chat("Hi", url=upstream.url).finish() == (
        0, "Cut\n", "weir: the answer stops here because it has reached its limit of tokens\n")
    assert chat("Hi", url=upstream.url).finish() == (0, "", "weir: the answer is empty\n")


def test_usage_when_asked(chat, upstream):
    upstream.script(answer("Hi."))
    status, out, err = chat("--usage", "Hi", url=upstream.url).finish()
    assert (status, out) == (0, "Hi.\n")
    assert err.startswith("9 + 3 tokens, ") and ", gpt-test by 127.0.0.1" in err and "\033" not in err


# ---- streams and their ends ----

def test_shows_the_answer_before_its_end(chat, upstream):
    gate = threading.Event()
    events = bodies.stream("First,", " last.")
    upstream.script(sse(events[:2] + [gate] + events[2:]))
    c = chat("Hi", url=upstream.url)
    assert c.process.stdout.read(6) == b"First,"
    gate.set()
    assert c.finish()[:2] == (0, " last.\n")


def test_a_cut_answer_says_so(chat, upstream):
    upstream.script(sse(bodies.stream("Half an ", "answer")[:3], end="cut"))
    status, out, err = chat("Hi", url=upstream.url).finish()
    assert (status, out) == (1, "Half an answer\n")
    assert err.startswith("weir: the answer was cut off here\nweir: ") and "(interrupted, " in err


def test_provider_that_is_down(chat, tmp_path):
    kept, port = refused_port()
    (tmp_path / "w.yaml").write_text(f"retry: {{retries: 0}}\nproviders: {{down: {{kind: openai, url: 'http://127.0.0.1:{port}/v1'}}}}\nmodels: {{'*': down}}\n")
    with kept:
        status, out, err = chat("-c", "w.yaml", "Hi").finish()
    assert (status, out) == (1, "")
    assert err.startswith("weir: Unable to connect") and "connection refused" in err and "(unreachable, " in err


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_a_strangers_configuration_is_not_read_unasked(chat, upstream, tmp_path):
    (tmp_path / "weir.yaml").write_text(f"providers: {{p: {{kind: openai, url: '{upstream.url}', key: '${{SECRET}}'}}}}\nmodels: {{'*': p}}\n")
    upstream.always(answer("Yes."))
    assert chat("Hi", env={"SECRET": "s"}).finish()[:2] == (0, "Yes.\n")
    os.chown(tmp_path / "weir.yaml", 1, -1)
    status, out, err = chat("Hi", env={"SECRET": "s"}).finish()
    assert (status, out) == (1, "")
    assert err == "weir: weir.yaml in this folder belongs to another user, so it is not read unasked; --config weir.yaml reads it\n"
    assert chat("Hi", "-c", "weir.yaml", env={"SECRET": "s"}).finish()[:2] == (0, "Yes.\n")
    assert len(upstream.requests) == 2


def test_bad_key_shows_no_key(chat, upstream):
    upstream.script(error(401, "Incorrect API key provided: sk-wr***ng.", "invalid_request_error", "invalid_api_key"))
    status, out, err = chat("Hi", url=upstream.url, env={"OPENAI_API_KEY": "sk-wrong-and-long"}).finish()
    assert (status, out) == (1, "") and "unauthenticated, HTTP status 401" in err and "sk-wr" not in err


def test_a_long_refusal_is_told_on_one_line(chat, upstream):
    upstream.script(error(400, "no\nweir: yes\n" + "ü" * 50_000))
    status, _, err = chat("Hi", url=upstream.url).finish()
    assert status == 1 and len(err.splitlines()) == 2 and len(err) < 3000
    assert "reason: no weir: yes üü" in err and "ü… (invalid" in err


def test_messages_of_a_provider_cannot_steer_the_terminal(chat, upstream):
    upstream.script(error(400, "no\033]0;title\a \033[2Jway\x9b31m", "invalid_request_error"))
    status, out, err = chat("Hi", url=upstream.url).finish()
    assert status == 1 and "reason: no way" in err and "\033" not in err and "\x9b" not in err


def test_interrupt_ends_with_130(chat, upstream):
    upstream.script(sse(bodies.stream("Half")[:2], end="stall"))
    c = chat("Hi", url=upstream.url)
    assert c.process.stdout.read(4) == b"Half"
    c.process.send_signal(signal.SIGINT)
    assert c.finish() == (130, "\n", "")
    assert upstream.wait_requests(1)[0].wait_closed()


def test_terminate_ends_as_the_signal_does(chat, upstream):
    upstream.script(sse(bodies.stream("Half")[:2], end="stall"))
    c = chat("Hi", url=upstream.url)
    assert c.process.stdout.read(4) == b"Half"
    c.process.terminate()
    assert c.finish()[0] == -signal.SIGTERM


def test_closed_stdout_ends_the_call(chat, upstream):
    upstream.script(sse(bodies.stream(*["word "] * 100000), end="stall"))
    c = chat("Hi", url=upstream.url)
    assert c.process.stdout.read(4) == b"word"
    c.process.stdout.close()
    assert c.process.wait(30) == 1 and c.process.stderr.read() == b""
    assert upstream.wait_requests(1)[0].wait_closed()


def test_full_disk_is_told(upstream, tmp_path):
    upstream.script(answer("Hi."))
    with open("/dev/full", "wb") as full:
        done = subprocess.run([daemon.WEIR, "chat", "--url", upstream.url, "Hi"], stdin=subprocess.DEVNULL, stdout=full,
                              stderr=subprocess.PIPE, env=environment(tmp_path), cwd=tmp_path, timeout=30)
    assert (done.returncode, done.stderr) == (1, b"weir: cannot write to standard output: No space left on device\n")


def test_a_slow_reader_holds_the_stream_back_and_can_interrupt(chat, upstream):
    upstream.script(sse(bodies.stream(*["x" * 1000] * 30000), end="stall"))
    c = chat("Hi", url=upstream.url)
    assert c.process.stdout.read(1) == b"x"
    request = upstream.wait_requests(1)[0]
    assert upstream.wait_held(request, c.process.pid) < 30_000_000  # 36 MB would be all of it
    c.process.send_signal(signal.SIGINT)
    assert c.finish()[0] == 130


# ---- whom to ask ----

def test_simulator_says_that_it_answers(chat):
    status, out, err = chat("-m", "sim/echo", "Hello").finish()
    assert (status, out) == (0, "You said: Hello\n") and err.startswith("weir: the built-in simulator answers: ")
    assert chat("-q", "Hello").finish() == (0, "You said: Hello\n", "")


def test_through_a_gateway(chat, weir, upstream):
    upstream.script(error(503), answer("Through", " a gateway."))
    w = weir(upstream)
    assert chat("Hi", env={"OPENAI_BASE_URL": w.base_url}).finish() == (0, "Through a gateway.\n", "")


@pytest.mark.parametrize("env, says", [
    ({"OPENAI_BASE_URL": "nowhere"}, "weir: OPENAI_BASE_URL: a URL begins with https://, http:// or unix:/\n"),
    ({"OPENAI_API_KEY": "a b"}, "weir: OPENAI_API_KEY: its value holds a character at byte 2 that no key may hold"),
])
def test_the_environment_is_named_that_is_wrong(chat, env, says):
    status, out, err = chat("Hi", env=env).finish()
    assert (status, out) == (1, "") and err.startswith(says)
    if "OPENAI_API_KEY" in env:
        status, out, err = chat("Hi", "--url", "http://127.0.0.1:9/v1", env=env).finish()
        assert (status, out) == (1, "") and err.startswith(says)


# ---- one question at a terminal ----

def test_one_question_at_a_terminal(terminal, upstream):
    gate = threading.Event()
    events = bodies.stream("\033[31mFirst,", " last.", usage=bodies.USAGE)
    upstream.script(sse(events[:2] + [gate] + events[2:]))
    t = terminal("chat", "--url", upstream.url, "Hi")
    t.wait_screen("^First,$")
    gate.set()
    assert t.wait_exit() == 0
    assert t.lines()[0] == "First, last." and b"\033[31m" not in t.transcript
    assert t.lines()[1].startswith("9 + 3 tokens, ") and not any(t.lines()[2:])


def test_interrupt_at_a_terminal_ends_with_130(terminal, upstream):
    upstream.script(sse(bodies.stream("Half")[:2], end="stall"))
    t = terminal("chat", "--url", upstream.url, "Hi")
    t.wait_screen("^Half$")
    t.press("ctrl-c")
    assert t.wait_exit() == 130
    assert t.cursor() == (1, 0)


# ---- the conversation ----

@pytest.fixture
def talk(terminal, upstream):
    """talk(…) starts a conversation with the upstream in a terminal."""
    def start(*args, **options):
        t = terminal("chat", "--url", upstream.url, *args, **options)
        t.wait_screen(r"^> $|^>$")
        return t
    return start


def say(t, text):
    t.send(text + "\r")


def test_a_conversation(talk, upstream):
    upstream.script(answer("One."), answer("Two."))
    t = talk("--system", "Be brief.")
    say(t, "one?")
    t.wait_screen(r"^> one\?\nOne\.\n9 \+ 3 tokens, .*, gpt-test by 127\.0\.0\.1.*(\n.*)*\n>$")
    say(t, "zwei? ü 日本")
    t.wait_screen(r"^Two\.\n(.*\n)*>$")
    t.press("ctrl-d")
    assert t.wait_exit() == 0
    assert messages(upstream.wait_requests(2)[1]) == [("system", "Be brief."), ("user", "one?"), ("assistant", "One."), ("user", "zwei? ü 日本")]


def test_interrupt_stops_the_answer_and_not_the_program(talk, upstream):
    upstream.script(sse(bodies.stream("Half of")[:2], end="stall"), answer("Whole."), answer("More."))
    t = talk()
    say(t, "Hi")
    t.wait_screen("^Half of$")
    t.press("ctrl-c")
    t.wait_screen(r"^Half of\nstopped; what came of it \(about \d+ \+ 2 tokens\) is kept, /retry asks again\n>$")
    assert upstream.wait_requests(1)[0].wait_closed()
    say(t, "Go on")
    t.wait_screen(r"^Whole\.\n(.*\n)*>$")
    assert messages(upstream.wait_requests(2)[1]) == [("user", "Hi"), ("assistant", "Half of"), ("user", "Go on")]
    say(t, "/save t.md")
    t.wait_screen("saved to t.md")
    say(t, "/retry")
    t.wait_screen(r"^More\.\n(.*\n)*>$")
    assert messages(upstream.wait_requests(3)[2]) == [("user", "Hi"), ("assistant", "Half of"), ("user", "Go on")]
    say(t, "/exit")
    assert t.wait_exit() == 0


def test_interrupt_clears_the_line(talk, upstream):
    upstream.script(answer("Fine."))
    t = talk()
    t.send("something")
    t.wait_screen("^> something$")
    t.press("ctrl-c")
    t.wait_screen(r"^> something\n>$")
    t.press("ctrl-c")
    t.wait_screen(r"^Ctrl-D or /exit leaves\n>$")
    say(t, "Hi")
    t.wait_screen(r"^Fine\.\n.*\n>$")  # Ctrl-D is none before there is a prompt
    assert messages(upstream.wait_requests(1)[0]) == [("user", "Hi")]
    t.press("ctrl-d")
    assert t.wait_exit() == 0


def test_the_line_editor_is_loaded_for_a_conversation_alone(talk, weir, upstream):
    def libraries(process):
        with open(f"/proc/{process.pid}/maps") as maps:
            return maps.read()
    assert "libedit" in libraries(talk().process)
    assert "libedit" not in libraries(weir(upstream).process)


def test_history_lasts(talk, upstream, tmp_path):
    upstream.always(answer("Yes."))
    state = tmp_path / "state"
    t = talk(env={"XDG_STATE_HOME": str(state)})
    for text in ("first", "second", "first"):
        say(t, text)
        t.wait_screen(rf"^> {text}\nYes\.\n9.*\n(.*\n)?>$")
        say(t, "/reset")
        t.wait_screen(r"^a new conversation\n>$")
    t.press("ctrl-d")
    assert t.wait_exit() == 0
    path = state / "weir" / "chat_history"
    assert path.stat().st_mode & 0o777 == 0o600
    t = talk(env={"XDG_STATE_HOME": str(state)})
    t.press("up")
    t.wait_screen("^> /reset$")
    t.press("up")
    t.wait_screen("^> first$")
    t.press("up")
    t.wait_screen("^> second$")  # and no second "first"
    t.press("up")
    t.press("down", "down")
    t.wait_screen("^> /reset$")
    t.press("ctrl-c", "ctrl-d")
    assert t.wait_exit() == 0
    t = talk(env={"XDG_STATE_HOME": str(state), "WEIR_CHAT_HISTORY": ""})
    before = path.read_text()
    t.press("up")
    say(t, "unseen")
    t.wait_screen(r"^> unseen\nYes\.\n(.*\n)*>$")
    t.press("ctrl-d")
    assert t.wait_exit() == 0
    assert path.read_text() == before


def test_tab_completes(talk, upstream, tmp_path):
    (tmp_path / "größe.txt").write_text("a metre\n")
    (tmp_path / "other.txt").write_text("x")
    upstream.script(answer("One."))
    t = talk(cwd=tmp_path)
    t.send("/fi\t")
    t.wait_screen("^> /file$")
    t.send("g\t")
    t.wait_screen("^> /file größe.txt$")
    t.press("enter")
    t.wait_screen("with the next question: 1 file, 8 bytes\n(.*\n)*>$")
    t.send("/s\t")
    t.wait_screen(r"^> /s\nsave +system *\n> /s$")
    t.press("ctrl-c")
    say(t, "How big?")
    t.wait_screen("^One.$")
    assert messages(upstream.wait_requests(1)[0]) == [("user", '<file name="größe.txt">\na metre\n</file>\n\nHow big?')]


def test_several_lines(talk, upstream):
    upstream.always(answer("Yes."))
    t = talk()
    say(t, "one\\")
    t.wait_screen(r"^> one\\\n\.$")
    say(t, "two")
    t.wait_screen("Yes")
    say(t, "/reset")
    say(t, '"""')
    t.wait_screen(r'^> """\n\.$')
    say(t, "/help")
    say(t, 'end"""')
    upstream.wait_requests(2)
    t.wait_screen(r'^\. end"""\nYes\.\n(.*\n)+>$')
    say(t, "/reset")
    t.wait_screen(r"^a new conversation\n>$")
    t.send("\033[200~pasted\rlines\t\033[31mred\r\033[201~")
    t.wait_screen(r"^> pasted\nlines +\[31mred$")
    t.send(" typed\r")
    requests = upstream.wait_requests(3)
    assert [messages(r)[-1][1] for r in requests] == ["one\ntwo", "/help\nend", "pasted\nlines\t[31mred typed"]


def test_what_is_typed_during_an_answer_is_for_the_next_line(talk, upstream):
    gate = threading.Event()
    events = bodies.stream("First,", " last.")
    upstream.script(sse(events[:2] + [gate] + events[2:]), answer("Yes."))
    t = talk("-q")
    say(t, "one?")
    t.wait_screen("^First,$")
    t.send("two?")
    gate.set()
    t.wait_screen(r"^First, last\.\n> two\?$")
    t.press("enter")
    t.wait_screen(r"^> two\?\nYes\.\n>$")


def test_a_block_comes_back_as_it_was(talk, upstream):
    upstream.always(answer("Yes."))
    t = talk()
    say(t, '"""/exit')
    say(t, 'now"""')
    t.wait_screen(r"^Yes\.\n(.*\n)+>$")
    t.press("up")
    t.wait_screen(r'^> """\n/exit\nnow\n"""$')
    t.press("enter")
    assert [messages(r)[-1][1] for r in upstream.wait_requests(2)] == ["/exit\nnow"] * 2


def test_a_long_paste(talk, upstream):
    upstream.script(answer("Yes."))
    t = talk()
    text = "".join(f"line {i}\n" for i in range(8000))
    t.send("before ")
    writer = threading.Thread(target=t.send, args=("\033[200~" + text.replace("\n", "\r") + "\033[201~",))
    writer.start()
    t.wait_screen("line 7999$")
    writer.join()
    t.press("enter")
    t.wait_screen(r"^Yes\.$")
    assert messages(upstream.wait_requests(1)[0]) == [("user", "before " + text.rstrip())]


def test_a_paste_that_is_too_long_is_told(talk, upstream):
    t = talk()
    t.send("kept")
    t.send("\x1b[200~" + "x" * ((1 << 20) + 1) + "\x1b[201~")
    t.wait_screen(r"^weir: what was pasted is longer than a line may be; /file sends more\n> kept$")
    assert not upstream.requests


def test_commands(talk, upstream, tmp_path):
    upstream.always(answer("Yes."))
    t = talk(cwd=tmp_path)
    for typed, shown in [("/help", "/usage +Show calls"), ("/modle x", r"weir: unknown command /modle; did you mean /model\?"),
                         ("/model", "the model is the configuration's"), ("/model m2", "the model is m2"),
                         ("/system Be kind.", r"the system message is: Be kind\."), ("/retry", "weir: nothing was asked yet"), ("/save x", "weir: there is nothing to save yet"),
                         ("/undo", "weir: there is nothing to forget"), ("/file", r"weir: /file needs a value: /file PATH"),
                         ("/file nowhere", "weir: cannot open nowhere: No such file"), ("/etc/passwd?", r"^Yes\.$"),
                         ("two", r"^> two\nYes\.$"), ("/undo", "forgotten; 1 question before it"),
                         ("/save talk.json", "saved to talk.json"), ("/save talk.json", "weir: cannot save to talk.json: File exists"),
                         ("/usage", r"2 calls, 18 \+ 6 tokens, [0-9.]+ s on average, models: gpt-test"), ("/reset", "a new conversation, with the same"),
                         ("/system off", "there is no system message"), ("three", r"^> three\nYes\.$")]:
        say(t, typed)
        t.wait_screen(shown)
        t.wait_screen(r"\n>$")
    assert json.loads((tmp_path / "talk.json").read_text()) == {"messages": [
        {"role": "system", "content": "Be kind."}, {"role": "user", "content": "/etc/passwd?"}, {"role": "assistant", "content": "Yes."}]}
    last = upstream.wait_requests(3)[2]
    assert last.json()["model"] == "m2" and messages(last) == [("user", "three")]
    say(t, "/exit")
    assert t.wait_exit() == 0


def test_a_transcript_that_finds_no_room_leaves_no_file(terminal, upstream, tmp_path):
    upstream.script(answer("All of it: " + "word " * 1000))
    t = terminal(program=["sh", "-c", f"trap '' XFSZ; ulimit -f 1; exec '{daemon.WEIR}' chat --url {upstream.url}"])
    t.wait_screen(r"^>$")
    say(t, "Hi")
    t.wait_screen(r"tokens, .*\n>$")
    say(t, "/save out.md")
    t.wait_screen("^weir: cannot save to out.md: File too large$")
    assert not (tmp_path / "terminal0" / "out.md").exists()


def test_a_conversation_that_is_too_long_for_the_model(talk, upstream):
    upstream.script(answer("One."), error(400, "Too long.", "invalid_request_error", "context_length_exceeded"))
    t = talk()
    say(t, "one?")
    t.wait_screen(r"^One\.\n(.*\n)+>$")
    say(t, "two?")
    t.wait_screen(r"^/reset begins a new conversation, /undo makes this one shorter$")


def test_failures_leave_the_question_for_another_try(talk, upstream):
    upstream.script(error(400, "Not today.", "invalid_request_error"), answer("Now."), sse(bodies.stream("Half")[:2], end="cut"), answer("Whole."))
    t = talk()
    say(t, "Hi")
    t.wait_screen(r"^weir: reason: Not today\. (.*\n)+/retry asks again\n>$")
    say(t, "/retry")
    t.wait_screen(r"^Now\.\n(.*\n)+>$")
    say(t, "More")
    t.wait_screen(r"^Half\nweir: the answer was cut off here\n(.*\n)+/retry asks again\n>$")
    say(t, "/retry")
    t.wait_screen(r"^Whole\.\n(.*\n)+>$")
    requests = upstream.wait_requests(4)
    assert messages(requests[1]) == [("user", "Hi")]
    assert messages(requests[3]) == [("user", "Hi"), ("assistant", "Now."), ("user", "More")]


def test_answers_cannot_steer_the_terminal(talk, upstream):
    upstream.script(answer("safe \033[", "31mred\033]0;ti", "tle\a \xc2", "\u009b2Jtext\r\b", "\033[2J\033[1;1H end"))
    t = talk()
    say(t, "Hi")
    t.wait_screen(r"^safe red .*text end$")
    t.wait_screen(r"\n>$")
    shown = t.transcript[t.transcript.index(b"safe"):t.transcript.index(b" end")]
    assert b"\033" not in shown and b"\x9b" not in shown and b"\b" not in shown


def test_resize_is_harmless(talk, upstream):
    gate = threading.Event()
    events = bodies.stream("before ", "after")
    upstream.script(sse(events[:2] + [gate] + events[2:]), answer("Yes."))
    t = talk("-q", columns=80)
    t.send("x" * 30)
    t.wait_screen("^> x{30}$")
    t.resize(40, 20)
    t.press("backspace")
    t.wait_screen("^> x{29}$")
    assert [line for line in t.lines() if line] == ["> " + "x" * 29]
    t.send("y" * 20)
    t.wait_screen("^> x{29}y{9}\ny{11}$")
    t.press("enter")
    t.wait_screen("^before$")
    t.resize(100, 30)
    gate.set()
    t.wait_screen(r"^before after\n>$")
    say(t, "more")
    t.wait_screen(r"^> more\nYes\.\n>$")  # one prompt, and not two
    t.press("ctrl-d")
    assert t.wait_exit() == 0
    assert messages(upstream.wait_requests(2)[0]) == [("user", "x" * 29 + "y" * 20)]


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}, {"TERM": "no-such-terminal"}, {"LC_ALL": "C"}, {"LC_ALL": "xx_XX"}])
def test_poor_terminals(talk, upstream, env):
    upstream.script(answer("Größe: 3 €"), answer("Yes."))
    t = talk(env=env)
    say(t, "Grüße")
    t.wait_screen(r"^Größe: 3 €$")
    t.wait_screen(r"\n>$")
    t.send("gone")
    t.wait_screen("^> gone$")
    t.press("ctrl-c")
    t.wait_screen(r"\n>$")
    say(t, "more")
    t.wait_screen(r"^Yes\.$")
    t.wait_screen(r"\n>$")
    t.press("ctrl-d")
    assert t.wait_exit() == 0
    assert messages(upstream.wait_requests(2)[1]) == [("user", "Grüße"), ("assistant", "Größe: 3 €"), ("user", "more")]
    if env.get("TERM", "") != "no-such-terminal" and env.get("LC_ALL") is None:
        assert b"\033[1m" not in t.transcript and b"\033[2m" not in t.transcript


def test_conversation_with_the_answers_elsewhere(talk, upstream, tmp_path):
    upstream.script(answer("One.\n"), answer("\033[1mTwo."))
    with open(tmp_path / "out", "wb") as out:
        t = talk(stdout=out)
        say(t, "one?")
        t.wait_screen(r"^> one\?\n>$")
        say(t, "two?")
        t.wait_screen(r"^> two\?\n>$")
        t.press("ctrl-d")
        assert t.wait_exit() == 0
    assert (tmp_path / "out").read_bytes() == b"One.\n\033[1mTwo.\n"


def test_conversation_in_json(talk, upstream, tmp_path):
    upstream.script(answer("One."), error(400, "No.", "invalid_request_error"))
    with open(tmp_path / "out", "wb") as out:
        t = talk("--json", stdout=out)
        say(t, "one?")
        t.wait_screen(r"^> one\?\n>$")
        say(t, "two?")
        t.wait_screen(r"^/retry asks again\n>$")
        t.press("ctrl-d")
        assert t.wait_exit() == 0
    first, second = map(json.loads, (tmp_path / "out").read_text().splitlines())
    assert (first["text"], first["error"], second["text"], second["error"]["message"]) == ("One.", None, None, "No.")


def test_hang_up_ends_it(talk, upstream):
    t = talk()
    t.process.send_signal(signal.SIGHUP)
    assert t.wait_exit() == -signal.SIGTERM


def test_stop_and_go_on(terminal, upstream):
    upstream.script(answer("Yes."))
    t = terminal(program=["bash", "--norc", "--noprofile", "-i"], env={"PS1": "shell: "})
    say(t, f"{daemon.WEIR} chat -q --url {upstream.url}")
    t.wait_screen("^>$")
    t.send("typed")
    t.wait_screen("^> typed$")
    t.press("ctrl-z")
    t.wait_screen(r"Stopped[\s\S]*\nshell:$")
    say(t, "fg")
    t.wait_screen(r"Stopped[\s\S]*\n> typed$")
    t.press("ctrl-z")  # and once more
    t.wait_screen(r"Stopped[\s\S]*Stopped[\s\S]*\nshell:$")
    say(t, "fg")
    t.wait_screen(r"Stopped[\s\S]*Stopped[\s\S]*\n> typed$")
    t.send(" more\r")
    t.wait_screen(r"^Yes\.\n>$")
    assert messages(upstream.wait_requests(1)[0]) == [("user", "typed more")]
    t.press("ctrl-d")
    t.wait_screen(r"\n> \^D\nshell:$")
    say(t, "stty -a")  # the terminal is as it was
    t.wait_screen(r"\bisig icanon .*\becho\b[\s\S]*\nshell:$")
    t.wait_screen(r"susp = \^Z")


# ---- waits -------------------------------------------------------------------------------------------------------------


def test_a_wait_is_told(chat, upstream):
    upstream.script(error(429, "Slow down.", headers={"Retry-After": "1"}), answer("Hi."))
    status, out, err = chat("Hello", url=upstream.url).finish()
    assert (status, out, err) == (0, "Hi.\n", "rate limited, again in 1 s\n")


def test_a_wait_is_not_told_to_who_wants_quiet(chat, upstream):
    upstream.script(error(429, "Slow down.", headers={"Retry-After": "1"}), answer("Hi."))
    assert chat("-q", "Hello", url=upstream.url).finish() == (0, "Hi.\n", "")


# ---- the last conversation -----------------------------------------------------------------------------------------------


def test_a_conversation_goes_on(talk, chat, upstream, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    upstream.script(*(answer(f"{n}.") for n in ("One", "Two", "Three", "Four")))
    t = talk("--system", "Be brief.", home=home)
    say(t, "first?")
    t.wait_screen(r"^One\.\n(.*\n)*>$")
    t.press("ctrl-d")
    assert t.wait_exit() == 0
    t = talk("-C", home=home)
    t.wait_screen(r"it goes on: 1 question so far, the last: first\?")
    say(t, "second?")
    t.wait_screen(r"^Two\.\n(.*\n)*>$")
    said = [("system", "Be brief."), ("user", "first?"), ("assistant", "One."), ("user", "second?")]
    assert messages(upstream.wait_requests(2)[1]) == said
    say(t, "/retry")
    t.wait_screen(r"^Three\.\n(.*\n)*>$")
    t.press("ctrl-d")
    assert t.wait_exit() == 0
    # Through pipes, too; and the answer that replaced the other is the one that was kept.
    assert chat("--continue", "third?", url=upstream.url, env={"XDG_STATE_HOME": str(home)}).finish() == (0, "Four.\n", "")
    assert messages(upstream.wait_requests(4)[3]) == [*said, ("assistant", "Three."), ("user", "third?")]


def test_what_a_script_asks_is_not_kept(chat, upstream, tmp_path):
    upstream.script(answer("Hi."))
    assert chat("Hello", url=upstream.url).finish()[0] == 0
    assert not list(tmp_path.rglob("chat_last*"))
    assert chat("-C", "More", url=upstream.url).finish() == (1, "", "weir: chat: there is no conversation to go on with\n")
    status, _, err = chat("-C", "More", url=upstream.url, env={"WEIR_CHAT_HISTORY": ""}).finish()
    assert (status, err) == (1, "weir: chat: conversations are kept nowhere (WEIR_CHAT_HISTORY)\n")


# ---- pictures ------------------------------------------------------------------------------------------------------------


PICTURE = b"GIF89a" + bytes(range(7))
PART = {"type": "image_url", "image_url": {"url": "data:image/gif;base64," + base64.b64encode(PICTURE).decode()}}


def test_pictures_go_along(chat, upstream, tmp_path):
    (tmp_path / "a.png").write_bytes(PICTURE)  # what it is is told by its bytes
    upstream.script(answer("Two dots."))
    assert chat("-a", "a.png", "--attach", "a.png", "What is this?", url=upstream.url).finish() == (0, "Two dots.\n", "")
    assert upstream.requests[0].json()["messages"] == [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, PART, PART]}]


def test_what_is_no_picture_is_not_sent(chat, upstream, tmp_path):
    (tmp_path / "notes.txt").write_text("words")
    status, out, err = chat("-a", "notes.txt", "What is this?", url=upstream.url).finish()
    assert (status, out, err) == (1, "", "weir: chat: notes.txt is no picture in PNG, JPEG, GIF or WebP; -f sends text\n")


def test_a_picture_stays_in_the_conversation(talk, upstream, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "a.gif").write_bytes(PICTURE)
    upstream.script(answer("Dots."), answer("Two."), answer("Red."))
    t = talk(home=home)
    say(t, "/image a.gif")
    t.wait_screen("with the next question: 1 picture")
    say(t, "What?")
    t.wait_screen(r"^Dots\.\n(.*\n)*>$")
    say(t, "How many?")
    t.wait_screen(r"^Two\.\n(.*\n)*>$")
    t.press("ctrl-d")
    assert t.wait_exit() == 0
    t = talk("-C", home=home)
    say(t, "Which colour?")
    t.wait_screen(r"^Red\.\n(.*\n)*>$")
    first = {"role": "user", "content": [{"type": "text", "text": "What?"}, PART]}
    for request in upstream.wait_requests(3):
        assert request.json()["messages"][0] == first
    assert [m["content"] for m in upstream.requests[2].json()["messages"][1:]] == ["Dots.", "How many?", "Two.", "Which colour?"]
