"""What an audit trail keeps of what was asked and answered: without secrets, encrypted, and bound to its record."""

import base64
import hashlib
import hmac
import json
import random
import subprocess

import pytest

import bodies
import daemon
import wire
from test_audit import CHAT, KEY, audited, records, request, verified
from test_sdk_python import RESPONSE
from test_usage_cli import run
from upstream import error, reply, sse

MAIL, CARD, TOKEN = "ada.lovelace@example.org", "4111 1111 1111 1111", "ghp_" + "x7Kq2LmPz9RtYb4Wd8NcVf3HsJ6GaEo1Ui5T"
SECRETS = [MAIL, CARD, "4111111111111111", TOKEN]


def keeping(upstream, tmp_path, **over):
    return audited(upstream, tmp_path, **daemon.merged({"audit": {"bodies": "redacted"}}, over))


def opened(w, *args):
    """The texts of each call's record, in the order in which they were asked."""
    lines = run(w.directory, "audit", "export", "-c", w.config_path, "--kind", "call", "--bodies", *args).splitlines()
    return [r.get("bodies", {}) for r in sorted(map(json.loads, lines), key=lambda r: r["call"]["request_id"])]


def said(body):
    """The texts of an answer, by choice and kind."""
    return {(t["choice"], t["item"], t["kind"]): t["text"] for t in json.loads(body["text"])}


def all_bytes(folder):
    return b"".join(f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file())


@pytest.mark.parametrize("key", [None, KEY])
def test_what_was_asked_and_answered_is_kept_without_what_is_secret(weir, upstream, tmp_path, key):
    text = f"mail {MAIL}, pay with {CARD}, use {TOKEN}; as bad as a bomb"
    upstream.script(reply(200, bodies.completion(f"wrote to {MAIL}")),
                    sse(bodies.stream("wrote to ada.love", "lace@exam", "ple.org and ghp_", TOKEN[4:20], TOKEN[20:], ".")))
    w = weir(keeping(upstream, tmp_path, **({"audit": {"key": key}} if key else {})))
    asked = {"messages": [{"role": "user", "content": text}], "note": MAIL, "metadata": {TOKEN: 4111111111111111}}
    plain = wire.chat(w, **asked)
    stream = wire.chat(w, **asked, stream=True)
    assert plain.status == stream.status == 200
    w.stop()
    report = verified(tmp_path, *(["-c", w.config_path] if key else []))
    assert report["whole"]
    first, second = opened(w)
    for body in (first, second):
        kept = body["prompt"]["text"]
        assert "mail [EMAIL_1], pay with [CARD_1], use [GITHUB" in kept and "as bad as a bomb" in kept and '"model":"gpt-test"' in kept.replace(" ", "")
        assert not any(s in kept for s in SECRETS) and next(iter(json.loads(kept)["metadata"].values())).startswith("[CARD_")
    assert said(first["answer"]) == {(0, 0, "text"): "wrote to [EMAIL_1]"}
    assert said(second["answer"])[0, 0, "text"].startswith("wrote to [EMAIL_1] and [GITHUB")
    assert not any(s in second["answer"]["text"] for s in SECRETS)
    stored = all_bytes(tmp_path / "kept")
    assert b"as bad as a bomb" not in stored and not any(s.encode() in stored for s in SECRETS)
    sealed = [r["bodies"] for r in records(tmp_path, "--kind", "call")]
    assert {b["form"] for r in sealed for b in r.values()} == {"zstd+aes-256-gcm" if key else "zstd"}
    assert [("key" in b, "nonce" in b) for r in sealed for b in r.values()] == [(bool(key), bool(key))] * 4
    assert len({b.get("nonce") for r in sealed for b in r.values()}) == (4 if key else 1)


def test_off_nothing_is_kept(weir, upstream, tmp_path):
    upstream.always(reply(200, bodies.completion()))
    w = weir(audited(upstream, tmp_path, audit={"key": KEY}))
    assert wire.chat(w).status == 200
    w.stop()
    assert all("bodies" not in r for r in records(tmp_path))
    assert opened(w) == [{}]


