/* A server of its own for each test, with the limits of tests. */
#ifndef WEIR_UNIT_SERVER_EACH_H
#define WEIR_UNIT_SERVER_EACH_H

#include "server_fixture.h"

static fixture f;

static inline int set_up(void **state) {
    (void)state;
    fixture_start(&f, NULL);
    return 0;
}

static inline int tear_down(void **state) {
    (void)state;
    fixture_done(&f);
    return 0;
}

#endif
