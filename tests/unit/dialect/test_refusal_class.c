/* What refusals mean, as providers send them. */
#include "unit.h"

#include "dialect/refusal.h"

typedef struct row {
    int status;
    const char *body;
} row;

static failure_class class_of(int status, const char *body) {
    arena a;
    refusal_said said;
    arena_init(&a, 0);
    refusal_read(span_cstr(body), NULL, &a, &said);
    failure_class class = refusal_classify(status, &said, &a);
    arena_done(&a);
    return class;
}

static void all_mean(failure_class class, const row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        failure_class got = class_of(rows[i].status, rows[i].body);
        if (got != class)
            fail_msg("%d %s: %s, not %s", rows[i].status, rows[i].body, failure_name(got),
                     failure_name(class));
    }
}

#define OPENAI(message, type, code)                                                                \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"" type "\",\"param\":null,\"code\":" code  \
    "}}"
#define SAYS(message) OPENAI(message, "invalid_request_error", "null")

static void too_long(void **state) {
    (void)state;
    static const row rows[] = {
        /* OpenAI and what speaks as it does */
        {400, OPENAI("m", "t", "\"context_length_exceeded\"")},
        {400, SAYS("This model's maximum context length is 128000 tokens. However, your messages "
                   "resulted in 130211 tokens. Please reduce the length of the messages.")},
        {400, SAYS("Your input exceeds the context window of this model. Please adjust your input "
                   "and try again.")},
        {400, SAYS("Input tokens exceed the configured limit of 272000 tokens. Your messages "
                   "resulted in 509178 tokens. Please reduce the length of the messages.")},
        {400, SAYS("Invalid 'input[0]': maximum input length is 8192 tokens.")},
        {400, SAYS("Requested 416295 tokens, max 300000 tokens per request")},
        {400, OPENAI("Invalid 'messages[1].content': string too long. Expected a string with "
                     "maximum length 1048576, but got a string with length 1540820 instead.",
                     "invalid_request_error", "\"string_above_max_length\"")},
        {400, OPENAI("Please reduce the length of the messages or completion.",
                     "invalid_request_error", "\"context_length_exceeded\"")}, /* Groq */
        {400, SAYS("Please reduce the length of the messages or completion. Current length is "
                   "42328 while limit is 40000")}, /* Cerebras */
        {413, OPENAI("Request too large for model `llama-3.3-70b-versatile` in organization "
                     "`org_01` service tier `on_demand` on tokens per minute (TPM): Limit 6000, "
                     "Requested 14810, please reduce your message size and try again.",
                     "tokens", "\"rate_limit_exceeded\"")}, /* Groq */
        {429, OPENAI("Request too large for gpt-4 in organization org-1 on tokens per min (TPM): "
                     "Limit 10000, Requested 20000. The input or output tokens must be reduced in "
                     "order to run successfully.",
                     "tokens", "\"rate_limit_exceeded\"")},
        {400, "{\"error\":{\"message\":\"This endpoint's maximum context length is 131072 tokens. "
              "However, you requested about 537812 tokens\",\"code\":400}}"}, /* OpenRouter */
        {400, "{\"error\":{\"message\":\"Provider returned error\",\"code\":400,\"metadata\":{"
              "\"raw\":\"{\\\"error\\\":{\\\"message\\\":\\\"prompt is too long: 9 tokens > 8 "
              "maximum\\\"}}\"}}}"},
        {400, "{\"error\":{\"message\":\"Provider returned error\",\"code\":400,\"metadata\":{"
              "\"raw\":\"Requested input length 39818 exceeds maximum input length 32767\"}}}"},
        {400, SAYS("litellm.ContextWindowExceededError: litellm.BadRequestError: x")},
        /* Anthropic, Bedrock, Google */
        {400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
              "\"prompt is too long: 213462 tokens > 200000 maximum\"}}"},
        {400,
         "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"input "
         "length and `max_tokens` exceed context limit: 188240 + 21333 > 200000\"}}"},
        {400, "{\"message\":\"Input is too long for requested model.\"}"},
        {400, "{\"message\":\"The model returned the following errors: Input Tokens Exceeded: "
              "Number of input tokens exceeds maximum length.\"}"},
        {400, "{\"message\":\"400 Bad Request: Too many input tokens. Max input tokens: 8192, "
              "request input token count: 9279\"}"},
        {400, "[{\"error\":{\"code\":400,\"message\":\"The input token count (1196265) exceeds the "
              "maximum number of tokens allowed (1048575).\",\"status\":\"INVALID_ARGUMENT\"}}]"},
        {400, "[{\"error\":{\"code\":400,\"message\":\"The input token count exceeds the maximum "
              "number of tokens allowed 1048576.\",\"status\":\"INVALID_ARGUMENT\"}}]"},
        {400, "{\"error\":{\"code\":400,\"message\":\"Unable to submit request because the input "
              "token count is 40000 but model only supports up to 32768.\"}}"},
        /* others */
        {400, "{\"code\":\"Client specified an invalid argument\",\"error\":\"This model's maximum "
              "prompt length is 131072 but the request contains 537812 tokens.\"}"}, /* xAI */
        {400,
         "{\"object\":\"error\",\"message\":\"Prompt contains 66385 tokens and 0 draft tokens, "
         "too large for model with 32768 maximum context length\",\"type\":"
         "\"invalid_request_prompt\",\"param\":null,\"code\":\"3051\"}"},
        {400, "{\"error\":{\"message\":\"Invalid request: Your request exceeded model token limit: "
              "262144 (requested: 270000)\",\"type\":\"invalid_request_error\"}}"},
        {400,
         "{\"id\":\"f\",\"error_type\":\"TOO_MANY_TOKENS\",\"message\":\"too many tokens: size "
         "limit exceeded by 168512 tokens. The limit for this model is 132000 tokens.\"}"},
        {400, SAYS("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, "
                   "129024]")},
        {400, "{\"error\":{\"code\":\"1261\",\"message\":\"Prompt exceeds max length\"}}"},
        {413,
         "{\"errors\":[{\"message\":\"AiError: The estimated number of input and maximum output "
         "tokens (35000) exceeded this model context window limit (24000)\",\"code\":5021}],"
         "\"success\":false}"},
        {413, "{\"error\":{\"code\":\"tokens_limit_reached\",\"message\":\"Request body too large "
              "for gpt-4o-mini model. Max size: 8000 tokens.\"}}"},
        {400, SAYS("The prompt is too long: 160021, model maximum context length: 131071")},
        /* servers that people run */
        {400,
         "{\"object\":\"error\",\"message\":\"The input (1000016 tokens) is longer than the "
         "model's context length (131072 tokens).\",\"type\":\"BadRequestError\",\"code\":400}"},
        {400, SAYS("Requested token count exceeds the model's maximum context length of 131072 "
                   "tokens. You requested a total of 140000 tokens")},
        {503,
         SAYS("litellm.APIConnectionError: OpenAIException - Requested token count exceeds the "
              "model's maximum context length of 131072 tokens.")},
        {400, SAYS("The decoder prompt (length 5951) is longer than the maximum model length of "
                   "4096. Make sure that `max_model_len` is no smaller than the number of text "
                   "tokens.")},
        {400,
         SAYS("'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum "
              "context length is 32768 tokens and your request has 29000 input tokens")},
        {400, "{\"message\":\"The engine prompt length 227861 exceeds the max_model_len 131072. "
              "Please reduce prompt.\",\"type\":\"invalid_request_error\",\"param\":\"input\","
              "\"code\":400}"},
        {422,
         "{\"error\":\"Input validation error: `inputs` must have less than 4096 tokens. Given: "
         "5000\",\"error_type\":\"validation\"}"},
        {422, "{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= "
              "2048. Given: 2000 `inputs` tokens and 100 `max_new_tokens`\",\"error_type\":"
              "\"validation\"}"},
        {413, "{\"message\":\"Input validation error: `inputs` must have less than 512 tokens. "
              "Given: 513\",\"code\":413,\"type\":\"Validation\"}"},
        {400, "{\"error\":{\"code\":400,\"message\":\"the request exceeds the available context "
              "size, try increasing it\",\"type\":\"exceed_context_size_error\",\"n_ctx\":512}}"},
        {400,
         "{\"error\":{\"code\":400,\"message\":\"m\",\"type\":\"exceed_context_size_error\"}}"},
        {500, SAYS("Requested tokens (9437) exceed context window of 8192")},
        {500, "{\"error\":{\"code\":500,\"message\":\"Context size has been exceeded.\",\"type\":"
              "\"server_error\"}}"},
        {500, "{\"error\":\"the input length exceeds the context length\"}"},
        {400, "{\"error\":\"Trying to keep the first 6000 tokens when context the overflows. "
              "However, the model is loaded with context length of only 4096 tokens\"}"},
        {400,
         "{\"object\":\"error\",\"message\":\"The sum of prompt length (72417.0), query length "
         "(0) should not exceed max_num_tokens (69632)\",\"code\":400}"},
        /* said in passing */
        {400, SAYS("Context length")},
        {400, "the prompt does not fit into the context window"},
    };
    all_mean(FAIL_CONTEXT_LENGTH, rows, ARRAY_LEN(rows));
}

