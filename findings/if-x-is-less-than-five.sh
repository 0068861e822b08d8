#!/usr/bin/env bash
# "If x < 5 and y > 3, wait. Pay {bo} then." is spoken and transcribed. Read from its subtitles it is "If x  3, wait. Pay  then.", or "If x &lt; 5", or "If x <; 5".
#
# Versions  @plussub/srt-vtt-parser 2.0.5, subtitle 4.2.2, node-webvtt 1.9.4, webvtt-parser 2.2.0, subsrt-ts 2.1.2, srt-parser-2 1.2.3 as readers and
#           @deepgram/captions 1.2.0 as a writer (Node); pysubs2 1.8.1, webvtt-py 0.6.0, pysrt 1.1.2, srt 3.5.3 as readers, pysubs2's
#           load_from_whisper() as a writer (Python).
# Input     Three cues: the two sentences, and "Yes.". As (srt) SubRip, which has no escapes and is written as it is by Whisper and by Deepgram's
#           captions; (vtt) WebVTT as the W3C has it, &lt; for <, &gt; for >; (made) WebVTT as @deepgram/captions makes it of a transcript, speakers in
#           <v …>; (whisper) SRT as pysubs2 makes it of Whisper's segments. What is looked at is each reader's text.
# Guess     What was said comes back: a reader of WebVTT knows its escapes and its tags, one of SubRip leaves alone what it does not know.
# Seen      From (srt) five of seven have it. pysubs2 and subsrt-ts take {bo} for a style of another format, ASS, and have "Pay  then."; subsrt-ts takes
#           < 5 and y > for a tag as well. From (vtt) none of seven has it: six leave &lt; in the text, and webvtt-parser's tree has "x <; 5 and y >;
#           3", with the semicolons. @deepgram/captions writes < as it is, which in WebVTT begins a tag: from (made) webvtt-parser, webvtt-py and
#           subsrt-ts have "If x  3, wait."; plussub, subtitle and node-webvtt have the text with <v Speaker 0> before it. pysubs2 loses {bo} on the way
#           from Whisper's JSON into (whisper), too.
# Matters   Transcripts of lectures, reviews and calls are read so, to be summed up, searched or translated: "if x 3" is no condition, and a {name} that
#           is not there is not missed. Whoever translates a file with a model and writes it back with pysubs2 has lost it in the file, too.
#           Nothing raises, and speech without such signs shows nothing. Give the model the transcription's JSON; srt and pysrt read SubRip as it is.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  pysubs2==1.8.1 webvtt-py==0.6.0 pysrt==1.1.2 srt==3.5.3; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @plussub/srt-vtt-parser@2.0.5 subtitle@4.2.2 node-webvtt@1.9.4 \
  webvtt-parser@2.2.0 subsrt-ts@2.1.2 srt-parser-2@1.2.3 @deepgram/captions@1.2.0) >&2 || cannot "npm install"

cat >"$dir/made.mjs" <<'NODE'
import fs from "node:fs";
import { webvtt } from "@deepgram/captions";

const said = JSON.parse(fs.readFileSync("said.json"));
const utterances = said.map((transcript, at) => {
  const words = transcript.split(" ").map((word, of) => ({ word, punctuated_word: word, start: at * 5 + of / 4, end: at * 5 + of / 4 + 0.25, speaker: at % 2 }));
  return { start: at * 5, end: at * 5 + 5, speaker: at % 2, transcript, words };
});
fs.writeFileSync("made.vtt", webvtt({ metadata: {}, results: { utterances } }, 20));
NODE

cat >"$dir/read.mjs" <<'NODE'
import fs from "node:fs";
import { parse } from "@plussub/srt-vtt-parser";
import nodeWebvtt from "node-webvtt";
import Srt from "srt-parser-2";
import subsrt from "subsrt-ts";
import { parseSync } from "subtitle";
import webvttParser from "webvtt-parser";

