/* The conversation at a terminal. */
#include "cli/chat.h"
#include "cli/chat_commands.h"
#include "cli/chat_complete.h"
#include "cli/chat_editor.h"
#include "cli/chat_history.h"
#include "cli/chat_input.h"
#include "cli/chat_report.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

typedef struct session {
    chat *chat;
    chat_editor *editor;
    chat_history history;
    chat_input input;
    bool over;
} session;

/* ---- questions ---- */

/* What is typed while an answer is written is for the next line, and does not mix with it. */
static bool set_echo(bool on) {
    struct termios now;
    if (tcgetattr(STDIN_FILENO, &now)) return false;
    now.c_lflag = on ? now.c_lflag | ECHO : now.c_lflag & ~(tcflag_t)ECHO;
    return tcsetattr(STDIN_FILENO, TCSADRAIN, &now) == 0;
}

static void ask(session *s) {
    chat *c = s->chat;
    c->waiter.interrupt = false;
    (void)set_echo(false);
    chat_outcome outcome = chat_ask(c);
    (void)set_echo(true);
    if (c->waiter.terminate || c->output.error) {
        s->over = true;
    } else if (outcome == CHAT_INTERRUPTED) {
        c->waiter.interrupt = false;
        if (c->talk.pending)
            chat_note("stopped; /retry asks again");
        else
            chat_note("stopped; what came of it (%s) is kept, /retry asks again",
                      buf_cstr(&c->used));
    } else if (outcome == CHAT_FAILED) {
        chat_note("/retry asks again");
    }
}

static void ask_new(session *s, span question) {
    if (chat_take_question(s->chat, question)) ask(s);
}

/* ---- commands ---- */

static void show_help(void) {
    buf text = BUF_EMPTY;
    chat_commands_write_help(&text);
    fputs(buf_cstr(&text), stderr);
    buf_done(&text);
}

static void set_model(chat *c, span name) {
    if (name.len) {
        free(c->model);
        c->model = mem_strndup(name.ptr, name.len);
    }
    if (c->model)
        chat_note("the model is %s", c->model);
    else
        chat_note("the model is the configuration's (chat.model)");
}

static void set_system(chat *c, span text) {
    bool off = span_ieq(text, SPAN_OF("off"));
    if (text.len && !chat_talk_set_system(&c->talk, off ? SPAN_EMPTY : text))
        cli_complain("the conversation is too long for it; /reset begins a new one");
    else if (c->talk.system)
        chat_note("the system message is: %s", c->talk.system);
    else
        chat_note("there is no system message");
}

static void add_file(chat *c, span argument) {
    buf path = BUF_EMPTY, why = BUF_EMPTY;
    chat_expand_path(argument, &path);
    if (chat_files_add_regular(&c->files, buf_cstr(&path), &why))
        chat_note("with the next question: %zu file%s, %zu bytes", c->files.count,
                  c->files.count == 1 ? "" : "s", c->files.bytes);
    else
        cli_complain("%s", buf_cstr(&why));
    buf_done(&path);
    buf_done(&why);
}

static void add_image(chat *c, span argument) {
    buf path = BUF_EMPTY, why = BUF_EMPTY;
    chat_expand_path(argument, &path);
    if (chat_images_add(&c->images, buf_cstr(&path), &why))
        chat_note("with the next question: %zu picture%s", c->images.count,
                  c->images.count == 1 ? "" : "s");
    else
        cli_complain("%s", buf_cstr(&why));
    buf_done(&path);
    buf_done(&why);
}

static void retry(session *s) {
    if (chat_talk_retry(&s->chat->talk))
        ask(s);
    else
        cli_complain("nothing was asked yet");
}

static void undo(chat *c) {
    if (chat_talk_undo(&c->talk))
        chat_note("forgotten; %zu question%s before it", c->talk.count,
                  c->talk.count == 1 ? "" : "s");
    else
        cli_complain("there is nothing to forget");
}

static void reset(chat *c) {
    chat_talk_reset(&c->talk);
    chat_files_done(&c->files);
    chat_images_done(&c->images);
    chat_note(c->talk.system ? "a new conversation, with the same system message"
                             : "a new conversation");
}

/* A new file with all of it, or none: a part would be in the way of the next try. */
static bool write_file(const char *path, const buf *text) {
    FILE *f = fopen(path, "wxe");
    if (!f) return false;
    bool ok = fwrite(text->ptr ? text->ptr : "", 1, text->len, f) == text->len;
    ok = fclose(f) == 0 && ok;
    int why = errno;
    if (!ok) (void)unlink(path);
    errno = why;
    return ok;
}

