#include "cli/chat_talk.h"

#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>

static size_t length(const char *text) {
    return text ? strlen(text) : 0;
}

static void forget(chat_talk *t, char **text) {
    t->bytes -= length(*text);
    free(*text);
    *text = NULL;
}

static void keep(chat_talk *t, char **text, span s) {
    char *copy = mem_strndup(s.ptr, s.len); /* s may be the text itself */
    forget(t, text);
    *text = copy;
    t->bytes += length(copy);
}

static bool fits(const chat_talk *t, size_t more) {
    return t->bytes <= CHAT_TALK_MAX && more <= CHAT_TALK_MAX - t->bytes;
}

static void forget_pending(chat_talk *t) {
    forget(t, &t->pending);
    forget(t, &t->parts);
    t->replaces = false;
}

static void forget_last(chat_talk *t) {
    chat_turn *turn = &t->turns[--t->count];
    forget(t, &turn->question);
    forget(t, &turn->parts);
    forget(t, &turn->answer);
    free(turn->model);
}

void chat_talk_reset(chat_talk *t) {
    forget_pending(t);
    while (t->count)
        forget_last(t);
}

void chat_talk_done(chat_talk *t) {
    chat_talk_reset(t);
    free(t->turns);
    free(t->system);
    *t = (chat_talk){0};
}

bool chat_talk_set_system(chat_talk *t, span text) {
    if (!fits(t, text.len)) return false;
    if (text.len)
        keep(t, &t->system, text);
    else
        forget(t, &t->system);
    return true;
}

bool chat_talk_ask(chat_talk *t, span question) {
    if (!fits(t, question.len)) return false;
    keep(t, &t->pending, question);
    forget(t, &t->parts);
    t->replaces = false;
    return true;
}

bool chat_talk_attach(chat_talk *t, span parts) {
    if (!fits(t, parts.len)) return false;
    if (parts.len) keep(t, &t->parts, parts);
    return true;
}

bool chat_talk_retry(chat_talk *t) {
    if (t->pending) return true;
    if (!t->count) return false;
    const chat_turn *last = &t->turns[t->count - 1];
    keep(t, &t->pending, span_cstr(last->question));
    if (last->parts) keep(t, &t->parts, span_cstr(last->parts));
    t->replaces = true;
    return true;
}

void chat_talk_answer(chat_talk *t, span answer, chat_end end, const char *model) {
    if (t->replaces) forget_last(t);
    t->turns = mem_realloc(t->turns, (t->count + 1) * sizeof *t->turns);
    chat_turn *turn = &t->turns[t->count++];
    *turn = (chat_turn){.question = t->pending, .parts = t->parts, .end = end};
    keep(t, &turn->answer, answer);
    turn->model = model ? mem_strndup(model, strlen(model)) : NULL;
    t->pending = t->parts = NULL;
    t->replaces = false;
}

bool chat_talk_undo(chat_talk *t) {
    if (!t->pending && !t->count) return false;
    if (t->pending)
        forget_pending(t);
    else
        forget_last(t);
    return true;
}

size_t chat_talk_before(const chat_talk *t) {
    return t->replaces ? t->count - 1 : t->count;
}

/* ---- transcripts ---- */

static void write_part(const char *head, const char *detail, const char *text, buf *out) {
    if (out->len) buf_add_char(out, '\n');
    buf_addf(out, "## %s", head);
    if (detail) buf_addf(out, " (%s)", detail);
    buf_addf(out, "\n\n%s\n", text);
}

void chat_talk_write_markdown(const chat_talk *t, buf *out) {
    static const char *const ends[] = {
        [CHAT_STOPPED] = "\n\n*Stopped here.*", [CHAT_CUT] = "\n\n*Cut off here.*"};
    if (t->system) write_part("System", NULL, t->system, out);
    for (size_t i = 0; i < t->count; i++) {
        const chat_turn *turn = &t->turns[i];
        buf answer = BUF_EMPTY;
        buf_addf(&answer, "%s%s", turn->answer, turn->end == CHAT_WHOLE ? "" : ends[turn->end]);
        write_part("Question", turn->parts ? "with pictures" : NULL, turn->question, out);
        write_part("Answer", turn->model, buf_cstr(&answer), out);
        buf_done(&answer);
    }
}

static void write_message(json_writer *w, const char *role, const char *content) {
    json_open_object(w);
    json_key(w, "role");
    json_put_string(w, span_cstr(role));
    json_key(w, "content");
    json_put_string(w, span_cstr(content));
    json_close_object(w);
}

void chat_talk_write_question(const char *question, const char *parts, buf *out) {
    json_writer w = json_writer_of(out);
    if (!parts) {
        write_message(&w, "user", question);
        return;
    }
    buf_add_cstr(out, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":");
    json_write_string(out, span_cstr(question));
    buf_addf(out, "},%s]}", parts);
}

void chat_talk_write_json(const chat_talk *t, buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "messages");
    json_open_array(&w);
    if (t->system) write_message(&w, "system", t->system);
    for (size_t i = 0; i < t->count; i++) {
        if (w.comma) buf_add_char(out, ',');
        chat_talk_write_question(t->turns[i].question, t->turns[i].parts, out);
        w.comma = true;
        write_message(&w, "assistant", t->turns[i].answer);
    }
    json_close_array(&w);
    json_close_object(&w);
    buf_add_char(out, '\n');
}