static void the_requests_fault(void **state) {
    (void)state;
    static const row rows[] = {
        {400, ""},
        {422, "{}"},
        {400, SAYS("m")},
        {400, SAYS("Unrecognized request argument supplied: foo")},
        {400, SAYS("Unknown parameter: 'context_length'.")},
        {400, SAYS("Unrecognized request argument supplied: context window")},
        {422, SAYS("context_length must be a positive integer")},
        {400, SAYS("'temperature' must be between 0 and 2")},
        {400, SAYS("Invalid type for 'tools': expected an array of objects, but got a string "
                   "instead.")},
        {400, SAYS("Invalid value: 'wizard'. Supported values are: 'system', 'assistant', 'user', "
                   "'function', 'tool', and 'developer'.")},
        {400, SAYS("you must provide a model parameter")},
        {400, SAYS("Invalid model_kwargs")},
        {400, SAYS("Invalid schema for response_format 'x': schema must be a JSON Schema")},
        {400, SAYS("Invalid 'tools[0].function.name': string does not match pattern.")},
        {400, SAYS("No tool call found for function call output with call_id call_1.")},
        {400, SAYS("'messages' must contain the word 'json' in some form, to use 'response_format' "
                   "of type 'json_object'.")},
        /* too long, but not the prompt */
        {400, OPENAI("Invalid 'user': string too long. Expected a string with maximum length 64",
                     "invalid_request_error", "\"string_above_max_length\"")},
        {400, SAYS("Invalid 'messages[0].name': string too long.")},
        {400, SAYS("Invalid 'stop': array too long. Expected an array with maximum length 4")},
        {400, SAYS("Invalid 'metadata.key': string too long.")},
        {400, SAYS("max_tokens is too large: 100000. This model supports at most 16384 completion "
                   "tokens, whereas you provided 100000.")},
        {400,
         SAYS("max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens "
              "for claude-sonnet-4")},
        {400, "{\"message\":\"too many tokens: max tokens must be less than or equal to 4096, the "
              "maximum output length for this model - received 1000000.\"}"},
        {400, SAYS("Unable to submit request because it has a maxOutputTokens value of 100000 but "
                   "the supported range is from 1 (inclusive) to 8193 (exclusive).")},
        /* of this model, but not what it can do */
        {400, OPENAI("Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                     "'max_completion_tokens' instead.",
                     "invalid_request_error", "\"unsupported_parameter\"")},
        {400, OPENAI("Unsupported value: 'temperature' does not support 0.2 with this model. Only "
                     "the default (1) value is supported.",
                     "invalid_request_error", "\"unsupported_value\"")},
        {400, SAYS("Unsupported parameter: 'reasoning.effort' is not supported with this model.")},
        {400, SAYS("Unsupported value: 'messages[0].role' does not support 'system' with this "
                   "model.")},
        /* FastAPI, pydantic */
        {422, "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"input\"],\"msg\":\"Field "
              "required\",\"input\":{\"text\":\"context length, no such model\"}}]}"},
        {400, SAYS("1 validation error for ChatCompletionRequest\\nmessages\\n  Field required "
                   "[type=missing, input_value={'prompt': 'my context window'}]")},
        {500, OPENAI("1 validation error:\\n  {'type': 'missing', 'loc': ('body', 'messages')}",
                     "internal_server_error", "null")},
        {500, OPENAI("2 validation errors for ResponseFormat", "internal_server_error", "null")},
        {500, OPENAI("[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}]",
                     "internal_server_error", "null")},
        {502, "{\"code\":\"invalid_image_url\",\"message\":\"m\"}"},
        {414, "{\"message\":\"context_length\"}"},
        {499, ""},
    };
    all_mean(FAIL_REQUEST, rows, ARRAY_LEN(rows));
}

