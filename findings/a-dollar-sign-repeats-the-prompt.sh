#!/usr/bin/env bash
# A text has IFS=$'\n' or $$ in it: LlamaIndex for Node, LangChain's summary for Node and Opik's judges read it cut open, with the prompt's end in its middle.
#
# Versions  @llamaindex/core 0.6.22 with @llamaindex/openai 0.4.22 and @llamaindex/env 0.1.30, langchain 1.5.14 with @langchain/openai 1.6.0 and
#           @langchain/core 1.4.0, opik 2.0.40, beside @langfuse/client 5.11.1; zod 4.6.7 (all Node).
# Input     Four texts: a line of bash, IFS=$'\n'; one of JavaScript, price = '$' + sum; a formula of a model's, $$x^2$$; and x = 1. Each is the
#           document that getResponseSynthesizer("compact") answers from; the message that createAgent() with summarizationMiddleware() makes
#           a summary of; the answer that GEval, and QARelevanceJudge, which is made of it, give a mark to; and a variable of ChatPromptTemplate's and of a
#           prompt of Langfuse's. Looked for is the text, letter for letter, in what the model is sent.
# Guess     What is filled into a template arrives as it is. Braces may be a template's own; a dollar sign is none of theirs.
# Seen      ChatPromptTemplate and Langfuse fill in all four. The other three fill in with JavaScript's replace(name, text), whose second
#           argument has signs of its own: $' stands for all that follows in the template, $$ for $. Of IFS=$'\n' LlamaIndex's model reads "IFS=", then the
#           rest of the prompt with the question, then "\n'", then that rest once more, where the question is {query}: what stands in
#           the document has taken its place. The model that makes the summary, which replaces the conversation from then on, and the judge read
#           such a prompt, too. $$x^2$$ is $x^2$ for all three. x = 1 is right. (Of Gemini's command line this is known:
#           google-gemini/gemini-cli#29044.)
# Matters   Shell, JavaScript, PHP, Perl, SQL ($$ begins a function), Makefiles and TeX have these signs: an index of code is asked and
#           answers to a torn prompt, an agent forgets the line it wrote, a judge marks an answer that nobody gave. Nothing raises, and prose shows
#           nothing. Who fills in templates in JavaScript gives replace() a function.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @llamaindex/core@0.6.22 @llamaindex/openai@0.4.22 \
  @llamaindex/env@0.1.30 langchain@1.5.14 @langchain/openai@1.6.0 @langchain/core@1.4.0 opik@2.0.40 @langfuse/client@5.11.1 zod@4.6.7) >&2 ||
  cannot "npm install"

cat >"$dir/run.mjs" <<'NODE'
import http from "node:http";

const sent = []; // the texts of the requests, one after the other
const server = http.createServer((request, answer) => {
  let body = "";
  request.setEncoding("utf8").on("data", (part) => (body += part)).on("end", () => {
    const asked = JSON.parse(body), schema = asked.text?.format?.schema;
    sent.push((asked.messages ?? asked.input).map((message) => typeof message.content === "string" ? message.content : message.content.map((part) => part.text).join("")).join("\n"));
    const make = (kind) => (kind.type === "object" ? Object.fromEntries(Object.entries(kind.properties).map(([name, of]) => [name, make(of)])) : kind.type === "string" ? "Fine." : 1);
    const text = schema ? JSON.stringify(make(schema)) : "Fine.";
    const message = { type: "message", id: "m", status: "completed", role: "assistant", content: [{ type: "output_text", text, annotations: [] }] };
    answer.setHeader("content-type", "application/json");
    answer.end(JSON.stringify(request.url.endsWith("/responses")
      ? { id: "r", object: "response", created_at: 1, status: "completed", model: "m", output: [message],
          usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2, input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } } }
      : { id: "c", object: "chat.completion", created: 1, model: "m", choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
          usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }));
  });
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
Object.assign(process.env, { OPENAI_API_KEY: "unused", OPENAI_BASE_URL: baseURL });

const { OpenAI } = await import("@llamaindex/openai");
const { getResponseSynthesizer } = await import("@llamaindex/core/response-synthesizers");
const { TextNode } = await import("@llamaindex/core/schema");
const { createAgent, summarizationMiddleware, HumanMessage, AIMessage } = await import("langchain");
const { ChatOpenAI } = await import("@langchain/openai");
const { ChatPromptTemplate } = await import("@langchain/core/prompts");
const { TextPromptClient } = await import("@langfuse/client");
const { GEval, QARelevanceJudge } = await import("opik");

const llm = new OpenAI({ model: "gpt-4.1", apiKey: "unused", baseURL });
const model = new ChatOpenAI({ model: "gpt-4.1", apiKey: "unused", configuration: { baseURL } });
const WAYS = {
  "LlamaIndex, an answer from a document": (text) => getResponseSynthesizer("compact", { llm }).synthesize({ query: "What does it do?", nodes: [{ node: new TextNode({ text }), score: 1 }] }),
  "LangChain, summarizationMiddleware": (text) => createAgent({ model, tools: [], middleware: [summarizationMiddleware({ model, trigger: { messages: 3 }, keep: { messages: 1 } })] })
    .invoke({ messages: [new HumanMessage(text), new AIMessage("Ok."), new HumanMessage("And now?")] }),
  "Opik, GEval": (output) => new GEval({ model: "gpt-4.1", trackMetric: false, taskIntroduction: "Judge.", evaluationCriteria: "It is right." }).score({ output }),
  "Opik, QARelevanceJudge": (output) => new QARelevanceJudge({ model: "gpt-4.1", trackMetric: false }).score({ output }),
  "LangChain, ChatPromptTemplate": async (text) => model.invoke(await ChatPromptTemplate.fromTemplate("Review {text} now.").invoke({ text })),
  "Langfuse, compile()": (text) => model.invoke(new TextPromptClient({ name: "p", version: 1, config: {}, labels: [], tags: [], type: "text", prompt: "Review {{text}} now." }).compile({ text })),
};
const TEXTS = ["IFS=$'\\n'", "price = '$' + sum", "$$x^2$$", "x = 1"];
console.log("Has the model been sent the text?".padEnd(40) + TEXTS.map((text) => text.padEnd(20)).join(""));
let same = true, torn = "";
for (const [way, ask] of Object.entries(WAYS)) {
  const row = [];
  for (const text of TEXTS) {
    const before = sent.length;
    await ask(text);
    row.push(sent.slice(before).some((prompt) => prompt.includes(text)));
    if (way.startsWith("LlamaIndex") && text === TEXTS[0]) torn = sent.at(-1);
  }
  const whole = way.endsWith("ChatPromptTemplate") || way.startsWith("Langfuse");
  same &&= row.every((whether, at) => whether === (whole || at === 3));
  console.log(way.padEnd(40) + row.map((whether) => (whether ? "yes" : "no").padEnd(20)).join(""));
}
console.log(`\nLlamaIndex's prompt for ${TEXTS[0]}:\n${torn.replace(/^/gm, () => "  | ")}`);
same &&= torn.includes("IFS=\n") && torn.endsWith("Query: {query}\nAnswer:");
console.log(same ? "as told" : "this has changed");
process.exit(same ? 0 : 1);
NODE
cd "$dir" && node run.mjs 2>/dev/null
