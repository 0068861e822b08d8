/* The option table: everything that can be configured, once. See option.h for the columns. */
#include "config/option.h"

#include <stddef.h>

/* The type of a field must be what its option's type writes; a wrong pair does not compile. */
#define FIELD(scope, field, ctype)                                                                 \
    .offset = offsetof(scope, field) + 0 * sizeof(char[_Generic(((scope *)0)->field, ctype : 1)])

#define DURATION(scope, name, field)                                                               \
    .path = name, .type = &type_duration, FIELD(scope, field, int64_t)
#define SIZE(scope, name, field)  .path = name, .type = &type_size, FIELD(scope, field, size_t)
#define COUNT(scope, name, field) .path = name, .type = &type_count, FIELD(scope, field, unsigned)
#define INTEGER(scope, name, field)                                                                \
    .path = name, .type = &type_integer, FIELD(scope, field, int64_t)
#define NUMBER(scope, name, field)  .path = name, .type = &type_number, FIELD(scope, field, double)
#define RATIO(scope, name, field)   .path = name, .type = &type_ratio, FIELD(scope, field, double)
#define BOOL(scope, name, field)    .path = name, .type = &type_bool, FIELD(scope, field, bool)
#define SECTION(scope, name, field) .path = name, .type = &type_section, FIELD(scope, field, bool)
#define TEXT(scope, name, field)    .path = name, .type = &type_text, FIELD(scope, field, span)
#define FILE_(scope, name, field)   .path = name, .type = &type_file, FIELD(scope, field, span)
#define WORD(scope, name, field, list)                                                             \
    .path = name, .type = &type_word, .offset = offsetof(scope, field), .words = list
#define OTHER(scope, name, field, t) .path = name, .type = &t, .offset = offsetof(scope, field)
/* The value fills the scope's whole struct. */
#define WHOLE(name, t) .path = name, .type = &t, .offset = 0

static const char *const pick_words[] = {"order", "weighted", "fastest", NULL};
static const char *const auth_words[] = {"bearer", "api-key", "none", NULL};
static const char *const stream_usage_words[] = {"auto", "never", NULL};
static const char *const max_tokens_words[] = {"as_sent", "max_tokens", "max_completion_tokens",
                                               NULL};
