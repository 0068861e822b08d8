/* weir.h: chat-model calls from a program: retried, with fallback, streamed, bounded, counted.
 *
 * A client holds a configuration, connections and counts. A request is what to ask. A result is
 * what came of it, an answer or an error, never NULL. Link with `pkg-config --libs weir`; see
 * weir(3) and the examples.
 *
 *     weir_client *client = weir_client_new(NULL, NULL);     // OPENAI_BASE_URL, OPENAI_API_KEY
 *     weir_request *request = weir_request_new();
 *     weir_request_add_message(request, "user", "Hello");
 *     weir_result *result = weir_chat(client, request);
 *     puts(result->safe_text);                               // always a text
 *     weir_result_free(result);
 *     weir_request_free(request);
 *     weir_client_free(client);
 *
 * Ownership  What a function named _new or returning a non-const pointer gives is the caller's, to
 *            be given back with the _free of its type. Arguments are copied. Every _free takes
 *            NULL.
 * Strings    UTF-8, ending in NUL. A length beside a string leaves the NUL out.
 * Units      _ms milliseconds, _seconds seconds.
 * Threads    A client may be used by any number of threads at once, unless
 *            weir_options_set_foreign_loop() was called: then by one at a time, that which calls
 *            weir_client_step(). Options, requests and results belong to one thread at a time; a
 *            request may be asked any number of times.
 * fork       A client does not survive fork() in the child.
 * Process    No signal handler, no exit(), no output, no mutable global state of its own. Threads
 *            that the library makes block all signals. When memory runs out the process is aborted.
 * NULL       A client that could not be made may be used: each call is answered with WEIR_MISUSE
 *            and why, numbers are 0, and nothing else happens. A request that is NULL is asked
 *            nobody, and its result says so (WEIR_INVALID).
 * Stability  Structs are made by the library alone; later versions add fields at their end.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WEIR_API        __attribute__((visibility("default")))
#define WEIR_USE_RESULT __attribute__((warn_unused_result))
#else
#define WEIR_API
#define WEIR_USE_RESULT
#endif

/* "0.1.0": of the library that runs, not of this header. */
WEIR_API const char *weir_version(void);

/* ---- errors ---- */

typedef enum weir_code {
    WEIR_OK = 0,
    WEIR_CANCELLED = 1, /* by weir_call_cancel(), an event callback, or weir_client_free() */
    WEIR_MISUSE = 2,    /* a function was called where it may not be; error_message says which */
    WEIR_INVALID = 3,   /* the request was refused: malformed, too large, or by the provider */
    WEIR_UNAUTHENTICATED = 4, /* 401, 403: the key is missing, wrong, or may not do that */
    WEIR_NOT_FOUND = 5,       /* no such model or path */
    WEIR_RATE_LIMITED = 6,    /* 429, after all retries */
    WEIR_UNREACHABLE = 7,     /* no connection: name, network, TLS */
    WEIR_TIMEOUT = 8,         /* a deadline passed */
    WEIR_PROVIDER = 9,        /* the provider failed, or answered with what is no answer */
    WEIR_INTERRUPTED = 10,    /* a stream ended before its answer was complete */
    WEIR_INTERNAL = 11,
    WEIR_STOPPED = 12 /* a run has reached one of its limits; error_code says which */
} weir_code;

/* "rate_limited"; "unknown" for a number that is none. Static. */
WEIR_API const char *weir_code_name(weir_code code);

/* ---- options: what a client is made from ---- */

typedef struct weir_options weir_options;

WEIR_API WEIR_USE_RESULT weir_options *weir_options_new(void);
WEIR_API void weir_options_free(weir_options *options);

/* Setters keep what they are given; weir_client_new() checks it and says everything that is wrong.
 *
 * Where the providers come from: a configuration file (weir.yaml: providers, keys, models and their
 * targets, retry, timeouts …), its text, or the three below. At most one of these ways. What a file
 * says of clients, and of what a gateway looks at and keeps (guard, output, cache, audit …), does
 * not hold for calls of a program. */
WEIR_API void weir_options_set_file(weir_options *options, const char *path);
WEIR_API void weir_options_set_yaml(weir_options *options, const char *text);

/* Base URL as the SDKs take it, a gateway's or a provider's; or "simulator", also for a fallback:
 * the built-in simulator answers, from a thread of the client's and without a key
 * (docs/simulator.md: models such as "sim/429-2s" fail as that says). Default: $OPENAI_BASE_URL,
 * else https://api.openai.com/v1. */
WEIR_API void weir_options_set_url(weir_options *options, const char *url);
/* Default: $OPENAI_API_KEY, for the default URL or the variable's. Never logged; the options' and
 * the client's copies are wiped when freed. */
