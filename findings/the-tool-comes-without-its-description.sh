#!/usr/bin/env bash
# Genkit is told "Pays Bo. Amounts are in cents.", temperature 0, 50 tokens at most, and to call the tool: of these the model behind an OpenAI-compatible API hears nothing.
#
# Versions  @genkit-ai/compat-oai 1.42.0 with genkit 1.42.0 and openai 4.104.0 (Node).
# Input     ai.generate() with a tool, which has a description, toolChoice "required" and config: temperature 0, seed 0, maxOutputTokens 50, topP 0.5,
#           presencePenalty 0.5, parallel_tool_calls false (an option of the API's own, which the plugin hands on); then the same with temperature 0.1
#           and seed 1. It goes to the plugin openAICompatible() at a base URL, to its openAI() with gpt-4o, and to a model of our own,
#           ai.defineModel(), which notes what Genkit hands to any model. What arrives is looked at.
# Guess     What is set is sent, or refused: all four are members of Genkit's own options and of the API, and a description is what a tool is chosen by.
# Seen      Our own model is handed all of it. The plugin sends the tool's name and its parameters, and never its description; no tool_choice; no limit
#           (maxOutputTokens is taken out and put nowhere, which is known: genkit-ai/genkit#4425); and every member whose value is 0 or false is
#           deleted: temperature 0 and seed 0, where 0.1 and 1 are sent, and parallel_tool_calls: false. topP and presencePenalty arrive. No error; of
#           toolChoice one warning for gpt-4o, none at a base URL.
# Matters   Who sets 0 to have an extraction the same each time has the provider's own temperature, 1 at OpenAI; who says in the description that
#           amounts are in cents gets euros; an answer may be as long as the model likes, and is paid; a tool that must not run beside another does. 0.1
#           works, and whatever looks at what Genkit was given sees all of it. Look at what arrives, in a gateway's log; say units in the parameters' own
#           descriptions, which are sent, and max_tokens in config by the API's name, which is handed on.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  genkit@1.42.0 @genkit-ai/compat-oai@1.42.0 openai@4.104.0) >&2 || cannot "npm install"

cat >"$dir/run.mjs" <<'NODE'
import http from "node:http";
import { openAICompatible } from "@genkit-ai/compat-oai";
import { openAI } from "@genkit-ai/compat-oai/openai";
import { genkit, z } from "genkit";

let asked;
const server = http.createServer(async (request, answer) => {
  let body = "";
  for await (const piece of request) body += piece;
  answer.setHeader("content-type", "application/json");
  if (request.method === "GET") return answer.end(JSON.stringify({ object: "list", data: [] }));
  asked = JSON.parse(body);
  const choice = { index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" };
  answer.end(JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: "m", choices: [choice], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } }));
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;

const ai = genkit({ plugins: [openAICompatible({ name: "own", apiKey: "x", baseURL }), openAI({ apiKey: "x", baseURL })] });
const note = "Pays Bo. Amounts are in cents.";
const pay = ai.defineTool({ name: "pay", description: note, inputSchema: z.object({ amount: z.number() }), outputSchema: z.string() }, async () => "paid");
let handed;
ai.defineModel({ name: "mine", supports: { tools: true, toolChoice: true, multiturn: true, systemRole: true } }, async (request) => {
  handed = request;
  return { message: { role: "model", content: [{ text: "Hello." }] }, finishReason: "stop" };
});

const config = (temperature, seed) => ({ temperature, seed, maxOutputTokens: 50, topP: 0.5, presencePenalty: 0.5, parallel_tool_calls: false });
const ask = (model, some) => ai.generate({ model, prompt: "Go", tools: [pay], toolChoice: "required", config: some });
const said = () => ({
  description: asked.tools[0].function.description,
  tool_choice: asked.tool_choice,
  limit: asked.max_tokens ?? asked.max_completion_tokens,
  temperature: asked.temperature,
  seed: asked.seed,
  parallel_tool_calls: asked.parallel_tool_calls,
  top_p: asked.top_p,
  presence_penalty: asked.presence_penalty,
});
const shown = (name, what) => console.log(name.padEnd(16), JSON.stringify(what));

await ask("mine", config(0, 0));
const all = { description: handed.tools[0].description, tool_choice: handed.toolChoice, ...handed.config };
shown("a model, by hand", all);
let same = all.description === note && all.tool_choice === "required" && all.temperature === 0 && all.seed === 0 && all.maxOutputTokens === 50;
for (const [name, model] of [["own/m", "own/m"], ["openai/gpt-4o", openAI.model("gpt-4o")]]) {
  await ask(model, config(0, 0));
  const zero = said();
  await ask(model, config(0.1, 1));
  const other = said();
  await ask(model, { max_tokens: 60 });
  const limit = said().limit;
  shown(name, zero);
  shown("  0.1 and 1", other);
  shown("  max_tokens: 60", { limit });
  same &&= JSON.stringify(zero) === '{"top_p":0.5,"presence_penalty":0.5}';
  same &&= JSON.stringify(other) === '{"temperature":0.1,"seed":1,"top_p":0.5,"presence_penalty":0.5}' && limit === 60;
}
console.log(same ? "as told" : "this has changed");
process.exit(same ? 0 : 1);
NODE
cd "$dir" && node run.mjs
