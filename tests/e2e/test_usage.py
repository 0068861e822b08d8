"""What a call used where its provider does not say: counted by what was asked and answered."""

import base64

import pytest

import bodies
import wire
from upstream import reply, sse

WORDS = "The harbour was quiet when the last ferry came in, and two men in yellow coats tied the ropes. "
TOKENS = 21  # of it, by OpenAI's vocabulary


def is_about(figure, times):
    """Whether a figure is that of so many times WORDS, as near as an estimate comes to prose."""
    return 0.8 * TOKENS * times < figure < 1.2 * TOKENS * times



def silent(text, n=1):
    """A whole answer without usage."""
    answer = bodies.completion(text)
    del answer["usage"]
    answer["choices"] = [{**answer["choices"][0], "index": i} for i in range(n)]
    return reply(200, answer)


def used(w, answer):
    line = w.wait_call(answer.header("x-request-id"))
    assert line["estimated"] is True and line["total_tokens"] == line["prompt_tokens"] + line["completion_tokens"]
    return line["prompt_tokens"], line["completion_tokens"]


@pytest.mark.parametrize("answer, stream", [
    (silent(WORDS * 4), False),
    (sse(bodies.stream(WORDS * 4)), True),  # one event for all
    (sse(bodies.stream(*WORDS * 4)), True),  # one for each letter
    (sse(bodies.stream(WORDS * 2, WORDS * 2), end="cut"), True),
], ids=["plain", "one event", "letters", "cut"])
def test_an_answer_counts_by_its_words(weir, upstream, answer, stream):
    upstream.script(answer)
    w = weir(upstream)
    prompt, completion = used(w, wire.chat(w, messages=[{"role": "user", "content": WORDS * 10}], stream=stream))
    assert is_about(prompt, 10) and is_about(completion, 4)


def test_all_choices_count(weir, upstream):
    upstream.script(silent(WORDS, n=3))
    w = weir(upstream)
    _, completion = used(w, wire.chat(w, n=3))
    assert is_about(completion, 3)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_picture_counts_by_its_size(weir, upstream, stream):
    """640 x 480: two tiles. Its file is 60 KB of noise."""
    head = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAIAAAA=")
    url = "data:image/png;base64," + base64.b64encode(head + bytes(range(256)) * 240).decode()
    upstream.script(sse(bodies.stream("A harbour.")) if stream else silent("A harbour."))
    w = weir(upstream)
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    prompt, _ = used(w, wire.chat(w, messages=[{"role": "user", "content": content}], stream=stream))
    assert 425 < prompt < 445


def test_noughts_are_no_usage(weir, upstream):
    upstream.script(reply(200, bodies.completion(WORDS, usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})))
    w = weir(upstream)
    _, completion = used(w, wire.chat(w))
    assert is_about(completion, 1)


def test_a_prompt_that_is_told_alone_has_no_words_in_it(weir, upstream):
    upstream.script(reply(200, bodies.completion(WORDS, usage={"prompt_tokens": 77, "completion_tokens": 0, "total_tokens": 77})))
    w = weir(upstream)
    prompt, completion = used(w, wire.chat(w))
    assert prompt == 77 and is_about(completion, 1)


def test_embeddings_have_a_prompt_alone(weir, upstream):
    upstream.script(reply(200, {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]}))
    w = weir(upstream)
    prompt, completion = used(w, wire.call(w, "POST", "/v1/embeddings", {"model": "m", "input": [WORDS, WORDS]}))
    assert is_about(prompt, 2) and completion == 0


def test_chat_tells_that_it_is_an_estimate(weir, upstream):
    upstream.script(silent(WORDS))
    w = weir(upstream)
    told = wire.call(w, "POST", "/chat", {"message": WORDS}).json()["usage"]
    assert told["estimated"] is True and is_about(told["completion_tokens"], 1)


@pytest.mark.parametrize("end", ["cut", "no_done"])
def test_what_comes_after_a_usage_that_is_told_early_is_added(weir, upstream, end):
    """Some tell the prompt with a stream's first chunk; a stream that breaks off has told no more than that."""
    first, *others = bodies.stream(*[WORDS] * 3)
    upstream.script(sse([{**first, "usage": {"prompt_tokens": 77, "completion_tokens": 0, "total_tokens": 77}}, *others], end=end))
    w = weir(upstream)
    prompt, completion = used(w, wire.chat(w, stream=True))
    assert prompt == 77 and is_about(completion, 3)
