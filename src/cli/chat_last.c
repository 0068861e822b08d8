#include "cli/chat_last.h"

#include "base/mem.h"
#include "cli/chat_history.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Escapes take more room than what they stand for. */
enum { FILE_MAX = 6 * CHAT_TALK_MAX };

bool chat_last_path(buf *ret) {
    const char *history = getenv("WEIR_CHAT_HISTORY");
    if (history && !*history) return false;
    if (history) {
        buf_addf(ret, "%s.last.json", history);
        return true;
    }
    if (!chat_history_path(ret)) return false;
    ret->len -= strlen("chat_history");
    buf_add_cstr(ret, "chat_last.json");
    return true;
}

/* ---- reading ---- */

/* A question with pictures: its text comes first, and the rest is kept as it stands. */
static void split_content(json_value *content, span *ret_parts) {
    json_iter it = json_iter_of(*content);
    json_value first, second;
    const char *end = content->raw.ptr + content->raw.len - 1; /* the bracket */
    if (!json_next_element(&it, &first) || !json_next_element(&it, &second)) return;
    *content = json_get(first, SPAN_OF("text"));
    *ret_parts = span_from(second.raw.ptr, (size_t)(end - second.raw.ptr));
}

static bool take_message(chat_talk *t, json_value message, arena *a) {
    json_value role = json_get(message, SPAN_OF("role"));
    json_value content = json_get(message, SPAN_OF("content"));
    span parts = SPAN_EMPTY;
    if (content.type == JSON_ARRAY) split_content(&content, &parts);
    if (content.type != JSON_STRING) return false;
    span text = json_string(content, a);
    if (span_find(text, 0, '\0') < text.len) return false;
    if (json_is(role, SPAN_OF("system"))) return !t->count && chat_talk_set_system(t, text);
    if (json_is(role, SPAN_OF("user")))
        return !t->pending && chat_talk_ask(t, text) && chat_talk_attach(t, parts);
    if (!json_is(role, SPAN_OF("assistant")) || !t->pending || !text.len) return false;
    chat_talk_answer(t, text, CHAT_WHOLE, NULL);
    return true;
}

static bool take_messages(chat_talk *t, json_value messages) {
    arena a;
    arena_init(&a, 0);
    bool ok = messages.type == JSON_ARRAY;
    json_iter it = json_iter_of(messages);
    for (json_value m; ok && json_next_element(&it, &m);)
        ok = take_message(t, m, &a);
    arena_done(&a);
    return ok && t->count && !t->pending;
}

bool chat_last_read(chat_talk *t, span text) {
    json_value root;
    json_fault fault;
    bool ok = json_scan(text, NULL, &root, &fault) &&
              take_messages(t, json_get(root, SPAN_OF("messages")));
    if (!ok) chat_talk_done(t);
    return ok;
}

static bool read_file(const char *path, buf *ret) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && ret->len <= FILE_MAX) {
        n = read(fd, buf_reserve(ret, 65536), 65536);
        if (n > 0) buf_grow(ret, (size_t)n);
    }
    int error = errno;
    if (fd >= 0) close(fd);
    errno = error;
    return n == 0;
}

bool chat_last_load(chat_talk *t, const char *path, buf *why) {
    buf text = BUF_EMPTY;
    bool ok = read_file(path, &text);
    if (!ok && errno == ENOENT)
        buf_add_cstr(why, "there is no conversation to go on with");
    else if (!ok)
        buf_addf(why, "cannot read %s: %s", path,
                 text.len > FILE_MAX ? "it is too large" : strerror(errno));
    else if (!(ok = chat_last_read(t, buf_span(&text))))
        buf_addf(why, "%s holds no conversation", path);
    buf_done(&text);
    return ok;
}

/* ---- writing ---- */

static bool write_all(int fd, span text) {
    while (text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        text = span_slice(text, (size_t)n, text.len);
    }
    return true;
}

/* Whole, or not at all: a reader, or a crash, finds the one before. */
static bool replace(const char *path, char *made, span text) {
    int fd = chat_history_make_folders(path) ? mkostemp(made, O_CLOEXEC) : -1;
    if (fd < 0) return false;
    bool ok = write_all(fd, text);
    ok = close(fd) == 0 && ok && rename(made, path) == 0;
    int error = errno;
    if (!ok) (void)unlink(made);
    errno = error;
    return ok;
}

bool chat_last_save(const chat_talk *t, const char *path, buf *why) {
    buf text = BUF_EMPTY, made = BUF_EMPTY;
    chat_talk_write_json(t, &text);
    buf_addf(&made, "%s.XXXXXX", path);
    (void)buf_cstr(&made);
    bool ok = replace(path, made.ptr, buf_span(&text));
    if (!ok) buf_addf(why, "cannot keep the conversation in %s: %s", path, strerror(errno));
    buf_done(&text);
    buf_done(&made);
    return ok;
}
