/* What a refusal means: by its words where a row has them, else by its status. */
#include "dialect/refusal.h"

#include "dialect/refusal_text.h"

/* The statuses with which a row's words count. */
enum {
    ASKED = 1,
    DENIED = 2,
    LIMITED = 4,
    BROKEN = 8,
    OTHER = 16,
    WORDED = ASKED | BROKEN,
    ANY = ASKED | DENIED | LIMITED | BROKEN | OTHER,
};

typedef enum row_kind { CODE, NUMBER, TEXT } row_kind;

static const struct row {
    failure_class class;
    unsigned statuses;
    row_kind kind;
    span words;
} rows[] = {
#define ROW(class_, statuses_, kind_, words_, source)                                              \
    {.class = FAIL_##class_, .statuses = (statuses_), .kind = (kind_), .words = SPAN(words_)},
#define CAN(word)
#include "dialect/refusal_words.def"

#include "dialect/refusal_too_long.def"
#undef ROW
#undef CAN
};

static failure_class class_of_status(int status) {
    static const struct {
        int status;
        failure_class class;
    } statuses[] = {
#define X(status_, class_, why) {.status = (status_), .class = FAIL_##class_},
#include "dialect/refusal_statuses.def"
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (statuses[i].status == status) return statuses[i].class;
    if (status >= 500) return FAIL_OVERLOAD;
    if (status >= 400) return FAIL_REQUEST;
    return FAIL_TARGET; /* a redirect: the configured address is wrong */
}

static unsigned kind_of_status(int status) {
    switch (status) {
    case 400:
    case 413:
    case 422: return ASKED;
    case 401:
    case 402:
    case 403: return DENIED;
    case 429: return LIMITED;
    default: return status >= 500 ? BROKEN : OTHER;
    }
}

/* What was said, in the form that is compared. */
typedef struct heard {
    const refusal_said *said;
    span texts[REFUSAL_TEXTS_MAX];
} heard;

static bool has_code(const heard *h, span code, span folded) {
    for (size_t i = 0; i < h->said->code_count; i++)
        if (span_ieq(h->said->codes[i], code)) return true;
    for (size_t i = 0; i < h->said->text_count; i++)
        if (refusal_has_word(h->texts[i], folded)) return true;
    return false;
}

static bool says(const heard *h, span folded) {
    for (size_t i = 0; i < h->said->text_count; i++)
        if (refusal_says(h->texts[i], folded)) return true;
    return false;
}

static bool fits(const struct row *row, const heard *h) {
    if (row->kind == NUMBER) return span_eq(h->said->number, row->words);
    char wording[REFUSAL_WORDING_MAX];
    span folded = span_from(wording, refusal_fold(row->words, wording, sizeof wording));
    return row->kind == CODE ? has_code(h, row->words, folded) : says(h, folded);
}

/* Why it refuses stands at the front; a text may go on with all that was asked. */
static heard listen(const refusal_said *said, arena *a) {
    enum { HEARD_MAX = 8192 };
    heard h = {.said = said};
    for (size_t i = 0; i < said->text_count; i++) {
        size_t room = said->texts[i].len < HEARD_MAX ? said->texts[i].len : HEARD_MAX;
        char *text = arena_alloc(a, room + 1);
        h.texts[i] = span_from(text, refusal_fold(said->texts[i], text, room));
    }
    return h;
}

failure_class refusal_classify(int status, const refusal_said *said, arena *a) {
    if (status < 400) return class_of_status(status);
    heard h = listen(said, a);
    unsigned kind = kind_of_status(status);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].statuses & kind && fits(&rows[i], &h)) return rows[i].class;
    return class_of_status(status);
}
