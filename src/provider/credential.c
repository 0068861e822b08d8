#include "provider/credential.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>

struct credential {
    atomic_uint refs;
    secret *key;
};

credential *credential_new(secret *key) {
    credential *c = mem_alloc(sizeof *c);
    atomic_init(&c->refs, 1);
    c->key = secret_ref(key);
    return c;
}

credential *credential_ref(credential *c) {
    if (c) atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void credential_unref(credential *c) {
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
    secret_unref(c->key);
    free(c);
}

const secret *credential_key(const credential *c) {
    return c ? c->key : NULL;
}
