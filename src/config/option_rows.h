/* config/option_rows.h: how a row of the option tables is written, and the rows that several scopes
 * have. Private to options.c and options_file.c.
 */
#ifndef WEIR_CONFIG_OPTION_ROWS_H
#define WEIR_CONFIG_OPTION_ROWS_H

#include "config/option.h"

#include <stddef.h>

/* The type of a field must be what its option's type writes; a wrong pair does not compile. */
#define FIELD(scope, field, ctype)                                                                 \
    .offset = offsetof(scope, field) + 0 * sizeof(char[_Generic(((scope *)0)->field, ctype : 1)])

#define DURATION(scope, name, field)                                                               \
    .path = name, .type = &type_duration, FIELD(scope, field, int64_t)
#define SIZE(scope, name, field)  .path = name, .type = &type_size, FIELD(scope, field, size_t)
#define COUNT(scope, name, field) .path = name, .type = &type_count, FIELD(scope, field, unsigned)
#define INTEGER(scope, name, field)                                                                \
    .path = name, .type = &type_integer, FIELD(scope, field, int64_t)
#define NUMBER(scope, name, field)  .path = name, .type = &type_number, FIELD(scope, field, double)
#define RATIO(scope, name, field)   .path = name, .type = &type_ratio, FIELD(scope, field, double)
#define BOOL(scope, name, field)    .path = name, .type = &type_bool, FIELD(scope, field, bool)
#define SECTION(scope, name, field) .path = name, .type = &type_section, FIELD(scope, field, bool)
#define TEXT(scope, name, field)    .path = name, .type = &type_text, FIELD(scope, field, span)
#define FILE_(scope, name, field)   .path = name, .type = &type_file, FIELD(scope, field, span)
#define WORD(scope, name, field, list)                                                             \
    .path = name, .type = &type_word, .offset = offsetof(scope, field), .words = list
#define OTHER(scope, name, field, t) .path = name, .type = &t, .offset = offsetof(scope, field)
/* The value fills the scope's whole struct. */
#define WHOLE(name, t) .path = name, .type = &t, .offset = 0

#define SCOPE(n, title, list, text)                                                                \
    const option_scope scope_##n = {title, text, list, sizeof(list) / sizeof((list)[0])}

static const char *const over_words[] = {"refuse", "cap", NULL};

/* clang-format off */

/* The deadlines, which the file, a provider and a model may have: there a default, or nothing of
 * their own. */
#define STANDARD(value)  .standard = value
#define INHERITED(value) .inherits = true
#define TIMEOUT(scope, name, most, how, text) \
    {DURATION(scope, "timeouts." #name, timeouts.name##_ms), .min = "1ms", .max = most, how, .sentence = text}
#define TARGET_TIMEOUTS(scope, how, more) \
    TIMEOUT(scope, connect, "10m", how("5s"), \
            "Time to reach a provider: name, connection, TLS, and a free place in the pool." more), \
    TIMEOUT(scope, first_byte, "24h", how("10m"), \
            "From the end of the request to the head of the answer. A plain answer's head comes when it is whole: this is its deadline." more), \
    TIMEOUT(scope, first_token, "24h", how("10m"), \
            "Streams: from the request to the first content." more), \
    TIMEOUT(scope, between_events, "24h", how("5m"), \
            "Longest silence in the middle of an answer; some models say nothing while they write a large tool call." more)
#define TOTAL_TIMEOUT(scope, how, more) \
    TIMEOUT(scope, total, "24h", how("30m"), "A whole call with all its attempts and waits." more)

/* What one of something may have. */
#define LIMITS(scope, prefix, field) \
    {OTHER(scope, prefix "requests", field.requests, type_quotas), \
     .sentence = "Requests: 60/m lets 60 through at once, then one a second; a list for several periods."}, \
    {OTHER(scope, prefix "tokens", field.tokens, type_quotas), \
     .sentence = "Tokens, of prompts and answers together: reserved before a call, settled after it."}, \
    {OTHER(scope, prefix "spend", field.spend, type_spend_quotas), \
     .sentence = "What calls may cost in a day or a month of the calendar (UTC), in the currency of the prices; reserved and settled as tokens are."}, \
    {COUNT(scope, prefix "parallel", field.parallel), .standard = "off", .min = "1", .max = "1000000", .zero = "off", \
     .sentence = "Calls at a time."}

/* How large a request may be, beside the rows of sizes.def. The file has no bound unless it says so;
 * a model and a client have none of their own. */
#define OR_OFF(value)    .standard = value, .zero = value
#define BODY_LIMIT(scope, field, how) \
    {SIZE(scope, "limits.request.body", field.body_bytes), .min = "1B", .max = "1GB", how("off"), \
     .sentence = "Largest body of a request, beside limits.body."}
#define MAX_TOKENS_LIMIT(scope, field, how) \
    {INTEGER(scope, "limits.request.max_tokens.at_most", field.max_tokens), .min = "1", .max = "1000000000", how("off"), \
     .sentence = "Most tokens that a request may ask of an answer, whatever its dialect calls them: max_tokens, max_completion_tokens, max_output_tokens."}, \
    {WORD(scope, "limits.request.max_tokens.over", field.over, over_words), .standard = "refuse", .inherits = true, \
     .sentence = "What becomes of one that asks for more. refuse: 400; cap: it asks for at_most, also where it does not say how many (chat completions and responses)."}
/* What is done about texts that a rule of the guard matches; more: what is said where. */
#define GUARD(scope, field, words, how, more) \
    {WORD(scope, "guard.in", field.in, words), how, \
     .sentence = "What becomes of a request where a rule matches something that a model would read. block: it is refused (400 content_blocked); redact: a placeholder such as [EMAIL_1] goes on in its place; flag: it is noted, and no more; off: nothing is looked at." more}, \
    {WORD(scope, "guard.out", field.out, words), how, \
     .sentence = "The same of answers. block: a plain one is replaced, a stream ends there, with finish_reason content_filter." more}

/* How much of an answer a client gets. */
#define ANSWER(scope, more) \
    {INTEGER(scope, "output.characters", answer.characters), .standard = "off", .min = "1", .max = "1000000000", .zero = "off", \
     .sentence = "Characters (code points) of an answer, of each of its choices: what is said, refused, reasoned and called with. One that would be longer is cut there and ends with finish_reason length; the provider is cancelled." more}, \
    {INTEGER(scope, "output.tokens", answer.tokens), .standard = "off", .min = "1", .max = "1000000000", .zero = "off", \
     .sentence = "The same in tokens, as weir counts them; the request's own bound is the provider's to keep." more}

/* clang-format on */

#endif
