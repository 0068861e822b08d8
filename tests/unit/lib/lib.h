/* What the library's tests share: a simulator, and clients and requests for it. */
#ifndef WEIR_TEST_LIB_H
#define WEIR_TEST_LIB_H

#include "unit.h"

#include "sim/server.h"

#include <weir.h>

static http_bind lib_at;
static sim_thread *lib_sim;
static char lib_url[64];

static inline int lib_set_up(void **state) {
    (void)state;
    int err = 0;
    lib_at = (http_bind){.host = SPAN_OF("127.0.0.1")};
    lib_sim = sim_thread_start(&(sim_settings){.pace_ms = 1}, &lib_at, &err);
    assert_non_null(lib_sim);
    snprintf(lib_url, sizeof lib_url, "http://127.0.0.1:%u/v1", (unsigned)lib_at.port);
    return 0;
}

static inline int lib_tear_down(void **state) {
    (void)state;
    sim_thread_stop(lib_sim);
    return 0;
}

/* Options for the simulator: retries come at once. */
static inline weir_options *lib_options(void) {
    weir_options *o = weir_options_new();
    weir_options_set_url(o, lib_url);
    weir_options_set(o, "retry.base", "1ms");
    weir_options_set(o, "retry.budget", "1000%");
    return o;
}

/* Frees the options. */
static inline weir_client *lib_client(weir_options *o) {
    char *why = NULL;
    weir_client *c = weir_client_new(o, &why);
    if (!c) fail_msg("%s", why);
    weir_options_free(o);
    return c;
}

/* model says what the simulator is to do. */
static inline weir_request *lib_request(const char *model, const char *text) {
    weir_request *r = weir_request_new();
    weir_request_set_model(r, model);
    weir_request_add_message(r, "user", text);
    return r;
}

/* Frees the request. */
static inline weir_result *lib_chat(weir_client *c, weir_request *r) {
    weir_result *result = weir_chat(c, r);
    assert_non_null(result);
    weir_request_free(r);
    return result;
}

#endif
