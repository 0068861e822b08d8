/* A sentence in any case: the answer, or plain words for the person who asked.
 *
 *     cc safe.c $(pkg-config --cflags --libs weir) -o safe
 *
 * For where an apology is better than an error: a chat window, a voice, a mail. The sentences are
 * those of chat.say.* in the configuration. */
#include <weir.h>

#include <stdio.h>

int main(int argc, char **argv) {
    weir_options *options = weir_options_new();
    /* Any option of the configuration, with a value as it would stand in the file. */
    weir_options_set(options, "timeouts.total", "20s");
    weir_options_set(options, "chat.say.failed", "Sorry, that did not work: {error}");
    weir_options_set(options, "chat.say.rate_limited", "Too many questions just now.");

    char *why = NULL;
    weir_client *client = weir_client_new(options, &why);
    weir_options_free(options); /* the client has its own copy */
    if (!client) {
        fprintf(stderr, "safe: %s\n", why);
        weir_string_free(why);
        return 2;
    }

    weir_request *request = weir_request_new();
    weir_request_add_message(request, "user", argc > 1 ? argv[1] : "Hello");
    weir_result *result = weir_chat(client, request);

    printf("%s\n", result->safe_text); /* never NULL, whatever happened */

    /* What happened is there all the same, for a log. */
    if (result->code != WEIR_OK)
        fprintf(stderr, "safe: %s, request %s\n", weir_code_name(result->code), result->request_id);

    weir_result_free(result);
    weir_request_free(request);
    weir_client_free(client);
    return 0;
}
