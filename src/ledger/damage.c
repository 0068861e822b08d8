#include "ledger/damage.h"

static void tell(const damage_log *d, config_log_level level, const char *event, span sentence,
                 const log_field *fields, size_t count) {
    atomic_fetch_add(d->places, 1);
    log_event(d->log, level, event, sentence, fields, count);
    log_flush(d->log);
}

static const struct {
    config_log_level level;
    const char *event;
    span sentence;
} words[] = {
    [DAMAGE_ALTERED] = {LEVEL_WARN, "journal_damaged",
                        SPAN("A part of a journal's file is no record: it is passed over.")},
    [DAMAGE_TORN] = {LEVEL_WARN, "journal_torn",
                     SPAN("The last record of a journal's file was not written whole: it is "
                          "passed over.")},
    [DAMAGE_SHORT] = {LEVEL_ERROR, "journal_short",
                      SPAN("A journal's file has become shorter: what is missing is passed "
                           "over.")},
};

void damage_tell(const damage_log *d, journal_file *f, damage_kind kind, size_t at, size_t bytes) {
    char where[LOG_NUMBER_MAX], many[LOG_NUMBER_MAX];
    const log_field fields[] = {{.key = "file", .value = span_cstr(f->name)},
                                log_number("at", at, where),
                                log_number("bytes", bytes, many)};
    if (at < f->told) return;
    f->told = at + bytes;
    tell(d, words[kind].level, words[kind].event, words[kind].sentence, fields, ARRAY_LEN(fields));
}

void damage_tell_gone(const damage_log *d, journal_file *f) {
    const log_field fields[] = {{.key = "file", .value = span_cstr(f->name)}};
    if (atomic_exchange(&f->gone, true)) return;
    tell(d, LEVEL_ERROR, "journal_gone",
         SPAN_OF("A journal's file was removed before its records were in the store."), fields,
         ARRAY_LEN(fields));
}

void damage_tell_unreadable(const damage_log *d, journal_file *f, int err) {
    const log_field fields[] = {{.key = "file", .value = span_cstr(f->name)},
                                {.key = "reason", .value = span_cstr(strerror(-err))}};
    if (f->unreadable) return;
    f->unreadable = true;
    tell(d, LEVEL_ERROR, "journal_unreadable",
         SPAN_OF("A journal's file cannot be read: it stays where it is, and is passed over."),
         fields, ARRAY_LEN(fields));
}
