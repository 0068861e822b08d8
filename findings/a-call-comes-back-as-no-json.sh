#!/usr/bin/env bash
# A model calls look with {"__arg1": "Bo 12"}. In the next request of langchaingo's agent it has called look with Bo 12, which is no JSON: many servers refuse it.
#
# Versions  github.com/tmc/langchaingo v0.1.14 (Go).
# Input     agents.NewOpenAIFunctionsAgent with two tools, look and find, each of which takes a text; the library itself asks for it as {"__arg1": …}. The model
#           calls look with the text Bo 12; with 12; with {"city": "Bern"}; both tools side by side; look twice with the same text,
#           the second time when it has read the first result, as one asks whether something is done. The server takes everything (lenient), or
#           it answers 400 to a call in the history whose arguments do not parse as an object (strict). llama-server refuses what does not parse
#           (told in OpenHands/software-agent-sdk#2887), and vLLM did (vllm-project/vllm#43995). What arrives is looked at.
# Guess     The history is what was said: the call comes back letter for letter, with its arguments as they came, as in the SDKs' examples.
# Seen      What comes back is the tool's text in place of the arguments: Bo 12, 12 and {"city": "Bern"}, the last two JSON, but nothing that look's
#           schema allows. The strict server refuses the second request of all but the object's, after the tools have been run: the run fails with its
#           400. Two calls side by side come back as two messages, one after the other. The same call made twice, one after the other, comes
#           back as one message with both, since calls belong together for the agent if their log lines are alike.
# Matters   An agent that runs well at OpenAI fails at its second step, with any tool, behind a server or a gateway that reads what it is
#           given, after it has paid or sent; run again, it does so again. Newer vLLMs put {} in the place of such arguments
#           (vllm-project/vllm#48922): the model reads that it has called look with nothing. Where they are taken, it sees itself call tools in a form
#           that it was told not to use. A message that is rewritten later also ends what a provider's cache of prompts knows.
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
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/tmc/langchaingo/agents"
	"github.com/tmc/langchaingo/chains"
	"github.com/tmc/langchaingo/llms/openai"
	"github.com/tmc/langchaingo/tools"
)

type call struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

type request struct {
	Messages []struct {
		Role      string `json:"role"`
		ToolCalls []call `json:"tool_calls"`
	} `json:"messages"`
}

type tool struct {
	name string
	runs *int
}

func (t tool) Name() string        { return t.name }
func (t tool) Description() string { return "Takes a text." }
func (t tool) Call(context.Context, string) (string, error) {
	*t.runs++
	return "fine", nil
}

// made is a call as the model makes it: the tool's name, a space, the text.
func made(id int, said string) call {
	name, text, _ := strings.Cut(said, " ")
	arguments, _ := json.Marshal(map[string]string{"__arg1": text})
	c := call{ID: fmt.Sprintf("call_%d", id), Type: "function"}
	c.Function.Name, c.Function.Arguments = name, string(arguments)
	return c
}

// run lets the model say what is in turns, each a list of calls, and then "Done.".
func run(turns [][]string, strict bool) (last string, runs int, err error) {
	asked, ids := 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got request
		_ = json.NewDecoder(r.Body).Decode(&got)
		history := []string{}
		w.Header().Set("content-type", "application/json")
		for _, message := range got.Messages {
			said := []string{}
			for _, c := range message.ToolCalls {
				said = append(said, c.Function.Name+" "+c.Function.Arguments)
				var object map[string]any
				if strict && json.Unmarshal([]byte(c.Function.Arguments), &object) != nil {
					w.WriteHeader(400)
					fmt.Fprint(w, `{"error":{"message":"arguments are no JSON object","type":"invalid_request_error","param":null,"code":null}}`)
					return
				}
			}
			if len(said) > 0 {
				history = append(history, strings.Join(said, " + "))
			}
		}
		last = strings.Join(history, ", then ")
		message, finish := map[string]any{"role": "assistant", "content": "Done."}, "stop"
		if asked < len(turns) {
			calls := []call{}
			for _, said := range turns[asked] {
				ids++
				calls = append(calls, made(ids, said))
			}
			message, finish = map[string]any{"role": "assistant", "content": nil, "tool_calls": calls}, "tool_calls"
		}
		asked++
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "c", "object": "chat.completion", "created": 1, "model": "m",
			"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": finish}},
			"usage":   map[string]int{"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}})
	}))
	defer server.Close()
	model, err := openai.New(openai.WithBaseURL(server.URL+"/v1"), openai.WithToken("unused"), openai.WithModel("m"))
	if err != nil {
		return "", 0, err
	}
	agent := agents.NewOpenAIFunctionsAgent(model, []tools.Tool{tool{"look", &runs}, tool{"find", &runs}})
	_, err = chains.Run(context.Background(), agents.NewExecutor(agent), "Go")
	return last, runs, err
}

func main() {
	same := true
	for _, one := range []struct {
		name  string
		turns [][]string
		want  string // what the model has said, by the last request
		fails bool   // at the strict server
	}{
		{"Bo 12", [][]string{{"look Bo 12"}}, "look Bo 12", true},
		{"12", [][]string{{"look 12"}}, "look 12", true},
		{"an object's JSON", [][]string{{`look {"city": "Bern"}`}}, `look {"city": "Bern"}`, false},
		{"side by side", [][]string{{"look Bo", "find Al"}}, "look Bo, then find Al", true},
		{"twice", [][]string{{"look Bo"}, {"look Bo"}}, "look Bo + look Bo", true},
	} {
		said := []string{}
		id := 0
		for _, turn := range one.turns {
			calls := []string{}
			for _, text := range turn {
				id++
				calls = append(calls, made(id, text).Function.Name+" "+made(id, text).Function.Arguments)
			}
			said = append(said, strings.Join(calls, " + "))
		}
		seen, runs, err := run(one.turns, false)
		_, again, refused := run(one.turns, true)
		fmt.Printf("%-17s the model says:  %s\n%17s it comes back:  %s\n", one.name, strings.Join(said, ", then "), "", seen)
		if refused != nil {
			fmt.Printf("%17s strict server:  %.70s…, after %d of %d runs of a tool\n", "", refused.Error(), again, runs)
		}
		same = same && err == nil && seen == one.want && (refused != nil) == one.fails
	}
	if !same {
		fmt.Println("this has changed")
		os.Exit(1)
	}
	fmt.Println("as told")
}
GO
cd "$dir"
{ go mod init finding && go get github.com/tmc/langchaingo@v0.1.14 && go mod tidy && go build -o agent .; } >go.log 2>&1 ||
  { tail -5 go.log >&2; cannot "go build"; }
./agent
