// The official OpenAI SDK for Node, unmodified, through weir. What the provider answers is chosen by the model's name and
// stands in test_sdk_node.py, which starts this file; what arrived there is asked for at /seen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { AzureOpenAI } from 'openai';

const { WEIR_URL, UPSTREAM_URL } = process.env;
const options = { baseURL: `${WEIR_URL}/v1`, apiKey: 'sk-client-secret', maxRetries: 0, timeout: 60_000 };
const client = new OpenAI(options);
const messages = [{ role: 'user', content: 'Say hello.' }];
const ask = (model, more = {}, requestOptions) => client.chat.completions.create({ model, messages, ...more }, requestOptions);

// What the provider has seen of the requests for a model: [{path, headers, body, closed}], at least n of them.
async function seen(model, n = 1) {
  const answer = await fetch(`${UPSTREAM_URL}/seen?model=${model}&n=${n}`);
  return answer.json();
}

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const text = (chunks) => chunks.map((c) => c.choices[0]?.delta?.content ?? '').join('');

test('plain', async () => {
  const { data, response, request_id } = await ask('plain', { temperature: 0.5 }).withResponse();
  assert.equal(data.choices[0].message.content, 'Hello there.');
  assert.equal(data.usage.total_tokens, 12);
  assert.equal(request_id, response.headers.get('x-request-id'));
  assert.equal(response.headers.get('x-weir-target'), 'main/plain');
  assert.equal(response.headers.get('x-weir-attempts'), '1');
  const [request] = await seen('plain');
  assert.equal(request.path, '/v1/chat/completions');
  assert.deepEqual(JSON.parse(request.body), { model: 'plain', messages, temperature: 0.5 });
  assert.equal(request.headers.authorization, 'Bearer sk-provider-secret');
  assert.ok(!Object.keys(request.headers).some((name) => name.startsWith('x-stainless')));
});

// Azure's client: a deployment in the path, the key in a header of its own, and a version that is weir's to know.
for (const deployment of ['plain-azure', undefined]) {
  test(`Azure, ${deployment ? 'a deployment of its own' : 'the model as the deployment'}`, async () => {
    const azure = new AzureOpenAI({ endpoint: WEIR_URL, apiKey: 'sk-client-secret', apiVersion: '2024-10-21', deployment, maxRetries: 0 });
    const model = deployment ?? 'plain/äzure';
    const answer = await azure.chat.completions.create({ model: deployment ? 'gpt-4o' : model, messages });
    assert.equal(answer.choices[0].message.content, 'Hello there.');
    const [request] = await seen(encodeURIComponent(model));
    assert.equal(request.path, '/v1/chat/completions');
    assert.equal(JSON.parse(request.body).model, model);
    assert.equal(request.headers.authorization, 'Bearer sk-provider-secret');
    assert.equal(request.headers['api-key'], undefined);
  });
}

test('Azure, streams, embeddings and responses', async () => {
  const azure = new AzureOpenAI({ endpoint: WEIR_URL, apiKey: 'sk-client-secret', apiVersion: '2024-10-21', maxRetries: 0 });
  const chunks = await all(await azure.chat.completions.create({ model: 'stream', messages, stream: true }));
  assert.equal(text(chunks), 'Hello.');
  const { data } = await azure.embeddings.create({ model: 'emb', input: 'text' });
  assert.deepEqual(data[0].embedding, [0.5, -2, 0.25]);
  assert.equal((await azure.responses.create({ model: 'resp', input: 'x' })).output_text, 'Hello.');
});

test('a base URL without /v1', async () => {
  const bare = new OpenAI({ ...options, baseURL: WEIR_URL });
  assert.equal((await bare.chat.completions.create({ model: 'plain-bare', messages })).choices[0].message.content, 'Hello there.');
  assert.equal((await seen('plain-bare'))[0].path, '/v1/chat/completions');
  assert.deepEqual((await bare.models.list()).data.map((m) => m.id), ['fast', 'theirs']);
});

test('stream', async () => {
  const chunks = await all(await ask('stream', { stream: true }));
  assert.equal(text(chunks), 'Hello.');
  assert.ok(chunks.every((c) => c.choices.length === 1), 'no usage chunk where none was asked for');
  assert.deepEqual(JSON.parse((await seen('stream'))[0].body).stream_options, { include_usage: true });
});