def test_a_stream_is_kept_as_it_would_be_plain_wherever_it_is_cut(weir, upstream, tmp_path):
    text = f"Dear {MAIL}, the token {TOKEN} and the card {CARD} are \u00e4ltlich \U0001f600 and done."
    rng, ways = random.Random(15), [[text]]
    for _ in range(25):
        cuts = sorted(rng.sample(range(1, len(text)), rng.randint(1, 12)))
        ways.append([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)])])
    upstream.script(reply(200, bodies.completion(text)), *[sse(bodies.stream(*way)) for way in ways])
    w = weir(keeping(upstream, tmp_path))
    wire.chat(w)
    for _ in ways:
        assert wire.chat(w, stream=True).status == 200
    w.stop()
    answers = [said(b["answer"]) for b in opened(w)]
    assert len(answers) == len(ways) + 1
    assert all(a == answers[0] for a in answers)
    assert "[EMAIL_1]" in answers[0][0, 0, "text"] and "\u00e4ltlich \U0001f600 and done." in answers[0][0, 0, "text"]


def test_each_text_of_an_answer_is_kept(weir, upstream, tmp_path):
    """Two choices that come by turns, reasoning, a refusal, calls of tools; and of a response what it repeats once."""
    call = lambda **f: {"tool_calls": [{"index": 0, **f}]}  # noqa: E731
    chunks = [bodies.chunk({"role": "assistant", "content": "one "}), bodies.chunk("two ", index=1), bodies.chunk("one"), bodies.chunk(f"{MAIL}", index=1),
              bodies.chunk({"reasoning_content": "hm"}), bodies.chunk({"refusal": "no"}, index=1),
              bodies.chunk(call(id="c", type="function", function={"name": "find", "arguments": '{"mail": "ada.lovelace'})),
              bodies.chunk(call(function={"arguments": '@example.org"}'})), bodies.chunk(finish="tool_calls"), bodies.chunk(finish="stop", index=1)]
    from test_guards import response_stream
    upstream.script(sse(chunks), sse(response_stream("Hello ", f"{MAIL}", " there.")))
    w = weir(keeping(upstream, tmp_path))
    assert wire.chat(w, stream=True, n=2).status == 200
    assert wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": f"to {MAIL}", "stream": True}).status == 200
    w.stop()
    chat, responses = opened(w)
    assert said(chat["answer"]) == {(0, 0, "text"): "one one", (1, 0, "text"): "two [EMAIL_1]", (0, 0, "reasoning"): "hm", (1, 0, "refusal"): "no",
                                    (0, 0, "tool_name"): "find", (0, 0, "tool_arguments"): '{"mail": "[EMAIL_1]"}'}
    assert list(said(responses["answer"]).values()) == ["Hello [EMAIL_1] there."]
    assert "to [EMAIL_1]" in responses["prompt"]["text"]


@pytest.mark.parametrize("blank", ["", " ", "\n", "\r\n\t"], ids=["none", "space", "line", "all"])
def test_arguments_are_read_as_json_and_stay_it(weir, upstream, tmp_path, blank):
    """Whatever blanks are before them."""
    arguments = blank + '{"mail": "ada.lovelace\\u0040example.org", "card": 4111111111111111}'
    call = {"id": "c", "type": "function", "function": {"name": "find", "arguments": arguments}}
    whole = bodies.completion(None)
    whole["choices"][0]["message"]["tool_calls"] = [call]
    upstream.always(reply(200, whole))
    w = weir(keeping(upstream, tmp_path))
    assert wire.chat(w, messages=[{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "user", "content": "hi"}]).status == 200
    w.stop()
    (kept,) = opened(w)
    for text in (said(kept["answer"])[0, 0, "tool_arguments"], json.loads(kept["prompt"]["text"])["messages"][0]["tool_calls"][0]["function"]["arguments"]):
        assert text.startswith(blank + "{") and json.loads(text) == {"mail": "[EMAIL_1]", "card": json.loads(text)["card"]}
        assert json.loads(text)["card"].endswith("[CARD_1]")


@pytest.mark.parametrize("text,shown", [("[Note] SSN 123-45-6789.", "[Note] SSN [US_SSN_1]."), ("{'card': '4111111111111111'}", "{'card': '[CARD_1]'}"),
                                        ("[1] my card is 4111111111111111, ok", "[1] my card is [CARD_1], ok")], ids=["note", "code", "card"])
