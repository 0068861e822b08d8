"""Foreign pages in a real browser, which is on weir's own machine: what they make it send reaches no provider, and a page
whose name leads to weir by now reads nothing."""

import http.server
import re
import subprocess
import threading

import pytest

import bodies
from test_docs_page import BROWSER
from upstream import reply

# Whatever a page can have sent without being allowed to, one after the other, and what it hears of it.
PAGE = """<!doctype html><title>A page</title><ol></ol><script>
const weir = "http://WEIR", call = JSON.stringify({model: "m", messages: [{role: "user", content: "x"}]});
const element = (name, path) => new Promise((resolve, reject) => {
  const e = Object.assign(document.createElement(name), {onload: resolve, onerror: reject, src: weir + path});
  document.head.append(e);
});
const ways = {
  image: () => element("img", "/v1/files?image"),
  script: () => element("script", "/v1/files?script"),
  models: () => element("img", "/v1/models"),
  get: () => fetch(weir + "/v1/files?get", {mode: "no-cors"}).then(r => r.text()),
  read: () => fetch(weir + "/v1/files?read").then(r => r.text()),
  form: () => fetch(weir + "/v1/files", {method: "POST", mode: "no-cors", body: new FormData()}).then(r => r.text()),
  typeless: () => fetch(weir + "/v1/chat/completions", {method: "POST", mode: "no-cors", body: new Blob([call])}).then(r => r.text()),
  json: () => fetch(weir + "/v1/chat/completions", {method: "POST", body: call, headers: {"content-type": "application/json"}}).then(r => r.text()),
};
(async () => {
  for (const [name, ask] of Object.entries(ways))
    document.querySelector("ol").innerHTML += `<li>${name}: ${await ask().then(text => `[${text}]`, () => "failed")}</li>`;
  document.title = "Done";
})();
</script>"""


@pytest.fixture
def page():
    """Serves PAGE to a browser: page.text, page.port."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.server.text.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def browse(tmp_path):
    """The document at a URL after its scripts have run. Every name under .example leads to this machine."""
    def open_url(url):
        return subprocess.run([*BROWSER, f"--user-data-dir={tmp_path}/browser", "--host-resolver-rules=MAP *.example 127.0.0.1",
                               "--virtual-time-budget=10000", "--dump-dom", url],
                              capture_output=True, text=True, timeout=120, check=True).stdout
    return open_url


def heard(dom):
    assert "<title>Done</title>" in dom
    return dict(re.findall(r"<li>(\w+): (.*?)</li>", dom))


def test_what_a_foreign_page_sends_reaches_no_provider(weir, upstream, page, browse):
    w = weir(upstream, passthrough=["/v1/files"])
    page.text = PAGE.replace("WEIR", f"localhost:{w.port}")
    told = heard(browse(f"http://evil.example:{page.port}/"))
    assert set(told.values()) <= {"failed", "[]"} and len(told) == 8
    assert not upstream.requests
    refused = {name: sum(v for k, v in w.metrics().items() if k.startswith("weir_errors_total") and f'"{name}"' in k)
               for name in ("forbidden", "unsupported_media_type")}
    assert refused == {"forbidden": 6, "unsupported_media_type": 1}  # the eighth is never sent: its question is not answered


def test_a_page_that_is_named_calls_and_reads(weir, upstream, page, browse):
    upstream.always(reply(200, bodies.completion("Hi.")))
    w = weir(upstream, passthrough=["/v1/files"], cors={"origins": [f"http://app.example:{page.port}"]})
    page.text = PAGE.replace("WEIR", f"localhost:{w.port}")
    told = heard(browse(f"http://app.example:{page.port}/"))
    assert "Hi." in told["read"] and "Hi." in told["json"]


def test_a_name_that_leads_to_weir_by_now_reads_nothing(weir, upstream, browse):
    w = weir(upstream)
    for path in ("/docs", "/metrics", "/health", "/v1/models"):
        dom = browse(f"http://evil.example:{w.port}{path}")
        assert "host_not_allowed" in dom and "server.hosts" in dom
    assert "host_not_allowed" not in browse(f"http://localhost:{w.port}/docs")
    assert not upstream.requests
