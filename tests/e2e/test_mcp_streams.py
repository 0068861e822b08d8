"""MCP servers over HTTP whose streams end: what changed meanwhile, answers that are polled for, sessions that nobody knows."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import daemon
import mcp_streams
from mcp_streams import Streams
from test_functions import call as calling_of, calling, run as ask, saying
from test_mcp_client import figure, tool_of


@pytest.fixture
def serving(weir, upstream):
    """A function that starts a weir whose tools are those of the server."""
    places = []

    def start(streams, **tool):
        place = mcp_streams.served(streams)
        places.append(place)
        return weir(upstream, tools={"odd": {"kind": "mcp", "url": place.__enter__(), **tool}})

    yield start
    for place in places:
        place.__exit__(None, None, None)


def has(w, upstream, name):
    return tool_of(w, upstream, name) == f"{name} answers"


@pytest.mark.parametrize("modern", [True, False])
def test_a_list_that_changed_while_nobody_heard_it(serving, upstream, modern):
    s = Streams(modern)
    w = serving(s)
    assert s.heard.wait(20) and has(w, upstream, "first")
    lists = s.count("tools/list")
    s.tools = ["second"]
    s.break_off()
    daemon.wait_until(lambda: has(w, upstream, "second"), 30, "it goes by the list that was")
    assert s.heard.is_set() and s.count("tools/list") == lists + 1


@pytest.mark.parametrize("modern", [True, False])
def test_a_proxy_that_has_no_server_for_a_while_is_listened_to_again(serving, upstream, modern):
    s = Streams(modern)
    s.listening = 503
    w = serving(s)
    listens = "subscriptions/listen" if modern else "GET"
    daemon.wait_until(lambda: s.count(listens), 20, "it does not listen")
    s.tools, s.listening = ["second"], 200
    daemon.wait_until(lambda: has(w, upstream, "second"), 30, "it goes by the list that was")
    assert s.heard.wait(20)


def test_a_session_that_is_over_is_noticed_by_who_listens(serving, upstream):
    s = Streams()
    s.session = "one"
    w = serving(s)
    assert s.heard.wait(20) and has(w, upstream, "first")
    s.tools, s.session = ["second"], "two"
    s.break_off()
    daemon.wait_until(lambda: s.count("initialize") == 2, 20, "it keeps to the session that was")
    daemon.wait_until(lambda: has(w, upstream, "second"), 20, "it goes by the list that was")


@pytest.mark.parametrize("how", [{"retry": 0}, {"retry": 300}, {"moves": True}])
def test_an_answer_that_is_polled_for(serving, upstream, how):
    s = Streams()
    w = serving(s)
    assert has(w, upstream, "first")
    s.polls = 12
    for name, value in how.items():
        setattr(s, name, value)
    began = time.monotonic()
    assert tool_of(w, upstream, "first") == "at last"
    assert time.monotonic() - began >= 12 * max(how.get("retry", 0), 200) / 1000  # not before the server said
    assert len([e for e in s.asked if e == "same" or e.isdigit()]) == 12


def test_an_answer_that_does_not_go_on_is_given_up(serving, upstream):
    s = Streams()
    w = serving(s)
    s.polls = 12
    assert "its stream ended without an answer" in tool_of(w, upstream, "first")
    assert s.count("same") == 5


def test_sessions_that_are_not_known_are_not_opened_without_end(serving, upstream):
    s = Streams()
    s.session, s.knows = "one", False
    w = serving(s)
    assert w.wait_event("mcp_server_down")["reason"] == "it does not know the session that it has just opened"
    daemon.wait_until(lambda: figure(w, "weir_mcp_server_losses_total") >= 3, 30, "it is not tried again")
    assert s.count("initialize") <= figure(w, "weir_mcp_server_losses_total") + 1
    s.knows = True
    daemon.wait_until(lambda: has(w, upstream, "first"), 60, "it is not there again")


def test_a_connection_that_cannot_be_had_takes_no_other_call_along(serving, upstream):
    s = Streams()
    s.closes = True
    w = serving(s)
    assert has(w, upstream, "first")
    s.waits = threading.Event()
    call = calling(calling_of("first", "{}"))
    upstream.script(call, call, saying("Done."), saying("Done."))
    with ThreadPoolExecutor(1) as others:
        waiting = others.submit(ask, w)
        daemon.wait_until(lambda: s.count("waits"), 20, "the call does not get there")
        (step,) = ask(w).json()["steps"]
        assert "it cannot be reached" in step["error"]
        s.waits.set()
        (step,) = waiting.result(60).json()["steps"]
        assert step["result"] == "first answers"


def tries_to_connect(port):
    with open("/proc/net/tcp", encoding="ascii") as f:
        return any(line.split()[2:4] == [f"0100007F:{port:04X}", "02"] for line in f)


def test_calls_that_only_try_to_connect_do_not_keep_a_server_up(weir, upstream):
    """It is gone, which the first call that is refused tells, though another is still trying."""
    s = Streams()
    s.closes, s.listening = True, 405
    with mcp_streams.served(s) as url:
        port = int(url.split(":")[2].split("/")[0])
        w = weir(upstream, tools={"odd": {"kind": "mcp", "url": url}})
        assert has(w, upstream, "first")
    call = calling(calling_of("first", "{}"))
    upstream.script(call, call, saying("Done."), saying("Done."))
    with ThreadPoolExecutor(1) as others, socket.socket() as full, socket.socket() as filling:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind(("127.0.0.1", port))
        full.listen(0)
        filling.connect(("127.0.0.1", port))
        trying = others.submit(ask, w)
        daemon.wait_until(lambda: tries_to_connect(port), 20, "the call does not try")
        full.close()  # the call that tries would notice it when its SYN is sent again, after a second
        (step,) = ask(w).json()["steps"]
        assert "it cannot be reached" in step["error"], step
        (step,) = trying.result(60).json()["steps"]
        assert "it cannot be reached" in step["error"] and step["ms"] < 900, step
        daemon.wait_until(lambda: figure(w, "weir_mcp_server_down") == 1, 10, "it is not told")
