#include "cli/chat.h"
#include "cli/chat_last.h"
#include "cli/chat_report.h"
#include "cli/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* A stream is held back while more than this waits for a slow reader. */
enum { WAITING_MAX = 256 << 10, TOLD_WAIT_MS = 1000 };

void chat_note(const char *fmt, ...) {
    bool colour = terminal_has_colour(STDERR_FILENO);
    buf text = BUF_EMPTY, harmless = BUF_EMPTY;
    va_list args;
    va_start(args, fmt);
    buf_vaddf(&text, fmt, args);
    va_end(args);
    chat_filter_text(buf_span(&text), &harmless);
    fprintf(stderr, "%s%s%s\n", terminal_style_of(colour, STYLE_DIM), buf_cstr(&harmless),
            terminal_style_of(colour, STYLE_PLAIN));
    buf_done(&text);
    buf_done(&harmless);
}

bool chat_take_question(chat *c, span question) {
    buf text = BUF_EMPTY;
    chat_files_write(&c->files, question, &text);
    bool ok = chat_talk_ask(&c->talk, buf_span(&text)) &&
              chat_talk_attach(&c->talk, buf_span(&c->images.parts));
    if (ok) {
        chat_files_done(&c->files);
        chat_images_done(&c->images);
    } else
        cli_complain("the conversation is longer than %d MiB; /reset begins a new one",
                     CHAT_TALK_MAX >> 20);
    buf_done(&text);
    return ok;
}

/* ---- the request ---- */

static void add_question(weir_request *r, const char *question, const char *parts) {
    buf message = BUF_EMPTY;
    chat_talk_write_question(question, parts, &message);
    weir_request_add_message_json(r, buf_cstr(&message));
    buf_done(&message);
}

static weir_request *make_request(const chat *c) {
    const chat_talk *t = &c->talk;
    weir_request *r = weir_request_new();
    if (c->model) weir_request_set_model(r, c->model);
    if (c->has_temperature) weir_request_set_number(r, "temperature", c->temperature);
    if (c->max_tokens)
        weir_request_set_integer(r, c->renamed_limit ? "max_completion_tokens" : "max_tokens",
                                 c->max_tokens);
    if (t->system) weir_request_add_message(r, "system", t->system);
    for (size_t i = 0; i < chat_talk_before(t); i++) {
        add_question(r, t->turns[i].question, t->turns[i].parts);
        weir_request_add_message(r, "assistant", t->turns[i].answer);
    }
    add_question(r, t->pending, t->parts);
    return r;
}

/* ---- the call ---- */

typedef struct asking {
    chat *chat;
    weir_call *call;
    weir_result *result;
    size_t shown;   /* bytes of the answer that have come */
    bool paused;    /* the reader is slow */
    bool cancelled; /* there is nobody to answer any more */
} asking;

static int on_event(void *user, const weir_event *event) {
    asking *a = user;
    a->shown += event->text_len;
    if (!a->chat->json) chat_output_add(&a->chat->output, span_from(event->text, event->text_len));
    return 0;
}

static void on_done(void *user, weir_result *result) {
    asking *a = user;
    a->result = result;
}

/* A moment is not worth a word. */
static int on_wait(void *user, const weir_wait *wait) {
    const asking *a = user;
    buf text = BUF_EMPTY;
    if (a->chat->quiet || wait->wait_ms < TOLD_WAIT_MS) return 0;
    chat_report_wait(wait, &text);
    chat_note("%s", buf_cstr(&text));
    buf_done(&text);
    return 0;
}

static bool wants_end(const chat *c) {
    return c->waiter.interrupt || c->waiter.terminate || c->output.error;
}

static void heed(asking *a) {
    chat *c = a->chat;
    bool much = c->output.waiting.len > WAITING_MAX;
    if (wants_end(c) && !a->cancelled) {
        a->cancelled = true;
        weir_call_cancel(a->call);
    }
    if (much == a->paused) return;
    a->paused = much;
    if (much)
        weir_call_pause(a->call);
    else
        weir_call_resume(a->call);
}

static void wait_for_result(asking *a) {
    chat *c = a->chat;
    while (!a->result) {
        wait_for(&c->waiter, c->connection.client, chat_output_wait_fd(&c->output), -1);
        chat_output_flush(&c->output);
        heed(a);
    }
}

static weir_result *call(chat *c, size_t *ret_shown) {
    asking a = {.chat = c};
    weir_request *request = make_request(c);
    weir_request_set_on_wait(request, on_wait, &a);
    a.call = weir_start(c->connection.client, request, c->plain ? NULL : on_event, on_done, &a);
    wait_for_result(&a);
    weir_call_free(a.call);
    weir_request_free(request);
    *ret_shown = a.shown;
    return a.result;
}

