#!/usr/bin/env bash
# A smolagents model writes code that pays, notes "Observation: …" and answers: the code up to that word is run, as often as the agent may try.
#
# Versions  smolagents 1.26.0 with openai 3.57.0 (Python).
# Input     CodeAgent, at most three steps, with the tools pay(to) and note(text). The model's answer is a block of code: it pays Bo, notes a
#           line and gives its final answer. The word "Observation:" stands (comment) in a comment between the two calls, (text) in the line
#           that is noted, in quotes over three lines, (other) nowhere: it is "Note:". The server keeps to `stop` as the API has it: the text ends before the
#           first of these words, finish_reason "stop". ToolCallingAgent is asked once for what it sends.
# Guess     Nothing is asked for that the program has not set; and a block of code that does not end is not run.
# Seen      Both agents send stop unasked, with "Observation:" and "Calling tools:" in it. In (comment) what comes back is the block up to the
#           "#". The agent puts the missing </code> behind it, as it does always, and runs it: Bo is paid, the line is not noted, there
#           is no final answer, so the model is asked again and Bo is paid again: three times in three steps. In (text)
#           the half of a string is a syntax error, three times, and nothing is run. (other) pays once, notes once and is done.
# Matters   A doctor's note, a report, a log, a prompt about agents has this word, and so has the comment of a model that knows the
#           ReAct pattern. Nothing tells that a word ended the answer: finish_reason is the same for an end and for a stop
#           word. A tool that pays or sends should know a call that it has had; a gateway that shows `stop` in its log shows why.
#           (That the word ends answers early is known: huggingface/smolagents#1109; that the half is run is not said there.)
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check 'smolagents[openai]==1.26.0' openai==3.57.0; } >&2 ||
  cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import sys
import threading

from smolagents import CodeAgent, OpenAIServerModel, ToolCallingAgent, tool

CODE = {
    "comment": 'pay("Bo")\n# Observation: the line comes last\nnote("Bo has paid.")\nfinal_answer("Done.")',
    "text": 'pay("Bo")\nnote("""Today.\nObservation: all is paid.\n""")\nfinal_answer("Done.")',
    "other": 'pay("Bo")\n# Note: the line comes last\nnote("Bo has paid.")\nfinal_answer("Done.")',
}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        stops.append(body.get("stop"))
        text = f"I pay and note.\n<code>\n{CODE[case]}\n</code>"
        for word in body.get("stop") or []:
            text = text.split(word)[0]
        answer = json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@tool
def pay(to: str) -> str:
    """Pays somebody.

    Args:
        to: who is paid
    """
    done.append("pay")
    return "paid"


@tool
def note(text: str) -> str:
    """Notes a text.

    Args:
        text: what is noted
    """
    done.append("note")
    return "noted"


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = OpenAIServerModel("m", api_base=f"http://127.0.0.1:{server.server_port}/v1", api_key="unused")
got = {}
for case in CODE:
    stops, done = [], []
    result = CodeAgent([pay, note], model, max_steps=3, verbosity_level=0).run("Pay Bo and note it.")
    got[case] = done, len(stops), result == "Done.", stops[0]
case, stops = "other", []
ToolCallingAgent([pay], model, max_steps=1, verbosity_level=0).run("Pay Bo.")
for case, (done, asked, whole, stop) in got.items():
    print(f"{case:8} run: {done}  asked {asked} times  final answer: {whole}  stop: {stop}")
print("ToolCallingAgent  stop:", stops[0])
WORDS = ["Observation:", "Calling tools:"]
# The fourth question is for an answer after the last step.
same = (got["comment"][:3] == (["pay"] * 3, 4, False) and got["text"][:3] == ([], 4, False) and got["other"][:3] == (["pay", "note"], 1, True) and
        set(WORDS) < set(got["other"][3]) and stops[0] == WORDS)
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
