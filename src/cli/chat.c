/* weir chat: one question, or a conversation. */
#include "cli/chat.h"
#include "cli/chat_last.h"

#include "base/mem.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHAT_EXIT_INTERRUPTED = 130 }; /* 128 + SIGINT, as a shell has it */

enum {
    OPT_MODEL,
    OPT_SYSTEM,
    OPT_FILE,
    OPT_TEMPERATURE,
    OPT_MAX_TOKENS,
    OPT_CONFIG,
    OPT_URL,
    OPT_JSON,
    OPT_NO_STREAM,
    OPT_USAGE,
    OPT_QUIET,
    OPT_CONTINUE,
    OPT_ATTACH,
    OPT_LEDGER
};

static const cli_option options[] = {
    {'m', "model", "NAME", "The model; else the configuration's chat.model"},
    {'s', "system", "TEXT", "The system message"},
    {'f', "file", "FILE", "Send this text file too; may be given again", .kind = CLI_FILE,
     .repeatable = true},
    {'t', "temperature", "NUMBER", "0 to 2; else the provider's own", .kind = CLI_NUMBER, .max = 2},
    {0, "max-tokens", "COUNT", "The longest answer", .kind = CLI_COUNT, .min = 1, .max = 1e9},
    {'c', "config", "FILE", "Ask whom this configuration says", .kind = CLI_FILE,
     .excludes = "url"},
    {0, "url", "URL", "Ask this gateway or provider (key: $OPENAI_API_KEY)", .kind = CLI_URL},
    {'j', "json", NULL, "Print each answer as one JSON object"},
    {0, "no-stream", NULL, "Ask for the answer in one piece"},
    {0, "usage", NULL, "Say tokens and times on stderr, at no terminal too"},
    {'q', "quiet", NULL, "Say no more than the answer and errors"},
    {'C', "continue", NULL, "Go on with the last conversation"},
    {'a', "attach", "FILE", "Send this picture too; may be given again", .kind = CLI_FILE,
     .repeatable = true},
    {0, "ledger", NULL, "Record each call where weir serve does", .rare = true},
};

static bool add_file(chat_files *files, const char *path) {
    buf why = BUF_EMPTY;
    bool ok =
        path ? chat_files_add(files, path, &why) : chat_files_add_input(files, STDIN_FILENO, &why);
    if (!ok) cli_complain("chat: %s", buf_cstr(&why));
    buf_done(&why);
    return ok;
}

static bool add_images(const cli_args *args, chat_images *images) {
    const char *path;
    buf why = BUF_EMPTY;
    bool ok = true;
    for (size_t i = 0; ok && (path = cli_value(args, OPT_ATTACH, i)); i++)
        ok = chat_images_add(images, path, &why);
    if (!ok) cli_complain("chat: %s", buf_cstr(&why));
    buf_done(&why);
    return ok;
}

/* Files, then standard input, where it is no keyboard. */
static bool read_files(const cli_args *args, chat_files *files) {
    const char *path;
    for (size_t i = 0; (path = cli_value(args, OPT_FILE, i)); i++)
        if (!add_file(files, path)) return false;
    return isatty(STDIN_FILENO) || add_file(files, NULL);
}

/* ---- running ---- */

static int ask_once(chat *c, span question) {
    if (!chat_take_question(c, question)) return CLI_FAILED;
    switch (chat_ask(c)) {
    case CHAT_ANSWERED: return CLI_OK;
    case CHAT_INTERRUPTED: return CHAT_EXIT_INTERRUPTED;
    default: return CLI_FAILED;
    }
}

static int talk(chat *c, const cli_args *args, span question) {
    connect_wish wish = {.config = args->values[OPT_CONFIG],
                         .url = args->values[OPT_URL],
                         .quiet = args->values[OPT_QUIET],
                         .options = weir_options_new(),
                         .records = args->values[OPT_LEDGER]};
    weir_options_set_foreign_loop(wish.options);
    int status = CLI_FAILED;
    if (connect_open(&wish, &c->connection)) {
        bool once = question.len || !isatty(STDIN_FILENO);
        status = once ? ask_once(c, question) : chat_session(c);
        connect_close(&c->connection);
    }
    weir_options_free(wish.options);
    return status;
}