def test_what_begins_as_json_and_is_none_is_given_no_quotes(weir, upstream, tmp_path, text, shown):
    call = {"id": "c", "type": "custom", "custom": {"name": "f", "input": text}}
    whole = bodies.completion(None)
    whole["choices"][0]["message"]["tool_calls"] = [call]
    upstream.always(reply(200, whole))
    w = weir(keeping(upstream, tmp_path))
    assert wire.chat(w, messages=[{"role": "user", "content": text}, {"role": "assistant", "content": None, "tool_calls": [call]}]).status == 200
    w.stop()
    (kept,) = opened(w)
    messages = json.loads(kept["prompt"]["text"])["messages"]
    assert (messages[0]["content"], messages[1]["tool_calls"][0]["custom"]["input"]) == (shown, shown)
    assert said(kept["answer"])[0, 0, "tool_arguments"].replace("4111[", "[") == shown


def test_what_the_cache_gives_is_kept_as_what_a_provider_gives(weir, upstream, tmp_path):
    """Of a miss, of a hit, and of one in the other form: the same texts."""
    def answer(seen):
        call = {"id": "c", "type": "function", "function": {"name": "find", "arguments": json.dumps({"mail": MAIL})}}
        whole = bodies.completion(f"wrote to {MAIL}")
        whole["choices"][0]["message"]["tool_calls"] = [call]
        return sse(bodies.stream("wrote to ", MAIL)) if seen.json().get("stream") else reply(200, whole)
    upstream.always(answer)
    w = weir(keeping(upstream, tmp_path, cache={"models": ["*"]}))
    plain = [wire.chat(w) for _ in range(2)] + [wire.chat(w, stream=True)]
    streamed = [wire.chat(w, seed=2, stream=True) for _ in range(2)] + [wire.chat(w, seed=2)]
    assert [a.header("x-weir-cache") for a in plain + streamed] == ["miss", "hit", "hit"] * 2
    w.stop()
    kept = [said(b["answer"]) for b in opened(w)]
    assert kept[:3] == [{(0, 0, "text"): "wrote to [EMAIL_1]", (0, 0, "tool_name"): "find", (0, 0, "tool_arguments"): '{"mail": "[EMAIL_1]"}'}] * 3
    assert kept[3:] == [{(0, 0, "text"): "wrote to [EMAIL_1]"}] * 3


def test_the_client_gets_what_guards_put_back_and_the_trail_does_not(weir, upstream, tmp_path):
    upstream.always(lambda seen: reply(200, bodies.completion(seen.json()["messages"][0]["content"])))
    w = weir(keeping(upstream, tmp_path, guard={"in": "redact", "restore": True}))
    answer = wire.chat(w, messages=[{"role": "user", "content": f"write to {MAIL}"}])
    assert answer.json()["choices"][0]["message"]["content"] == f"write to {MAIL}"
    w.stop()
    (kept,) = opened(w)
    assert said(kept["answer"]) == {(0, 0, "text"): "write to [EMAIL_1]"} and "write to [EMAIL_1]" in kept["prompt"]["text"]


def test_who_is_refused_and_when(weir, upstream, tmp_path):
    """What was read is kept, also where it is refused then; what nobody with a key has sent is not, nor what is no JSON."""
    upstream.always(error(400))
    app = "key-of-the-app-0001"
    w = weir(keeping(upstream, tmp_path, clients=[{"name": "app", "key": app}], guard={"in": "block"}))
    from test_audit import post
    ask = lambda content, key: post(w, request(messages=[{"role": "user", "content": content}]), key).status  # noqa: E731
    assert [ask("fine", app), ask(TOKEN, app), ask("anyone's", "key-of-somebody-0001")] == [400, 400, 401]
    assert post(w, b'{"model": "gpt-test", "messages": ', app).status == 400
    w.stop()
    kept = opened(w)
    assert ["prompt" in b for b in kept] == [True, True, False, False] and not any("answer" in b for b in kept)
    assert "fine" in kept[0]["prompt"]["text"] and TOKEN not in kept[1]["prompt"]["text"] and "[GITHUB" in kept[1]["prompt"]["text"]


def test_what_a_provider_says_of_what_it_was_asked_is_redacted(weir, upstream, tmp_path):
    upstream.always(reply(400, {"error": {"message": f"'write to {MAIL} with {TOKEN}' is not allowed", "type": "invalid_request_error"}}))
    w = weir(keeping(upstream, tmp_path))
    refused = wire.chat(w, messages=[{"role": "user", "content": f"write to {MAIL} with {TOKEN}"}])
    assert refused.status == 400 and MAIL in refused.body.decode()  # no guard is in force: its client is told
    line = w.wait_call(refused.header("x-request-id"))
    w.stop()
    record, = records(tmp_path, "--kind", "call")
    assert record["call"]["error_message"] == line["message"]
    assert line["message"].startswith("'write to [EMAIL_1] with [GITHUB") and line["message"].endswith("' is not allowed")
    assert not any(s.encode() in all_bytes(tmp_path / "kept") for s in SECRETS)