WEIR_API void weir_options_set_key(weir_options *options, const char *key);
/* A further target, asked when those before it fail. model NULL: the request's own word. key NULL:
 * none is sent. */
WEIR_API void weir_options_add_fallback(weir_options *options, const char *url, const char *key,
                                        const char *model);

/* Model of requests that name none. Default: chat.model of the configuration (gpt-4o-mini). */
WEIR_API void weir_options_set_model(weir_options *options, const char *model);
/* Calls at a time; further ones wait their turn in order. 1 to 100000; default 5. */
WEIR_API void weir_options_set_concurrency(weir_options *options, unsigned calls);
/* Non-zero: fewer calls of a target at a time after a 429, 503 or 529 (half, and none new before
 * its Retry-After unless another key or target may be asked) or where nobody is there, more again
 * as calls succeed, never above the concurrency. Calls of other targets go on. Default 0. */
WEIR_API void weir_options_set_adaptive(weir_options *options, int on);
/* Any option of the configuration by its dotted path, with a value as it would stand in the file,
 * laid over the file: ("retry.retries", "5"), ("timeouts.total", "30s"), ("breaker", "off"),
 * ("chat.say.failed", "Sorry: {error}"), ("models.'gpt-4.1'", "[openai, local]"). Values are YAML,
 * with ${NAME} from the environment and $$ for a $; where the option is a text quotes may be left
 * out. A part of a path that has dots of its own stands in quotes. A mapping or list replaces the
 * file's as a whole. */
WEIR_API void weir_options_set(weir_options *options, const char *path, const char *value);
/* The client gets no thread: its owner's event loop drives it. See weir_client_fd(). */
WEIR_API void weir_options_set_foreign_loop(weir_options *options);

/* ---- clients ---- */

typedef struct weir_client weir_client;

/* options NULL: all defaults; they may be freed afterwards. NULL on failure; *ret_why (which may be
 * NULL) then says in words, a line for each problem, what is wrong and what would be right, to be
 * freed with weir_string_free(). May block: reads files, runs key commands. */
WEIR_API WEIR_USE_RESULT weir_client *weir_client_new(const weir_options *options, char **ret_why);

/* Cancels what runs; every weir_done_fn has been called when it returns. What they start meanwhile
 * is cancelled too: one that starts the next call also after WEIR_CANCELLED goes on for ever. A
 * name look-up or a key command that is under way is waited for. From inside a callback of the same
 * client it takes effect when the callback has returned. */
WEIR_API void weir_client_free(weir_client *client);

/* How many calls may run at present: the concurrency, or less where it adapts. Any thread. */
WEIR_API unsigned weir_client_limit(const weir_client *client);
/* Calls that run, and that wait: for their turn, or after a try that failed for the next. Any
 * thread. */
WEIR_API unsigned weir_client_running(const weir_client *client);
WEIR_API unsigned weir_client_waiting(const weir_client *client);

WEIR_API void weir_string_free(char *string);

/* ---- requests ---- */

typedef struct weir_request weir_request;

/* A chat completion, unless its path is changed. What is wrong with a request is kept until it is
 * asked, and is then the result (WEIR_INVALID). */
WEIR_API WEIR_USE_RESULT weir_request *weir_request_new(void);
WEIR_API void weir_request_free(weir_request *request);

/* role: "system", "developer", "user", "assistant". */
WEIR_API void weir_request_add_message(weir_request *request, const char *role,
                                       const char *content);
/* A whole message as JSON, for tool calls, images and the like. */
WEIR_API void weir_request_add_message_json(weir_request *request, const char *json);
/* Further members of the body; a name that was set before is replaced. */
WEIR_API void weir_request_set_model(weir_request *request, const char *model);
WEIR_API void weir_request_set_string(weir_request *request, const char *name, const char *value);
WEIR_API void weir_request_set_number(weir_request *request, const char *name, double value);
WEIR_API void weir_request_set_integer(weir_request *request, const char *name, int64_t value);
WEIR_API void weir_request_set_json(weir_request *request, const char *name, const char *json);
/* The whole body, byte by byte, instead of all of the above. A model is added where it has none. */
WEIR_API void weir_request_set_body(weir_request *request, const char *json, size_t len);
/* "/chat/completions" (the default), "/embeddings", "/completions", "/responses", "/moderations";
 * with a query, which goes to the provider, where it wants one: "/chat/completions?tier=1". Behind
 * weir_request_set_call() it is that call's path. */
