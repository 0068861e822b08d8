#!/usr/bin/env bash
# A model answers {"to": "Bo", "amount": 12} and adds a line, Not {"to": "Al", "amount": 900}, as the draft had it. DSPy's result is Al and 900.
#
# Versions  dspy 3.4.1 with litellm 1.110.2, json_repair 0.64.6 and pydantic 2.14.4; langchain-core 1.8.3 (all Python).
# Input     dspy.Predict with a field of a model of pydantic's, pay: Pay(to: str, amount: float), by the adapter that DSPy takes by itself (ChatAdapter),
#           which asks for the JSON between the lines [[ ## pay ## ]] and [[ ## completed ## ]], and by JSONAdapter, which asks for {"pay": …}. The answer has
#           the object alone (alone); behind it a sentence (sentence), or one with what is not to be paid, as an object of the same form (rejected); or
#           it in a block of code and such a sentence behind (fenced). Beside it LangChain's JsonOutputParser has the same objects and sentences.
# Guess     What stands first, where it was asked for, is valid JSON: it is the answer, or there is an error, after which DSPy asks again by itself.
# Seen      alone and sentence are Bo and 12 each time. By ChatAdapter rejected and fenced are Al and 900, asked once, no error: the field's text goes
#           to json_repair as a whole, which of several objects of one form keeps the last. By DSPy's own JSONAdapter and by LangChain both
#           are Bo and 12.
# Matters   A note on what was left out, on the draft or on an example is what careful models add, and it fits the schema by its nature. The value
#           that the model has thrown out is stored, or paid, or marked in an evaluation, whose optimiser then learns from it; the trace shows an answer
#           that says the contrary. Where the provider has structured outputs, use JSONAdapter, which asks for them.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check dspy==3.4.1 litellm==1.110.2 json_repair==0.64.6 \
  pydantic==2.14.4 langchain-core==1.8.3; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import os
import sys
import threading

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import dspy
import pydantic
from langchain_core.output_parsers import JsonOutputParser

PAY = '{"to": "Bo", "amount": 12}'
NOT = 'Not {"to": "Al", "amount": 900}, as the draft had it.'
CHAT = {
    "alone": PAY,
    "sentence": f"{PAY}\n\nThe draft had another one.",
    "rejected": f"{PAY}\n\n{NOT}",
    "fenced": f"```json\n{PAY}\n```\n\n{NOT}",
}
said, asked = "", 0


class Provider(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global asked
        self.rfile.read(int(self.headers["content-length"]))
        asked += 1
        answer = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Pay(pydantic.BaseModel):
    to: str
    amount: float


class Who(dspy.Signature):
    """Say who is to be paid."""

    mail: str = dspy.InputField()
    pay: Pay = dspy.OutputField()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = dspy.LM("openai/m", api_base=f"http://127.0.0.1:{server.server_port}/v1", api_key="unused", cache=False, num_retries=0)


def by_dspy(text, adapter):
    """What Predict makes of the text, and how often it has asked."""
    global said, asked
    said, asked = text, 0
    with dspy.context(lm=model, **({"adapter": adapter} if adapter else {})):
        try:
            pay = dspy.Predict(Who)(mail="…").pay
            return f"{pay.to} {pay.amount:g}", asked
        except Exception as error:
            return type(error).__name__, asked


def by_langchain(text):
    try:
        pay = JsonOutputParser(pydantic_object=Pay).parse(text)
        return f"{pay['to']} {pay['amount']:g}"
    except Exception as error:
        return type(error).__name__


seen = {}
for what, text in CHAT.items():
    whole = text.replace(PAY, f'{{"pay": {PAY}}}')
    seen[what] = (by_dspy(f"[[ ## pay ## ]]\n{text}\n\n[[ ## completed ## ]]", None), by_dspy(whole, dspy.JSONAdapter()), by_langchain(text))
    (chat, chats), (plain, plains), chain = seen[what]
    print(f"{what:10}DSPy {chat}, asked {chats}; JSONAdapter {plain}, asked {plains}; LangChain {chain}")
same = all(seen[what] == (("Bo 12", 1), ("Bo 12", 1), "Bo 12") for what in ("alone", "sentence")) and all(
    seen[what] == (("Al 900", 1), ("Bo 12", 1), "Bo 12") for what in ("rejected", "fenced"))
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
