#!/usr/bin/env bash
# A runbook in Markdown is split for a search: langchaingo's pieces have its steps without their commands, step 3 is step 1; by LlamaIndex's a comment is a chapter.
#
# Versions  github.com/tmc/langchaingo v0.1.14 (Go); llama-index-core 0.14.25, langchain-text-splitters 1.1.3 with langchain-core 1.8.3 (Python).
# Input     A page with three headings: Restore, with the steps 3 and 4 of a list ("steps 1 and 2 are in the form"), each with a block of code
#           between ```; Check, with a block between ~~~ that begins with the comment "# is it up?"; Contact. Split by
#           textsplitter.NewMarkdownTextSplitter with WithCodeBlocks(true), by MarkdownNodeParser and by MarkdownHeaderTextSplitter, each
#           piece being large enough for all of it.
# Guess     A splitter decides where to cut. Put one after the other the pieces are the page, and what they say of their chapter is true.
# Seen      langchaingo writes the page anew from what it has parsed: the code under a list's step is not in it, although blocks of code were
#           asked for, and the steps are numbered from 1: "1. Stop the service:" and "2. Run the script:", and nothing else. LlamaIndex knows ``` as a
#           fence and not ~~~: it cuts the block in two at its comment, "is it up?" is a heading of the first rank, and "Call Bo." stands under it instead of
#           under Restore. LangChain has all lines and the right headings; the code has lost its indentation, which is known
#           (langchain-ai/langchain#20823). That langchaingo changes lists is known too (tmc/langchaingo#1439).
# Matters   "How do I stop the service?" finds the step, and the model makes up the command that is not there; "step 3" is another one;
#           a restore script in Python that is given back does not run, or runs otherwise. A filter by chapter passes over what comes
#           after the comment. Nothing raises. Compare the words of the pieces with those of the page, once, before a folder is indexed.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check llama-index-core==0.14.25 \
  langchain-text-splitters==1.1.3 langchain-core==1.8.3; } >&2 || cannot "pip install"

cat >"$dir/page.md" <<'MARKDOWN'
# Restore

Steps 1 and 2 are in the form.

3. Stop the service:

   ```sh
   systemctl stop app
   ```

4. Run the script:

   ```python
   if broken:
       restore()
   ```

## Check

~~~sh
# is it up?
curl -f http://127.0.0.1/health
~~~

## Contact

Call Bo.
MARKDOWN

mkdir "$dir/split"
cat >"$dir/split/main.go" <<'GO'
package main

import (
	"encoding/json"
	"os"

	"github.com/tmc/langchaingo/textsplitter"
)

func main() {
	page, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	splitter := textsplitter.NewMarkdownTextSplitter(textsplitter.WithChunkSize(4000), textsplitter.WithChunkOverlap(0),
		textsplitter.WithCodeBlocks(true), textsplitter.WithHeadingHierarchy(true))
	pieces, err := splitter.SplitText(string(page))
	if err != nil {
		panic(err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(pieces)
}
GO
{ cd "$dir/split" && go mod init finding && go get github.com/tmc/langchaingo@v0.1.14 && go mod tidy && go build -o ../split-go .; } >"$dir/go.log" 2>&1 ||
  { tail -5 "$dir/go.log" >&2; cannot "go build"; }

cat >"$dir/run.py" <<'PYTHON'
import json
import pathlib
import subprocess
import sys

from langchain_text_splitters import MarkdownHeaderTextSplitter
from llama_index.core import Document
from llama_index.core.node_parser import MarkdownNodeParser

HERE = pathlib.Path(sys.argv[0]).parent
page = (HERE / "page.md").read_text()
out = subprocess.run([HERE / "split-go", HERE / "page.md"], check=True, capture_output=True, text=True, timeout=60).stdout
nodes = MarkdownNodeParser().get_nodes_from_documents([Document(text=page)])
parts = MarkdownHeaderTextSplitter([("#", "first"), ("##", "second")], strip_headers=False).split_text(page)
pieces = {  # of each: a piece's text and the headings above it, as it says them
    "langchaingo": [(text, [line.strip("# ") for line in text.splitlines() if line.startswith("#")][:-1]) for text in json.loads(out)],
    "LlamaIndex": [(node.text, [name for name in node.metadata["header_path"].split("/") if name]) for node in nodes],
    "LangChain": [(part.page_content, [name for name in part.metadata.values() if name != "Contact"]) for part in parts],
}
want = {  # commands of the list, its numbers, how the code is indented, the block with a comment in one piece, what Contact stands under
    "langchaingo": (False, False, False, True, ["Restore"]),
    "LlamaIndex": (True, True, True, False, ["is it up?"]),
    "LangChain": (True, True, False, True, ["Restore"]),
}
seen = {}
for name, some in pieces.items():
    whole = "\n".join(text for text, _ in some)
    contact = next(above for text, above in some if "Call Bo." in text)
    block = any("~~~sh\n# is it up?\ncurl" in text or "```sh\n# is it up?\ncurl" in text for text, _ in some)
    seen[name] = ("systemctl stop app" in whole and "restore()" in whole, "3. Stop" in whole and "4. Run" in whole,
                  "if broken:\n       restore()" in whole, block, contact)
    print(f"{name}: the steps' commands {seen[name][0]}, their numbers {seen[name][1]}, the indentation {seen[name][2]}, "
          f"the block between ~~~ whole {seen[name][3]}, Contact is under {contact}")
    for text, _ in some:
        print(f"    {text!r}")
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
cd "$dir" && "$dir/venv/bin/python" -W ignore "$dir/run.py"
