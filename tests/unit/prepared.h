/* What is in force on a test's loop: a configuration with its providers' TLS, as libweir has it. */
#ifndef WEIR_TEST_PREPARED_H
#define WEIR_TEST_PREPARED_H

#include "unit.h"

#include "call/loop_snapshot.h"
#include "call/provider_tls.h"

/* With these parts. Counted; the caller gives it back. */
static inline loop_snapshot *prepared_of(http_client *client, config *c, target_table *targets,
                                         const snapshot_part *const *parts, size_t count) {
    buf why = BUF_EMPTY;
    snapshot *s = snapshot_new(c, parts, count, &why);
    if (!s) print_error("%.*s\n", SPAN_ARG(buf_span(&why)));
    assert_non_null(s);
    loop_snapshot *ready = loop_snapshot_new(client, s, targets);
    snapshot_unref(s);
    buf_done(&why);
    return ready;
}

static inline loop_snapshot *prepared(http_client *client, config *c, target_table *targets) {
    static const snapshot_part *const parts[] = {&provider_tls_part};
    return prepared_of(client, c, targets, parts, ARRAY_LEN(parts));
}

#endif
