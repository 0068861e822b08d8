"""MCP servers of the Python SDK and of fastmcp, for tests over HTTP. mcp_servers.py KIND PORT; KIND: sdk or fastmcp."""

import sys

kind, port = sys.argv[1], int(sys.argv[2])
if kind == "sdk":
    from mcp.server import MCPServer
    server = MCPServer("sdk")
    tool = server.tool()
else:
    from fastmcp import FastMCP
    server = FastMCP("fastmcp")
    tool = server.tool


@tool
def add(a: int, b: int = 1) -> int:
    """Adds two numbers."""
    return a + b


@tool
def words(text: str) -> list[str]:
    """Cuts a text into words: ä, 字."""
    return text.split()


@tool
def fail() -> str:
    """Fails."""
    raise ValueError("no luck")


if kind == "sdk":
    server.run(transport="streamable-http", host="127.0.0.1", port=port)
else:
    server.run(transport="http", host="127.0.0.1", port=port, show_banner=False)
