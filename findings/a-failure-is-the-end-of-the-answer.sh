#!/usr/bin/env bash
# A provider fails amid a stream and says so, in an event with "error": langchaingo gives back the half that it has, and no error.
#
# Versions  github.com/tmc/langchaingo v0.1.14, github.com/sashabaranov/go-openai v1.43.0, github.com/openai/openai-go/v3 v3.99.0 (all Go).
# Input     The answer "Pay Bo 12, but not before Friday.", as a stream that (whole) comes to its end; or after "Pay Bo 12," has an event with (openai) an
#           object `error` and nothing else, as OpenAI's API writes it, and the stream's end; (named) the same under "event: error"; (router)
#           an object `error` beside a choice with finish_reason "error", as OpenRouter's documentation has it, and [DONE]; or (broken) no such event: the
#           connection breaks, before the last chunk of HTTP. Each client asks for the stream and puts the pieces together; langchaingo does
#           that itself, in GenerateContent() with WithStreamingFunc().
# Guess     A stream has one way to say that it failed, since its status went out long ago: all give an error each time, as the SDKs for Python
#           and Node do.
# Seen      openai-go does. langchaingo's err is nil for (openai), (named) and (router): to it an event without choices is an empty one, the member error is
#           not read, and what came is the answer, with StopReason "" or, for (router), "error". It gives an error for (broken) alone. go-openai has
#           an error for (openai), with its message; for (named) one that says "unexpected end of JSON input"; for (router) none.
# Matters   "Pay Bo 12," reads as an answer, is stored as one, and is what the next step of a chain works with. A provider that is overloaded, or a
#           gateway that has lost its provider, says so in vain, and says so most when there is most to do; nothing is tried again. With
#           langchaingo an answer without StopReason "stop" or "tool_calls" is none. Who serves such clients does not end a failed
#           stream well behind the error, but breaks off the connection too.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

cat >"$dir/main.go" <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	official "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	other "github.com/sashabaranov/go-openai"
	"github.com/tmc/langchaingo/llms"
	chain "github.com/tmc/langchaingo/llms/openai"
)

const (
	half   = "Pay Bo 12,"
	rest   = " but not before Friday."
	failed = `"error":{"message":"overloaded","type":"server_error","param":null,"code":"overloaded"}`
	done   = "data: [DONE]\n\n"
)

func chunk(delta, finish, more string) string {
	return `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{` + delta + `},"finish_reason":` + finish + `}]` + more + "}\n\n"
}

func piece(text string) string { return chunk(`"content":"`+text+`"`, "null", "") }

var kinds = []string{"whole", "openai", "named", "router", "broken"}

var streams = map[string]string{
	"whole":  piece(half) + piece(rest) + chunk("", `"stop"`, "") + done,
	"openai": piece(half) + "data: {" + failed + "}\n\n",
	"named":  piece(half) + "event: error\ndata: {" + failed + "}\n\n",
	"router": piece(half) + chunk(`"content":""`, `"error"`, `,"error":{"code":502,"message":"overloaded"}`) + done,
	"broken": piece(half),
}

var ctx = context.Background()

func langchaingo(base string) (string, string, error) {
	model, err := chain.New(chain.WithBaseURL(base), chain.WithToken("unused"), chain.WithModel("m"))
	if err != nil {
		return "", "", err
	}
	asked := []llms.MessageContent{llms.TextParts(llms.ChatMessageTypeHuman, "Go")}
	answer, err := model.GenerateContent(ctx, asked, llms.WithStreamingFunc(func(context.Context, []byte) error { return nil }))
	if err != nil {
		return "", "", err
	}
	return answer.Choices[0].Content, answer.Choices[0].StopReason, nil
}

func goOpenai(base string) (text, reason string, err error) {
	config := other.DefaultConfig("unused")
	config.BaseURL = base
	request := other.ChatCompletionRequest{Model: "m", Messages: []other.ChatCompletionMessage{{Role: "user", Content: "Go"}}}
	stream, err := other.NewClientWithConfig(config).CreateChatCompletionStream(ctx, request)
	if err != nil {
		return "", "", err
	}
	for {
		got, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return text, reason, nil
		}
		if err != nil {
			return text, reason, err
		}
		text += got.Choices[0].Delta.Content
		reason += string(got.Choices[0].FinishReason)
	}
}

func openaiGo(base string) (text, reason string, err error) {
	client := official.NewClient(option.WithBaseURL(base), option.WithAPIKey("unused"), option.WithMaxRetries(0))
	stream := client.Chat.Completions.NewStreaming(ctx, official.ChatCompletionNewParams{
		Model: "m", Messages: []official.ChatCompletionMessageParamUnion{official.UserMessage("Go")}})
	for stream.Next() {
		text += stream.Current().Choices[0].Delta.Content
		reason += stream.Current().Choices[0].FinishReason
	}
	return text, reason, stream.Err()
}

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := strings.Split(r.URL.Path, "/")[1]
		w.Header().Set("content-type", "text/event-stream")
		fmt.Fprint(w, streams[kind])
		if kind == "broken" {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	clients := []struct {
		name string
		ask  func(string) (string, string, error)
		want string // for each kind: an error, or how the text ends
	}{
		{"langchaingo", langchaingo, "stop,,,error,err"},
		{"go-openai", goOpenai, "stop,err,err,error,err"},
		{"openai-go", openaiGo, "stop,err,err,err,err"},
	}
	same := true
	for _, client := range clients {
		seen := []string{}
		for _, kind := range kinds {
			text, reason, err := client.ask(server.URL + "/" + kind + "/v1")
			if err != nil {
				fmt.Printf("%-12s %-7s error: %.90s\n", client.name, kind, strings.Join(strings.Fields(err.Error()), " "))
				seen = append(seen, "err")
				continue
			}
			fmt.Printf("%-12s %-7s no error, %q, ends with %q\n", client.name, kind, text, reason)
			seen = append(seen, reason)
			same = same && text == map[bool]string{true: half + rest, false: half}[kind == "whole"]
		}
		same = same && strings.Join(seen, ",") == client.want
	}
	if !same {
		fmt.Println("this has changed")
		os.Exit(1)
	}
	fmt.Println("as told")
}
GO
cd "$dir"
{ go mod init finding && go get github.com/tmc/langchaingo@v0.1.14 github.com/sashabaranov/go-openai@v1.43.0 github.com/openai/openai-go/v3@v3.99.0 &&
  go mod tidy && go build -o ask .; } >go.log 2>&1 || { tail -5 go.log >&2; cannot "go build"; }
./ask
