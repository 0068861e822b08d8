/* One call, and what is known of it afterwards.
 *
 *     cc call.c $(pkg-config --cflags --libs weir) -o call
 *     OPENAI_API_KEY=sk-... ./call "What is a weir?"
 *
 * OPENAI_BASE_URL names another provider than OpenAI, or a gateway. The text goes to standard
 * output, the rest to standard error; the exit status is 0 where there was an answer. */
#include <weir.h>

#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv) {
    /* A client holds the configuration, connections and counts: a program makes one and keeps it.
     * NULL: the environment decides whom to ask. */
    char *why = NULL;
    weir_client *client = weir_client_new(NULL, &why);
    if (!client) {
        fprintf(stderr, "call: %s\n", why);
        weir_string_free(why);
        return 2;
    }

    weir_request *request = weir_request_new();
    weir_request_add_message(request, "system", "Answer in one sentence.");
    weir_request_add_message(request, "user", argc > 1 ? argv[1] : "What is a weir?");
    weir_request_set_integer(request, "max_tokens", 200);
    weir_request_set_number(request, "temperature", 0.2);

    /* When it returns, retries, fallbacks and deadlines are behind it. The result is never NULL. */
    weir_result *result = weir_chat(client, request);
    int failed = result->code != WEIR_OK;
    if (failed)
        fprintf(stderr, "call: %s: %s\n", weir_code_name(result->code), result->error_message);
    else
        printf("%s\n", result->text ? result->text : "(an answer without text)");
    fprintf(stderr, "asked %s, %u attempt(s), %.3f s, %" PRId64 " tokens\n",
            result->target ? result->target : "nobody", result->attempts, result->response_seconds,
            result->total_tokens);

    weir_result_free(result);
    weir_request_free(request);
    weir_client_free(client);
    return failed;
}