static void the_keys_fault(void **state) {
    (void)state;
    static const row rows[] = {
        {401, ""},
        {402, "context length"},
        {403, "{\"message\":\"context_length\"}"},
        {400,
         "[{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API "
         "key.\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"@type\":\"type.googleapis.com/"
         "google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\"}]}}]"},
        {400, "[{\"error\":{\"code\":400,\"message\":\"m\",\"details\":[{\"x\":1},{\"reason\":"
              "\"API_KEY_INVALID\"}]}}]"},
        {400,
         "{\"error\":{\"code\":400,\"message\":\"API key expired. Please renew the API key.\"}}"},
        {400, "{\"code\":\"Client specified an invalid argument\",\"error\":\"Incorrect API key "
              "provided: xa***gA. You can obtain an API key from https://console.x.ai.\"}"},
        {400, OPENAI("No connected db.", "no_db_connection", "\"400\"")},
        {400,
         OPENAI("Authentication Error - Expired Key. Key Expiry time x", "expired_key", "\"400\"")},
        {400, OPENAI("Budget has been exceeded! Current cost: 1.2, Max budget: 1.0",
                     "budget_exceeded", "\"400\"")},
        {400,
         "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your "
         "credit balance is too low to access the Anthropic API.\"}}"},
        {400,
         "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"This "
         "organization has been disabled.\"}}"},
        {400,
         "{\"error\":{\"code\":\"Arrearage\",\"message\":\"Access denied, please make sure your "
         "account is in good standing.\"}}"},
        {400, "{\"code\":\"Arrearage\",\"message\":\"m\",\"request_id\":\"r\"}"},
        {400, OPENAI("Billing hard limit has been reached", "invalid_request_error",
                     "\"billing_hard_limit_reached\"")},
        {429, OPENAI("m", "t", "\"insufficient_quota\"")},
        {429, OPENAI("m", "insufficient_quota", "null")},
        {429, OPENAI("Your account org-1 is suspended due to insufficient balance",
                     "exceeded_current_quota_error", "null")},
        {429, "{\"error\":{\"code\":\"1113\",\"message\":\"Insufficient balance or no resource "
              "package. Please recharge.\"}}"},
        {429, "{\"code\":\"Some resource has been exhausted\",\"error\":\"Your team x has either "
              "used all available credits or reached its monthly spending limit.\"}"},
        {401, OPENAI("m", "t", "\"invalid_api_key\"")},
        {502, OPENAI("m", "t", "\"insufficient_quota\"")}, /* within a stream */
    };
    all_mean(FAIL_KEY, rows, ARRAY_LEN(rows));
}

