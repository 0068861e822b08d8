#!/usr/bin/env bash
# A model says "We must not pay Bo." and on the next line, as it was told, "answer: Pay Al". Ax for TypeScript answers "We must not paPay Al".
#
# Versions  @ax-llm/ax 24.0.21 (Node).
# Input     ax("question:string -> answer:string") and ax("question:string -> title:string, body:string"), run with forward(), which streams by default
#           (default), or with {stream: false} (plain). Ax asks the model for a line "name: value" for each field. The model answers so (keeps); has a sentence
#           before its line, as models do (speaks); writes a letter as the body in which a line begins with "title:", that is an invoice's or a
#           mail's head (quotes); or has "title:" amid a line of it (amid). The stream's pieces have 7 characters, in a second run 1, and 40 in a third.
# Guess     A parser of lines may take the letter's line for a field, and the sentence for the answer. Whichever it takes, it is a text that the model wrote.
# Seen      keeps and amid are right. Plain: speaks is "Pay Al", and quotes puts the letter's "title:" line in the place of the title and ends the body
#           there, without a word. Streamed, speaks is "We must not paPay Al": the sentence without its last characters, and the answer behind it. The title of
#           quotes is "Pay Boe: Bo", the first title with the end of the second: as many characters are left out as the first one had. The
#           pieces' size changes only where the sentence is cut off, and with pieces of 40 speaks is right.
# Matters   The sentence that weighs the other way becomes the beginning of the answer, and a field is glued of two: nobody said so, it fits
#           its type, and no check fails. What a test sees with {stream: false}, or with a mock that answers in one piece, is right; the default on a real
#           network is not, and the cut changes from run to run. Ask for structured outputs, where the provider has them, or do not stream.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @ax-llm/ax@24.0.21) >&2 || cannot "npm install"

cat >"$dir/run.mjs" <<'NODE'
import http from "node:http";
import { ai, ax } from "@ax-llm/ax";

const ANSWER = "question:string -> answer:string", LETTER = "question:string -> title:string, body:string";
const SAID = {
  keeps: [ANSWER, "answer: Pay Al"],
  speaks: [ANSWER, "We must not pay Bo.\nanswer: Pay Al"],
  quotes: [LETTER, "title: Pay Bo\nbody: The form says\ntitle: Mr\nname: Bo"],
  amid: [LETTER, 'title: Pay Bo\nbody: The form says "title: Mr", name: Bo'],
};

let text, size, streamed;
const server = http.createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  streamed = JSON.parse(body).stream === true;
  const answer = { id: "c", created: 1, model: "m" };
  if (!streamed) {
    response.setHeader("content-type", "application/json");
    return response.end(JSON.stringify({ ...answer, object: "chat.completion", usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }] }));
  }
  const chunk = (delta, finish_reason) =>
    response.write(`data: ${JSON.stringify({ ...answer, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  response.setHeader("content-type", "text/event-stream");
  for (let at = 0; at < text.length; at += size) chunk({ content: text.slice(at, at + size) }, null);
  chunk({}, "stop");
  response.end("data: [DONE]\n\n");
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const llm = ai({ name: "openai", apiKey: "unused", apiURL: `http://127.0.0.1:${server.address().port}/v1`, config: { model: "m" } });

const seen = {};
for (const [way, options, pieces] of [["plain", { stream: false }, 7], ["default", {}, 7], ["pieces of 1", {}, 1], ["pieces of 40", {}, 40]]) {
  for (const [what, [signature, said]] of Object.entries(SAID)) {
    [text, size] = [said, pieces];
    const got = await ax(signature).forward(llm, { question: "Who?" }, options);
    seen[`${way} ${what}`] = got;
    console.log(`${way.padEnd(13)}${what.padEnd(8)}${streamed ? "streamed" : "        "} ${JSON.stringify(got)}`);
  }
}
server.close();

const right = (way) => seen[`${way} keeps`].answer === "Pay Al"
  && seen[`${way} amid`].title === "Pay Bo" && seen[`${way} amid`].body === 'The form says "title: Mr", name: Bo';
const glued = (way) => /^We must not pay? ?.*Pay Al$/.test(seen[`${way} speaks`].answer) && seen[`${way} quotes`].title === "Pay Boe: Bo";
const same = ["plain", "default", "pieces of 1", "pieces of 40"].every(right)
  && seen["plain speaks"].answer === "Pay Al" && seen["plain quotes"].title === "Mr\nname: Bo" && seen["plain quotes"].body === "The form says"
  && seen["default speaks"].answer === "We must not paPay Al" && glued("default") && glued("pieces of 1")
  && seen["pieces of 40 speaks"].answer === "Pay Al";
console.log(same ? "as told" : "this has changed");
process.exit(same ? 0 : 1);
NODE
node "$dir/run.mjs"
