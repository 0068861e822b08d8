/* A set of secrets, as tests write it. */
#ifndef WEIR_TEST_SECRETS_H
#define WEIR_TEST_SECRETS_H

#include "base/secret_set.h"

/* Of one; NULL where text is NULL. */
static inline secret_set *secret_set_of(const char *text) {
    secret *only = text ? secret_new(span_cstr(text)) : NULL;
    secret_set *s = secret_set_new(&only, 1);
    secret_unref(only);
    return s;
}

#endif
