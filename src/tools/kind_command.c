/* Tools that are commands: the arguments are JSON on standard input, standard output is the result.
 * No shell reads anything of it. */
#include "tools/guard.h"
#include "tools/kinds.h"
#include "tools/process.h"
#include "tools/runner_internal.h"
#include "tools/sandbox.h"
#include "tools/set.h"

#include <stdlib.h>

enum {
    ERRORS_READ = 8192, /* of what it writes to stderr */
    ERRORS_MAX = 500,   /* that are told */
};

/* What is made of a tool. */
typedef struct command_tool {
    const config_tool *config;
    char **env;
} command_tool;

typedef struct command_call {
    tool_call *call;
    process *process; /* NULL: none runs */
    buf errors;
} command_call;

/* ---- a call ---- */

static void on_output(void *user, span piece) {
    command_call *own = user;
    (void)!tool_call_add(own->call, piece); /* it says so itself */
}

static void on_errors(void *user, span piece) {
    command_call *own = user;
    buf_add(&own->errors, span_slice(piece, 0, ERRORS_READ - own->errors.len));
}

COLD static void fail(command_call *own, const process_end *end) {
    const tool *t = tool_call_tool(own->call);
    arena a;
    buf why = BUF_EMPTY;
    arena_init(&a, 0);
    span said = span_trim(secret_set_without(t->secrets, buf_span(&own->errors), &a));
    while (said.len && said.ptr[said.len - 1] == '\n')
        said.len--;
    if (said.len) buf_add_cstr(&why, ": ");
    buf_add_excerpt(&why, said, ERRORS_MAX);
    tool_call_fail(own->call, end->way == PROCESS_NO_START ? TOOL_UNREACHABLE : TOOL_FAILED,
                   "the command failed: %s%.*s", end->text, SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    arena_done(&a);
}

static void on_end(void *user, const process_end *end) {
    command_call *own = user;
    own->process = NULL;
    if (end->way == PROCESS_EXITED && end->value == 0)
        tool_call_done(own->call);
    else
        fail(own, end);
}

static const process_ops command_ops = {on_output, on_errors, on_end};

static void start(tool_call *c) {
    const command_tool *made = tool_call_tool(c)->made;
    const config_tool *t = made->config;
    command_call *own = tool_call_own(c);
    const process_spec spec = {
        .argv = t->argv,
        .env = made->env,
        .folder = t->folder.ptr,
        .memory = t->memory,
        .sandbox = t->sandbox,
    };
    own->call = c;
    own->process = process_start(&tool_call_runner(c)->yard, &spec, &command_ops, own);
    process_write(own->process, tool_call_ask(c)->arguments);
    process_end_input(own->process);
}

static void stop(tool_call *c) {
    command_call *own = tool_call_own(c);
    if (own->process) process_kill(own->process);
    own->process = NULL;
    buf_done(&own->errors);
}

/* ---- made of the configuration ---- */

/* What weir has of these is the command's too. */
static const char *const handed_on[] = {"PATH", "HOME", "LANG", "TZ"};
static const char usual_path[] = "/usr/local/bin:/usr/bin:/bin";

static bool is_told(const config_tool *t, const char *name) {
    for (size_t i = 0; i < t->env.count; i++)
        if (span_eq(t->env.items[i].name, span_cstr(name))) return true;
    return false;
}

static char **make_env(const config_tool *t, arena *a) {
    char **env = arena_zalloc(a, (t->env.count + ARRAY_LEN(handed_on) + 1) * sizeof *env);
    size_t n = 0;
    for (size_t i = 0; i < t->env.count; i++)
        env[n++] = (char *)arena_printf(a, "%.*s=%.*s", SPAN_ARG(t->env.items[i].name),
                                        SPAN_ARG(t->env.items[i].value))
                       .ptr;
    for (size_t i = 0; i < ARRAY_LEN(handed_on); i++) {
        const char *value = getenv(handed_on[i]);
        if (!value && i == 0) value = usual_path;
        if (value && !is_told(t, handed_on[i]))
            env[n++] = (char *)arena_printf(a, "%s=%s", handed_on[i], value).ptr;
    }
    return env;
}

static bool make(tool *t, const config_tool *from, buf *ret_why) {
    size_t before = ret_why->len;
    buf_add_cstr(ret_why, "sandbox: ");
    if (!sandbox_is_possible(&from->sandbox, ret_why)) return false;
    ret_why->len = before;
    command_tool *made = arena_zalloc(&t->set->arena, sizeof *made);
    made->config = from;
    made->env = make_env(from, &t->set->arena);
    t->made = made;
    return true;
}

const tool_kind_ops tool_command = {
    .name = "command",
    .call_size = sizeof(command_call),
    .start = start,
    .stop = stop,
    .make = make,
};
