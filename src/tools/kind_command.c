/* Tools that are commands: the arguments are JSON on standard input, standard output is the result.
 * No shell reads anything of it. */
#include "tools/guard.h"
#include "tools/kinds.h"
#include "tools/process.h"
#include "tools/runner_internal.h"
#include "tools/sandbox.h"
#include "tools/set.h"
#include "tools/words.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is made of a tool. */
typedef struct command_tool {
    const config_tool *config;
    char **env;
} command_tool;

typedef struct command_call {
    tool_call *call;
    process *process; /* NULL: none runs */
    last_words errors;
} command_call;

/* ---- a call ---- */

static void on_output(void *user, span piece) {
    command_call *own = user;
    (void)!tool_call_add(own->call, piece); /* it says so itself */
}

static void on_errors(void *user, span piece) {
    command_call *own = user;
    last_words_add(&own->errors, piece);
}

COLD static void fail(command_call *own, const process_end *end) {
    buf why = BUF_EMPTY;
    last_words_tell(&own->errors, tool_call_tool(own->call)->secrets, &why);
    tool_call_fail(own->call, end->way == PROCESS_NO_START ? TOOL_UNREACHABLE : TOOL_FAILED,
                   "the command failed: %s%.*s", end->text, SPAN_ARG(buf_span(&why)));
    buf_done(&why);
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
    last_words_done(&own->errors);
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

char **tool_command_env(const config_tool *t, arena *a) {
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

static const char *path_of(const config_tool *t) {
    for (size_t i = 0; i < t->env.count; i++)
        if (span_eq(t->env.items[i].name, SPAN_OF("PATH"))) return t->env.items[i].value.ptr;
    const char *own = getenv("PATH");
    return own ? own : usual_path;
}

/* Where a program's path begins that does not begin with a slash. */
static bool is_executable(const config_tool *t, span folder, const char *program) {
    char path[PATH_MAX];
    bool whole = program[0] == '/', beneath = span_starts(folder, SPAN_OF("/"));
    int n = snprintf(path, sizeof path, "%s%s%.*s%s%s", whole || beneath ? "" : t->folder.ptr,
                     whole || beneath ? "" : "/", SPAN_ARG(folder), folder.len ? "/" : "", program);
    struct stat st;
    return n < (int)sizeof path && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           access(path, X_OK) == 0;
}

bool tool_command_is_there(const config_tool *t, buf *ret_why) {
    const char *program = t->argv[0];
    struct stat st;
    if (stat(t->folder.ptr, &st) < 0 || !S_ISDIR(st.st_mode)) {
        buf_addf(ret_why, "there is no folder %.*s", SPAN_ARG(t->folder));
        return false;
    }
    span rest = span_cstr(path_of(t)), folder;
    bool found = strchr(program, '/') && is_executable(t, SPAN_EMPTY, program);
    while (!strchr(program, '/') && !found && span_cut(&rest, ':', &folder))
        found = is_executable(t, folder, program);
    if (!found) buf_addf(ret_why, "there is no program %s that may be run", program);
    return found;
}

static bool make(tool *t, const config_tool *from, buf *ret_why) {
    size_t before = ret_why->len;
    buf_add_cstr(ret_why, "sandbox: ");
    if (!sandbox_is_possible(&from->sandbox, ret_why)) return false;
    ret_why->len = before;
    command_tool *made = arena_zalloc(&t->set->arena, sizeof *made);
    made->config = from;
    made->env = tool_command_env(from, &t->set->arena);
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
