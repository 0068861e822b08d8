#include "base/errors.h"

#include <assert.h>

enum { NO = 0, YES = 1 };

static const error_row rows[ERR_COUNT] = {
#define X(name, status, type, code, fault, retry, sentence)                                        \
    [ERR_##name] = {#name, status, type, code, FAULT_##fault, retry, sentence},
#include "base/errors.def"
#undef X
};

const error_row *error_get(error_id id) {
    assert(id > ERR_NONE && id < ERR_COUNT);
    return &rows[id];
}

span error_word(error_id id) {
    if (id == ERR_NONE) return SPAN_EMPTY;
    const error_row *row = error_get(id);
    return span_cstr(*row->code ? row->code : row->type);
}

span error_fault_word(error_fault f) {
    static const span words[] = {[FAULT_CLIENT] = SPAN("client"),
                                 [FAULT_PROVIDER] = SPAN("provider"),
                                 [FAULT_WEIR] = SPAN("weir")};
    return words[f];
}

span error_message(const weir_error *e) {
    return e->message.len ? e->message : span_cstr(error_get(e->id)->sentence);
}