/* Z.ai's and Zhipu's are numbers, as `code` alone; elsewhere the same digits say nothing. */
static void numbers_that_are_codes(void **state) {
    (void)state;
#define ZAI(code) "{\"error\":{\"code\":" code ",\"message\":\"m\"}}"
    static const row keys[] = {{429, ZAI("\"1113\"")}, {429, ZAI("1113")}, {502, ZAI("\"1112\"")}},
                     targets[] = {{400, ZAI("\"1211\"")}, {400, ZAI("\"1212\"")}},
                     lengths[] = {{400, ZAI("\"1261\"")},
                                  {400, ZAI("1261")},
                                  {502, ZAI("\"1261\"")},
                                  {400, "{\"code\":1261,\"message\":\"m\"}"}},
                     policies[] = {{400, ZAI("\"1301\"")}, {502, ZAI("1301")}},
                     limits[] = {{429, ZAI("\"1302\"")},
                                 {502, ZAI("\"1302\"")},
                                 {502, ZAI("1303")},
                                 {400, ZAI("\"1305\"")},
                                 {502, ZAI("\"1308\"")}},
                     none[] = {
                         {400, OPENAI("The prompt has 1261 tokens", "t", "null")},
                         {400, OPENAI("1261", "t", "null")},
                         {400, OPENAI("m", "1261", "\"x\"")},
                         {400, "{\"error\":{\"code\":\"x\",\"status\":1261,\"message\":\"m\"}}"},
                         {400, ZAI("12610")},
                         {400, ZAI("1261.0")},
                         {400, ZAI("\"1261 \"")},
                         {400, ZAI("\"1210\"")},
                         {400, "{\"object\":\"error\",\"message\":\"m\",\"code\":\"1300\"}"},
                     };
    all_mean(FAIL_KEY, keys, ARRAY_LEN(keys));
    all_mean(FAIL_TARGET, targets, ARRAY_LEN(targets));
    all_mean(FAIL_CONTEXT_LENGTH, lengths, ARRAY_LEN(lengths));
    all_mean(FAIL_CONTENT_POLICY, policies, ARRAY_LEN(policies));
    all_mean(FAIL_LIMIT, limits, ARRAY_LEN(limits));
    all_mean(FAIL_REQUEST, none, ARRAY_LEN(none));
}

