/* The calls that wait, over those that do not. */
#include "lib/client.h"
#include "lib/misuse.h"

#include "base/mem.h"

#include <poll.h>
#include <stdlib.h>

/* One wait for one or more calls; each writes its result to a place of its own. */
typedef struct join {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t left;
    weir_event_fn *on_event;
    void *user;
} join;

typedef struct awaited {
    join *join;
    weir_result **ret;
} awaited;

static void note_result(void *user, weir_result *result) {
    awaited *a = user;
    join *w = a->join;
    *a->ret = result;
    pthread_mutex_lock(&w->lock);
    if (--w->left == 0) pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static int pass_event(void *user, const weir_event *event) {
    const join *w = ((awaited *)user)->join;
    return w->on_event(w->user, event);
}

/* The owner of a foreign loop waits in its place; its other calls go on meanwhile. A client that a
 * callback frees ends all of them. */
static void wait_turning(weir_client *c, const join *w) {
    while (w->left) {
        int64_t wait_ms = weir_client_timeout_ms(c);
        struct pollfd fd = {.fd = weir_client_fd(c), .events = POLLIN};
        (void)poll(&fd, 1, wait_ms < 0 || wait_ms > 60 * 1000 ? 60 * 1000 : (int)wait_ms);
        if (!client_turn(c)) return;
    }
}

static void wait_sleeping(join *w) {
    pthread_mutex_lock(&w->lock);
    while (w->left)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static void ask(weir_client *c, const weir_request *const *requests, size_t count,
                weir_event_fn *on_event, void *user, weir_result **ret) {
    if (!c || client_is_inside(c)) {
        for (size_t i = 0; i < count; i++)
            ret[i] = c ? misuse_inside(c) : misuse_no_client();
        return;
    }
    join w = {.lock = PTHREAD_MUTEX_INITIALIZER,
              .changed = PTHREAD_COND_INITIALIZER,
              .left = count,
              .on_event = on_event,
              .user = user};
    awaited *each = mem_zalloc_array(count + 1, sizeof *each);
    for (size_t i = 0; i < count; i++) {
        each[i] = (awaited){&w, &ret[i]};
        weir_call_free(
            weir_start(c, requests[i], on_event ? pass_event : NULL, note_result, &each[i]));
    }
    if (c->foreign)
        wait_turning(c, &w);
    else
        wait_sleeping(&w);
    pthread_cond_destroy(&w.changed);
    pthread_mutex_destroy(&w.lock);
    free(each);
}

weir_result *weir_chat(weir_client *client, const weir_request *request) {
    weir_result *result = NULL;
    ask(client, &request, 1, NULL, NULL, &result);
    return result;
}

weir_result *weir_stream(weir_client *client, const weir_request *request, weir_event_fn *on_event,
                         void *user) {
    weir_result *result = NULL;
    ask(client, &request, 1, on_event, user, &result);
    return result;
}

void weir_batch(weir_client *client, const weir_request *const *requests, size_t count,
                weir_result **ret_results) {
    ask(client, requests, count, NULL, NULL, ret_results);
}
