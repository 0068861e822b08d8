/* tools/tool.h: something that a model may call, whatever its kind, and one call of it.
 *
 *   tool_start() ──▶ running ──done, failed, late──▶ told (waiter->done, once, at a turn's end)
 *                       └──────── tool_cancel() ───▶ nothing comes
 *
 * A tool is immutable and belongs to a set (tools/set.h), which lives as long as whoever holds it;
 * a running call holds its own. A call belongs to its loop. Starting one never calls back before it
 * returns, and a call ends within the tool's time limit, whatever the tool does: then its process
 * is gone and its connection closed.
 *
 * What a tool answers is data and nothing else: bytes for the model, of which no part of weir takes
 * an instruction.
 *
 * Units    *_ms milliseconds.
 */
#ifndef WEIR_TOOLS_TOOL_H
#define WEIR_TOOLS_TOOL_H

#include "base/secret_set.h"
#include "config/tool.h"
#include "loop/loop.h"
#include "schema/schema.h"

typedef struct tool tool;
typedef struct tool_set tool_set;
typedef struct tool_call tool_call;
typedef struct tool_runner tool_runner; /* tools/runner.h: what a loop runs tools with */
typedef struct tool_kind_ops tool_kind_ops;

/* How a call ended. */
typedef enum tool_outcome {
#define X(name, word, sentence) TOOL_##name,
#include "tools/outcomes.def"
#undef X
    TOOL_OUTCOMES
} tool_outcome;

/* "done", "bad_arguments": for records, metrics and --json. */
const char *tool_outcome_name(tool_outcome o);

/* Borrowed for the call of done. */
typedef struct tool_result {
    tool_outcome outcome;
    span text;  /* valid UTF-8: what the tool answered, at most tool->max_result; of a call that
                   failed a sentence that says why, fit for the model, without secrets */
    int64_t ms; /* from tool_start() */
} tool_result;

/* Owned by whoever waits. */
typedef struct tool_waiter {
    void (*done)(struct tool_waiter *w, const tool_result *result);
} tool_waiter;

/* What is asked. The spans are borrowed until the call has ended. */
typedef struct tool_ask {
    span arguments;   /* as the model wrote them; empty: {} */
    int64_t due_ms;   /* on the loop's clock: the asker's own deadline, which goes before the tool's
                         time limit where it is earlier; 0: none */
    span traceparent; /* handed on where the kind has a way to; empty: none */
} tool_ask;

struct tool {
    span name;        /* ^[a-zA-Z0-9_-]{1,64}$, as models are told it */
    span description; /* may be empty */
    span parameters;  /* a JSON Schema, JSON text of an object */
    span strict; /* the same as strict mode takes it (tools/strict.h); empty: it is not asked for,
                    or cannot be; with it arguments lose what strict mode has added */
    const schema *checker; /* parameters, compiled; never NULL */
    const tool_kind_ops *kind;
    span entry;       /* the configuration's name for what it came from: "weather" */
    const void *made; /* the kind's own, as long as the set */
    int64_t timeout_ms;
    size_t max_result; /* bytes */
    bool parallel;     /* may run beside other calls of one answer */
    bool own;          /* weir's, to ask (guard.external): nobody else may use it */
    bool
        repeatable; /* asked twice it does no more than once: may be called again after a failure */
    const span *clients; /* who may use it, by name */
    size_t client_count; /* 0: everybody */
    secret_set *secrets; /* what neither result nor failure may say; counted; NULL: nothing */
    tool_set *set;
};

/* One of these a kind. The common part (tools/call.c) checks the arguments, has the time limit, the
 * bound of the result and its encoding, and tells; a kind moves bytes. */
struct tool_kind_ops {
    const char *name; /* as configured: "builtin" */
    bool brings;      /* its entries are no tools, but bring some (tool_registry_publish()); made is
                         theirs */
    size_t call_size; /* bytes of its own for a call, zeroed: tool_call_own() */
    /* Begins. It ends with one of tool_call_done() and tool_call_fail(), now or later. */
    void (*start)(tool_call *c);
    /* The call is over, by whoever's word, once: nothing of it is left after this. */
    void (*stop)(tool_call *c);
    /* Completes a tool from its row of the configuration, whose common part is in *t already: may
     * set description and parameters, and made, in the set's arena. May block. false: *ret_why, a
     * sentence. */
    bool (*make)(tool *t, const config_tool *from, buf *ret_why);
    /* Frees what is not the arena's of made; NULL: nothing. Any thread. */
    void (*unmake)(tool *t);
};

/* Whether that client may use it; an empty name: nobody in particular, as without clients. */
bool tool_allows(const tool *t, span client);

/* Who has to be asked before it runs (tools.NAME.approve): then it is for those alone who do ask.
 */
config_tool_approve tool_approval(const tool *t);
/* Whether that is whoever asks the run. */
bool tool_asks_approval(const tool *t);

/* Whether these arguments can be given to it. false: *ret_why has what is wrong with them, in words
 * for the model, appended. */
MUST_USE bool tool_check(const tool *t, span arguments, buf *ret_why);
/* Whether tool_start() would go further with them than to refuse them; for who asks somebody before
 * it starts one. */
MUST_USE bool tool_would_start(const tool *t, span arguments);

/* Starts a call, on a loop that runs: NULL never. Arguments that tool_check() would refuse end it,
 * with TOOL_BAD_ARGUMENTS. */
MUST_USE tool_call *tool_start(tool_runner *r, const tool *t, const tool_ask *ask, tool_waiter *w);
/* Ends it now: its process is killed, its connection closed, and nothing comes. Not after done. */
void tool_cancel(tool_call *c);

/* ---- For kinds ---- */

const tool *tool_call_tool(const tool_call *c);
tool_runner *tool_call_runner(const tool_call *c);
loop *tool_call_loop(const tool_call *c);
const tool_ask *tool_call_ask(const tool_call *c); /* arguments: never empty, a JSON object */
void *tool_call_own(tool_call *c);
/* The answer as far as it has come. */
buf *tool_call_answer(tool_call *c);
/* More of the answer. false: that is more than there may be, and the call has failed: the kind says
 * no more. */
MUST_USE bool tool_call_add(tool_call *c, span piece);
/* The answer is whole. */
void tool_call_done(tool_call *c);
/* It failed; what was gathered is forgotten. Text that another wrote is for buf_add_excerpt(). */
COLD void tool_call_fail(tool_call *c, tool_outcome o, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