test('usage chunk where asked', async () => {
  const chunks = await all(await ask('stream', { stream: true, stream_options: { include_usage: true } }));
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.total_tokens, 12);
});

test('an odd but legal stream', async () => {
  assert.equal(text(await all(await ask('odd', { stream: true }))), 'Grüße 😀');
});

test('tools, there and back', async () => {
  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }];
  const { message } = (await ask('tools', { tools })).choices[0];
  assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { city: 'Zürich' });
  const conversation = [...messages, message, { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'rain' }];
  await ask('plain-tools', { tools, messages: conversation });
  assert.deepEqual(JSON.parse((await seen('plain-tools'))[0].body).messages, conversation);
});

test('streamed tool calls', async () => {
  const runner = client.chat.completions.stream({ model: 'stream-tools', messages });
  const calls = (await runner.finalChatCompletion()).choices[0].message.tool_calls;
  assert.deepEqual(calls.map((c) => [c.function.name, JSON.parse(c.function.arguments)]), [['weather', { city: 'Zürich' }], ['time', {}]]);
});

test('several choices, logprobs, unknown fields', async () => {
  const answer = await ask('rich', { n: 2, logprobs: true, x_mine: [1, { deep: null }] });
  assert.deepEqual(answer.choices.map((c) => c.message.content), ['one', 'two']);
  assert.equal(answer.choices[0].logprobs.content[0].logprob, -0.0012345678901234567);
  assert.deepEqual(answer.x_new, { deep: [1, null] });
  assert.deepEqual(JSON.parse((await seen('rich'))[0].body).x_mine, [1, { deep: null }]);
});