/* Models that reason have another name for the limit, and their providers say so; those that know
 * the new name alone refuse the old one, while others pass over a name that they do not know. */
static bool wants_other_limit(const chat *c, const weir_result *r) {
    return c->max_tokens && !c->renamed_limit && r->code == WEIR_INVALID &&
           span_eq(span_cstr(r->error_param), SPAN_OF("max_tokens")) &&
           span_eq(span_cstr(r->error_code), SPAN_OF("unsupported_parameter"));
}

static weir_result *call_with_limit(chat *c, size_t *ret_shown) {
    weir_result *r = call(c, ret_shown);
    if (!wants_other_limit(c, r)) return r;
    c->renamed_limit = true;
    weir_result_free(r);
    return call(c, ret_shown);
}

/* ---- what follows from it ---- */

static void write_out(chat *c, const weir_result *r, size_t shown) {
    if (c->json) {
        buf line = BUF_EMPTY;
        chat_report_json(r, &line);
        chat_output_add_line(&c->output, buf_span(&line));
        buf_done(&line);
    } else if (r->text && r->text_len > shown) { /* a plain answer */
        chat_output_add(&c->output, span_from(r->text + shown, r->text_len - shown));
    }
    chat_output_end(&c->output);
    while (c->output.waiting.len && !wants_end(c)) {
        wait_for(&c->waiter, c->connection.client, chat_output_wait_fd(&c->output), -1);
        chat_output_flush(&c->output);
    }
    chat_output_drop(&c->output);
}

/* Said once: it would be the same after each answer. */
static void save(chat *c) {
    buf path = BUF_EMPTY, why = BUF_EMPTY;
    if (c->kept && chat_last_path(&path) && !chat_last_save(&c->talk, buf_cstr(&path), &why)) {
        cli_complain("%s", buf_cstr(&why));
        c->kept = false;
    }
    buf_done(&path);
    buf_done(&why);
}

static void keep(chat *c, const weir_result *r) {
    chat_end end = r->code == WEIR_OK          ? CHAT_WHOLE
                   : r->code == WEIR_CANCELLED ? CHAT_STOPPED
                                               : CHAT_CUT;
    if (!r->text || !r->text_len) return;
    chat_talk_answer(&c->talk, span_from(r->text, r->text_len), end, r->model);
    save(c);
}

static void say_failure(const chat *c, const weir_result *r) {
    buf text = BUF_EMPTY;
    if (r->text && r->text_len) cli_complain("the answer was cut off here");
    chat_report_failure(r, &text);
    span rest = buf_span(&text);
    for (span line; span_cut(&rest, '\n', &line);)
        cli_complain("%.*s", SPAN_ARG(line));
    if (r->code == WEIR_UNAUTHENTICATED && connect_key(&c->connection))
        cli_complain("it was asked %s", connect_key(&c->connection));
    if (c->talk.count && span_eq(span_cstr(r->error_code), SPAN_OF("context_length_exceeded")))
        chat_note("/reset begins a new conversation, /undo makes this one shorter");
    buf_done(&text);
}

static void say_usage(const chat *c, const weir_result *r) {
    bool at_terminal = isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
    buf text = BUF_EMPTY;
    if (!c->usage && (c->quiet || c->json || !at_terminal)) return;
    chat_report_usage(r, &text);
    chat_note("%s", buf_cstr(&text));
    buf_done(&text);
}

static chat_outcome conclude(chat *c, const weir_result *r) {
    if (c->output.error) {
        /* Whoever closes the pipe has read enough, and knows it. */
        if (c->output.error != EPIPE)
            cli_complain("cannot write to standard output: %s", strerror(c->output.error));
        return CHAT_FAILED;
    }
    if (c->waiter.interrupt || c->waiter.terminate) return CHAT_INTERRUPTED;
    if (r->code != WEIR_OK) {
        say_failure(c, r);
        return CHAT_FAILED;
    }
    const char *remark = chat_report_remark(r);
    if (remark && !c->quiet) cli_complain("%s", remark);
    say_usage(c, r);
    return CHAT_ANSWERED;
}

chat_outcome chat_ask(chat *c) {
    size_t shown;
    weir_result *r = call_with_limit(c, &shown);
    write_out(c, r, shown);
    keep(c, r);
    buf_clear(&c->used);
    chat_report_tokens(r, &c->used);
    chat_outcome outcome = conclude(c, r);
    weir_result_free(r);
    return outcome;
}
