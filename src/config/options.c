/* The option tables of what the file names: providers, models, clients, tools …; and the list of
 * all tables. See option.h for the columns, options_file.c for what stands in the file itself. */
#include "config/option_rows.h"

static const char *const pick_words[] = {"order", "weighted", "fastest", NULL};
static const char *const auth_words[] = {"bearer", "api-key", "none", NULL};
static const char *const stream_usage_words[] = {"auto", "never", NULL};
static const char *const max_tokens_words[] = {"as_sent", "max_tokens", "max_completion_tokens",
                                               NULL};
static const char *const completion_ids_words[] = {"as_sent", "own", NULL};
static const char *const tool_kind_words[] = {"builtin", "http", "command", "mcp", NULL};
static const char *const tool_approve_words[] = {"off", "ask", "webhook", NULL};
static const char *const tool_method_words[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
static const char *const guard_words[] = {"", "off", "flag", "redact", "block", NULL};
static const char *const restore_words[] = {"", "false", "true", NULL};
static const char *const where_words[] = {"both", "in", "out", NULL};
static const char *const webhook_words[] = {"json", "slack", NULL};

/* clang-format off */

static const option listener_options[] = {
    {WHOLE("address", type_address), .required = true,
     .sentence = "Address and port, 127.0.0.1:8080 or [::1]:8080 (port 0: any free one), or unix:/path."},
    {FILE_(config_listener, "tls.cert", tls_cert),
     .sentence = "PEM file with the certificate and its chain. Together with tls.key it makes the listener HTTPS."},
    {FILE_(config_listener, "tls.key", tls_key),
     .sentence = "PEM file with the certificate's private key."},
};

static const option provider_options[] = {
    {TEXT(config_provider, "kind", kind),
     .sentence = "What the provider speaks:"
#define X(kind, functions, url, key_env, max_tokens, ids) " " #kind ","
#include "config/kinds.def"
#undef X
     " or what imitates one of them. Default: the provider's name where that is a kind, else openai."},
    {OTHER(config_provider, "url", url, type_url),
     .sentence = "Base URL, as the SDKs take it: http(s)://host[:port][/path], or unix:/path[:/path]. Default: that of the kind"
#define X(kind, functions, url, key_env, max_tokens, ids) " (" #kind " " url ")"
#include "config/kinds.def"
#undef X
     "."},
    {OTHER(config_provider, "key", keys, type_keys),
     .sentence = "The API key: a text, best a reference such as \"${OPENAI_API_KEY}\"; {file: path}; {command: [program, argument]}; or a list of these, which are used in turn, by their weight where they have one ({value: \"${KEY}\", weight: 3}). Default: ${OPENAI_API_KEY} for OpenAI's own URL, else none."},
    {WORD(config_provider, "auth", auth, auth_words), .standard = "bearer",
     .sentence = "How the key is sent: bearer (Authorization: Bearer), api-key (a header of that name, as Azure wants it) or none."},
    {TEXT(config_provider, "api_version", api_version), .standard = "",
     .sentence = "Sent as the query ?api-version=… (Azure); empty: none. With it a call's path names its model where Azure's does (/openai/deployments/NAME/chat/completions), unless the URL does or ends in /v1."},
    {OTHER(config_provider, "headers", headers, type_headers),
     .sentence = "Header fields sent with every call, as a mapping, in the place of a client's or weir's own of the name. Their values are treated as secret."},
    {FILE_(config_provider, "ca_file", ca_file),
     .sentence = "PEM file with the certificate authorities to trust instead of the system's."},
    {OTHER(config_provider, "proxy", proxy, type_proxy), .standard = "",
     .sentence = "HTTP proxy on the way to the provider, http://host:port, or none. Empty: HTTPS_PROXY, HTTP_PROXY and NO_PROXY decide."},
    {COUNT(config_provider, "max_connections", max_connections), .standard = "1024", .min = "1", .max = "100000",
     .sentence = "Connections to the provider per worker."},
    {WORD(config_provider, "stream_usage", stream_usage, stream_usage_words), .standard = "auto",
     .sentence = "Whether weir adds stream_options.include_usage to a stream whose client says nothing about it. auto: yes, until a target refuses it; never: usage is estimated where the provider does not tell it by itself."},
    {WORD(config_provider, "max_tokens_member", max_tokens, max_tokens_words), .standard = "as_sent",
     .sentence = "What the bound of a chat completion's answer is called there: as the client sent it, or always max_tokens (many look-alikes pass over the newer name in silence) or max_completion_tokens (OpenAI's reasoning models refuse the older one). A request that has both is left alone. Default of the kinds ollama and llama_cpp_python: max_tokens."},
    {WORD(config_provider, "completion_ids", ids, completion_ids_words), .standard = "as_sent",
     .sentence = "The id of a completion (/v1/chat/completions, /v1/completions) as the provider sent it, or one of weir's own, made of the request's, for a provider whose ids repeat: some frameworks take two messages of one id for one. One that is stored keeps its id, and so does a plain answer, or an event, of more than 256 KB. Default of the kind ollama: own."},
    {OTHER(config_provider, "health.path", health.path, type_path), .standard = "",
     .sentence = "What the gateway asks by GET, beside calls, to learn whether the provider is up: a path from the root of its server, not below url, such as /health. It goes with the key and the headers of a call. 2xx is up, anything else is down; the targets of a provider that is down are asked last. Empty: it is not asked. docs/providers.md names the paths of real servers."},
    {DURATION(config_provider, "health.every", health.every_ms), .standard = "10s", .min = "100ms", .max = "1h",
     .sentence = "From the beginning of one such question to that of the next."},
    {DURATION(config_provider, "health.timeout", health.timeout_ms), .standard = "5s", .min = "10ms", .max = "5m",
     .sentence = "Time for its whole answer, the connection included."},
    {COUNT(config_provider, "health.failures", health.failures), .standard = "3", .min = "1", .max = "100",
     .sentence = "How many in a row must fail until it is down. The very first decides by itself."},
    {COUNT(config_provider, "health.successes", health.successes), .standard = "1", .min = "1", .max = "100",
     .sentence = "How many in a row must succeed until it is up again."},
    TARGET_TIMEOUTS(config_provider, INHERITED, " Default: the file's."),
};

#define KEY_SOURCES \
    {FILE_(config_key_source, "file", file), \
     .sentence = "File that holds the key and nothing else. When it changes, the key is read anew."}, \
    {OTHER(config_key_source, "command", argv, type_argv), \
     .sentence = "Program and arguments that print the key; run without a shell, standard error dropped."}, \
    {DURATION(config_key_source, "refresh", refresh_ms), .standard = "off", .min = "1s", .max = "7d", .zero = "off", \
     .sentence = "How often the command is run again; off: only when the configuration is loaded."}, \
    {DURATION(config_key_source, "timeout", timeout_ms), .standard = "10s", .min = "10ms", .max = "5m", \
     .sentence = "How long the command may take."}

static const option key_options[] = {
    {OTHER(config_key_source, "value", value, type_key_value),
     .sentence = "The key itself, best a reference such as \"${OPENAI_API_KEY}\"."},
    KEY_SOURCES,
    {COUNT(config_key_source, "weight", weight), .standard = "1", .min = "1", .max = "1000",
     .sentence = "How many calls are made with it in each round over the provider's keys."},
};

static const option secret_options[] = {KEY_SOURCES};

static const option client_key_options[] = {
    {TEXT(config_key_source, "sha256", sha256),
     .sentence = "SHA-256 of the client's key, 64 hex digits: printf %s KEY | sha256sum"},
    KEY_SOURCES,
};

static const option model_options[] = {
    {WORD(config_model, "pick", pick, pick_words), .standard = "order",
     .sentence = "order: the first target, the others when it fails; weighted: by weight; fastest: by measured time to the first token."},
    {DURATION(config_model, "keep_alive_comment", keep_alive_comment_ms), .standard = "server", .min = "10ms", .max = "24h", .zero = "server",
     .sentence = "The same as server.keep_alive_comment, for this model: long for one whose refusals are to keep their status. server: as it says."},
    {OTHER(config_model, "targets", targets, type_targets), .required = true,
     .sentence = "Targets, each PROVIDER/MODEL, or PROVIDER alone for the client's own word, or a mapping {to, weight}."},
    TARGET_TIMEOUTS(config_model, INHERITED, " Default: the provider's, else the file's."),
    TOTAL_TIMEOUT(config_model, INHERITED, " Default: the file's."),
    BODY_LIMIT(config_model, sizes, INHERITED),
#define X(id, name, most_, text) \
    {INTEGER(config_model, "limits.request." name, sizes.most[SIZE_OF_##id]), .min = "1", .max = most_, INHERITED("off"), .sentence = text},
#include "config/sizes.def"
#undef X
    MAX_TOKENS_LIMIT(config_model, sizes, INHERITED),
    GUARD(config_model, guard, guard_words, .inherits = true, " Default: the client's, else the file's; of two the stricter counts."),
    {WORD(config_model, "guard.restore", guard.restore, restore_words), .inherits = true,
     .sentence = "Whether what was redacted in a request is put back where its answer has the placeholder. Default: the client's, else the file's; of two, false counts."},
    ANSWER(config_model, " Of this, the client's and the file's the smallest counts."),
};

static const option target_options[] = {
    {WHOLE("to", type_target_name), .required = true,
     .sentence = "PROVIDER/MODEL, or PROVIDER alone."},
    {COUNT(config_target, "weight", weight), .standard = "1", .min = "1", .max = "1000",
     .sentence = "Share of the calls, beside the weights of the other targets, with pick: weighted."},
};

static const option client_options[] = {
    {TEXT(config_client, "name", name), .required = true,
     .sentence = "Name in logs and metrics."},
    {OTHER(config_client, "key", keys, type_client_keys), .required = true,
     .sentence = "The client's key: {sha256: its hash in hex}, a reference \"${NAME}\", {file: path}, {command: [program, argument]}, or the key itself. weir keeps its hash alone. A list of these while the client turns from one to the next: each is this client."},
#include "config/rights.def"
};

static const option rights_options[] = {
#include "config/rights.def"
};

static const option guard_rule_options[] = {
    {TEXT(config_guard_rule, "name", name), .required = true,
     .sentence = "Its name in records and metrics, and in capitals that of its placeholders ([TICKET_1]). That of a rule which weir brings: what is said here goes in the place of what that says."},
    {TEXT(config_guard_rule, "pattern", pattern), .standard = "",
     .sentence = "A regular expression of PCRE2 over bytes; what its first group matches is what is hidden, all of the match where it has none. `${` is written `$${`."},
    {OTHER(config_guard_rule, "lead", leads, type_texts),
     .sentence = "The literal with which every match begins, or a list of them, in any case: by it the rule is found at no cost in a text without it. Default: taken from the pattern."},
    {TEXT(config_guard_rule, "start", start), .standard = "",
     .sentence = "In the place of a lead: the shape with which every match begins, such as digits."},
    {WORD(config_guard_rule, "action", action, guard_words), .inherits = true,
     .sentence = "What is done about a match: block, redact, flag or off. Default: what guard.in or guard.out says."},
    {OTHER(config_guard_rule, "near", near, type_texts),
     .sentence = "Words, one of which stands shortly before a match, in any case; else it is none."},
    {OTHER(config_guard_rule, "stop", stop, type_texts),
     .sentence = "Texts, of which a match has none in it; else it is none."},
    {TEXT(config_guard_rule, "check", check), .standard = "",
     .sentence = "A checksum that a match passes, such as luhn or iban; else it is none."},
    {NUMBER(config_guard_rule, "entropy", entropy), .standard = "0", .min = "0", .max = "8",
     .sentence = "Bits of entropy a byte that a match has at least; 0: any."},
    {WORD(config_guard_rule, "where", where, where_words), .standard = "both",
     .sentence = "Which way it is looked for: in (requests), out (answers) or both."},
    {OTHER(config_guard_rule, "show", show, type_guard_show), .standard = "lead",
     .sentence = "How much of a match may be seen in an answer: lead, its lead, or so many bytes (of digits: characters)."},
    {TEXT(config_guard_rule, "label", label), .standard = "",
     .sentence = "The word of its placeholders, where that is not the name's: letters, digits and _."},
    {TEXT(config_guard_rule, "kind", kind), .standard = "",
     .sentence = "secret, personal, harmful, injection, unicode or own. Default: own."},
    {COUNT(config_guard_rule, "score", score), .standard = "0", .min = "0", .max = "100",
     .sentence = "Of the 100 that the rules of its kind must have together in one text; 0: it speaks alone."},
    {TEXT(config_guard_rule, "source", source), .standard = "",
     .sentence = "Where its vendor says what it looks like; for people."},
};

static const option limit_options[] = {LIMITS(config_limit_rule, "", limits)};

#define REDIS_SECRETS                                                                              \
    {OTHER(config_redis, "password", password, type_redis_password),                               \
     .sentence = "The password, where the address has none: \"${NAME}\", {file: path} or {command: [program, argument]}."}, \
    {FILE_(config_redis, "ca_file", ca_file),                                                      \
     .sentence = "PEM file with the certificate authorities to trust instead of the system's."}
static const option webhook_options[] = {
    {OTHER(config_webhook, "url", url, type_webhook_url), .required = true,
     .sentence = "Where alerts are posted. Redirects are not followed, and no proxy is used."},
    {WORD(config_webhook, "format", format, webhook_words), .standard = "json",
     .sentence = "json: {type, timestamp, data}; slack: {text}, as Slack's incoming webhooks, and those of Mattermost and others, take it."},
    {OTHER(config_webhook, "secret", secret, type_webhook_secret),
     .sentence = "Signs what is sent, by the form of Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature): \"${NAME}\", {file: path} or {command: [program, argument]}; whsec_ and base64, or 16 characters or more."},
    {OTHER(config_webhook, "events", events, type_alert_events), .standard = "all",
     .sentence = "Which kinds of alerts are sent there: all, or a list of kinds such as [budget.threshold, key.*]."},
    {BOOL(config_webhook, "allow_private", allow_private), .standard = "false",
     .sentence = "Post also to addresses of this machine and of private networks; otherwise they are refused, whatever name leads there."},
    {FILE_(config_webhook, "ca_file", ca_file),
     .sentence = "PEM file with the certificate authorities to trust instead of the system's."},
};

static const option redis_options[] = {
    {OTHER(config_redis, "url", on, type_redis_address), .required = true,
     .sentence = "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, or unix:/path[?db=DATABASE]. User and password are percent-encoded, and shown to nobody; \"${NAME}\" names a variable that holds the address."},
    {DURATION(config_redis, "timeout", timeout_ms), .standard = "50ms", .min = "1ms", .max = "10s",
     .sentence = "Time for an answer. Then, and while the server is away, each weir goes by its own count."},
    REDIS_SECRETS,
};

static const option cache_store_options[] = {
    {OTHER(config_redis, "url", on, type_redis_address),
     .sentence = "As that of `shared`, whose server it is by default."},
    {DURATION(config_redis, "timeout", timeout_ms), .standard = "50ms", .min = "1ms", .max = "10s",
     .sentence = "Time for an answer. Then the call is made as if there was none."},
    REDIS_SECRETS,
};

static const option price_options[] = {
#define X(id, member, text) \
    {OTHER(config_price, #member, rates.nano[RATE_##id], type_money), .required = RATE_##id == RATE_INPUT, .sentence = text},
#include "config/prices.def"
#undef X
    {OTHER(config_price, "tiers", tiers, type_price_tiers),
     .sentence = "Other prices for long prompts: a list of mappings {above, input, …}, upwards. A call whose prompt has more tokens than `above` pays the tier's prices for all of its tokens."},
#define X(id, name) \
    {OTHER(config_price, "service_tiers." #name, services[SERVICE_##id], type_price_service), \
     .sentence = "What answers cost whose `service_tier` is " #name ": a mapping {input, output, …}. Default: as any other."},
#include "config/services.def"
#undef X
    {OTHER(config_price, "hours", hours, type_price_hours),
     .sentence = "Other prices at hours of the day: a list of mappings {from, to, input, …}, of which the first that holds counts. A call pays what is in force when it ends; one of another tier of service what that costs at any hour."},
};

static const option price_service_options[] = {
#define X(id, member, text) \
    {OTHER(config_price, #member, rates.nano[RATE_##id], type_money), .sentence = text " What a tier of service leaves out costs what it costs without one."},
#include "config/prices.def"
#undef X
    {OTHER(config_price, "tiers", tiers, type_price_tiers),
     .sentence = "As prices.PATTERN.tiers, in the tier of service; those of the price itself are not in force in it."},
};

static const option price_tier_options[] = {
    {INTEGER(config_tier, "above", above), .required = true, .min = "1", .max = "1000000000",
     .sentence = "Tokens of the prompt beyond which the tier is in force."},
#define X(id, member, text) \
    {OTHER(config_tier, #member, rates.nano[RATE_##id], type_money), .sentence = text " What a tier leaves out costs what it costs below."},
#include "config/prices.def"
#undef X
};

static const option price_hours_options[] = {
    {OTHER(config_hours, "from", from, type_time_of_day), .required = true,
     .sentence = "When they begin, each day, in UTC."},
    {OTHER(config_hours, "to", to, type_time_of_day), .required = true,
     .sentence = "When they end: at 24:00 at the latest, or on the next day where that is before `from`."},
#define X(id, member, text) \
    {OTHER(config_hours, #member, price.rates.nano[RATE_##id], type_money), .sentence = text " What is left out costs what it costs at other hours."},
#include "config/prices.def"
#undef X
    {OTHER(config_hours, "tiers", price.tiers, type_price_tiers),
     .sentence = "As prices.PATTERN.tiers, at these hours; those of the price itself are not in force then."},
};

static const option tool_options[] = {
    {WORD(config_tool, "kind", kind, tool_kind_words), .required = true,
     .sentence = "What it is: builtin, one of weir's own (get_current_time); http, an endpoint that is asked; command, a program that is run; mcp, a server of the Model Context Protocol, a program or a URL, whose tools are all there."},
    {TEXT(config_tool, "description", description), .standard = "",
     .sentence = "What models are told of it. A builtin tool has its own where this is empty."},
    {OTHER(config_tool, "parameters", parameters, type_json),
     .sentence = "Its arguments: a JSON Schema of an object, written as YAML or as JSON in a text; ${…} is left alone in it. Not written: it takes none. A builtin tool has its own."},
    {DURATION(config_tool, "timeout", timeout_ms), .standard = "30s", .min = "1ms", .max = "1h",
     .sentence = "Longest that a call may take; then it fails, its process is killed, its connection closed."},
    {SIZE(config_tool, "max_result", max_result), .standard = "64KB", .min = "1B", .max = "64MB",
     .sentence = "Largest result. A call whose result is larger fails, and is ended where that is seen."},
    {BOOL(config_tool, "parallel", parallel), .standard = "true",
     .sentence = "It may run beside other calls that a model asks for at once."},
    {BOOL(config_tool, "repeatable", repeatable), .standard = "false",
     .sentence = "Called twice with the same arguments it does no more than once: a call that failed may be made again."},
    {WORD(config_tool, "approve", approve, tool_approve_words), .standard = "off",
     .sentence = "ask: a run of /chat/functions whose model calls it is paused, and goes on when its client has said whether it may. Nobody else can call it: neither runs of /v1 nor clients of /mcp. webhook: before each call functions.approval.url is asked whether it may be made."},
    {BOOL(config_tool, "strict", strict), .standard = "false",
     .sentence = "Models are told its schema in the strict form of OpenAI's API, in which they can write no arguments but such as fit: every object closed, every member required, and null for what may be left out, which is taken out before the call. A schema that has no such form (members of any name, values of any type) is told as it is."},
    {OTHER(config_tool, "clients", clients, type_texts),
     .sentence = "Names of the clients that may use it: of clients, of the store's keys, or of tokens. Not written: all."},
    {OTHER(config_tool, "url", url, type_tool_url),
     .sentence = "http, mcp: where it is asked, http:// or https://, with a query where it needs one, or unix:/path:/path."},
    {WORD(config_tool, "method", method, tool_method_words), .standard = "POST",
     .sentence = "http: the method. GET and DELETE have the arguments in the query, the others as JSON in the body."},
    {OTHER(config_tool, "headers", headers, type_tool_pairs),
     .sentence = "http, mcp: header fields sent with each call: a text, a reference \"${NAME}\", or {file: path}. The values are never shown."},
    {FILE_(config_tool, "ca_file", ca_file),
     .sentence = "http, mcp: PEM file with the authorities that are trusted in place of the system's."},
    {BOOL(config_tool, "allow_private", allow_private), .standard = "false",
     .sentence = "http, mcp: it may be on this machine or in a private network. Without this such an address is refused, whatever name leads to it. A server of kind mcp, which usually is there, may unless this is false."},
    {OTHER(config_tool, "command", argv, type_tool_command),
     .sentence = "command, mcp: a list: the program, then its arguments. No shell reads it. Of a command the arguments of a call are its standard input, as JSON, its standard output is the result, and a status other than 0 a failure. An MCP server is started once, speaks over these streams, and is started anew where it ends."},
    {OTHER(config_tool, "env", env, type_tool_pairs),
     .sentence = "command, mcp: variables of its environment beside PATH, HOME, LANG and TZ; the values as those of headers."},
    {OTHER(config_tool, "folder", folder, type_tool_folder), .standard = "/",
     .sentence = "command, mcp: the folder it begins in."},
    {SIZE(config_tool, "memory", memory), .standard = "1GB", .min = "1MB", .max = "1024GB", .zero = "off",
     .sentence = "command, mcp: memory that it and all it starts may have. One that takes more is killed, or is refused more by the system."},
    {OTHER(config_tool, "sandbox", sandbox, type_tool_sandbox),
     .sentence = "command, mcp: what it must not do, a list: no_network, it opens no socket; read_only, it writes, makes, renames and removes no file. Where the system cannot hold it to that weir does not start."},
};
/* clang-format on */

SCOPE(listener, "listen[]", listener_options, "A listener written as a mapping.");
SCOPE(provider, "providers.NAME", provider_options, "A provider.");
SCOPE(key, "providers.NAME.key", key_options,
      "A provider's key written as a mapping: `value`, `file` or "
      "`command`.");
SCOPE(secret, "", secret_options, "Another secret written as a mapping: `file` or `command`.");
SCOPE(model, "models.NAME", model_options,
      "A model written as a mapping. A single target or a "
      "list of targets stands for `{targets: …}`.");
SCOPE(target, "models.NAME.targets[]", target_options, "A target written as a mapping.");
SCOPE(client, "clients[]", client_options, "A client.");
SCOPE(rights, "", rights_options, "What a client may do.");
SCOPE(client_key, "clients[].key", client_key_options,
      "A client's key written as a mapping: "
      "`sha256`, `file` or `command`.");

SCOPE(guard_rule, "guard.rules[]", guard_rule_options, "A rule of the guard.");
SCOPE(limit, "limits.model.NAME", limit_options,
      "What all calls of that model may have together; likewise under `limits.target` and "
      "`limits.tag`.");
SCOPE(webhook, "alerts.webhooks[]", webhook_options, "A webhook written as a mapping.");
SCOPE(redis, "shared", redis_options, "A Redis or Valkey written as a mapping.");
SCOPE(cache_store, "cache.store", cache_store_options,
      "The same for answers, written as a mapping.");
SCOPE(price, "prices.PATTERN", price_options,
      "What the tokens of a target cost, each price for 1,000,000 tokens, with up to 9 decimals.");
SCOPE(price_service, "prices.PATTERN.service_tiers.NAME", price_service_options,
      "Prices for another tier of a provider's service.");
SCOPE(price_tier, "prices.PATTERN.tiers[]", price_tier_options, "Prices for long prompts.");
SCOPE(price_hours, "prices.PATTERN.hours[]", price_hours_options, "Prices at hours of the day.");
SCOPE(tool, "tools.NAME", tool_options, "A tool.");

const option_scope *const option_scopes[] = {&scope_file,
                                             &scope_listener,
                                             &scope_provider,
                                             &scope_key,
                                             &scope_model,
                                             &scope_target,
                                             &scope_client,
                                             &scope_client_key,
                                             &scope_guard_rule,
                                             &scope_limit,
                                             &scope_webhook,
                                             &scope_redis,
                                             &scope_cache_store,
                                             &scope_price,
                                             &scope_price_service,
                                             &scope_price_tier,
                                             &scope_price_hours,
                                             &scope_tool,
                                             NULL};