static int run_with_signals(chat *c, const cli_args *args, span question) {
    if (!waiter_init(&c->waiter)) return CLI_FAILED;
    int status = talk(c, args, question);
    bool terminate = c->waiter.terminate;
    waiter_done(&c->waiter);
    if (terminate) (void)raise(SIGTERM); /* ends as it would have without the clean-up */
    return status;
}

static int start(chat *c, const cli_args *args, span question) {
    if (!add_images(args, &c->images) || !read_files(args, &c->files)) return CLI_FAILED;
    if (!question.len && !c->files.count && !isatty(STDIN_FILENO)) {
        cli_complain("chat: nothing was asked: no question was given, and standard input is empty");
        return CLI_USAGE;
    }
    chat_output_init(&c->output, STDOUT_FILENO);
    int status = run_with_signals(c, args, question);
    chat_output_done(&c->output);
    return status;
}

/* ---- arguments ---- */

static bool take_system(chat *c, const char *text) {
    if (!text || chat_talk_set_system(&c->talk, span_cstr(text))) return true;
    cli_complain("chat: the system message is longer than %d MiB", CHAT_TALK_MAX >> 20);
    return false;
}

/* What was said, before what is said now. */
static bool take_last(chat *c, bool wanted) {
    buf path = BUF_EMPTY, why = BUF_EMPTY;
    bool ok = true;
    if (wanted && !chat_last_path(&path)) {
        buf_add_cstr(&why, "conversations are kept nowhere (WEIR_CHAT_HISTORY)");
        ok = false;
    } else if (wanted) {
        ok = chat_last_load(&c->talk, buf_cstr(&path), &why);
    }
    if (!ok) cli_complain("chat: %s", buf_cstr(&why));
    buf_done(&path);
    buf_done(&why);
    return ok;
}

static bool take_options(chat *c, const cli_args *args) {
    const char *model = args->values[OPT_MODEL], *system = args->values[OPT_SYSTEM];
    if (model) c->model = mem_strndup(model, strlen(model));
    c->has_temperature = args->values[OPT_TEMPERATURE];
    c->temperature = cli_number(args, OPT_TEMPERATURE, 0);
    c->max_tokens = cli_count(args, OPT_MAX_TOKENS, 0);
    c->json = args->values[OPT_JSON];
    c->plain = args->values[OPT_NO_STREAM];
    c->usage = args->values[OPT_USAGE];
    c->quiet = args->values[OPT_QUIET];
    /* What a script asks is no conversation, unless it goes on with one. */
    c->kept = args->values[OPT_CONTINUE] || isatty(STDIN_FILENO);
    return take_system(c, system);
}

/* The words of the command line are the question. */
static bool take_words(const cli_args *args, buf *question) {
    for (size_t i = 0; i < args->rest_count; i++)
        buf_addf(question, "%s%s", i ? " " : "", args->rest[i]);
    if (span_is_utf8(buf_span(question))) return true;
    cli_complain("chat: the question is no UTF-8");
    return false;
}

static int run(const cli_args *args) {
    chat *c = mem_zalloc(sizeof *c);
    buf question = BUF_EMPTY;
    int status = CLI_USAGE;
    if (!take_last(c, args->values[OPT_CONTINUE]))
        status = CLI_FAILED;
    else if (take_options(c, args) && take_words(args, &question))
        status = start(c, args, buf_span(&question));
    buf_done(&question);
    chat_talk_done(&c->talk);
    chat_files_done(&c->files);
    chat_images_done(&c->images);
    buf_done(&c->used);
    free(c->model);
    free(c);
    return status;
}

const cli_command cli_chat = {
    .name = "chat",
    .summary = "Ask a model, or talk with it",
    .operands = {.usage = "[QUESTION]"},
    .about = "Standard input, where it is no terminal, is the question or its context. Without\n"
             "a question at a terminal it is a conversation. Only answers go to stdout.",
    .example = "  weir chat -f notes.txt \"Which dates are in this?\" > dates.txt",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
};