def test_nor_is_a_part_of_it_where_that_is_cut(weir, upstream, tmp_path):
    upstream.script(reply(502, f"{'x' * 168} {TOKEN} is no key".encode(), {"Content-Type": "text/plain"}),
                    reply(422, {"detail": [{"loc": ["body"], "msg": f"{'x' * 362} {TOKEN} bad", "type": "t"}]}))
    w = weir(keeping(upstream, tmp_path, retry={"retries": 0}, logs={"level": "debug"}))
    for status in (502, 422):
        answer = wire.chat(w)
        assert answer.status == status and "xxx" in w.wait_call(answer.header("x-request-id"))["message"]
    w.stop()
    for kept in [json.dumps(records(tmp_path, "--kind", "call"), ensure_ascii=False), json.dumps(w.log)]:
        assert "xxx" in kept and TOKEN[4:8] not in kept


def test_what_is_too_long_is_cut_and_says_so(weir, upstream, tmp_path):
    """By its length, and where it does not become small enough; a large request and answer that other threads read, too. What
    may be the beginning of a secret does not stand at the end."""
    rng = random.Random(7)
    noise = base64.b64encode(rng.randbytes(100_000)).decode()
    long = "many words here. " * 30_000
    upstream.script(reply(200, bodies.completion(long)), sse(bodies.stream("x", noise[:60_000], noise[60_000:])), reply(200, bodies.completion("short")),
                    reply(200, bodies.completion("y" * (128 * 1024 - 10) + TOKEN)))
    w = weir(keeping(upstream, tmp_path, audit={"key": KEY}))
    user = lambda text, **more: wire.chat(w, messages=[{"role": "user", "content": text}], **more).status  # noqa: E731
    assert [user(long), user(noise, stream=True), user("short"), user("x")] == [200] * 4
    w.stop()
    assert verified(tmp_path, "-c", w.config_path)["whole"]
    first, second, third, fourth = opened(w)
    for body in (first["prompt"], first["answer"], second["prompt"], second["answer"]):
        assert body["cut"] is True
    assert 128 * 1024 - 4 <= len(first["prompt"]["text"]) <= 128 * 1024 and "many words" in first["answer"]["text"]
    assert 25_000 < len(second["prompt"]["text"]) < 60_000 and noise[:20_000] in second["answer"]["text"]
    assert "cut" not in third["prompt"] and "cut" not in third["answer"]
    assert fourth["answer"]["cut"] and "ghp_x7" not in fourth["answer"]["text"]
    assert max(len(line) for line in (tmp_path / "kept" / "audit-00000001.jsonl").read_bytes().splitlines()) < 128 * 1024


def test_what_has_no_texts_is_kept_as_it_is(weir, upstream, tmp_path):
    upstream.script(reply(200, {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}], "model": "m",
                                "usage": {"prompt_tokens": 1, "total_tokens": 1}, "note": MAIL}))
    tools = {"tools": {"echo": {"kind": "command", "command": ["cat"], "description": "Says it.", "parameters": {"type": "object"}}}}
    w = weir(keeping(upstream, tmp_path, **tools))
    assert wire.call(w, "POST", "/v1/embeddings", {"model": "gpt-test", "input": f"of {MAIL}"}).status == 200
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"to": MAIL}}}
    assert MAIL in wire.call(w, "POST", "/mcp", ask, {"accept": "application/json, text/event-stream"}).body.decode()
    w.stop()
    vectors, tool = opened(w)
    assert '"embedding":[0.5,0.25]' in vectors["answer"]["text"].replace(" ", "") and "of [EMAIL_1]" in vectors["prompt"]["text"]
    assert MAIL not in vectors["answer"]["text"] and "[EMAIL_1]" in vectors["answer"]["text"]
    assert '"to":"[EMAIL_1]"' in tool["prompt"]["text"].replace(" ", "") and "[EMAIL_1]" in tool["answer"]["text"] and MAIL not in tool["answer"]["text"]


# -- the key -------------------------------------------------------------------------------------------------------

