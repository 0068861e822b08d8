/* dialect/tokens.h: about how many tokens a text is, for whom no provider has told it.
 *
 * One pass over the bytes, no memory. Tokens are the sum over what tokenizers cut at: runs of ASCII
 * letters, digits, blanks, newlines and punctuation, and code points by script, each with a weight.
 * The weights are a table for each family of vocabularies, since newer ones pack most scripts two
 * to four times as well as older ones. Beside the real vocabularies the figure is off by 6 to 10 %
 * on average over prose in 25 scripts, code and data, by 30 % at worst (Punjabi; Llama 3's: Hindi,
 * 67 %); bytes / 4 by 33 % and 102 %, and by -63 % for base64.
 *
 * Any thread. Pure. A count goes on over pieces: a word, a number or a code point that is cut
 * anywhere counts as if it had come whole.
 *
 * Source   weights fitted on even 1,200-character pieces of 33 classes of text and judged on odd
 *          ones, by the vocabularies o200k, cl100k, Llama 3, Claude 2, Gemma 3, Qwen 3
 * and DeepSeek 3. What a chat's form adds: the chat templates of those models.
 */
#ifndef WEIR_DIALECT_TOKENS_H
#define WEIR_DIALECT_TOKENS_H

#include "json/json.h"

typedef enum token_family {
    TOKENS_O200K, /* OpenAI's since GPT-4o; whatever is not known */
    TOKENS_CL100K,
    TOKENS_LLAMA,
    TOKENS_GEMMA, /* and Gemini */
    TOKENS_QWEN,
    TOKENS_DEEPSEEK,
    TOKENS_CLAUDE, /* o200k and 15 % more, until somebody has measured today's */
    TOKENS_FAMILIES
} token_family;

/* By what is in a model's name, without case: "meta-llama/Llama-3.3-70B", "gpt-4-turbo". */
token_family tokens_family(span model);

/* A text that is being counted. */
typedef struct token_count {
    uint64_t hundredths; /* of a token */
    uint32_t code;       /* the code point that has begun */
    unsigned char run;   /* what the last character was one of, and how many of them, up to a few */
    unsigned char length;
    unsigned char left;   /* bytes that the code point lacks */
    unsigned char family; /* token_family */
} token_count;

token_count tokens_begin(token_family family);
/* The next piece, UTF-8. Whatever is none counts by its bytes. */
void tokens_add(token_count *c, span text);
/* The same of what a JSON string says. */
void tokens_add_json(token_count *c, json_value string);
/* The same; of what is no string, of its JSON. */
void tokens_add_value(token_count *c, json_value v);
/* What follows is another text: its first word is not the rest of the last. */
void tokens_break(token_count *c);
/* So many that the text does not say: a picture's, a template's. */
void tokens_add_fixed(token_count *c, uint64_t tokens);
/* A text of its own that was counted before, to so many hundredths. */
void tokens_add_counted(token_count *c, uint64_t hundredths);
/* Rounded; one at least, where there was anything. */
int64_t tokens_total(const token_count *c);

/* What a chat's form takes beside its texts: for each message, by who speaks, and once. */
typedef enum token_speaker { TOKENS_FROM_USER, TOKENS_FROM_MODEL, TOKENS_FROM_OTHER } token_speaker;
unsigned tokens_of_message(token_family family, token_speaker from);
unsigned tokens_of_chat(token_family family);

#endif
