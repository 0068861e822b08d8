/* cli/chat_talk.h: a conversation: what was asked and answered so far. Pure.
 *
 * The question that waits for its answer is `pending`; it becomes a turn with the answer, and stays
 * when none came, for another try. Bounded by CHAT_TALK_MAX bytes of text.
 */
#ifndef WEIR_CLI_CHAT_TALK_H
#define WEIR_CLI_CHAT_TALK_H

#include "base/buf.h"

enum { CHAT_TALK_MAX = 16 << 20 };

typedef enum chat_end {
    CHAT_WHOLE,
    CHAT_STOPPED, /* by the user */
    CHAT_CUT      /* by an error */
} chat_end;

typedef struct chat_turn {
    char *question;
    char *parts; /* of the question beside its text: JSON, with commas between them; NULL: none */
    char *answer;
    char *model; /* who answered; NULL: not known */
    chat_end end;
} chat_turn;

/* All zero: nothing was said. */
typedef struct chat_talk {
    char *system; /* the system message; NULL: none */
    chat_turn *turns;
    size_t count;
    char *pending; /* NULL: no question waits */
    char *parts;   /* of the pending question, as a turn has them */
    bool replaces; /* the pending question is that of the last turn, once more */
    size_t bytes;  /* of all of it */
} chat_talk;

void chat_talk_done(chat_talk *t);

/* text empty: none. Like all that follow it copies; false: it would be too long, nothing changed.
 */
MUST_USE bool chat_talk_set_system(chat_talk *t, span text);
/* A new question; one that got no answer is forgotten. */
MUST_USE bool chat_talk_ask(chat_talk *t, span question);
/* With the pending question: pictures, as parts of a message's content. */
MUST_USE bool chat_talk_attach(chat_talk *t, span parts);
/* The question without an answer once more, else the last turn's; false: there is none. The turn
 * itself stays until the new answer is there. */
MUST_USE bool chat_talk_retry(chat_talk *t);
/* The pending question's answer, not empty. model may be NULL. */
void chat_talk_answer(chat_talk *t, span answer, chat_end end, const char *model);
/* Forgets the question that got no answer, else the last turn; false: there is nothing. */
MUST_USE bool chat_talk_undo(chat_talk *t);
/* Forgets everything but the system message. */
void chat_talk_reset(chat_talk *t);

/* The turns that go before the pending question. */
size_t chat_talk_before(const chat_talk *t);

/* A question as a message: {"role":"user","content":…}. parts may be NULL. */
void chat_talk_write_question(const char *question, const char *parts, buf *out);
/* The conversation as Markdown for people, and as {"messages": […]}, the beginning of a request. */
void chat_talk_write_markdown(const chat_talk *t, buf *out);
void chat_talk_write_json(const chat_talk *t, buf *out);

#endif
