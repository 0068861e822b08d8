#include "cli/chat_editline.h"

#include "base/mem.h"
#include "cli/chat_complete.h"
#include "cli/chat_libedit.h"
#include "cli/cli.h"
#include "cli/terminal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum { PASTE_MAX = 1 << 20 }; /* characters */
#define PROMPT_MARK L'\1'     /* around what takes no room in a prompt */

struct editline {
    const editor_place *place;
    EditLine *el;
    HistoryW *history;
    FILE *screen;
    bool colour;
    editor_event event;
    wchar_t prompt[64];
};

static const libedit *lib; /* libedit's callbacks get an EditLine alone, and ask it for the rest */

static editline *owner_of(EditLine *el) {
    void *e = NULL;
    lib->get(el, EL_CLIENTDATA, &e);
    return e;
}

/* ---- libedit's text and ours ---- */

static void add_wide(const wchar_t *from, const wchar_t *end, buf *out) {
    mbstate_t state = {0};
    for (; from < end; from++) {
        char *to = buf_reserve(out, MB_LEN_MAX);
        size_t n = *from ? wcrtomb(to, *from, &state) : 0;
        if (n != (size_t)-1) buf_grow(out, n);
    }
}

/* The caller frees it. */
static wchar_t *widen(span text) {
    wchar_t *wide = mem_zalloc_array(text.len + 1, sizeof *wide), *to = wide;
    mbstate_t state = {0};
    while (text.len) {
        size_t n = mbrtowc(to, text.ptr, text.len, &state);
        if (n == 0 || n > text.len) break;
        text = span_slice(text, n, text.len);
        to++;
    }
    *to = L'\0';
    return wide;
}

static void insert(EditLine *el, span text) {
    wchar_t *wide = widen(text);
    if (*wide) lib->insert(el, wide);
    free(wide);
}

/* ---- keys ---- */

static bool take_resize(const editline *e) {
    bool came = e->place->w->resize;
    e->place->w->resize = false;
    if (came) lib->resize(e->el);
    return came;
}

/* The row of the cursor is drawn anew. What became of those above it is the terminal's affair: some
 * flow their lines anew, some cut them, and none tells. */
static void heed_resize(const editline *e) {
    if (!take_resize(e)) return;
    fputs("\r\033[J", e->screen);
    lib->set(e->el, EL_REFRESH);
}

/* One byte of the keyboard's. false: event says what came instead. Ctrl-C ends the line where it
 * is: libedit then leaves the cursor below it. */
static bool read_byte(editline *e, char *ret) {
    waiter *w = e->place->w;
    for (;;) {
        bool readable = wait_for(w, e->place->client, STDIN_FILENO, -1);
        if (w->interrupt) {
            w->interrupt = false;
            e->event = EDITOR_INTERRUPTED;
            *ret = '\n';
            return true;
        }
        heed_resize(e);
        ssize_t n = readable && !w->terminate ? read(STDIN_FILENO, ret, 1) : -1;
        if (n == 1) return true;
        if (w->terminate || (readable && (n == 0 || errno != EINTR))) break; /* or it has hung up */
    }
    e->event = EDITOR_TERMINATED;
    return false;
}

/* 1: a character; -1: none will come. Bytes that are no UTF-8 are passed over. */
static int on_key(EditLine *el, wchar_t *ret) {
    editline *e = owner_of(el);
    mbstate_t state = {0};
    for (char byte; read_byte(e, &byte);) {
        size_t n = mbrtowc(ret, &byte, 1, &state);
        if (n == 0) *ret = L'\0';
        if (n <= 1) return 1;
        if (n == (size_t)-1) state = (mbstate_t){0};
    }
    return -1;
}

/* The keys that would stop or end the process with the terminal in disorder. */
static void take_keys_from_kernel(void) {
    struct termios now;
    if (tcgetattr(STDIN_FILENO, &now)) return;
    now.c_cc[VSUSP] = now.c_cc[VQUIT] = _POSIX_VDISABLE;
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
}

/* For editing, or as it was before. What is pasted comes in brackets then, and is told from keys.
 */
static void set_terminal(const editline *e, bool on) {
    lib->set(e->el, EL_PREP_TERM, (int)on);
    if (on) take_keys_from_kernel();
    fputs(on ? "\033[?2004h" : "\033[?2004l", e->screen);
    fflush(e->screen);
}