static void save(const chat *c, span argument) {
    if (!c->talk.count) {
        cli_complain("there is nothing to save yet");
        return;
    }
    buf path = BUF_EMPTY, text = BUF_EMPTY;
    chat_expand_path(argument, &path);
    if (span_ends(argument, SPAN_OF(".json")))
        chat_talk_write_json(&c->talk, &text);
    else
        chat_talk_write_markdown(&c->talk, &text);
    if (write_file(buf_cstr(&path), &text))
        chat_note("saved to %s", buf_cstr(&path));
    else
        cli_complain("cannot save to %s: %s", buf_cstr(&path), strerror(errno));
    buf_done(&path);
    buf_done(&text);
}

static void show_usage(const chat *c) {
    weir_summary *summary = weir_client_summary(c->connection.client);
    buf text = BUF_EMPTY;
    chat_report_summary(summary, &text);
    chat_note("%s", buf_cstr(&text));
    buf_done(&text);
    weir_summary_free(summary);
}

static void obey(session *s, chat_command command) {
    chat *c = s->chat;
    switch (command.verb) {
    case CHAT_HELP: show_help(); break;
    case CHAT_MODEL: set_model(c, command.argument); break;
    case CHAT_SYSTEM: set_system(c, command.argument); break;
    case CHAT_FILE: add_file(c, command.argument); break;
    case CHAT_IMAGE: add_image(c, command.argument); break;
    case CHAT_RETRY: retry(s); break;
    case CHAT_UNDO: undo(c); break;
    case CHAT_RESET: reset(c); break;
    case CHAT_SAVE: save(c, command.argument); break;
    case CHAT_USAGE: show_usage(c); break;
    case CHAT_EXIT: s->over = true; break;
    default: ask_new(s, command.argument); break;
    }
}

/* ---- input ---- */

/* A block keeps its fences: what stands between them might mean something else without. */
static void remember(session *s) {
    buf entry = BUF_EMPTY, why = BUF_EMPTY;
    const char *fence = s->input.block ? "\"\"\"" : "", *end = s->input.block ? "\n" : "";
    buf_addf(&entry, "%s%s%.*s%s%s", fence, end, SPAN_ARG(buf_span(&s->input.text)), end, fence);
    if (!chat_history_add(&s->history, buf_span(&entry), &why)) cli_complain("%s", buf_cstr(&why));
    buf_done(&entry);
    buf_done(&why);
}

static void take_input(session *s) {
    span text = buf_span(&s->input.text);
    buf why = BUF_EMPTY;
    if (s->input.too_long) {
        cli_complain("that is longer than %d MiB; /file sends more", CHAT_INPUT_MAX >> 20);
    } else if (span_trim(text).len) {
        chat_command command =
            s->input.block ? (chat_command){CHAT_SAY, text} : chat_command_read(text, &why);
        remember(s);
        if (command.verb == CHAT_WRONG)
            cli_complain("%s", buf_cstr(&why));
        else
            obey(s, command);
    }
    buf_done(&why);
    chat_input_clear(&s->input);
}

static void take_event(session *s, editor_event event, span line) {
    bool nothing = !line.len && !s->input.goes_on;
    switch (event) {
    case EDITOR_LINE:
        if (chat_input_add(&s->input, line)) take_input(s);
        break;
    case EDITOR_INTERRUPTED:
        chat_input_clear(&s->input);
        if (nothing) chat_note("Ctrl-D or /exit leaves");
        break;
    case EDITOR_END:
    case EDITOR_TERMINATED: s->over = true; break;
    }
}

static void read_one(session *s) {
    buf line = BUF_EMPTY;
    editor_event event = chat_editor_read(s->editor, s->input.goes_on ? ". " : "> ", &line);
    take_event(s, event, buf_span(&line));
    buf_done(&line);
}

/* ---- beginning and end ---- */

/* WEIR_CHAT_HISTORY: another place; empty: none. */
static void open_history(session *s) {
    const char *path = getenv("WEIR_CHAT_HISTORY");
    buf usual = BUF_EMPTY, why = BUF_EMPTY;
    if (!path && chat_history_path(&usual)) path = buf_cstr(&usual);
    if (!chat_history_open(&s->history, path && *path ? path : NULL, &why))
        cli_complain("%s", buf_cstr(&why));
    buf_done(&usual);
    buf_done(&why);
}

int chat_session(chat *c) {
    session *s = mem_zalloc(sizeof *s);
    editor_place place = {&c->waiter, c->connection.client, &s->history,
                          isatty(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO};
    s->chat = c;
    open_history(s);
    s->editor = chat_editor_new(&place);
    if (!c->quiet)
        chat_note("%s answers; /help shows the commands, Ctrl-D leaves", c->connection.who);
    if (c->talk.count && !c->quiet)
        chat_note("it goes on: %zu question%s so far, the last: %.60s", c->talk.count,
                  c->talk.count == 1 ? "" : "s", c->talk.turns[c->talk.count - 1].question);
    while (!s->over)
        read_one(s);
    chat_editor_free(s->editor);
    chat_history_done(&s->history);
    chat_input_done(&s->input);
    int status = c->output.error ? CLI_FAILED : CLI_OK;
    free(s);
    return status;
}
