/* Calls without waiting: the client's own thread makes them, the program does something else.
 *
 *     cc async.c $(pkg-config --cflags --libs weir) -lpthread -o async
 *     ./async "First question" "Second question"
 *
 * The first answer counts; the other calls are cancelled. */
#include <weir.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Shared between the program's thread and the client's. */
typedef struct race {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t running;
    weir_result *best; /* the first answer, or one of the failures while there is none */
} race;

/* Once for each call, on the client's thread, which may not be kept waiting here. */
static void on_done(void *user, weir_result *result) {
    race *r = (race *)user;
    pthread_mutex_lock(&r->lock);
    r->running--;
    if (!r->best || (r->best->code != WEIR_OK && result->code == WEIR_OK)) {
        weir_result *worse = r->best;
        r->best = result;
        result = worse;
    }
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    weir_result_free(result); /* the loser; NULL is fine */
}

/* Waits until one has answered, or all have failed. */
static void wait_for_one(race *r) {
    pthread_mutex_lock(&r->lock);
    while (r->running && !(r->best && r->best->code == WEIR_OK))
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: async QUESTION...\n");
        return 2;
    }
    char *why = NULL;
    weir_client *client = weir_client_new(NULL, &why);
    if (!client) {
        fprintf(stderr, "async: %s\n", why);
        weir_string_free(why);
        return 2;
    }

    size_t count = (size_t)argc - 1;
    race r = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, count, NULL};
    weir_call **calls = (weir_call **)calloc(count, sizeof *calls);
    if (!calls) abort();
    for (size_t i = 0; i < count; i++) {
        weir_request *request = weir_request_new();
        weir_request_add_message(request, "user", argv[i + 1]);
        calls[i] = weir_start(client, request, NULL, on_done, &r);
        weir_request_free(request); /* the call has its own copy */
    }
    fprintf(stderr, "%u running, %u waiting\n", weir_client_running(client),
            weir_client_waiting(client));

    wait_for_one(&r);
    for (size_t i = 0; i < count; i++) {
        weir_call_cancel(calls[i]); /* nothing happens to one that has ended */
        weir_call_free(calls[i]);
    }
    free(calls);

    /* on_done has come for every call when this returns: nobody uses r any more. */
    weir_client_free(client);

    int failed = r.best->code != WEIR_OK;
    if (failed)
        fprintf(stderr, "async: %s\n", r.best->error_message);
    else
        printf("%s\n", r.best->text ? r.best->text : "(an answer without text)");
    weir_result_free(r.best);
    pthread_cond_destroy(&r.changed);
    pthread_mutex_destroy(&r.lock);
    return failed;
}
