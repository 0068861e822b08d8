#!/usr/bin/env bash
# A Go struct has its customer's id and name embedded. go-openai asks the model for them one step deeper than Go reads them: the model says 7, the program has 0, and its check against the schema passes.
#
# Versions  github.com/sashabaranov/go-openai v1.43.0; github.com/openai/openai-go/v3 v3.99.0 with github.com/invopop/jsonschema v0.14.0, as in its README (Go).
# Input     type Pay struct { Customer; Amount int }, where Customer has an ID and a Name, all with tags for JSON: plain; as *Customer (pointer); and
#           with a name of its own, Customer `json:"customer"` (named). go-openai's jsonschema.GenerateSchemaForType makes the schema of it, which is sent as
#           response_format with strict: true, and schema.Unmarshal, which checks the answer against the schema, reads it, as in the README. The server
#           keeps to the schema: 7 for each integer, "Bo" for each text. openai-go beside it has the schema of invopop/jsonschema and reads by encoding/json.
# Guess     A schema that a Go library makes of a Go type is that of the JSON which Go makes of the type: id, name and amount side by side.
# Seen      openai-go's is: 7, Bo, 7 each time. named is so in both. go-openai asks for {"Customer": {"id", "name"}, "amount"} in the others, no other
#           members allowed, and gets it; encoding/json, which schema.Unmarshal reads with, looks for id and name outside, and passes over "Customer". There is no
#           error: plain is {0, "", 7}; pointer has nil, which panics where it is first used. An answer in Go's own form fails the check.
# Matters   A part that several answers have in common is embedded in Go. It is zero each time, from every model, and the better the model is kept to the
#           schema the surer: a payment for customer 0, a row without its name. The amount beside it is right. The same function makes the schemas of
#           tools. Give an embedded struct a tag with a name, or make the schema by a library that knows encoding/json's rules.
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

	invopop "github.com/invopop/jsonschema"
	official "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	other "github.com/sashabaranov/go-openai"
	"github.com/sashabaranov/go-openai/jsonschema"
)

type Customer struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type Plain struct {
	Customer
	Amount int `json:"amount"`
}

type Pointer struct {
	*Customer
	Amount int `json:"amount"`
}

type Named struct {
	Customer `json:"customer"`
	Amount   int `json:"amount"`
}

type object = map[string]any

// An answer that keeps to the schema: 7 for an integer, "Bo" for a text.
func fits(schema, root object) any {
	if ref, ok := schema["$ref"].(string); ok {
		return fits(root["$defs"].(object)[strings.TrimPrefix(ref, "#/$defs/")].(object), root)
	}
	switch schema["type"] {
	case "integer":
		return 7
	case "string":
		return "Bo"
	}
	made := object{}
	for name, of := range schema["properties"].(object) {
		made[name] = fits(of.(object), root)
	}
	return made
}

var (
	ctx  = context.Background()
	said string
)

func goOpenai(base string, result any) error {
	schema, err := jsonschema.GenerateSchemaForType(result)
	if err != nil {
		return err
	}
	config := other.DefaultConfig("unused")
	config.BaseURL = base
	answer, err := other.NewClientWithConfig(config).CreateChatCompletion(ctx, other.ChatCompletionRequest{
		Model: "m", Messages: []other.ChatCompletionMessage{{Role: "user", Content: "Who is paid?"}},
		ResponseFormat: &other.ChatCompletionResponseFormat{
			Type:       other.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &other.ChatCompletionResponseFormatJSONSchema{Name: "pay", Schema: schema, Strict: true}}})
	if err != nil {
		return err
	}
	return schema.Unmarshal(answer.Choices[0].Message.Content, result)
}

func openaiGo(base string, result any) error {
	reflector := invopop.Reflector{AllowAdditionalProperties: false, DoNotReference: true}
	client := official.NewClient(option.WithBaseURL(base), option.WithAPIKey("unused"), option.WithMaxRetries(0))
	answer, err := client.Chat.Completions.New(ctx, official.ChatCompletionNewParams{
		Model: "m", Messages: []official.ChatCompletionMessageParamUnion{official.UserMessage("Who is paid?")},
		ResponseFormat: official.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &official.ResponseFormatJSONSchemaParam{
			JSONSchema: official.ResponseFormatJSONSchemaJSONSchemaParam{Name: "pay", Schema: reflector.Reflect(result), Strict: official.Bool(true)}}}})
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(answer.Choices[0].Message.Content), result)
}

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := object{}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			panic(err)
		}
		schema := asked["response_format"].(object)["json_schema"].(object)["schema"].(object)
		content, _ := json.Marshal(fits(schema, schema))
		said = string(content)
		w.Header().Set("content-type", "application/json")
		json.NewEncoder(w).Encode(object{"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []object{
			{"index": 0, "finish_reason": "stop", "message": object{"role": "assistant", "content": said}}},
			"usage": object{"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
	}))
	defer server.Close()
	seen := []string{}
	for _, client := range []struct {
		name string
		ask  func(string, any) error
	}{{"go-openai", goOpenai}, {"openai-go", openaiGo}} {
		for _, result := range []any{&Plain{}, &Pointer{}, &Named{}} {
			err := client.ask(server.URL+"/v1", result)
			var customer *Customer
			amount := 0
			switch pay := result.(type) {
			case *Plain:
				customer, amount = &pay.Customer, pay.Amount
			case *Pointer:
				customer, amount = pay.Customer, pay.Amount
			case *Named:
				customer, amount = &pay.Customer, pay.Amount
			}
			got := fmt.Sprintf("nil %d", amount)
			if customer != nil {
				got = fmt.Sprintf("%d %q %d", customer.ID, customer.Name, amount)
			}
			fmt.Printf("%-10s %-13T said %-45s read %s, error %v\n", client.name, result, said, got, err)
			seen = append(seen, fmt.Sprint(got, " ", err))
		}
	}
	schema, _ := jsonschema.GenerateSchemaForType(Plain{})
	own, _ := json.Marshal(Plain{Customer{7, "Bo"}, 7})
	err := schema.Unmarshal(string(own), &Plain{})
	fmt.Printf("go-openai  of Go's own %s: error %v\n", own, err)
	right := `7 "Bo" 7 <nil>`
	if strings.Join(seen, ",") == strings.Join([]string{`0 "" 7 <nil>`, `nil 7 <nil>`, right, right, right, right}, ",") && err != nil {
		fmt.Println("as told")
		return
	}
	fmt.Println("this has changed")
	os.Exit(1)
}
GO
cd "$dir"
{ go mod init finding && go get github.com/sashabaranov/go-openai@v1.43.0 github.com/openai/openai-go/v3@v3.99.0 github.com/invopop/jsonschema@v0.14.0 &&
  go mod tidy && go build -o ask .; } >go.log 2>&1 || { tail -5 go.log >&2; cannot "go build"; }
./ask
