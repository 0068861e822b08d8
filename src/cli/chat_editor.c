#include "cli/chat_editor.h"

#include "base/mem.h"
#include "cli/chat_editline.h"
#include "cli/terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 20 };

struct chat_editor {
    editor_place place;
    editline *line; /* NULL: the kernel edits */
    buf unread;
};

/* Text is UTF-8 here, whatever the locale says; it may be "C", or name one that is not there. */
static void speak_utf8(void) {
    if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0) return;
    (void)setlocale(LC_CTYPE, "C.UTF-8");
}

chat_editor *chat_editor_new(const editor_place *place) {
    chat_editor *e = mem_zalloc(sizeof *e);
    e->place = *place;
    speak_utf8();
    if (terminal_can_redraw(STDIN_FILENO) && terminal_can_redraw(place->screen))
        e->line = editline_new(&e->place);
    return e;
}

void chat_editor_free(chat_editor *e) {
    if (!e) return;
    editline_free(e->line);
    buf_done(&e->unread);
    free(e);
}

/* ---- as the kernel edits ---- */

static void show(int screen, const char *text) {
    while (write(screen, text, strlen(text)) < 0 && errno == EINTR) {}
}

static bool take_line(buf *unread, buf *ret) {
    span text = buf_span(unread);
    size_t end = span_find(text, 0, '\n');
    if (end == text.len && text.len < LINE_MAX_BYTES) return false;
    buf_add(ret, span_slice(text, 0, end));
    buf_drop_front(unread, end + 1);
    return true;
}

/* false: the end. */
static bool read_more(buf *unread) {
    ssize_t n = read(STDIN_FILENO, buf_reserve(unread, 4096), 4096);
    if (n > 0) buf_grow(unread, (size_t)n);
    return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static editor_event read_plain(chat_editor *e, const char *prompt, buf *ret) {
    waiter *w = e->place.w;
    show(e->place.screen, prompt);
    while (!take_line(&e->unread, ret)) {
        bool readable = wait_for(w, e->place.client, STDIN_FILENO, -1);
        if (w->terminate) return EDITOR_TERMINATED;
        if (w->interrupt) { /* the kernel has thrown its line away */
            w->interrupt = false;
            show(e->place.screen, "\n");
            return EDITOR_INTERRUPTED;
        }
        if (readable && !read_more(&e->unread)) {
            show(e->place.screen, "\n");
            return EDITOR_END;
        }
    }
    return EDITOR_LINE;
}

editor_event chat_editor_read(chat_editor *e, const char *prompt, buf *ret) {
    return e->line ? editline_read(e->line, prompt, ret) : read_plain(e, prompt, ret);
}
