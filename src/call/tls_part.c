#include "call/tls_part.h"

#include "base/mem.h"

#include <stdlib.h>

/* A part is never NULL, and what is plain has no context. */
typedef struct tls_box {
    tls_context *context;
} tls_box;

void *tls_part_make(bool wanted, span ca_file, buf *ret_why) {
    tls_context *context = wanted ? tls_client_new(ca_file, ret_why) : NULL;
    if (wanted && !context) return NULL;
    tls_box *box = mem_zalloc(sizeof *box);
    box->context = context;
    return box;
}

void tls_part_free(void *made, const config *c) {
    (void)c;
    tls_box *box = made;
    tls_context_unref(box->context);
    free(box);
}

tls_context *snapshot_tls(const snapshot *s, const snapshot_part *part) {
    const tls_box *box = snapshot_made(s, part);
    return box ? box->context : NULL;
}