test('image parts', async () => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${Buffer.alloc(500_000, 7).toString('base64')}` } },
  ];
  await ask('plain-image', { messages: [{ role: 'user', content }] });
  assert.deepEqual(JSON.parse((await seen('plain-image'))[0].body).messages[0].content, content);
});

test('embeddings, base64 by default and as numbers', async () => {
  assert.deepEqual((await client.embeddings.create({ model: 'emb', input: 'x' })).data[0].embedding, [0.5, -2, 0.25]);
  const floats = await client.embeddings.create({ model: 'emb', input: ['x'], encoding_format: 'float' });
  assert.deepEqual(floats.data[0].embedding, [0.5, -2, 0.1]);
});

test('models', async () => {
  const ids = (await all(client.models.list())).map((m) => m.id);
  assert.ok(ids.includes('fast'));
  assert.equal((await client.models.retrieve('fast')).id, 'fast');
});

test('responses', async () => {
  assert.equal((await client.responses.create({ model: 'resp', input: 'x' })).output_text, 'Hello.');
  const events = await all(await client.responses.create({ model: 'resp', input: 'x', stream: true }));
  assert.deepEqual(events.map((e) => e.type), ['response.created', 'response.output_text.delta', 'response.output_text.delta', 'response.completed']);
});

// A document where events were asked for, and the other way round: the SDK's accumulators put together what was sent.
test('answers in the other form', async () => {
  const runner = client.chat.completions.stream({ model: 'turned-chat', messages });
  const { choices, x_new } = await runner.finalChatCompletion();
  assert.deepEqual(choices.map((c) => [c.message.content, c.finish_reason]), [['one', 'stop'], ['two', 'stop']]);
  assert.deepEqual(x_new, { deep: [1, null] });
  const calls = (await client.chat.completions.stream({ model: 'turned-tools', messages }).finalChatCompletion()).choices[0].message.tool_calls;
  assert.deepEqual(calls.map((c) => [c.id, c.function.name, JSON.parse(c.function.arguments)]), [['call_1', 'weather', { city: 'Zürich' }]]);
  const stream = client.responses.stream({ model: 'turned-resp', input: 'x' });
  let said = '';
  stream.on('response.output_text.delta', (e) => { said = e.snapshot; });
  assert.equal((await stream.finalResponse()).output_text, 'Hello.');
  assert.equal(said, 'Hello.');
  const pieces = await all(await client.completions.create({ model: 'turned-instruct', prompt: 'x', stream: true }));
  assert.equal(pieces.map((c) => c.choices[0].text).join(''), 'Hello.');
  assert.equal((await ask('turned-stream')).choices[0].message.content, 'Hello.');
  assert.equal((await client.responses.create({ model: 'turned-resp', input: 'x' })).output_text, 'Hello.');
});

test('completions and moderations', async () => {
  assert.equal((await client.completions.create({ model: 'instruct', prompt: 'x' })).choices[0].text, 'Hello.');
  assert.equal((await client.moderations.create({ model: 'omni', input: 'x' })).results[0].flagged, true);
});

// That the provider refuses weir's key is no affair of the client's.
const ofTheKey = new Set(['401', '403']);
const classes = {
  400: OpenAI.BadRequestError, 401: OpenAI.InternalServerError, 403: OpenAI.InternalServerError, 404: OpenAI.NotFoundError,
  409: OpenAI.ConflictError, 422: OpenAI.UnprocessableEntityError, 429: OpenAI.RateLimitError, 500: OpenAI.InternalServerError,
  503: OpenAI.InternalServerError, 529: OpenAI.InternalServerError,
};

for (const stream of [false, true]) {
  for (const [status, kind] of Object.entries(classes)) {
    test(`error ${status}${stream ? ' to a stream' : ''}`, async () => {
      await assert.rejects(ask(`error-${status}`, { stream }), (e) => {
        assert.ok(e instanceof kind, `${e.constructor.name}`);
        if (ofTheKey.has(status)) {
          assert.equal(e.status, 502);
          assert.equal(e.code, 'provider_refused');
          assert.doesNotMatch(e.message, /Monday/);
        } else {
          assert.equal(e.status, Number(status));
          assert.deepEqual([e.error.message, e.type, e.code, e.param], ['No, since it is Monday.', 'some_type', 'some_code', 'some_param']);
        }
        assert.equal(e.requestID, e.headers.get('x-request-id'));
        return true;
      });
    });
  }
}

test('a cut stream raises', async () => {
  const stream = await ask('cut', { stream: true });
  let got = '';
  await assert.rejects(
    async () => {
      for await (const chunk of stream) got += chunk.choices[0].delta.content;
    },
    (e) => e instanceof OpenAI.APIError && e.code === 'stream_interrupted',
  );
  assert.equal(got, 'One');
});

test('an error event raises', async () => {
  const stream = await ask('error-event', { stream: true });
  await assert.rejects(all(stream), (e) => e instanceof OpenAI.APIError && /fell over/.test(e.message));
});

test('retries of the SDK and of weir do not multiply', async () => {
  await assert.rejects(new OpenAI({ ...options, maxRetries: 2 }).chat.completions.create({ model: 'always-503', messages }), OpenAI.InternalServerError);
  assert.equal((await seen('always-503')).length, 2); // weir's own: retries: 1
});

test('a hint beyond the deadline is handed on', async () => {
  const answer = await new OpenAI({ ...options, maxRetries: 1 }).chat.completions.create({ model: 'later', messages });
  assert.equal(answer.choices[0].message.content, 'Hello there.');
  const [first, second] = await seen('later', 2);
  assert.ok(second.began - first.began >= 3.5, `${second.began - first.began} s`);
});

// The provider's clock and ours are one: CLOCK_MONOTONIC.
const now = () => Number(process.hrtime.bigint()) / 1e9;

async function closedWithin(model, left, limit) {
  const [request] = await seen(`${model}&closed=1`);
  assert.ok(request.closed - left < limit, `the provider saw it after ${request.closed - left} s`);
}

test('abort in mid-stream', async () => {
  const stream = await ask('hang-stream', { stream: true });
  let left;
  for await (const chunk of stream) {
    assert.ok(chunk);
    left = now();
    break; // which aborts
  }
  await closedWithin('hang-stream', left, 0.1);
});

for (const stream of [false, true]) {
  test(`abort while waiting${stream ? ' for a stream' : ''}`, async () => {
    const model = `hang-${stream}`;
    const controller = new AbortController();
    const call = ask(model, { stream }, { signal: controller.signal });
    const aborted = assert.rejects(call, OpenAI.APIUserAbortError);
    await seen(model);
    const left = now();
    controller.abort();
    await aborted;
    await closedWithin(model, left, 0.1);
  });
}

test('200 parallel streams do not mix', async () => {
  const names = Array.from({ length: 200 }, (_, i) => `stream-${i}`);
  const texts = await Promise.all(
    names.map(async (name) => text(await all(await ask('echo', { stream: true, messages: [{ role: 'user', content: name }] })))),
  );
  assert.deepEqual(texts, names.map((name) => Array.from({ length: 20 }, (_, i) => `${name}/${i} `).join('')));
});
