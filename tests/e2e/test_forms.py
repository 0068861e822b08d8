"""Answers in another form than the one that was asked for, or in other words, as their clients want them."""

import json

import pytest

import bodies
import wire
from upstream import reply, sse


@pytest.mark.parametrize("native, word", [("end_turn", "stop"), ("MAX_TOKENS", "length"), ("tool_use", "tool_calls"),
                                          ("SAFETY", "content_filter"), ("of_a_kind_to_come", "stop")])
def test_foreign_finish_reasons(weir, upstream, native, word):
    plain = json.dumps(bodies.completion("Hi")).replace('"finish_reason": "stop"', f'"finish_reason":  "{native}"')
    last = json.dumps(bodies.chunk(finish=native), indent=None)
    upstream.script(reply(200, plain), sse([json.dumps(bodies.chunk("Hi")), last]))
    w = weir(upstream)
    beside = f'"{word}","native_finish_reason":"{native}"'
    answer = wire.chat(w)
    assert answer.body.decode() == plain.replace(f'"{native}"', beside)  # and nothing else is changed
    assert w.wait_call(answer.header("x-request-id"))["finish_reason"] == word
    answer = wire.chat(w, stream=True)
    assert answer.named_events()[1][1] == last.replace(f'"{native}"', beside)
    assert answer.events()[-1] == "[DONE]" and answer.complete
