#!/usr/bin/env bash
# "Review {{code}}", filled with if (a < b && c == "x"): LangChain for Python has the model review a &lt; b &amp;&amp; c == &quot;x&quot;, that for Node does not.
#
# Versions  langchain-core 1.8.3 with langchain-openai 1.7.4 (Python); @langchain/core 1.4.0 with @langchain/openai 1.6.0 (Node).
# Input     ChatPromptTemplate with template_format (templateFormat) "mustache", which is what prompts of LangSmith's hub may be written in;
#           "f-string" beside it. One variable, filled with a line of C, a line of JSON, and a question with an apostrophe. What
#           arrives at the server is compared with what was filled in.
# Guess     A prompt is no page: what is filled in arrives as it is, whatever the syntax of the template, and the same in both languages.
# Seen      So it is in all but mustache for Python. Its {{code}} writes &, ", < and > as HTML does, so JSON has &quot; for each of its quotes:
#           {"city":"Bern"} is 35 characters instead of 15. In Node LangChain has switched this off. {{{code}}} leaves the
#           text alone in both, {{&code}} in Python; the {{.}} of a list is escaped too.
# Matters   A model mostly understands it, and each such character is paid for. What it is to repeat, a patch, a call's arguments, a quotation,
#           may come back with &quot; in it, and a test with a plain sentence shows nothing. One prompt of a hub is two texts in two
#           languages, and has two entries in a cache.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check langchain-core==1.8.3 langchain-openai==1.7.4; } >&2 ||
  cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @langchain/core@1.4.0 @langchain/openai@1.6.0) >&2 || cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { ChatOpenAI } from "@langchain/openai";

const [, , root, ...texts] = process.argv;
const forms = { mustache: ["mustache", "{{x}}"], "mustache {{{x}}}": ["mustache", "{{{x}}}"], "f-string": ["f-string", "{x}"] };
for (const [name, [templateFormat, template]] of Object.entries(forms)) {
  const model = new ChatOpenAI({ model: "m", apiKey: "unused", maxRetries: 0, configuration: { baseURL: `${root}/Node, ${name}` } });
  for (const x of texts) await ChatPromptTemplate.fromMessages([["human", template]], { templateFormat }).pipe(model).invoke({ x });
}
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import urllib.parse

from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

HERE = pathlib.Path(sys.argv[0]).parent
TEXTS = ['if (a < b && c == "x") return a > 0;', '{"city":"Bern"}', "What's this?"]
ESCAPED = ["if (a &lt; b &amp;&amp; c == &quot;x&quot;) return a &gt; 0;", "{&quot;city&quot;:&quot;Bern&quot;}", "What's this?"]


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        seen.setdefault(urllib.parse.unquote(self.path.split("/")[1]), []).append(body["messages"][0]["content"])
        answer = json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Done."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


seen = {}
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{server.server_port}"
FORMS = {"mustache": ("mustache", "{{x}}"), "mustache {{{x}}}": ("mustache", "{{{x}}}"), "mustache {{&x}}": ("mustache", "{{&x}}"),
         "mustache list": ("mustache", "{{#x}}{{.}}{{/x}}"), "f-string": ("f-string", "{x}")}
for name, (form, template) in FORMS.items():
    model = ChatOpenAI(model="m", base_url=f"{root}/Python, {name}", api_key="unused", max_retries=0)
    for text in TEXTS:
        (ChatPromptTemplate([("human", template)], template_format=form) | model).invoke({"x": [text] if "list" in name else text})
subprocess.run(["node", HERE / "ask.mjs", root, *TEXTS], check=True, timeout=100)

for name, texts in seen.items():
    print(f"{name:24}", "as filled in" if texts == TEXTS else "  ".join(texts))
escaped = {"Python, mustache", "Python, mustache list"}
same = len(seen) == 8 and all(texts == (ESCAPED if name in escaped else TEXTS) for name, texts in seen.items())
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