/* Ctrl-Z: the whole job stops, as the kernel would have it, but with the terminal in order. */
static unsigned char on_stop(EditLine *el, wint_t key) {
    editline *e = owner_of(el);
    (void)key;
    set_terminal(e, false);
    kill(0, SIGTSTP); /* comes back when it goes on */
    set_terminal(e, true);
    lib->set(el, EL_REFRESH);
    return CC_NORM;
}

/* ---- pasting ---- */

/* What a terminal sends behind a paste, while its bracketed paste mode is on. */
static const wchar_t paste_end[] = L"\033[201~";
enum { PASTE_END_LEN = ARRAY_LEN(paste_end) - 1 };

/* Line ends come as \r. Other control characters are no text. */
static size_t tidy_paste(wchar_t *text, size_t len) {
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        wchar_t c = text[i] == L'\r' ? L'\n' : text[i];
        if (text[i] == L'\n' && i && text[i - 1] == L'\r') continue;
        if (c == L'\n' || c == L'\t' || (c >= L' ' && (c < 0x7f || c > 0x9f))) text[kept++] = c;
    }
    while (kept && text[kept - 1] == L'\n') /* else the cursor would stand on an empty line */
        kept--;
    text[kept] = L'\0';
    return kept;
}

/* Up to its end, which may come behind max characters; false: it was longer, or broken off. */
static bool read_paste(editline *e, wchar_t *text, size_t max, size_t *ret_len) {
    size_t len = 0, matched = 0; /* of paste_end, whose first character is in it but once */
    for (wchar_t c; matched < PASTE_END_LEN && lib->getc(e->el, &c) == 1;) {
        if (e->event != EDITOR_LINE) return false;
        matched = c == paste_end[matched] ? matched + 1 : c == paste_end[0];
        if (len < max) text[len] = c;
        len++;
    }
    if (matched < PASTE_END_LEN || len > max) return false;
    *ret_len = len - PASTE_END_LEN;
    return true;
}

/* Several lines become one line of the editor's, with line ends in it: nothing is sent before its
 * user says so. */
static unsigned char on_paste(EditLine *el, wint_t key) {
    editline *e = owner_of(el);
    wchar_t *text = mem_alloc((PASTE_MAX + 1) * sizeof *text);
    size_t len;
    (void)key;
    bool ok = read_paste(e, text, PASTE_MAX, &len);
    if (ok && tidy_paste(text, len)) lib->insert(el, text);
    free(text);
    if (e->event != EDITOR_LINE) return CC_NEWLINE; /* Ctrl-C */
    if (ok) return CC_REFRESH;
    fputc('\n', e->screen);
    fflush(e->screen);
    cli_complain("what was pasted is longer than a line may be; /file sends more");
    return CC_REDISPLAY;
}

/* ---- completion ---- */

static void list_names(const editline *e, const chat_complete *c) {
    unsigned columns = terminal_columns(e->place->screen), widest = 1;
    for (size_t i = 0; i < c->count; i++) {
        unsigned width = terminal_width(c->names[i], strlen(c->names[i])) + 2;
        if (width > widest) widest = width;
    }
    size_t in_row = columns > widest ? columns / widest : 1;
    for (size_t i = 0; i < c->count; i++) {
        const char *name = c->names[i];
        bool last = (i + 1) % in_row == 0 || i + 1 == c->count;
        int pad = last ? 0 : (int)(widest - terminal_width(name, strlen(name)));
        fprintf(e->screen, "%s%s%*s", i % in_row ? "" : "\n", name, pad, "");
    }
    fputc('\n', e->screen);
}

static unsigned char on_complete(EditLine *el, wint_t key) {
    const LineInfoW *line = lib->line(el);
    chat_complete c;
    buf before = BUF_EMPTY;
    unsigned char what = CC_ERROR; /* a beep */
    (void)key;
    add_wide(line->buffer, line->cursor, &before);
    chat_complete_line(buf_span(&before), &c);
    if (c.add.len) {
        insert(el, buf_span(&c.add));
        what = CC_REFRESH;
    } else if (c.count > 1) {
        list_names(owner_of(el), &c);
        what = CC_REDISPLAY;
    }
    chat_complete_done(&c);
    buf_done(&before);
    return what;
}

/* ---- setting up ---- */

static wchar_t *on_prompt(EditLine *el) {
    return owner_of(el)->prompt;
}

