// The official MCP clients for Node, as clients of /mcp: the one line that opens with a handshake, and its successor, which needs
// none. test_mcp_server.py starts this file, and says which tools there are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client as Modern, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as Legacy } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const { WEIR_URL, KEY, OTHER } = process.env;
const url = new URL(`${WEIR_URL}/mcp`);
const who = { name: 'weir-e2e', version: '1' };

async function connect(kind, key) {
  const options = { requestInit: { headers: key ? { authorization: `Bearer ${key}` } : {} } };
  const client = kind === 'legacy' ? new Legacy(who) : new Modern(who, kind === 'auto' ? { versionNegotiation: { mode: 'auto' } } : {});
  await client.connect(kind === 'legacy' ? new LegacyTransport(url, options) : new ModernTransport(url, options));
  return client;
}

for (const kind of ['legacy', 'handshake', 'auto']) {
  test(`${kind}: list, call, errors`, async () => {
    const client = await connect(kind, KEY);
    assert.equal(client.getServerVersion().name, 'weir');
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((t) => t.name), ['broken', 'echo', 'get_current_time', 'stock']);
    const said = await client.callTool({ name: 'echo', arguments: { text: 'Grüße 😀' } });
    assert.deepEqual(said.structuredContent, { text: 'Grüße 😀' });
    assert.ok(!said.isError);
    const failed = await client.callTool({ name: 'broken', arguments: {} });
    assert.ok(failed.isError && failed.content[0].text.includes('no luck'));
    const odd = await client.callTool({ name: 'echo', arguments: { text: 7 } });
    assert.ok(odd.isError);
    await assert.rejects(client.callTool({ name: 'restart', arguments: {} }), (e) => e.code === -32602);
    await client.close();
  });

  test(`${kind}: keys and rights`, async () => {
    for (const key of [undefined, 'stranger-0123456789', OTHER]) await assert.rejects(connect(kind, key));
  });
}

for (const kind of ['legacy', 'auto']) {
  test(`${kind}: a call that is not wanted any more`, async () => {
    const client = await connect(kind, KEY);
    const end = new AbortController();
    const call = kind === 'legacy'
      ? client.callTool({ name: 'stock', arguments: {} }, undefined, { signal: end.signal })
      : client.callTool({ name: 'stock', arguments: {} }, { signal: end.signal });
    setTimeout(() => end.abort('enough'), 500);
    await assert.rejects(call);
    const said = await client.callTool({ name: 'echo', arguments: { text: 'on' } });
    assert.deepEqual(said.structuredContent, { text: 'on' });
    await client.close();
  });
}
