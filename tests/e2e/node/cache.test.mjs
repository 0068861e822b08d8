// What the official OpenAI SDK for Node, unmodified, reads of answers from weir's cache. test_cache.py starts this file, is the
// provider (the model's name says what form its answer has, the temperature which of many) and counts how often it was asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';

const { WEIR_URL, UPSTREAM_URL, FORMS, STREAMS } = process.env;
const at = (url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-client-secret', maxRetries: 0, timeout: 60_000 });
const [provider, weir] = [at(UPSTREAM_URL), at(WEIR_URL)];
const messages = [{ role: 'user', content: 'hi' }];

const apis = {
  chat: (client, more) => client.chat.completions.create({ messages, ...(more.stream && { stream_options: { include_usage: true } }), ...more }),
  completions: (client, more) => client.completions.create({ prompt: 'hi', ...more }),
  responses: (client, more) => client.responses.create({ input: 'hi', store: false, ...more }),
  embeddings: (client, more) => client.embeddings.create({ input: 'hi', ...more }),
  moderations: (client, more) => client.moderations.create({ input: 'hi', ...more }),
};

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

// What the SDK reads there, and what weir says of its cache.
async function read(client, api, more) {
  const { data, response } = await apis[api](client, more).withResponse();
  return [more.stream ? await all(data) : data, response.headers.get('x-weir-cache')];
}

// Straight from the provider, through weir for the first time, and again: event for event the same.
for (const [form, { api, fields }] of Object.entries(JSON.parse(FORMS))) {
  test(`${STREAMS} streams: ${form}`, async () => {
    for (let n = 0; n < STREAMS; n++) {
      const more = { model: `gpt-${form}`, stream: true, temperature: n / 100, ...fields };
      const [said] = await read(provider, api, more);
      assert.ok(said.length >= 2);
      for (const verdict of ['miss', 'hit', 'hit']) assert.deepEqual(await read(weir, api, more), [said, verdict], `${form} ${n}`);
    }
  });
}

for (const api of Object.keys(apis)) {
  test(`plain: ${api}`, async () => {
    const more = { model: 'gpt-plain' };
    const [said] = await read(provider, api, more);
    for (const verdict of ['miss', 'hit', 'hit']) assert.deepEqual(await read(weir, api, more), [said, verdict]);
  });
}

// The SDK's own putting together of a stream: of what the provider said, and of what was stored.
for (const form of ['tools', 'refusal', 'obfuscated']) {
  test(`chat.completions.stream(): ${form}`, async () => {
    const [{ fields }, temperature] = [JSON.parse(FORMS)[form], 1.75];
    const whole = (client) =>
      client.chat.completions.stream({ model: `gpt-${form}`, messages, temperature, stream_options: { include_usage: true }, ...fields }).finalChatCompletion();
    const said = await whole(provider);
    assert.ok(said.usage.total_tokens > 0);
    for (let n = 0; n < 3; n++) assert.deepEqual(await whole(weir), said);
  });
}

test('responses.stream()', async () => {
  const whole = (client) => client.responses.stream({ model: 'gpt-response', input: 'hi', store: false, temperature: 1.75 }).finalResponse();
  const said = await whole(provider);
  assert.ok(said.output_text.length > 0);
  for (let n = 0; n < 3; n++) assert.deepEqual(await whole(weir), said);
});

// What was stored in one form is given in the other.
test('a document as a stream, and a stream as a document', async () => {
  const more = { model: 'gpt-plain', messages, temperature: 1.9 };
  const document = await weir.chat.completions.create(more);
  const told = weir.chat.completions.stream({ ...more, stream_options: { include_usage: true } });
  const { choices, usage } = await told.finalChatCompletion();
  assert.equal(choices[0].message.content, document.choices[0].message.content);
  assert.deepEqual(usage, document.usage);

  const asked = { model: 'gpt-obfuscated', messages, temperature: 1.9 };
  const events = await all(await weir.chat.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } }));
  const { data, response } = await weir.chat.completions.create(asked).withResponse();
  assert.equal(response.headers.get('x-weir-cache'), 'hit');
  assert.equal(data.choices[0].message.content, events.map((e) => e.choices[0]?.delta.content ?? '').join(''));
  assert.deepEqual(data.usage, events.at(-1).usage);
});