WEIR_API void weir_request_set_path(weir_request *request, const char *path);
/* Any other call of the provider's API, as it is: method "GET", path below the base URL and with
 * its query, "/files?limit=2". The body is weir_request_set_content()'s, and nothing is added to
 * it. A whole answer of any type is result->body, and result->text is NULL; a stream's events are
 * those that the provider sends. Goes where the model "*" does, or the one that a JSON body names.
 */
WEIR_API void weir_request_set_call(weir_request *request, const char *method, const char *path);
/* type: "multipart/form-data; boundary=…", "application/json". Only with weir_request_set_call().
 */
WEIR_API void weir_request_set_content(weir_request *request, const char *type, const void *bytes,
                                       size_t len);
/* Non-zero: result->headers are wanted. Default 0; weir_request_set_call() sets it. */
WEIR_API void weir_request_keep_headers(weir_request *request, int on);
/* A header field for the provider. Those that weir itself sets, and hop-by-hop ones, are dropped.
 */
WEIR_API void weir_request_set_header(weir_request *request, const char *name, const char *value);
/* A call that waits before a target is asked once more, after a failure that another try may mend.
 * Lives until the callback returns. */
typedef struct weir_wait {
    int64_t wait_ms;
    weir_code code;     /* why: WEIR_RATE_LIMITED, WEIR_PROVIDER, WEIR_UNREACHABLE … */
    int status;         /* HTTP, of the refusal; 0: there was none */
    const char *target; /* who is asked then: "openai/gpt-4o-mini" */
    unsigned attempts;  /* made so far */
} weir_wait;

/* Non-zero: it is not waited for; the call is cancelled (WEIR_CANCELLED). On the thread of
 * weir_event_fn. */
typedef int weir_wait_fn(void *user, const weir_wait *wait);

/* Hears of the waits of every call that the request is asked in, until then. NULL: nobody does. The
 * time in the client's own queue is none of them. */
WEIR_API void weir_request_set_on_wait(weir_request *request, weir_wait_fn *on_wait, void *user);
/* Deadline of a call, its time in the queue included. 0, the default: timeouts.total of the
 * configuration alone, from when it leaves the queue. What has failed by then is told, not the
 * time: WEIR_TIMEOUT where nothing has. */
WEIR_API void weir_request_set_timeout_ms(weir_request *request, int64_t timeout_ms);

/* ---- results ---- */

typedef struct weir_header {
    const char *name, *value;
} weir_header;

typedef struct weir_result {
    weir_code code;
    int status; /* HTTP; of the answer or the refusal; 0: there was none */

    const char *text; /* of the first choice, a stream's pieces joined; NULL where there is none
                         (tool calls, embeddings) and where code is not WEIR_OK, except what came
                         of a stream before it failed */
    size_t text_len;
    /* Never NULL: text, or on failure a plain sentence for people (chat.say.* of the
     * configuration). Where a stream failed, the sentence. */
    const char *safe_text;
    const char *body; /* the answer, or an error in OpenAI's shape, as JSON; of a stream that came
                         to its end NULL */
    size_t body_len;

    /* NULL, where code is WEIR_OK. message is never NULL otherwise. */
    const char *error_message;
    const char *error_type; /* "invalid_request_error" … */
    const char *error_code; /* "rate_limit_exceeded" …; may be NULL */
    const char *error_param;
    int64_t retry_after_ms; /* the provider's hint; -1: none */

    const char *model;  /* as the provider named it; may be NULL */
    const char *target; /* who answered, or was asked last: "openai/gpt-4o-mini"; may be NULL */
    const char *finish_reason;       /* "stop", "length", "unfinished" …; may be NULL */
    const char *request_id;          /* weir's own; never NULL */
    const char *provider_request_id; /* may be NULL */
    unsigned attempts;

    int64_t prompt_tokens, completion_tokens, total_tokens; /* -1: not known */
    int64_t cached_tokens, reasoning_tokens;                /* parts of the above; -1: not told */
    int tokens_estimated;                                   /* a guess, in whole or in part */
    double response_seconds;    /* from the start of the call, without its time in the queue */
    double first_token_seconds; /* streams; negative: does not apply */

    /* Of the answer or the refusal, where they were wanted: the provider's, but for those of its
     * connection and its host, and weir's own. NULL: there was none, or they were not wanted. */
    const weir_header *headers;
    size_t header_count;
} weir_result;

WEIR_API void weir_result_free(weir_result *result);

/* ---- blocking calls: not from inside a callback of the same client (WEIR_MISUSE) ---- */

/* Never NULL. */
WEIR_API WEIR_USE_RESULT weir_result *weir_chat(weir_client *client, const weir_request *request);