const text = (node) => node.value && node.type === "text" ? node.value : (node.children ?? []).map(text).join("");
const both = {
  "@plussub/srt-vtt-parser": (file) => parse(file).entries.map((cue) => cue.text),
  subtitle: (file) => parseSync(file).filter((node) => node.type === "cue").map((cue) => cue.data.text),
  "subsrt-ts": (file) => subsrt.parse(file).filter((cue) => cue.type === "caption").map((cue) => cue.text),
};
const readers = {
  srt: { ...both, "srt-parser-2": (file) => new (Srt.default ?? Srt)().fromSrt(file).map((cue) => cue.text) },
  vtt: {
    ...both,
    "node-webvtt": (file) => nodeWebvtt.parse(file).cues.map((cue) => cue.text),
    "webvtt-parser": (file) => new webvttParser.WebVTTParser().parse(file).cues.map((cue) => text(cue.tree)),
  },
};
const seen = {};
for (const name of ["said.srt", "said.vtt", "made.vtt"])
  for (const [reader, read] of Object.entries(readers[name.slice(-3)]))
    (seen[name] ??= {})[reader] = read(fs.readFileSync(name, "utf8"));
console.log(JSON.stringify(seen));
NODE

cat >"$dir/run.py" <<'PYTHON'
import json
import pathlib
import subprocess
import sys

import pysrt
import pysubs2
import srt
import webvtt

SAID = ["If x < 5 and y > 3, wait.", "Pay {bo} then.", "Yes."]


def at(second, comma):
    return f"00:00:{second:02}{comma}000"


def file(comma, texts):
    return "".join(f"{number + 1}\n{at(number * 5, comma)} --> {at(number * 5 + 5, comma)}\n{text}\n\n" for number, text in enumerate(texts))


pathlib.Path("said.json").write_text(json.dumps(SAID))
pathlib.Path("said.srt").write_text(file(",", SAID))
pathlib.Path("said.vtt").write_text("WEBVTT\n\n" + file(".", [text.replace("<", "&lt;").replace(">", "&gt;") for text in SAID]))
subprocess.run(["node", "made.mjs"], check=True, timeout=100)
seen = json.loads(subprocess.run(["node", "read.mjs"], check=True, capture_output=True, text=True, timeout=100).stdout)
for name in seen:
    text = pathlib.Path(name).read_text()
    seen[name]["pysubs2"] = [cue.plaintext for cue in pysubs2.SSAFile.from_string(text)]
    if name.endswith("vtt"):
        seen[name]["webvtt-py"] = [cue.text for cue in webvtt.from_string(text)]
    else:
        seen[name]["pysrt"] = [cue.text for cue in pysrt.from_string(text)]
        seen[name]["srt"] = [cue.content for cue in srt.parse(text)]
whisper = pysubs2.load_from_whisper({"segments": [{"start": number * 5, "end": number * 5 + 5, "text": " " + text} for number, text in enumerate(SAID)]})
seen["whisper.srt"] = {"srt": [cue.content for cue in srt.parse(whisper.to_string("srt"))]}
for name, by in seen.items():
    print(name)
    for reader, texts in by.items():
        print(f"  {reader:25}{'as it was said' if texts == SAID else texts}")
tag, style = "If x  3, wait.", "Pay  then."
read = {name: {reader: texts[:2] for reader, texts in by.items()} for name, by in seen.items()}
same = all(by == SAID[:2] for reader, by in read["said.srt"].items() if reader not in ("pysubs2", "subsrt-ts"))
same &= read["said.srt"]["pysubs2"] == [SAID[0], style] == read["whisper.srt"]["srt"] and read["said.srt"]["subsrt-ts"] == [tag, style]
same &= all(by[0] == ("If x <; 5 and y >; 3, wait." if reader == "webvtt-parser" else "If x &lt; 5 and y &gt; 3, wait.") for reader, by in read["said.vtt"].items())
same &= all(by[1] == (style if reader in ("pysubs2", "subsrt-ts") else SAID[1]) for reader, by in read["said.vtt"].items())
same &= all(read["made.vtt"][reader][0] == tag for reader in ("webvtt-py", "subsrt-ts"))
same &= all(read["made.vtt"][reader][0] == "<v Speaker 0>" + SAID[0] for reader in ("@plussub/srt-vtt-parser", "subtitle", "node-webvtt"))
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
cd "$dir" && venv/bin/python run.py