@pytest.fixture
def trail(weir, upstream, tmp_path):
    upstream.always(reply(200, bodies.completion("the answer")))
    w = weir(keeping(upstream, tmp_path, audit={"key": KEY}))
    for _ in range(3):
        assert wire.chat(w).status == 200
    w.stop()
    w.file = tmp_path / "kept" / "audit-00000001.jsonl"
    return w


def other_config(tmp_path, key):
    path = tmp_path / "other.yaml"
    path.write_text(json.dumps({"ledger": {"store": f"sqlite:{tmp_path}/kept/ledger.db"}, "audit": {"bodies": "redacted", **({"key": key} if key else {})}}))
    return path


def export(path):
    done = subprocess.run([daemon.WEIR, "audit", "export", "-c", path, "--bodies", "--kind", "call"], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_wrong_key_is_told(trail, tmp_path):
    before = records(tmp_path, "--kind", "call")
    status, stderr, lines = export(other_config(tmp_path, "another-key-of-somebody-0002"))
    assert status == 1 and lines == before  # as they stand in the trail
    key = before[0]["bodies"]["prompt"]["key"]
    assert stderr == f"weir: the prompt of record {before[0]['seq']} is encrypted with the key {key}, which is not that of the configuration (audit.key); it is not the only one\n"
    status, stderr, _ = export(other_config(tmp_path, None))
    assert status == 1 and "and no key is there: audit.key, of the configuration (-c FILE)" in stderr
    assert "another-key" not in stderr and KEY not in stderr


def rehashed(lines):
    """The lines as somebody writes them who computes all hashes anew."""
    before, out = "0" * 64, []
    for line in lines:
        line = line[:line.rindex(b',"prev":')] + b',"prev":"' + before.encode() + b'"'
        before = hashlib.sha256(line).hexdigest()
        out.append(line + b',"hash":"' + before.encode() + b'"}\n')
    return out


def test_what_was_altered_or_moved_does_not_open(trail, tmp_path):
    """Also where whoever did it has computed all hashes anew: the head tells that, and each body by itself."""
    lines = trail.file.read_bytes().splitlines()
    found = [json.loads(line) for line in lines]
    calls = [i for i, r in enumerate(found) if r["kind"] == "call"]
    a, b = (json.dumps(found[i]["bodies"], separators=(",", ":")).encode() for i in calls[:2])
    assert a in lines[calls[0]] and b in lines[calls[1]]
    moved = list(lines)
    moved[calls[0]] = lines[calls[0]].replace(a, b)
    trail.file.write_bytes(b"".join(rehashed(moved)))
    assert export(trail.config_path)[1].startswith(f"weir: the prompt of record {found[calls[0]]['seq']} is encrypted with the key ")
    assert export(trail.config_path)[1].endswith("and does not open: it was altered\n")
    data = found[calls[1]]["bodies"]["answer"]["data"]
    flipped = ("B" if data[20] != "B" else "C").join([data[:20], data[21:]])
    lines[calls[1]] = lines[calls[1]].replace(data.encode(), flipped.encode())
    trail.file.write_bytes(b"".join(rehashed(lines)))
    status, stderr, exported = export(trail.config_path)
    assert status == 1 and f"the answer of record {found[calls[1]]['seq']} is encrypted with the key" in stderr and stderr.endswith("and does not open: it was altered\n")
    assert ["text" in r["bodies"]["answer"] for r in exported] == [True, False, True]


def test_bodies_open_by_what_the_page_says(trail, tmp_path):
    """docs/audit.md has how; here with openssl's and zstd's own programs' libraries, and not with weir."""
    cryptography = pytest.importorskip("cryptography.hazmat.primitives.ciphers.aead")
    r = records(tmp_path, "--kind", "call")[0]
    body = r["bodies"]["answer"]
    nonce = base64.b64decode(body["nonce"])
    of_bodies = hmac.digest(hashlib.sha256(KEY.encode()).digest(), b"weir audit bodies", "sha256")
    own = hmac.digest(of_bodies, nonce, "sha256")
    packed = cryptography.AESGCM(own).decrypt(nonce[12:], base64.b64decode(body["data"]), f"answer of {r['call']['request_id']}".encode())
    assert packed[:4] == b"\x28\xb5\x2f\xfd" and packed.startswith(b"\x28\xb5\x2f\xfd")
    assert body["key"] == hmac.digest(hashlib.sha256(KEY.encode()).digest(), b"weir audit key id", "sha256")[:8].hex()
