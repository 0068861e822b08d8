/* Providers, keys, models and their fallbacks from a weir.yaml, the same that `weir serve` reads.
 *
 *     cc configured.c $(pkg-config --cflags --libs weir) -o configured
 *     ./configured weir.yaml gpt-4o-mini "Hello"
 *     ./configured weir.yaml gpt-4o-mini "Hello" retry.retries=5 timeouts.total=30s
 *
 * What is wrong with the file is said with line and column, all of it at once. */
#include <weir.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: configured FILE MODEL QUESTION [OPTION=VALUE...]\n");
        return 2;
    }
    weir_options *options = weir_options_new();
    weir_options_set_file(options, argv[1]);
    for (int i = 4; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals) {
            fprintf(stderr, "configured: expected OPTION=VALUE, not %s\n", argv[i]);
            weir_options_free(options);
            return 2;
        }
        *equals = '\0';
        weir_options_set(options, argv[i], equals + 1); /* laid over the file */
    }
    char *why = NULL;
    weir_client *client = weir_client_new(options, &why);
    weir_options_free(options);
    if (!client) {
        fprintf(stderr, "%s\n", why);
        weir_string_free(why);
        return 2;
    }

    /* The model is a name of the file's `models`, which says who is asked and in which order. */
    weir_request *request = weir_request_new();
    weir_request_set_model(request, argv[2]);
    weir_request_add_message(request, "user", argv[3]);
    weir_request_set_timeout_ms(request, 60000);

    weir_result *result = weir_chat(client, request);
    int failed = result->code != WEIR_OK;
    if (!failed) printf("%s\n", result->safe_text);
    fprintf(stderr, "%s: %s\n", result->target ? result->target : "nobody was asked",
            failed ? result->error_message : weir_code_name(result->code));

    weir_result_free(result);
    weir_request_free(request);
    weir_client_free(client);
    return failed;
}
