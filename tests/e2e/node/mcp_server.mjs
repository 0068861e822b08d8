// A server of the TypeScript SDK, version 2, which speaks the protocol without a handshake. node mcp_server.mjs PORT
import { createServer } from 'node:http';
import { createMcpHandler, McpServer, fromJsonSchema } from '@modelcontextprotocol/server';
import { toNodeHandler } from '@modelcontextprotocol/node';

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'two', version: '1' });
  server.registerTool('join', {
    description: 'Joins two texts.',
    inputSchema: fromJsonSchema({ type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'First' }, b: { type: 'string' } }, required: ['a', 'b'] }),
  }, async ({ a, b }) => ({ content: [{ type: 'text', text: a + b }] }));
  server.registerTool('only_structure', {
    description: 'Says nothing in words.',
    inputSchema: fromJsonSchema({ type: 'object', properties: {} }),
  }, async () => ({ content: [], structuredContent: { n: 1 } }));
  return server;
});
createServer(toNodeHandler(handler)).listen(Number(process.argv[2]), '127.0.0.1');