static const char *const over_words[] = {"refuse", "cap", NULL};
static const char *const list_models_words[] = {"all", "names", NULL};
static const char *const level_words[] = {"debug", "info", "warn", "error", "off", NULL};
static const char *const sync_words[] = {"process", "machine", NULL};
static const char *const keys_words[] = {"auto", "on", "off", NULL};
static const char *const bodies_words[] = {"off", "redacted", NULL};
static const char *const full_words[] = {"refuse", "serve", NULL};
static const char *const cache_scope_words[] = {"client", "group", "global", NULL};
static const char *const cache_pace_words[] = {"at_once", "recorded", NULL};
static const char *const protocol_words[] = {"protobuf", "json", NULL};
static const char *const compression_words[] = {"none", "gzip", NULL};
static const char *const tool_kind_words[] = {"builtin", "http", "command", "mcp", NULL};
static const char *const tool_approve_words[] = {"off", "ask", "webhook", NULL};
static const char *const approval_failed_words[] = {"deny", "ask", NULL};
static const char *const tool_method_words[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
static const char *const guard_file_words[] = {"own", "off", "flag", "redact", "block", NULL};
static const char *const guard_words[] = {"", "off", "flag", "redact", "block", NULL};
static const char *const restore_words[] = {"", "false", "true", NULL};
static const char *const external_words[] = {"off", "flag", "block", NULL};
static const char *const external_failure_words[] = {"closed", "open", NULL};
static const char *const guard_end_words[] = {"finish", "error", NULL};
static const char *const where_words[] = {"both", "in", "out", NULL};
static const char *const format_words[] = {"auto", "json", "text", NULL};
static const char *const webhook_words[] = {"json", "slack", NULL};
static const char *const alert_guard_words[] = {"off", "block", "redact", "flag", NULL};

/* clang-format off */

/* The deadlines, which the file, a provider and a model may have: there a default, or nothing of
 * their own. */
#define STANDARD(value)  .standard = value
#define INHERITED(value) .inherits = true
#define TIMEOUT(scope, name, most, how, text) \
    {DURATION(scope, "timeouts." #name, timeouts.name##_ms), .min = "1ms", .max = most, how, .sentence = text}
#define TARGET_TIMEOUTS(scope, how, more) \
    TIMEOUT(scope, connect, "10m", how("5s"), \
            "Time to reach a provider: name, connection, TLS, and a free place in the pool." more), \
    TIMEOUT(scope, first_byte, "24h", how("10m"), \
            "From the end of the request to the head of the answer. A plain answer's head comes when it is whole: this is its deadline." more), \
    TIMEOUT(scope, first_token, "24h", how("10m"), \
            "Streams: from the request to the first content." more), \
    TIMEOUT(scope, between_events, "24h", how("5m"), \
            "Longest silence in the middle of an answer; some models say nothing while they write a large tool call." more)
#define TOTAL_TIMEOUT(scope, how, more) \
    TIMEOUT(scope, total, "24h", how("30m"), "A whole call with all its attempts and waits." more)

/* What one of something may have. */
#define LIMITS(scope, prefix, field) \
    {OTHER(scope, prefix "requests", field.requests, type_quotas), \
     .sentence = "Requests: 60/m lets 60 through at once, then one a second; a list for several periods."}, \
    {OTHER(scope, prefix "tokens", field.tokens, type_quotas), \
     .sentence = "Tokens, of prompts and answers together: reserved before a call, settled after it."}, \
    {OTHER(scope, prefix "spend", field.spend, type_spend_quotas), \
     .sentence = "What calls may cost in a day or a month of the calendar (UTC), in the currency of the prices; reserved and settled as tokens are."}, \
    {COUNT(scope, prefix "parallel", field.parallel), .standard = "off", .min = "1", .max = "1000000", .zero = "off", \
     .sentence = "Calls at a time."}

/* How large a request may be, beside the rows of sizes.def. The file has no bound unless it says so;
 * a model and a client have none of their own. */
#define OR_OFF(value)    .standard = value, .zero = value
#define BODY_LIMIT(scope, field, how) \
    {SIZE(scope, "limits.request.body", field.body_bytes), .min = "1B", .max = "1GB", how("off"), \
     .sentence = "Largest body of a request, beside limits.body."}
#define MAX_TOKENS_LIMIT(scope, field, how) \
    {INTEGER(scope, "limits.request.max_tokens.at_most", field.max_tokens), .min = "1", .max = "1000000000", how("off"), \
     .sentence = "Most tokens that a request may ask of an answer, whatever its dialect calls them: max_tokens, max_completion_tokens, max_output_tokens."}, \
    {WORD(scope, "limits.request.max_tokens.over", field.over, over_words), .standard = "refuse", .inherits = true, \
     .sentence = "What becomes of one that asks for more. refuse: 400; cap: it asks for at_most, also where it does not say how many (chat completions and responses)."}
/* What is done about texts that a rule of the guard matches; more: what is said where. */
#define GUARD(scope, field, words, how, more) \
    {WORD(scope, "guard.in", field.in, words), how, \
     .sentence = "What becomes of a request where a rule matches something that a model would read. block: it is refused (400 content_blocked); redact: a placeholder such as [EMAIL_1] goes on in its place; flag: it is noted, and no more; off: nothing is looked at." more}, \
    {WORD(scope, "guard.out", field.out, words), how, \
     .sentence = "The same of answers. block: a plain one is replaced, a stream ends there, with finish_reason content_filter." more}

/* How much of an answer a client gets. */
#define ANSWER(scope, more) \
    {INTEGER(scope, "output.characters", answer.characters), .standard = "off", .min = "1", .max = "1000000000", .zero = "off", \
     .sentence = "Characters (code points) of an answer, of each of its choices: what is said, refused, reasoned and called with. One that would be longer is cut there and ends with finish_reason length; the provider is cancelled." more}, \
    {INTEGER(scope, "output.tokens", answer.tokens), .standard = "off", .min = "1", .max = "1000000000", .zero = "off", \
     .sentence = "The same in tokens, as weir counts them; the request's own bound is the provider's to keep." more}

static const option file_options[] = {
    {OTHER(config, "listen", listeners, type_listen), .standard = "127.0.0.1:8080",
     .sentence = "Where weir listens: an address with a port, unix:/path, a mapping {address, tls}, or a list of these."},

    {OTHER(config, "providers", providers, type_providers),
     .sentence = "Who answers: a mapping from a name of yours to a provider. Default: openai, where OPENAI_API_KEY is set."},

    {OTHER(config, "models", models, type_models),
     .sentence = "What clients ask for and where it goes. A name, a beginning with * at its end, or \"*\" for all others; the longest match counts. Default: everything goes to the first provider under its own name."},

    {OTHER(config, "passthrough", passthrough, type_texts),
     .sentence = "Further paths below /v1/ that are handed to the provider as they come; a * at the end stands for any rest."},

    {OTHER(config, "clients", clients, type_clients),
     .sentence = "Who may call. Without clients weir serves its own machine alone, and asks for no key."},

    {OTHER(config, "auth.jwt.jwks", jwt.url, type_jwks),
     .sentence = "Tokens (JSON Web Tokens) of an issuer's are taken as clients' keys are: docs/keys.md. The URL of the issuer's keys (a JSON Web Key Set), or the path of a file with them."},
    {TEXT(config, "auth.jwt.issuer", jwt.issuer), .standard = "",
     .sentence = "What a token's iss must be."},
    {OTHER(config, "auth.jwt.audience", jwt.audiences, type_texts),
     .sentence = "What a token's aud must have: a text, or a list of which one is enough."},
    {OTHER(config, "auth.jwt.algorithms", jwt.algorithms, type_jwt_algorithms), .standard = "all",
     .sentence = "Algorithms of signatures that are taken, each with keys that are made for it alone; none and those of shared secrets (HS256) never are."},
    {DURATION(config, "auth.jwt.leeway", jwt.leeway_ms), .standard = "60s", .min = "0s", .max = "10m",
     .sentence = "How far the issuer's clock and this machine's may be apart (exp, nbf)."},
    {DURATION(config, "auth.jwt.refresh", jwt.refresh_ms), .standard = "1h", .min = "10s", .max = "7d",
     .sentence = "How often keys behind a URL are fetched. A token of a key that is not known has them fetched at once, at most every 10 s."},
    {DURATION(config, "auth.jwt.timeout", jwt.timeout_ms), .standard = "5s", .min = "10ms", .max = "1m",
     .sentence = "Time to fetch them. Where they cannot be, those that are known go on."},
    {FILE_(config, "auth.jwt.ca_file", jwt.ca_file),
     .sentence = "PEM file with the certificate authorities to trust there instead of the system's."},
    {TEXT(config, "auth.jwt.claims.client", jwt.client), .standard = "sub",
     .sentence = "The claim that names the client. One of clients has that entry's rights and limits."},
    {TEXT(config, "auth.jwt.claims.user", jwt.user), .standard = "",
     .sentence = "The claim that names the user for whom it calls, before what the request says; empty: none does."},
    {TEXT(config, "auth.jwt.claims.limits", jwt.limits), .standard = "",
     .sentence = "The claim with the client's limits, an object as limits of a client ({requests: 60/m}); not of one of clients."},
    {TEXT(config, "auth.jwt.claims.models", jwt.models), .standard = "",
     .sentence = "The claim with the models that it may ask for, a list; not of one of clients."},

    {WORD(config, "keys", keys, keys_words), .standard = "auto",
     .sentence = "Clients' keys kept in the ledger's store (weir keys): auto, a key is asked for where there are any or clients has some; on, one is asked for in any case; off, those of clients alone."},

    {OTHER(config, "admin.keys", admin.keys, type_admin_keys),
     .sentence = "Keys with which GET /usage/summary and /usage/calls tell of all clients; a client's own key tells of its own. Each as under clients: {sha256: …}, a reference, {file: path}, {command: […]}, or the key itself. Without admin.keys and clients whoever asks sees all."},

    {OTHER(config, "prices", prices, type_prices),
     .sentence = "What 1,000,000 tokens cost, in one currency of your choice: a mapping from PROVIDER/MODEL, or a model alone, to a price; a * at the end stands for any rest, the longest pattern counts. What is not in it costs what the table that weir brings says, in US dollars (weir prices shows it); a model without a price is recorded as unpriced."},

    {OTHER(config, "tools", tools, type_tools),
     .sentence = "What models may call here: a mapping from the name that a model is told, up to 64 letters, digits, dashes or underscores, to a tool."},

    {TEXT(config, "chat.model", chat.model), .standard = "gpt-4o-mini",
     .sentence = "Model of /chat where a request names none."},
    {COUNT(config, "chat.message_chars", chat.message_chars), .standard = "10000", .min = "1", .max = "10000000",
     .sentence = "Longest message that /chat accepts, in characters (code points)."},
    {INTEGER(config, "chat.max_tokens", chat.max_tokens), .standard = "1000", .min = "1", .max = "10000000",
     .sentence = "max_tokens of /chat where a request has none."},
    {INTEGER(config, "chat.max_tokens_limit", chat.max_tokens_limit), .standard = "4000", .min = "1", .max = "10000000",
     .sentence = "Largest max_tokens that /chat accepts."},
    {NUMBER(config, "chat.temperature", chat.temperature), .standard = "0.7", .min = "0", .max = "2",
     .sentence = "temperature of /chat where a request has none."},
    {NUMBER(config, "chat.temperature_limit", chat.temperature_limit), .standard = "2", .min = "0", .max = "2",
     .sentence = "Highest temperature that /chat accepts."},
    {TEXT(config, "chat.system", chat.system), .standard = "",
     .sentence = "System prompt put before the messages of /chat; empty: none."},
    {TEXT(config, "chat.say.rate_limited", chat.say_rate_limited),
     .standard = "Service temporarily unavailable due to rate limits. Please try again later.",
     .sentence = "What /chat answers in plain words when every target is rate limited."},
    {TEXT(config, "chat.say.unreachable", chat.say_unreachable),
     .standard = "Unable to connect to the service. Please check your internet connection.",
     .sentence = "The same when no provider can be reached."},
    {TEXT(config, "chat.say.invalid", chat.say_invalid), .standard = "Invalid request: {error}",
     .sentence = "The same when the request is refused; {error} becomes the reason."},
    {TEXT(config, "chat.say.failed", chat.say_failed), .standard = "An unexpected error occurred: {error}",
     .sentence = "The same for any other failure; {error} becomes the reason."},

    {COUNT(config, "functions.max_steps", functions.max_steps), .standard = "8", .min = "1", .max = "1000",
     .sentence = "Rounds of tool calls that a model may ask for in one run of /chat/functions; then it is asked to answer without them. A request may ask for fewer."},
    {DURATION(config, "functions.max_time", functions.max_time_ms), .standard = "2m", .min = "10ms", .max = "24h",
     .sentence = "Longest that a run may take; timeouts.total holds too."},
    {COUNT(config, "functions.max_tokens", functions.max_tokens), .standard = "off", .min = "1", .max = "1000000000", .zero = "off",
     .sentence = "Tokens, of prompts and answers together, after which a run's model is not asked again."},
    {OTHER(config, "functions.max_cost", functions.max_cost_nano, type_amount), .standard = "off", .zero = "off",
     .sentence = "What a run may cost, in the currency of the prices, after which its model is not asked again."},
    {DURATION(config, "functions.approval_time", functions.approval_time_ms), .standard = "1h", .min = "1s", .max = "30d",
     .sentence = "How long a run that waits for an approval is kept in the ledger's store."},
    {OTHER(config, "functions.approval.url", functions.approval.webhook.url, type_webhook_url), .standard = "off", .zero = "off",
     .sentence = "Who says whether calls of tools with `approve: webhook` may be made: it is posted each, and answers {\"approve\": true} or {\"approve\": false, \"reason\": …}, or 202: not yet. Redirects are not followed, and no proxy is used."},
    {OTHER(config, "functions.approval.secret", functions.approval.webhook.secret, type_webhook_secret),
     .sentence = "Signs what it is posted, as alerts.webhooks[].secret does."},
    {BOOL(config, "functions.approval.allow_private", functions.approval.webhook.allow_private), .standard = "false",
     .sentence = "It may be on this machine or in a private network; otherwise such an address is refused, whatever name leads there."},
    {FILE_(config, "functions.approval.ca_file", functions.approval.webhook.ca_file),
     .sentence = "PEM file with the certificate authorities to trust instead of the system's."},
    {DURATION(config, "functions.approval.timeout", functions.approval.timeout_ms), .standard = "10s", .min = "10ms", .max = "10m",
     .sentence = "How long it has to answer."},
    {WORD(config, "functions.approval.failed", functions.approval.failed, approval_failed_words), .standard = "deny",
     .sentence = "What follows where it gives no answer: deny, the call is not made; ask, a run of /chat/functions is paused, as by 202. Nothing is ever called unapproved."},
    {BOOL(config, "functions.server_tools", functions.server_tools), .standard = "false",
     .sentence = "Whether models that are asked in /v1/chat/completions and /v1/responses are offered the tools, too, beside those that a request brings, and weir makes the calls of them."},

    {COUNT(config, "retry.retries", retry.retries), .standard = "3", .min = "0", .max = "20",
     .sentence = "How often a call is tried again at targets that failed, over all of them together; going on to the next target does not count."},
    {DURATION(config, "retry.base", retry.base_ms), .standard = "1s", .min = "1ms", .max = "60s",
     .sentence = "Wait before the first retry; doubled for each further one."},
    {DURATION(config, "retry.cap", retry.cap_ms), .standard = "30s", .min = "1ms", .max = "10m",
     .sentence = "Longest wait before a retry."},
    {DURATION(config, "retry.patience", retry.patience_ms), .standard = "5s", .min = "0s", .max = "10m",
     .sentence = "Longest Retry-After that is waited for while another target is left; a longer one goes to the next target at once."},
    {RATIO(config, "retry.budget", retry.budget_ratio), .standard = "20%", .min = "0%", .max = "1000%",
     .sentence = "Retries per target, as a share of its calls, beyond which no more are made."},
    {COUNT(config, "retry.budget_floor", retry.budget_floor), .standard = "10", .min = "0", .max = "100000",
     .sentence = "Retries per minute and target that are allowed whatever the share is."},
    {BOOL(config, "retry.after_timeout", retry.after_timeout), .standard = "false",
     .sentence = "A target that was silent beyond a deadline, and has the request, is asked again where no other is left. It may be at it still, and both are paid for."},
    {BOOL(config, "retry.next_on_context_length", retry.context_length_next), .standard = "true",
     .sentence = "A target that finds the conversation too long is followed by the next one."},
    {BOOL(config, "retry.next_on_content_policy", retry.content_policy_next), .standard = "false",
     .sentence = "A target that refuses the content is followed by the next one."},

    {SECTION(config, "breaker", breaker.on), .standard = "on",
     .sentence = "Targets that keep failing are left alone for a while."},
    {RATIO(config, "breaker.failures", breaker.failure_ratio), .standard = "50%", .min = "1%", .max = "100%",
     .sentence = "Share of failed calls from which on a target is left alone."},
    {COUNT(config, "breaker.of", breaker.of), .standard = "20", .min = "1", .max = "100000",
     .sentence = "Fewest calls within the window that say anything."},
    {DURATION(config, "breaker.window", breaker.window_ms), .standard = "30s", .min = "1s", .max = "1h",
     .sentence = "Time over which calls are counted."},
    {DURATION(config, "breaker.probe", breaker.probe_ms), .standard = "5s", .min = "10ms", .max = "1h",
     .sentence = "Rest before one call tries the target again."},

    {SECTION(config, "hedge", hedge.on), .standard = "off",
     .sentence = "A call whose first token is late is made a second time on the next target; the first to speak wins."},
    {OTHER(config, "hedge.after", hedge, type_after), .standard = "p95",
     .sentence = "How late: a fixed time (800ms), or a percentile of the target's own first tokens (p95)."},
    {RATIO(config, "hedge.at_most", hedge.at_most_ratio), .standard = "5%", .min = "0.1%", .max = "100%",
     .sentence = "Share of calls that may be made a second time."},

    {COUNT(config, "affinity.ids", affinity.ids), .standard = "65536", .min = "1", .max = "1000000", .zero = "off",
     .sentence = "Ids of what providers keep (responses, conversations, files, batches …) whose provider and key are remembered, by all workers together, so that a call that names one goes there; the least recently used goes first."},
    {DURATION(config, "affinity.keep", affinity.keep_ms), .standard = "30d", .min = "1s", .max = "365d",
     .sentence = "How long such an id is remembered after its last use."},

    TARGET_TIMEOUTS(config, STANDARD, ""),
    TOTAL_TIMEOUT(config, STANDARD, ""),

    {COUNT(config, "server.workers", server.workers), .standard = "auto", .min = "1", .max = "1024", .zero = "auto", .restart = true,
     .sentence = "Event loops, each a thread; auto: one for each core that the process may use."},
    {TEXT(config, "server.environment", server.environment), .standard = "",
     .sentence = "What this weir is for, such as prod: clients whose environment is another one are refused."},
    {OTHER(config, "server.trusted_proxies", server.trusted_proxies, type_networks),
     .sentence = "Addresses and networks of proxies in front of weir: what these say in X-Forwarded-For or Forwarded of whom they ask for counts as the client's address (the last one that is not theirs). Default: nobody's word counts."},
    {BOOL(config, "server.open", server.open), .standard = "false",
     .sentence = "Serve anyone who reaches a listener, without a key. Needed only where clients is empty and a listener is not loopback."},
    {OTHER(config, "server.hosts", server.hosts, type_texts),
     .sentence = "Names by which clients reach a weir that asks for no key, beside addresses and localhost: weir.internal, *.internal for all below it, \"*\" for any. Other names are refused: a web page may have its own name turned to this machine."},
    {COUNT(config, "server.max_connections", server.max_connections), .standard = "16384", .min = "1", .max = "1000000",
     .sentence = "Client connections per worker. Where the files that the process may have open (RLIMIT_NOFILE) leave room for fewer, that many; of several clients one has limits.client_share of them at most."},
    {COUNT(config, "server.max_connections_per_address", server.max_connections_per_address), .standard = "auto", .min = "1", .max = "1000000", .zero = "auto",
     .sentence = "Of these, the most from one address (of IPv6: one /64) of another machine; more are refused with 429. auto: seven in eight, so that a balancer in front of weir has nearly all, and one machine cannot have the last."},
    {DURATION(config, "server.header_timeout", server.header_timeout_ms), .standard = "10s", .min = "1ms", .max = "1h",
     .sentence = "Time for the head of a request to arrive."},
    {DURATION(config, "server.body_timeout", server.body_timeout_ms), .standard = "60s", .min = "1ms", .max = "1h",
     .sentence = "Longest silence while the body of a request arrives."},
    {SIZE(config, "server.body_rate", server.body_rate), .standard = "500B", .min = "1B", .max = "1GB", .zero = "off",
     .sentence = "Least bytes a second of a request's body, measured over each server.body_timeout; a body that is complete within the first may be slower."},
    {DURATION(config, "server.body_total", server.body_total_ms), .standard = "10m", .min = "1ms", .max = "24h", .zero = "off",
     .sentence = "Time for the whole body of a request, and for a client to take what is left of a large answer when that is complete."},
    {DURATION(config, "server.idle_timeout", server.idle_timeout_ms), .standard = "75s", .min = "1ms", .max = "24h",
     .sentence = "How long a connection without a request is kept."},
    {DURATION(config, "server.drain_delay", server.drain_delay_ms), .standard = "0s", .min = "0s", .max = "1h",
     .sentence = "How long weir goes on serving, with /health/ready at 503, when it is told to stop: until whoever spreads the calls (a balancer, Kubernetes) has seen that it leaves. server.drain follows."},
    {DURATION(config, "server.drain", server.drain_ms), .standard = "30s", .min = "0s", .max = "24h",
     .sentence = "Time that open calls have to end when weir is told to stop."},
    {DURATION(config, "server.keep_alive_comment", server.keep_alive_comment_ms), .standard = "15s", .min = "10ms", .max = "1h", .zero = "off",
     .sentence = "Silence in a stream after which the client gets a comment, so that nobody on the way hangs up."},
    {WORD(config, "server.list_models", server.list_models, list_models_words), .standard = "all",
     .sentence = "What GET /v1/models lists. all: the names under models, and what their patterns let through of the models that the patterns' providers list; names: the names alone, without asking anybody."},

    {SIZE(config, "limits.body", limits.body_bytes), .standard = "50MB", .min = "1KB", .max = "1GB",
     .sentence = "Largest body of a request; OpenAI takes so much with pictures in it."},
    {SIZE(config, "limits.answer", limits.answer_bytes), .standard = "64MB", .min = "1KB", .max = "1GB",
     .sentence = "Largest plain answer of a provider."},
    {SIZE(config, "limits.answer_rate", limits.answer_rate), .standard = "500B", .min = "1B", .max = "1GB", .zero = "off",
     .sentence = "Least bytes a second of a provider's plain answer once it has begun, measured over each timeouts.between_events; one that is complete within the first may be slower."},
    {SIZE(config, "limits.event", limits.event_bytes), .standard = "64MB", .min = "1KB", .max = "256MB",
     .sentence = "Largest event of a stream; a picture is one."},
    {SIZE(config, "limits.head", limits.head_bytes), .standard = "64KB", .min = "1KB", .max = "1MB",
     .sentence = "Largest head (request line and header fields) of a request or answer."},
    {SIZE(config, "limits.url", limits.url_bytes), .standard = "8KB", .min = "64B", .max = "64KB",
     .sentence = "Longest request target."},
    {COUNT(config, "limits.headers", limits.headers), .standard = "100", .min = "8", .max = "1000",
     .sentence = "Most header fields of a request or answer."},
    {COUNT(config, "limits.messages", limits.messages), .standard = "2000", .min = "1", .max = "1000000",
     .sentence = "Most messages of a request."},
    {COUNT(config, "limits.depth", limits.depth), .standard = "128", .min = "4", .max = "1000",
     .sentence = "Deepest nesting of a request's JSON."},
    {COUNT(config, "limits.members", limits.members), .standard = "100000", .min = "64", .max = "100000000",
     .sentence = "Most members of an object in a request's JSON, those of the objects around it included."},
    {COUNT(config, "limits.calls", limits.calls), .standard = "10000", .min = "1", .max = "1000000",
     .sentence = "Calls at a time per worker; more are refused with 503."},
    {SIZE(config, "limits.memory", limits.memory_bytes), .standard = "auto", .min = "16MB", .max = "1024GB", .zero = "auto",
     .sentence = "Memory that all bodies of requests and all answers may take together while they are gathered, or wait for a slow reader; what finds no room is refused with 503 at its head. auto: half of what the machine or its control group has, or a quarter of an address space that is limited (RLIMIT_AS); for a program that uses libweir: no bound."},
    {RATIO(config, "limits.client_share", limits.client_share), .standard = "50%", .min = "1%", .max = "100%",
     .sentence = "Of what clients share, as limits.calls, limits.memory and a provider's max_connections: the most that one of several clients may hold at a time."},

    LIMITS(config, "limits.user.", limits.user),
    LIMITS(config, "limits.address.", limits.address),
    {OTHER(config, "limits.model", limits.model, type_limit_rules),
     .sentence = "Limits of models, by the name that clients ask for: a mapping from a name to its limits; a * at its end stands for any rest, and all that match share them."},
    {OTHER(config, "limits.target", limits.target, type_limit_rules),
     .sentence = "Limits of targets, by their names under models, PROVIDER/MODEL, with the client's word where that is PROVIDER alone; patterns as of models. A target at its limit is passed over."},
    {OTHER(config, "limits.tag", limits.tag, type_limit_rules),
     .sentence = "Limits of tags, by name=value as x-weir-tag has them: with team=* each team has its own."},
    {SECTION(config, "limits.wait", limits.wait), .standard = "off",
     .sentence = "Calls that a limit would refuse wait for it, where it is over in time: in turns, so that no client keeps others waiting."},
    {COUNT(config, "limits.wait.clients", limits.wait_clients), .standard = "100", .min = "1", .max = "10000",
     .sentence = "Calls that wait at a time. When so many do, who has the most of them for his weight makes room."},
    {DURATION(config, "limits.wait.time", limits.wait_ms), .standard = "5s", .min = "1ms", .max = "10m",
     .sentence = "How long a call waits. One that would have to wait longer, or beyond its deadline, is refused at once."},
    {INTEGER(config, "limits.assumed_tokens", limits.assumed_tokens), .standard = "1000", .min = "1", .max = "10000000",
     .sentence = "Tokens that are reserved for an answer whose request does not bound it."},
    BODY_LIMIT(config, limits.sizes, OR_OFF),
#define X(id, name, most_, text) \
    {INTEGER(config, "limits.request." name, limits.sizes.most[SIZE_OF_##id]), .min = "1", .max = most_, OR_OFF("off"), .sentence = text},
#include "config/sizes.def"
#undef X
    MAX_TOKENS_LIMIT(config, limits.sizes, OR_OFF),

    {OTHER(config, "shared", shared, type_redis), .standard = "off", .restart = true,
     .sentence = "A Redis or Valkey through which several weirs have their limits in common: redis://HOST:PORT, rediss:// for TLS, unix:/path, or a mapping."},

    {OTHER(config, "cors.origins", cors.origins, type_texts),
     .sentence = "Origins whose pages may call weir, such as https://app.example.com or tauri://localhost; \"*\" for any. Empty: none but those of its own address."},
    {BOOL(config, "cors.credentials", cors.credentials), .standard = "false",
     .sentence = "Let those pages send cookies and the like; never together with \"*\"."},
    {DURATION(config, "cors.max_age", cors.max_age_ms), .standard = "10m", .min = "0s", .max = "24h",
     .sentence = "How long a browser may remember the permission."},

    {WORD(config, "logs.level", logs.level, level_words), .standard = "info",
     .sentence = "Least important lines that are written. Calls are info; failed calls warn or error."},
    {WORD(config, "logs.format", logs.format, format_words), .standard = "auto",
     .sentence = "json: a JSON object a line; text: for people; auto: text on a terminal, else json."},
    {SIZE(config, "logs.buffer", logs.buffer_bytes), .standard = "1MB", .min = "4KB", .max = "1GB",
     .sentence = "Lines that may wait for a slow reader of the log; more are dropped and counted."},

    {SECTION(config, "ledger", ledger.on), .standard = "on", .restart = true,
     .sentence = "A record of every call that nothing loses: what it asked, used and cost, and how it went."},
    {OTHER(config, "ledger.store", ledger.store, type_store), .standard = "auto", .restart = true,
     .sentence = "Where records are kept: sqlite:PATH, one weir's alone; postgres://USER:PASSWORD@HOST/DATABASE, which several may share, a secret: \"${NAME}\" names a variable that holds it. auto: ledger.db in the state directory ($STATE_DIRECTORY, as systemd sets it; $XDG_STATE_HOME/weir; ~/.local/state/weir). What is on its way there stands in journal/ beside it, or in the state directory."},
    {WORD(config, "ledger.sync", ledger.sync, sync_words), .standard = "process", .restart = true,
     .sentence = "What a record survives once its call's last bytes go out. process: the end of weir's process, however it comes; machine: also that of the machine, for which each call waits until the disk has it."},
    {WORD(config, "ledger.on_full", ledger.on_full, full_words), .standard = "refuse",
     .sentence = "What becomes of calls while there is no room for their records. refuse: 503 ledger_full; serve: they go on without a record, which is counted."},
    {SIZE(config, "ledger.journal", ledger.journal_bytes), .standard = "256MB", .min = "1MB", .max = "1024GB",
     .sentence = "Records that may wait for a store that is away."},
    {DURATION(config, "ledger.keep", ledger.keep_ms), .standard = "90d", .min = "1h", .max = "36500d", .zero = "forever",
     .sentence = "How long records are kept."},
    {TEXT(config, "ledger.user_header", ledger.user_header), .standard = "",
     .sentence = "A header that names the user for whom a call is made, as a proxy sets it; it goes before the request's safety_identifier and user. One of x-weir-* stays between the client and weir; another goes on to the provider as it came. Empty: none does."},

    {SECTION(config, "audit", audit.on), .standard = "off", .restart = true,
     .sentence = "An audit trail of every call, allowed or refused, and of what is done to weir: audit-*.jsonl in the state directory, one record a line, each of which holds the hash of the one before, so that weir audit verify shows what was altered, left out or cut off. Needs the ledger."},
    {DURATION(config, "audit.keep", audit.keep_ms), .standard = "1y", .min = "1h", .max = "36500d", .zero = "forever", .restart = true,
     .sentence = "How long files of the trail are kept. What goes is named in the trail before."},
    {WORD(config, "audit.bodies", audit.bodies, bodies_words), .standard = "off", .restart = true,
     .sentence = "What the trail keeps of what was asked and answered. redacted: both, without the secrets and personal data that the rules of guard find in them; compressed, and encrypted with audit.key where that is set; up to 128 KB of each. off: their SHA-256 alone."},
    {OTHER(config, "audit.key", audit.key, type_audit_key), .restart = true,
     .sentence = "A key that signs how far the trail has come, so that nobody without it can shorten the trail unseen, and encrypts what audit.bodies keeps: \"${NAME}\", {file: path} or {command: [program, argument]}, of 16 characters or more; the key alone, made by openssl rand -hex 32, is what weir audit verify needs besides the files. None: it is not signed."},
    {SECTION(config, "cache", cache.on), .standard = "off",
     .sentence = "Answers are kept and given again to who asks the same, and of identical calls at a time one is made: docs/cache.md."},
    {OTHER(config, "cache.models", cache.models, type_texts),
     .sentence = "Of which models, by the names that clients ask for; a * at the end stands for any rest. No other model's answers are kept."},
    {DURATION(config, "cache.ttl", cache.ttl_ms), .standard = "1h", .min = "1s", .max = "365d",
     .sentence = "How long an answer is kept; x-weir-cache-ttl of a request says it for its own."},
    {SIZE(config, "cache.memory", cache.memory_bytes), .standard = "64MB", .min = "1MB", .max = "1024GB",
     .sentence = "Room for answers, of those that are still being given too; what is asked often stays."},
    {SIZE(config, "cache.max_answer", cache.answer_bytes), .standard = "1MB", .min = "1KB", .max = "64MB",
     .sentence = "A larger answer is not kept. A stream counts as what differs from one event to the next."},
    {OTHER(config, "cache.store", cache.store, type_cache_store), .standard = "off", .restart = true,
     .sentence = "A Redis or Valkey where several weirs keep answers together, behind the memory of each: an address as `shared` has it, a mapping, or true for the server of `shared`. One that is slow, full or away costs nothing but its answers."},
    {WORD(config, "cache.scope", cache.scope, cache_scope_words), .standard = "client",
     .sentence = "Who is given an answer. client: the client that it was made for alone; group: whoever has the same tag cache.group of clients[].tags, and a client without it alone; global: whoever asks the same."},
    {TEXT(config, "cache.group", cache.group), .standard = "group",
     .sentence = "Of scope: group, the tag of a client whose value is the group's name. What a request says of itself (x-weir-tag) counts for nothing."},
    {NUMBER(config, "cache.max_temperature", cache.max_temperature), .standard = "1", .min = "0", .max = "2",
     .sentence = "Highest temperature of requests whose answers are kept; one that says none counts as 1."},
    {BOOL(config, "cache.tools", cache.tools), .standard = "false",
     .sentence = "Also of requests with tools."},
    {BOOL(config, "cache.choices", cache.choices), .standard = "false",
     .sentence = "Also of requests for several choices (n, best_of)."},
    {BOOL(config, "cache.images", cache.images), .standard = "false",
     .sentence = "Also of requests with images, files or sound."},
    {WORD(config, "cache.pace", cache.pace, cache_pace_words), .standard = "at_once",
     .sentence = "How a stream is given again. at_once: as fast as its reader takes it; recorded: with the pauses it had."},
    {SECTION(config, "cache.semantic", cache.semantic.on), .standard = "off",
     .sentence = "Who asks nearly the same may be given the answer, too: where all is equal but the last user text, and that means nearly the same to a model for embeddings. It can be wrong: docs/cache.md says how."},
    {TEXT(config, "cache.semantic.model", cache.semantic.model), .standard = "",
     .sentence = "The model for embeddings, by a name that `models` serves, such as text-embedding-3-small. Each question that is not in the cache costs a call of it, which is priced, limited and recorded as its client's."},
    {NUMBER(config, "cache.semantic.threshold", cache.semantic.threshold), .standard = "0.95", .min = "0.5", .max = "1",
     .sentence = "How near two texts must be: the cosine of their embeddings."},
    {COUNT(config, "cache.semantic.entries", cache.semantic.entries), .standard = "10000", .min = "1", .max = "1000000",
     .sentence = "Texts that are remembered, two bytes a dimension, within cache.memory; then the oldest goes."},
    {SIZE(config, "cache.semantic.max_text", cache.semantic.text_bytes), .standard = "1KB", .min = "1B", .max = "32KB",
     .sentence = "A longer text is not compared: the longer two are, the more may differ unseen."},
    {DURATION(config, "cache.semantic.timeout", cache.semantic.timeout_ms), .standard = "2s", .min = "10ms", .max = "1m",
     .sentence = "How long a call waits for the embedding of its text. Then it is made as if there was nothing like it."},

    {SECTION(config, "telemetry", telemetry.on), .standard = "off",
     .sentence = "Traces and metrics sent to a receiver of OTLP over HTTP: an OpenTelemetry collector, or what takes it itself. Where the file says nothing, OTEL_EXPORTER_OTLP_ENDPOINT switches it on, and OTEL_SDK_DISABLED=true off."},
    {OTHER(config, "telemetry.endpoint", telemetry.endpoint, type_endpoint), .standard = "http://localhost:4318",
     .sentence = "Where it listens: spans go to /v1/traces beneath this URL, metrics to /v1/metrics. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are heeded, but for this machine's own addresses. OTEL_EXPORTER_OTLP_ENDPOINT says it where the file does not."},
    {WORD(config, "telemetry.protocol", telemetry.protocol, protocol_words), .standard = "protobuf",
     .sentence = "The encoding. Every receiver takes protobuf, not every one JSON. OTEL_EXPORTER_OTLP_PROTOCOL (http/protobuf, http/json) says it where the file does not."},
    {OTHER(config, "telemetry.headers", telemetry.headers, type_telemetry_headers),
     .sentence = "Header fields sent with every request, as a mapping: a receiver's key. Their values are secret. OTEL_EXPORTER_OTLP_HEADERS (name=value,name=value) says them where the file does not."},
    {FILE_(config, "telemetry.ca_file", telemetry.ca_file),
     .sentence = "PEM file with the certificate authorities to trust instead of the system's."},
    {WORD(config, "telemetry.compression", telemetry.compression, compression_words), .standard = "none",
     .sentence = "Content coding of what is sent: none or gzip."},
    {BOOL(config, "telemetry.traces", telemetry.traces), .standard = "true",
     .sentence = "Send spans: one of each call, and one of each attempt at a provider."},
    {BOOL(config, "telemetry.metrics", telemetry.metrics), .standard = "true",
     .sentence = "Send metrics: those of /metrics, and the GenAI conventions' own."},
    {RATIO(config, "telemetry.sample", telemetry.sample), .standard = "100%", .min = "0%", .max = "100%",
     .sentence = "Share of the calls that are traced, of those whose client says nothing about it; one that brings a traceparent has decided."},
    {BOOL(config, "telemetry.content", telemetry.content), .standard = "false",
     .sentence = "Put prompts and answers into spans, up to 32 KB of each. They hold what users write: leave it off unless the receiver may know that."},
    {DURATION(config, "telemetry.interval", telemetry.interval_ms), .standard = "60s", .min = "100ms", .max = "1h",
     .sentence = "How often metrics are sent. Spans go after 5 s, or after this where it is shorter, or when many have come together."},
    {DURATION(config, "telemetry.timeout", telemetry.timeout_ms), .standard = "10s", .min = "10ms", .max = "5m",
     .sentence = "Time for one request, its answer included."},
    {SIZE(config, "telemetry.queue", telemetry.queue_bytes), .standard = "8MB", .min = "256KB", .max = "1GB",
     .sentence = "Spans that may wait for a receiver that is slow or away; more are dropped and counted."},
    {TEXT(config, "telemetry.service", telemetry.service), .standard = "weir",
     .sentence = "The resource's service.name. OTEL_SERVICE_NAME says it where the file does not."},
    {OTHER(config, "telemetry.resource", telemetry.resource, type_resource),
     .sentence = "Further attributes of the resource, as a mapping: {deployment.environment.name: production}. OTEL_RESOURCE_ATTRIBUTES (name=value,name=value) says them where the file does not."},

    {SECTION(config, "alerts", alerts.on), .standard = "off",
     .sentence = "What is told by itself, in the log and to webhooks, when it happens: docs/alerts.md."},
    {OTHER(config, "alerts.webhooks", alerts.webhooks, type_webhooks),
     .sentence = "Who is told: a URL, a mapping {url, format, secret, events, allow_private, ca_file}, or a list of these."},
    {OTHER(config, "alerts.budget", alerts.budget, type_thresholds), .standard = "[50%, 80%, 100%]",
     .sentence = "Shares of a budget (limits of spend) that are told when they have been spent, each once in the budget's period."},
    {DURATION(config, "alerts.key_expiry", alerts.key_expiry_ms), .standard = "7d", .min = "1s", .max = "365d", .zero = "off",
     .sentence = "How long before a client's key expires that is told, once a day."},
    {DURATION(config, "alerts.unusual.learn", alerts.learn_ms), .standard = "1d", .min = "0s", .max = "365d",
     .sentence = "From a client's first call on (since weir has started): how long its use is learnt, and nothing of it is unusual."},
    {NUMBER(config, "alerts.unusual.factor", alerts.factor), .standard = "3", .min = "1", .max = "1000",
     .sentence = "A minute with so many times the calls, or the spending, of the busiest minute of a client's past is unusual. Each day the past counts half."},
    {COUNT(config, "alerts.unusual.calls", alerts.rate_least), .standard = "60", .min = "1", .max = "1000000000", .zero = "off",
     .sentence = "Calls in a minute, fewer of which are never unusual."},
    {OTHER(config, "alerts.unusual.spend", alerts.spend_least, type_amount), .standard = "1", .zero = "off",
     .sentence = "The same of money, in the currency of the prices: spending beyond it is a runaway loop (loop.spend)."},
    {RATIO(config, "alerts.errors.share", alerts.errors_share), .standard = "50%", .min = "0.1%", .max = "100%",
     .sentence = "Share of a model's calls that fail, not by their clients' fault, from which that is told."},
    {COUNT(config, "alerts.errors.calls", alerts.errors_least), .standard = "20", .min = "1", .max = "1000000", .zero = "off",
     .sentence = "Calls in that time, fewer of which say nothing."},
    {DURATION(config, "alerts.errors.time", alerts.errors_ms), .standard = "5m", .min = "1s", .max = "1d",
     .sentence = "That time, up to now."},
    {COUNT(config, "alerts.loop.same", alerts.same), .standard = "30", .min = "2", .max = "1000000", .zero = "off",
     .sentence = "So many calls of one client with the same request are a loop, within alerts.loop.time."},
    {DURATION(config, "alerts.loop.time", alerts.same_ms), .standard = "1m", .min = "1s", .max = "1d",
     .sentence = "That time, from the first of them on."},
    {BOOL(config, "alerts.loop.pause", alerts.pause), .standard = "false",
     .sentence = "A client in a loop (loop.prompt, loop.spend) is paused: 403 client_paused, until an admin resumes it by POST /admin/v1/clients/NAME/resume, or weir starts anew."},
    {WORD(config, "alerts.guard", alerts.guard, alert_guard_words), .standard = "block",
     .sentence = "Which of the guard's verdicts are told: that and what is graver (block, redact, flag), or none."},
    {DURATION(config, "alerts.again", alerts.again_ms), .standard = "1h", .min = "1s", .max = "30d",
     .sentence = "The same of the same client or model is not told again before."},
    {COUNT(config, "alerts.a_minute", alerts.a_minute), .standard = "30", .min = "1", .max = "1000",
     .sentence = "Alerts for one webhook in a minute; more wait."},
    {DURATION(config, "alerts.timeout", alerts.timeout_ms), .standard = "10s", .min = "10ms", .max = "5m",
     .sentence = "Time for one delivery, its answer included. One that fails is tried again, at growing intervals, for half an hour."},
    {COUNT(config, "alerts.queue", alerts.queue), .standard = "1000", .min = "1", .max = "100000",
     .sentence = "Alerts that may wait for one webhook that is slow or away; more are dropped and counted, the oldest first."},

    GUARD(config, guard.use, guard_file_words, .standard = "own",
          " own: rules of yours that have an action of their own are looked for, and no other."),
    {BOOL(config, "guard.restore", guard.restore), .standard = "false",
     .sentence = "Whether what was redacted in a request is put back where its answer has the placeholder."},
    {WORD(config, "guard.stream_end", guard.end, guard_end_words), .standard = "finish",
     .sentence = "How a stream ends that is blocked once it has begun. finish: with finish_reason content_filter; error: with an error event, code content_blocked."},
    {OTHER(config, "guard.rules", guard.rules, type_guard_rules),
     .sentence = "Rules of your own, beside those that weir brings: a list of mappings."},
    {OTHER(config, "guard.files", guard.files, type_guard_files),
     .sentence = "Files of rules, as `weir guard test --rules` takes them: beside those that weir brings, or with shipped: false in their place."},
    {OTHER(config, "guard.actions", guard.actions, type_guard_actions),
     .sentence = "What is done about single rules or kinds of them, before what guard.in and guard.out say: a mapping, as {personal: redact, email: off, injection: flag}. `weir guard list` names rules and kinds."},
    {TEXT(config, "guard.external.tool", guard.external.tool), .standard = "",
     .sentence = "Somebody who is asked about requests as well: the name of a tool of kind http or command, which is given {\"input\": text} and answers as POST /v1/moderations does, or {\"flagged\": true}. Its time limit, its addresses and its secrets are its own options; nobody else may use it then. Empty: nobody is asked."},
    {WORD(config, "guard.external.in", guard.external.in, external_words), .standard = "block",
     .sentence = "What becomes of a request that it objects to. block: it is refused (400 content_blocked); flag: it is noted, and no more; off: it is not asked."},
    {WORD(config, "guard.external.out", guard.external.out, external_words), .standard = "off",
     .sentence = "The same of answers. A plain one waits for its verdict, and one that is objected to is replaced; a stream is asked about by sentence, none of which goes out before its verdict, and ends there with finish_reason content_filter."},
    {WORD(config, "guard.external.on_failure", guard.external.on_failure, external_failure_words), .standard = "closed",
     .sentence = "What becomes of a text that it says nothing of: it is away, slow, or answers with something else; or request or text have more than 256 KB, or the request is no JSON. closed: 503 guard_unavailable, and a stream breaks off; open: it goes on."},
    {BOOL(config, "guard.encoded", guard.encoded), .standard = "false",
     .sentence = "Rules look into base64 and behind percent escapes as well: a text is gone through three times."},
    {BOOL(config, "guard.shipped", guard.shipped), .standard = "true",
     .sentence = "Whether the rules that weir brings are looked for, beside those of guard.rules."},

    ANSWER(config, ""),
};

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
#define X(kind, functions, url, key_env, max_tokens) " " #kind ","
#include "config/kinds.def"
#undef X
     " or what imitates one of them. Default: the provider's name where that is a kind, else openai."},
    {OTHER(config_provider, "url", url, type_url),
     .sentence = "Base URL, as the SDKs take it: http(s)://host[:port][/path], or unix:/path[:/path]. Default: that of the kind"
#define X(kind, functions, url, key_env, max_tokens) " (" #kind " " url ")"
#include "config/kinds.def"
#undef X
     "."},
    {OTHER(config_provider, "key", keys, type_keys),
     .sentence = "The API key: a text, best a reference such as \"${OPENAI_API_KEY}\"; {file: path}; {command: [program, argument]}; or a list of these, which are used in turn, by their weight where they have one ({value: \"${KEY}\", weight: 3}). Default: ${OPENAI_API_KEY} for OpenAI's own URL, else none."},
    {WORD(config_provider, "auth", auth, auth_words), .standard = "bearer",
     .sentence = "How the key is sent: bearer (Authorization: Bearer), api-key (a header of that name, as Azure wants it) or none."},
    {TEXT(config_provider, "api_version", api_version), .standard = "",
     .sentence = "Sent as the query ?api-version=… (Azure); empty: none."},
    {OTHER(config_provider, "headers", headers, type_headers),
     .sentence = "Header fields sent with every call, as a mapping. Their values are treated as secret."},
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
     .sentence = "Names of the clients that may use it. Not written: all."},
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

#define SCOPE(n, title, list, text)                                                                \
    const option_scope scope_##n = {title, text, list, sizeof(list) / sizeof((list)[0])}

SCOPE(file, "", file_options,
      "The file itself. Options with a dot stand in a mapping: "
      "`retry.base` is `base` under `retry`.");
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
