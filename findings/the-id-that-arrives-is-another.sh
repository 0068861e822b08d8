#!/usr/bin/env bash
# A tool takes and gives back an int64, 123456789012345678. The official MCP SDK for Go makes 123456789012345680 of it, on both ways.
#
# Versions  github.com/modelcontextprotocol/go-sdk v1.8.0 with github.com/google/jsonschema-go v0.4.3, beside
#           github.com/mark3labs/mcp-go v1.2.1 (Go).
# Input     A tool whose handler has a struct with ID int64, called with 9007199254740993, 123456789012345678 and 9223372036854775807, as JSON
#           numbers; a tool that gives back a struct with the first of these. The SDK's own client calls them. Beside
#           it the same type in mcp-go, as a typed handler and by GetInt().
# Guess     Go's encoding/json reads a number into an int64 exactly, all the digits: that is what typed handlers are for.
# Seen      The request that the handler may look at has all digits, the struct beside it has 9007199254740992 and 123456789012345680; the
#           largest int64 is refused as an overflow of int64. What it gives back is 9007199254740992 too. To put defaults in and to check
#           the schema the SDK reads arguments and results into a map[string]any first, whose numbers are float64, and writes that out
#           again. A tool that is added without types has its bytes as they came. mcp-go's typed handler is exact; its GetInt()
#           has the float64's number.
# Matters   Ids of rows, messages and accounts have 17 to 19 digits. The tool reads, pays or deletes another one, without an error; who
#           has written int64 to be safe from JavaScript's numbers has them back. Declare such ids as strings.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

cat >"$dir/main.go" <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	other "github.com/mark3labs/mcp-go/mcp"
	otherserver "github.com/mark3labs/mcp-go/server"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type Row struct {
	ID int64 `json:"id"`
}

const big = 9007199254740993

var ids = []string{"9007199254740993", "123456789012345678", "9223372036854775807"}

func text(res *mcp.CallToolResult) string {
	said := res.Content[0].(*mcp.TextContent).Text
	if res.IsError && strings.Contains(said, "overflows") {
		return "overflow"
	}
	return said
}

func main() {
	ctx := context.Background()
	server := mcp.NewServer(&mcp.Implementation{Name: "rows", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "typed"}, func(_ context.Context, req *mcp.CallToolRequest, row Row) (*mcp.CallToolResult, any, error) {
		said := fmt.Sprintf("%s is %d", req.Params.Arguments, row.ID)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: said}}}, nil, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "back"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, Row, error) {
		return nil, Row{big}, nil
	})
	schema := json.RawMessage(`{"type":"object","properties":{"id":{"type":"integer"}}}`)
	server.AddTool(&mcp.Tool{Name: "bare", InputSchema: schema}, func(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		var row Row
		err := json.Unmarshal(req.Params.Arguments, &row)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprint(row.ID)}}}, err
	})
	here, there := mcp.NewInMemoryTransports()
	go server.Run(ctx, there)
	client, err := mcp.NewClient(&mcp.Implementation{Name: "asks", Version: "1"}, nil).Connect(ctx, here, nil)
	if err != nil {
		panic(err)
	}
	call := func(name, arguments string) *mcp.CallToolResult {
		res, err := client.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: json.RawMessage(arguments)})
		if err != nil {
			panic(err)
		}
		return res
	}
	seen := map[string][]string{}
	for _, id := range ids {
		arguments := `{"id":` + id + `}`
		seen["go-sdk, typed"] = append(seen["go-sdk, typed"], text(call("typed", arguments)))
		seen["go-sdk, without types"] = append(seen["go-sdk, without types"], text(call("bare", arguments)))
	}
	seen["go-sdk, given back"] = []string{text(call("back", `{}`))}

	peer := otherserver.NewMCPServer("rows", "1")
	peer.AddTool(other.NewTool("typed", other.WithNumber("id")),
		other.NewTypedToolHandler(func(_ context.Context, req other.CallToolRequest, row Row) (*other.CallToolResult, error) {
			return other.NewToolResultText(fmt.Sprintf("%d, GetInt %d", row.ID, req.GetInt("id", 0))), nil
		}))
	for _, id := range ids[:2] {
		answer := peer.HandleMessage(ctx, json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"typed","arguments":{"id":`+id+`}}}`))
		said := answer.(other.JSONRPCResponse).Result.(*other.CallToolResult).Content[0].(other.TextContent).Text
		seen["mcp-go, typed"] = append(seen["mcp-go, typed"], said)
	}

	want := map[string][]string{
		"go-sdk, typed":         {`{"id":9007199254740993} is 9007199254740992`, `{"id":123456789012345678} is 123456789012345680`, "overflow"},
		"go-sdk, without types": ids,
		"go-sdk, given back":    {`{"id":9007199254740992}`},
		"mcp-go, typed":         {"9007199254740993, GetInt 9007199254740992", "123456789012345678, GetInt 123456789012345680"},
	}
	for _, name := range []string{"go-sdk, typed", "go-sdk, without types", "go-sdk, given back", "mcp-go, typed"} {
		fmt.Printf("%-22s %s\n", name, strings.Join(seen[name], " | "))
	}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		fmt.Println("this has changed")
		os.Exit(1)
	}
	fmt.Println("as told")
}
GO
cd "$dir"
{ go mod init finding && go get github.com/modelcontextprotocol/go-sdk@v1.8.0 github.com/google/jsonschema-go@v0.4.3 github.com/mark3labs/mcp-go@v1.2.1 &&
  go mod tidy && go build -o rows .; } >go.log 2>&1 || { tail -5 go.log >&2; cannot "go build"; }
./rows
