#!/usr/bin/env bash
# The same text, embedded with LangChain in Python and in Node, or with LlamaIndex: the model is sent two texts.
#
# Versions  langchain-openai 1.7.4 with langchain-core 1.8.3, llama-index-embeddings-openai 0.7.0, haystack-ai 3.4.1 (Python);
#           @langchain/openai 1.6.0 with @langchain/core 1.4.0, ai 7.0.173 with @ai-sdk/openai 4.0.118 (Node).
# Input     "def f():\n    return 1\n" and a list in Markdown, "- a\n- b", embedded as documents and as a query by the class that each
#           has for OpenAI's embeddings, at a base URL, with its usual settings (LangChain for Python: check_embedding_ctx_length=False, as
#           servers that take texts and no token numbers need). What arrives at the server is noted.
# Guess     What is embedded is the text: old models of 2022 wanted their line ends replaced, and nobody asks for those any more.
# Seen      LlamaIndex, and LangChain for Node, whose stripNewLines is on, send "def f():     return 1 " and "- a - b". LangChain for
#           Python, Haystack and the AI SDK send the text.
# Matters   An index made by one and asked by the other, a nightly job in Python and an application in Node, compares vectors of different
#           texts, most of all of code, tables and lists. Nothing fails, what is found is only worse. A cache of embeddings has two entries.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  langchain-openai==1.7.4 langchain-core==1.8.3 llama-index-embeddings-openai==0.7.0 haystack-ai==3.4.1; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  @langchain/openai@1.6.0 @langchain/core@1.4.0 ai@7.0.173 @ai-sdk/openai@4.0.118) >&2 || cannot "npm install"

cat >"$dir/embed.mjs" <<'NODE'
import { createOpenAI } from "@ai-sdk/openai";
import { OpenAIEmbeddings } from "@langchain/openai";
import { embed, embedMany } from "ai";

const [, , root, ...texts] = process.argv;
const chain = new OpenAIEmbeddings({ model: "m", apiKey: "unused", maxRetries: 0, configuration: { baseURL: `${root}/LangChain, Node` } });
await chain.embedDocuments(texts);
await chain.embedQuery(texts[0]);
const model = createOpenAI({ baseURL: `${root}/AI SDK`, apiKey: "unused" }).embedding("m");
await embedMany({ model, values: texts, maxRetries: 0 });
await embed({ model, value: texts[0], maxRetries: 0 });
process.exit(0);
NODE

cat >"$dir/run.py" <<'PYTHON'
import base64
import http.server
import json
import os
import pathlib
import struct
import subprocess
import sys
import threading
import urllib.parse

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
from haystack import Document
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
from haystack.utils import Secret
from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.openai import OpenAIEmbedding

TEXTS = ["def f():\n    return 1\n", "- a\n- b"]
seen = {}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        seen.setdefault(urllib.parse.unquote(self.path.split("/")[1]), []).extend(texts)
        vector = base64.b64encode(struct.pack("<2f", 1, 0)).decode() if body.get("encoding_format") == "base64" else [1.0, 0.0]
        answer = json.dumps({"object": "list", "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1},
                             "data": [{"object": "embedding", "index": index, "embedding": vector} for index in range(len(texts))]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{server.server_port}"

chain = OpenAIEmbeddings(model="m", base_url=f"{root}/LangChain, Python", api_key="unused", check_embedding_ctx_length=False, max_retries=0)
chain.embed_documents(TEXTS)
chain.embed_query(TEXTS[0])
llama = OpenAIEmbedding(model_name="m", api_base=f"{root}/LlamaIndex", api_key="unused", max_retries=0)
llama.get_text_embedding_batch(TEXTS)
llama.get_query_embedding(TEXTS[0])
haystack = {"api_base_url": f"{root}/Haystack", "api_key": Secret.from_token("unused"), "model": "m"}
OpenAIDocumentEmbedder(**haystack, progress_bar=False).run(documents=[Document(content=text) for text in TEXTS])
OpenAITextEmbedder(**haystack).run(TEXTS[0])
subprocess.run(["node", pathlib.Path(sys.argv[0]).with_name("embed.mjs"), root, *TEXTS], check=True, capture_output=True, timeout=120)

whole, flat = [*TEXTS, TEXTS[0]], [text.replace("\n", " ") for text in (*TEXTS, TEXTS[0])]
want = {"LangChain, Python": whole, "LlamaIndex": flat, "Haystack": whole, "LangChain, Node": flat, "AI SDK": whole}
for name, texts in seen.items():
    print(f"{name:18}{texts}")
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