static void the_targets_fault(void **state) {
    (void)state;
    static const row rows[] = {
        {404, ""},
        {404, "{\"detail\":\"Not Found\"}"},
        {302, ""},
        {302, SAYS("context length")},
        /* the model */
        {400,
         OPENAI("The model `llama3-8b-8192` has been decommissioned and is no longer supported.",
                "invalid_request_error", "\"model_decommissioned\"")},
        {400,
         SAYS("The model `llama3-8b-8192` has been decommissioned and is no longer supported.")},
        {400,
         OPENAI("/chat/completions: Invalid model name passed in model=gpt-9. Call `/v1/models` "
                "to view available models for your key.",
                "invalid_request_error", "\"400\"")},
        {400, "{\"detail\":{\"error\":\"/chat/completions: Invalid model name passed in "
              "model=gpt-9\"}}"},
        {400, "{\"object\":\"error\",\"message\":\"Invalid model: magistral-9\",\"type\":"
              "\"invalid_model\",\"param\":null,\"code\":\"1500\"}"},
        {400, SAYS("Model Not Exist")},
        {400, SAYS("foo/bar is not a valid model ID")},
        {400, "{\"error\":\"model_not_available\",\"message\":\"Unable to access non-serverless "
              "model x\"}"},
        {400, "{\"code\":20012,\"message\":\"Model does not exist. Please check it carefully.\","
              "\"data\":null}"},
        {400, "{\"error\":\"No models loaded. Please load a model in the developer page or use the "
              "'lms load' command.\"}"},
        {400,
         "{\"errors\":[{\"message\":\"AiError: No such model @cf/x or task\",\"code\":5007}]}"},
        {400, "{\"message\":\"Bad Request\",\"detail\":\"The model `x` does not exist\"}"},
        {400, "{\"error\":{\"message\":\"Bad Request\",\"error\":{\"message\":\"model 'x' not "
              "found\"}}}"},
        {400, "{\"error\":{\"message\":\"model 'x' not found\",\"error\":{\"message\":\"m\"}}}"},
        {400, "{\"message\":\"The provided model identifier is invalid.\"}"},
        {400, "{\"message\":\"Invocation of model ID anthropic.claude with on-demand throughput "
              "isn\\u2019t supported.\"}"},
        {403, "{\"message\":\"You don't have access to the model with the specified model ID.\"}"},
        {403, OPENAI("Project `proj_x` does not have access to model `gpt-4o`", "t",
                     "\"model_not_found\"")},
        {403,
         "{\"object\":\"error\",\"message\":\"This model is not available in your subscription "
         "tier\",\"type\":\"tier_not_allowed\",\"code\":\"1910\"}"},
        {503, OPENAI("No available channel for model x", "new_api_error", "\"model_not_found\"")},
        {410,
         "{\"status\":410,\"title\":\"Gone\",\"detail\":\"The model 'x' has reached its end of "
         "life\"}"},
        /* stored objects */
        {400, OPENAI("Previous response with id 'resp_1' not found.", "invalid_request_error",
                     "\"previous_response_not_found\"")},
        {400, SAYS("Previous response with id 'resp_1' not found.")},
        {400, SAYS("Item with id 'rs_1' not found. Items are not persisted when `store` is set to "
                   "false.")},
        {400, SAYS("Conversation with id 'conv_1' not found.")},
        {400, SAYS("No such File object: file-1")},
        {400, OPENAI("m", "t", "\"invalid_encrypted_content\"")},
        {403,
         "{\"error\":{\"code\":403,\"message\":\"You do not have permission to access the File "
         "xfr2 or it may not exist.\"}}"},
        /* what it can do */
        {400, SAYS("registry.ollama.ai/library/gemma3:4b does not support tools")},
        {400, "{\"error\":\"\\\"llama3\\\" does not support thinking\"}"},
        {400, SAYS("This model does not support image input.")},
        {400, SAYS("This model does not support response format `json_schema`. See x")},
        {400, SAYS("Invalid content type. image_url is only supported by certain models.")},
        {400,
         SAYS("Invalid parameter: 'response_format' of type 'json_schema' is not supported with "
              "this model.")},
        {400, OPENAI("Unsupported parameter: 'tools' is not supported with this model.",
                     "invalid_request_error", "\"unsupported_parameter\"")},
        {400, SAYS("Image inputs are not supported by this model")},
        {400, SAYS("Function calling is not enabled for this model")},
        {400, "[{\"error\":{\"code\":400,\"message\":\"Image input modality is not enabled for "
              "models/gemma-3-1b-it\"}}]"},
        {400, SAYS("x is not a multimodal model")},
        {400, SAYS("\\\"auto\\\" tool choice requires --enable-auto-tool-choice and "
                   "--tool-call-parser to be set")},
        {400, SAYS("Failed to deserialize the JSON body into the target type: messages[0]: unknown "
                   "variant `image_url`, expected `text` at line 1 column 2")},
        {400, SAYS("model=`x` does not support `embed`. Reason: y")},
        {500, "{\"error\":{\"code\":500,\"message\":\"image input is not supported - hint: if this "
              "is unexpected, you may need to provide the mmproj\",\"type\":\"server_error\"}}"},
        {500, "{\"error\":{\"code\":500,\"message\":\"tools param requires --jinja flag\"}}"},
        {501, "{\"error\":{\"code\":501,\"message\":\"This server does not support embeddings.\","
              "\"type\":\"not_supported_error\"}}"},
        {400, "{\"error\":{\"code\":400,\"message\":\"Request payload size exceeds the limit: "
              "20971520 bytes.\"}}"},
        {400, "{\"error\":{\"code\":400,\"message\":\"User location is not supported for the API "
              "use.\",\"status\":\"FAILED_PRECONDITION\"}}"},
    };
    all_mean(FAIL_TARGET, rows, ARRAY_LEN(rows));
}