/* One event of a stream; lives until the callback returns. */
typedef struct weir_event {
    const char *text; /* what it adds to the first choice's text; "" where it adds none */
    size_t text_len;
    const char *json; /* the event itself, a chat.completion.chunk */
    size_t json_len;
} weir_event;

/* Non-zero stops the stream: the call is cancelled (WEIR_CANCELLED). Comes on the thread that runs
 * the client's loop: its own, or the caller of weir_client_step(). */
typedef int weir_event_fn(void *user, const weir_event *event);

/* Streams an answer; on_event comes for each event, before it returns. Never NULL. */
WEIR_API WEIR_USE_RESULT weir_result *weir_stream(weir_client *client, const weir_request *request,
                                                  weir_event_fn *on_event, void *user);

/* Asks all, as many at a time as the client's concurrency allows. ret_results[i] is the result of
 * requests[i], never NULL, each to be freed. */
WEIR_API void weir_batch(weir_client *client, const weir_request *const *requests, size_t count,
                         weir_result **ret_results);

/* ---- calls without waiting ---- */

typedef struct weir_call weir_call;

/* Exactly once for each call, after its last event, never from inside weir_start(). result is the
 * callee's to free. May start calls, cancel others and free the client; may not block. Where the
 * client is NULL there is no later: it comes from inside weir_start(), which returns NULL. */
typedef void weir_done_fn(void *user, weir_result *result);

/* on_event NULL: a plain answer; else a stream. The handle is the caller's to free, at any time,
 * also before the call ends, which goes on. */
WEIR_API WEIR_USE_RESULT weir_call *weir_start(weir_client *client, const weir_request *request,
                                               weir_event_fn *on_event, weir_done_fn *on_done,
                                               void *user);
/* Its weir_done_fn follows, with WEIR_CANCELLED unless the call had just ended; no more events. Any
 * thread (of a client with a foreign loop: its own). */
WEIR_API void weir_call_cancel(weir_call *call);
/* Non-zero: its turn has come. Until then nobody has been asked. Any thread. */
WEIR_API int weir_call_begun(const weir_call *call);
/* Holds a stream back at its source, and lets it go on. What has arrived already (some 64 KB) still
 * comes after a pause. */
WEIR_API void weir_call_pause(weir_call *call);
WEIR_API void weir_call_resume(weir_call *call);
WEIR_API void weir_call_free(weir_call *call);

/* ---- tools: functions of the program that a model may call ----
 *
 *     static void weather(void *user, weir_run *run, const weir_tool_call *call) {
 *         // call->arguments is {"city": "Berlin"}
 *         weir_run_answer(run, call, "18 degrees", 10);
 *     }
 *
 *     weir_client_add_tool(client, "weather", "The weather of a city.", schema, weather, 0, 0);
 *     weir_run *run = weir_run_new(client, request);
 *     puts(weir_run_wait(run)->safe_text);
 *     weir_run_free(run);
 *
 * The model is asked, with the tools of its client; what it calls is checked against the tool's
 * schema and called; what came of that goes to the model, which is asked again, until it answers
 * without a call or a limit is reached. Arguments that do not fit, and calls of what there is not,
 * are answered by the library. docs/functions.md has more of it: it is the same loop.
 */

typedef struct weir_run weir_run;

/* A call that the program is to make; lives until it is answered. */
typedef struct weir_tool_call {
    const char *tool;
    const char *id;        /* of this call; other calls of the run have others */
    const char *arguments; /* a JSON object that is as the tool's schema says */
    size_t arguments_len;
    void *user; /* of weir_client_add_tool() */
} weir_tool_call;

/* Calls weir_run_answer() or weir_run_fail() for it, before it returns. On the thread that calls
 * weir_run_wait(); may block. */
typedef void weir_tool_fn(void *user, weir_run *run, const weir_tool_call *call);

/* Models that runs of the client ask from now on may call it. name: letters, digits, _ and -, up to
 * 64. description: what models are told of it; NULL: nothing. parameters: a JSON Schema of its
 * arguments, draft-07 or 2020-12; NULL: it takes none. function NULL: for programs that drive their
 * runs by weir_run_next(). Non-zero: it is there. 0: *ret_why (which may be NULL) says in words why
 * not, to be freed with weir_string_free(). Any thread. */
WEIR_API int weir_client_add_tool(weir_client *client, const char *name, const char *description,
                                  const char *parameters, weir_tool_fn *function, void *user,
                                  char **ret_why);

/* A run of that request, a chat completion: nothing is asked yet. Never NULL. What is wrong with
 * the request is its result. The run belongs to one thread at a time, and is to be freed before
 * its client. */
