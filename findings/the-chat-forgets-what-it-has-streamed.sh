#!/usr/bin/env bash
# "I am Bo." – "Hello, Bo." – "Who am I?": streamed, the chat of Google's SDKs sends the last of these alone, if the answer's last event has no text.
#
# Versions  google-genai 3.6.1 (Python), @google/genai 2.32.0 (Node).
# Input     chats.create() and two messages. The answer to the first is streamed: its text, and a last event that has (text) the rest of the
#           text and finishReason STOP, (reason) finishReason STOP and no content, or (usage), behind that of (text), usageMetadata and
#           no candidates; or its reader leaves (left) at the first piece. The same answer plain, by send_message().
# Guess     A chat is what was said: the second request has both sides of the first turn, and of (left) at least the question.
# Seen      So it is plain, and for (text). For (reason), (usage) and (left) the second request has "Who am I?" and nothing else, in both
#           languages. A turn with one event that has no parts counts as invalid, and what is sent is the history without
#           such turns, the question included; no error, no warning, and get_history() in Python shows the turn but for (left).
# Matters   The reader saw a whole answer, and the model has never heard the question. Which servers, proxies and models end a stream
#           without text decides it, and a chat that is tested plainly never forgets. Who speaks this API to others should put
#           finishReason and usageMetadata into an event that has text.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check google-genai==3.6.1; } >&2 ||
  cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @google/genai@2.32.0) >&2 || cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import { GoogleGenAI } from "@google/genai";

const [base, how] = process.argv.slice(2);
const chat = new GoogleGenAI({ apiKey: "unused", httpOptions: { baseUrl: base } }).chats.create({ model: "gemini-2.5-pro" });
const texts = [];
for (const message of ["I am Bo.", "Who am I?"]) {
  let text = "";
  if (how === "plain") text = (await chat.sendMessage({ message })).text;
  else
    for await (const chunk of await chat.sendMessageStream({ message })) {
      text += chunk.text ?? "";
      if (how === "left") break;
    }
  texts.push(text);
}
console.log(JSON.stringify([texts[0], null]));
process.exit(0);
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

from google import genai

USAGE = {"usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 4, "totalTokenCount": 8}}
HERE = pathlib.Path(sys.argv[0]).parent
asked = []


def event(text=None, finish=None):
    candidate = {"index": 0, **({"content": {"role": "model", "parts": [{"text": text}]}} if text else {}), **({"finishReason": finish} if finish else {})}
    return {"candidates": [candidate], **USAGE}


STREAMS = {
    "text": [event("Hello, "), event("Bo.", "STOP")],
    "reason": [event("Hello, "), event("Bo."), event(finish="STOP")],
    "usage": [event("Hello, "), event("Bo.", "STOP"), USAGE],
}
STREAMS["left"] = STREAMS["text"]


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        if "streamGenerateContent" in self.path:
            kind, body = "text/event-stream", "".join(f"data: {json.dumps(one)}\r\n\r\n" for one in STREAMS[self.path.split("/")[1]])
        else:
            kind, body = "application/json", json.dumps(event("Hello, Bo.", "STOP"))
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()


def python(base, how):
    client = genai.Client(api_key="unused", http_options=genai.types.HttpOptions(base_url=base))
    chat = client.chats.create(model="gemini-2.5-pro")
    texts = []
    for message in ("I am Bo.", "Who am I?"):
        if how == "plain":
            texts.append(chat.send_message(message).text)
            continue
        texts.append("")
        for chunk in chat.send_message_stream(message):
            texts[-1] += chunk.text or ""
            if how == "left":
                break
    return texts[0], any(part.text == "I am Bo." for content in chat.get_history() for part in content.parts or [])


def node(base, how):
    out = subprocess.run(["node", HERE / "ask.mjs", base, how], check=True, capture_output=True, text=True, timeout=60).stdout
    return json.loads(out.splitlines()[-1])


seen, shown = {}, {}
for who, ask in (("Python", python), ("Node", node)):
    for name, how in (("text", "plain"), ("text", "stream"), ("reason", "stream"), ("usage", "stream"), ("left", "left")):
        text, history = ask(f"http://127.0.0.1:{server.server_port}/{name}", how)
        key = who, how if how == "plain" else name
        seen[key] = text, ["".join(part["text"] for part in content["parts"]) for content in asked[-1]["contents"]]
        if who == "Python":
            shown[key[1]] = history
        print(f"{who:8}{key[1]:8}read: {text:12}then sent: {seen[key][1]}")
print("the question is in Python's history", shown)
whole, alone = "Hello, Bo.", ["Who am I?"]
want = {"plain": (whole, ["I am Bo.", whole, *alone]), "text": (whole, ["I am Bo.", "Hello, ", "Bo.", *alone]),
        "reason": (whole, alone), "usage": (whole, alone), "left": ("Hello, ", alone)}
same = (seen == {(who, name): value for who in ("Python", "Node") for name, value in want.items()} and
        shown == {"plain": True, "text": True, "reason": True, "usage": True, "left": False})
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