static void the_rest(void **state) {
    (void)state;
    static const struct {
        failure_class class;
        row row;
    } rows[] = {
        {FAIL_CONTENT_POLICY, {400, OPENAI("m", "t", "\"content_policy_violation\"")}},
        {FAIL_CONTENT_POLICY, {400, OPENAI("m", "t", "\"content_filter\"")}},
        {FAIL_CONTENT_POLICY, {400, OPENAI("m", "content_filter", "null")}},
        {FAIL_LIMIT, {429, ""}},
        {FAIL_LIMIT,
         {429, OPENAI("Rate limit reached for gpt-4 in organization org-1 on tokens per min (TPM): "
                      "Limit 10000, Used 9000, Requested 2000. Please try again in 6s.",
                      "tokens", "\"rate_limit_exceeded\"")}},
        {FAIL_LIMIT,
         {429,
          "{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota, please check "
          "your plan and billing details.\",\"status\":\"RESOURCE_EXHAUSTED\"}}"}},
        {FAIL_LIMIT, {429, "{\"message\":\"Too many tokens, please wait before trying again.\"}"}},
        {FAIL_LIMIT, {400, "{\"message\":\"Too many tokens, please wait before trying again.\"}"}},
        {FAIL_LIMIT, {502, "{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}"}},
        {FAIL_OVERLOAD, {500, "<html>"}},
        {FAIL_OVERLOAD, {500, SAYS("The server had an error while processing your request")}},
        {FAIL_OVERLOAD, {503, "{\"error\":{\"message\":\"Loading model\",\"code\":503}}"}},
        {FAIL_OVERLOAD, {503, SAYS("CUDA out of memory at this context length")}},
        {FAIL_OVERLOAD, {529, ""}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        all_mean(rows[i].class, &rows[i].row, 1);
}

static void statuses_alone(void **state) {
    (void)state;
    static const struct {
        failure_class class;
        int statuses[16];
    } rows[] = {
        {FAIL_REQUEST, {400, 406, 412, 414, 415, 416, 417, 418, 422, 423, 428, 431, 499}},
        {FAIL_KEY, {401, 402, 403}},
        {FAIL_LIMIT, {429}},
        {FAIL_TARGET, {301, 307, 404, 405, 407, 410, 411, 413, 421, 424, 426, 451, 498, 501, 505}},
        {FAIL_OVERLOAD, {408, 409, 425, 500, 502, 503, 504, 507, 520, 524, 529}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t n = 0; rows[i].statuses[n]; n++)
            all_mean(rows[i].class, &(row){rows[i].statuses[n], ""}, 1);
}

/* Why it refuses stands at the front: what is asked, after it, is not looked at for ever. */
static void a_text_is_heard_so_far(void **state) {
    (void)state;
    for (size_t before = 8100; before < 8300; before++) {
        buf body = BUF_EMPTY;
        buf_add_cstr(&body, "{\"message\":\"");
        for (size_t i = 0; i < before; i++)
            buf_add_char(&body, '.');
        buf_add_cstr(&body, " no such model \"}");
        failure_class wanted =
            before + strlen(" no such model") <= 8192 ? FAIL_TARGET : FAIL_REQUEST;
        assert_int_equal(class_of(400, buf_cstr(&body)), wanted);
        buf_done(&body);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_long),          cmocka_unit_test(the_requests_fault),
        cmocka_unit_test(the_keys_fault),    cmocka_unit_test(numbers_that_are_codes),
        cmocka_unit_test(the_targets_fault), cmocka_unit_test(the_rest),
        cmocka_unit_test(statuses_alone),    cmocka_unit_test(a_text_is_heard_so_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