WEIR_API WEIR_USE_RESULT weir_run *weir_run_new(weir_client *client, const weir_request *request);
WEIR_API void weir_run_free(weir_run *run);
/* Rounds of calls, 1 to 1000, after which the model is asked once more, to answer without.
 * Default: functions.max_steps of the configuration (8). Another number is the nearest of these. */
WEIR_API void weir_run_set_max_steps(weir_run *run, unsigned steps);
/* Time from the first call of weir_run_next() or weir_run_wait() on; a tool that is being called is
 * not interrupted. Default: functions.max_time (2 minutes). functions.max_tokens holds, too. */
WEIR_API void weir_run_set_timeout_ms(weir_run *run, int64_t timeout_ms);
/* Bytes of a tool's answer, beyond which the model is told that it was too large. Default: 65536.
 */
WEIR_API void weir_run_set_max_result(weir_run *run, size_t bytes);

/* Does all of it: asks the model and calls the functions of its tools, one after the other. The
 * result is the run's: not to be freed, and never NULL. It is that of the last answer, with the
 * tokens of all of them; WEIR_STOPPED where a limit was reached, with the model's last words as
 * text. As all that waits not from inside a callback of the client. */
WEIR_API const weir_result *weir_run_wait(weir_run *run);

/* What was done, an array of {"tool", "arguments", "result" or "error", "ms"}, as JSON. The run's,
 * until its next function is called. */
WEIR_API const char *weir_run_steps(weir_run *run, size_t *ret_len);

/* What a tool has said, or why it has failed: UTF-8. Once for each call; any further word is
 * passed over. */
WEIR_API void weir_run_answer(weir_run *run, const weir_tool_call *call, const char *text,
                              size_t len);
WEIR_API void weir_run_fail(weir_run *run, const weir_tool_call *call, const char *why, size_t len);

/* The same a step at a time, for a program with an event loop of its own:
 *
 *   WEIR_RUN_ASK    weir_run_request() is to be asked, as a plain answer, in any way
 *                   (weir_start(), weir_chat()), and the result given to weir_run_take(), which
 *                   copies what it needs of it
 *   WEIR_RUN_CALLS  all of weir_run_calls() are to be answered, in any order
 *   WEIR_RUN_ENDED  weir_run_result() is there */
typedef enum weir_run_state {
    WEIR_RUN_ASK = 1,
    WEIR_RUN_CALLS = 2,
    WEIR_RUN_ENDED = 3
} weir_run_state;

WEIR_API weir_run_state weir_run_next(weir_run *run);
WEIR_API const weir_request *weir_run_request(const weir_run *run);
WEIR_API void weir_run_take(weir_run *run, const weir_result *result);
/* Those that are not answered yet. */
WEIR_API const weir_tool_call *const *weir_run_calls(weir_run *run, size_t *ret_count);
/* Before the end: NULL. */
WEIR_API const weir_result *weir_run_result(const weir_run *run);

/* ---- a foreign event loop ---- */

/* One descriptor that is readable while the client has something to do: for epoll (not
 * EPOLLET), poll, select and kqueue. It stays the same. -1 where the client has a thread of its
 * own. */
WEIR_API int weir_client_fd(const weir_client *client);
/* How long the loop may wait for it at most: 0: call weir_client_step() at once; -1: as long as it
 * likes. Ask anew after every other call of this library. */
WEIR_API int64_t weir_client_timeout_ms(const weir_client *client);
/* Does what is to be done, without waiting, and calls back. Not from inside a callback. */
WEIR_API void weir_client_step(weir_client *client);

/* ---- what was used ---- */

typedef struct weir_summary {
    uint64_t total_calls, successful_calls, failed_calls;
    double success_rate;            /* percent, 0 to 100; 0 where there was no call */
    int64_t total_tokens;           /* of successful and of cancelled calls */
    double average_response_time;   /* seconds, of successful calls */
    const char *const *models_used; /* at most 1000 names, in the order of their first use */
    size_t models_used_count;
    int64_t prompt_tokens, completion_tokens;
    uint64_t retries;         /* attempts beyond the first of each call */
    uint64_t cancelled_calls; /* of failed_calls: those that were not let come to their end */
    int64_t estimated_tokens; /* of total_tokens: a guess, where the provider told not all */
} weir_summary;

/* Of all calls that have ended since the client was made. Any thread. */
WEIR_API WEIR_USE_RESULT weir_summary *weir_client_summary(const weir_client *client);
WEIR_API void weir_summary_free(weir_summary *summary);

#ifdef __cplusplus
}
#endif

#endif