static void bind(EditLine *el, const wchar_t *keys, const wchar_t *function) {
    lib->set(el, EL_BIND, keys, function, NULL);
}

static void bind_keys(EditLine *el) {
    static const wchar_t *const usual[][2] = {
        {L"\\e[1~", L"ed-move-to-beg"},      {L"\\e[4~", L"ed-move-to-end"},
        {L"\\e[H", L"ed-move-to-beg"},       {L"\\e[F", L"ed-move-to-end"},
        {L"\\e[3~", L"ed-delete-next-char"}, {L"\\e[1;5C", L"em-next-word"},
        {L"\\e[1;5D", L"ed-prev-word"},      {L"^R", L"em-inc-search-prev"},
        {L"^I", L"weir-complete"},           {L"^Z", L"weir-stop"},
        {L"\\e[200~", L"weir-paste"},
    };
    lib->set(el, EL_ADDFN, L"weir-complete", L"Complete", on_complete);
    lib->set(el, EL_ADDFN, L"weir-stop", L"Stop the job", on_stop);
    lib->set(el, EL_ADDFN, L"weir-paste", L"Take a paste", on_paste);
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        bind(el, usual[i][0], usual[i][1]);
}

static void set_up(editline *e) {
    HistEventW event;
    lib->set(e->el, EL_CLIENTDATA, e);
    lib->set(e->el, EL_EDITOR, L"emacs");
    lib->set(e->el, EL_PROMPT_ESC, on_prompt, PROMPT_MARK);
    lib->set(e->el, EL_GETCFN, on_key);
    lib->history(e->history, &event, H_SETSIZE, CHAT_HISTORY_MAX);
    lib->set(e->el, EL_HIST, lib->history, e->history);
    lib->source(e->el, NULL); /* ~/.editrc, as of other programs with libedit */
    bind_keys(e->el);
}

editline *editline_new(const editor_place *place) {
    if (!lib) lib = libedit_load();
    if (!lib) return NULL;
    editline *e = mem_zalloc(sizeof *e);
    e->place = place;
    e->screen = place->screen == STDOUT_FILENO ? stdout : stderr;
    e->colour = terminal_has_colour(place->screen);
    e->el = lib->init("weir", stdin, e->screen, stderr);
    e->history = lib->history_init();
    if (e->el && e->history) {
        set_up(e);
        return e;
    }
    editline_free(e);
    return NULL;
}

void editline_free(editline *e) {
    if (!e) return;
    if (e->el) lib->end(e->el);
    if (e->history) lib->history_end(e->history);
    free(e);
}

/* ---- reading ---- */

static void load_history(const editline *e) {
    const chat_history *h = e->place->history;
    HistEventW event;
    lib->history(e->history, &event, H_CLEAR);
    for (size_t i = 0; i < h->count; i++) {
        wchar_t *entry = widen(span_cstr(h->entries[i]));
        lib->history(e->history, &event, H_ENTER, entry);
        free(entry);
    }
}

/* prompt ends in a blank, which carries the end of the style: libedit drops what follows the last
 * character. */
static void set_prompt(editline *e, const char *prompt) {
    (void)swprintf(e->prompt, ARRAY_LEN(e->prompt), L"%lc%s%lc%.*s%lc%s%lc ", PROMPT_MARK,
                   terminal_style_of(e->colour, STYLE_BOLD), PROMPT_MARK, (int)strlen(prompt) - 1,
                   prompt, PROMPT_MARK, terminal_style_of(e->colour, STYLE_PLAIN), PROMPT_MARK);
}

editor_event editline_read(editline *e, const char *prompt, buf *ret) {
    int len = 0;
    load_history(e);
    set_prompt(e, prompt);
    e->event = EDITOR_LINE;
    (void)take_resize(e);  /* it came while there was no line */
    set_terminal(e, true); /* before the prompt, else what is typed at once is echoed twice */
    const wchar_t *line = lib->gets(e->el, &len);
    set_terminal(e, false);
    if (line && len > 0) {
        if (line[len - 1] == L'\n') len--;
        add_wide(line, line + len, ret);
    } else if (e->event == EDITOR_LINE) {
        e->event = EDITOR_END;
    }
    if (e->event == EDITOR_END) fputc('\n', e->screen);
    fflush(e->screen);
    return e->event;
}
