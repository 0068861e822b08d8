/* Many questions at once: a few calls at a time, answers in the order of the questions.
 *
 *     cc batch.c $(pkg-config --cflags --libs weir) -o batch
 *     ./batch "What is 2 + 2?" "Name a river." "Say hello in Danish."
 *
 * For files of requests there is `weir batch`. */
#include <weir.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void print_summary(const weir_client *client) {
    weir_summary *used = weir_client_summary(client);
    fprintf(stderr,
            "%" PRIu64 " calls, %.0f %% answered, %" PRIu64 " retries, %" PRId64 " tokens, "
            "%.3f s each\n",
            used->total_calls, used->success_rate, used->retries, used->total_tokens,
            used->average_response_time);
    for (size_t i = 0; i < used->models_used_count; i++)
        fprintf(stderr, "  %s\n", used->models_used[i]);
    weir_summary_free(used);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: batch QUESTION...\n");
        return 2;
    }
    weir_options *options = weir_options_new();
    weir_options_set_concurrency(options, 4); /* the others wait their turn */
    weir_options_set_adaptive(options, 1);    /* fewer after a 429, more again later */
    char *why = NULL;
    weir_client *client = weir_client_new(options, &why);
    weir_options_free(options);
    if (!client) {
        fprintf(stderr, "batch: %s\n", why);
        weir_string_free(why);
        return 2;
    }

    size_t count = (size_t)argc - 1;
    weir_request **requests = (weir_request **)calloc(count, sizeof *requests);
    weir_result **results = (weir_result **)calloc(count, sizeof *results);
    if (!requests || !results) abort();
    for (size_t i = 0; i < count; i++) {
        requests[i] = weir_request_new();
        weir_request_add_message(requests[i], "user", argv[i + 1]);
    }

    /* Each has its result, also where others fail. The cast is C's, which knows no other way from
     * `weir_request **` to an array of pointers that are only read. */
    weir_batch(client, (const weir_request *const *)requests, count, results);

    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        printf("%s\n    %s\n", argv[i + 1], results[i]->safe_text);
        failed |= results[i]->code != WEIR_OK;
        weir_result_free(results[i]);
        weir_request_free(requests[i]);
    }
    print_summary(client);

    free(requests);
    free(results);
    weir_client_free(client);
    return failed;
}
