/* config/shown.h: what of a configuration may stand in a message about it.
 *
 * A message goes to a terminal, a log, a ticket. It names the option and its place and says what is
 * allowed there; of what the file holds it quotes only what cannot be a secret, wherever that
 * stands: keys and passwords end up in the wrong place exactly where something is wrong. So no
 * line below `providers` and `clients` is ever shown, nothing that came from the environment, a
 * file or a command is quoted, and of what is written in the file only what cannot be a secret:
 * numbers with their units, the option table's own words, and elsewhere than there also short
 * words, as people mistype them.
 *
 * Any thread. Pure.
 */
#ifndef WEIR_CONFIG_SHOWN_H
#define WEIR_CONFIG_SHOWN_H

#include "base/arena.h"

/* Whether a text, as it is written, cannot be a secret. References are judged by what they say:
 * ${NAME} names a variable and is harmless, ${NAME:-other} is as harmless as `other`, and what else
 * stands between ${ and } may be anything. */
bool shown_may(span text);
/* The same where secrets stand: numbers and the table's own words alone. */
bool shown_proven(span text);
/* Whether an environment variable may have that name: letters, digits and underscores, no digit
 * first. */
bool shown_is_variable(span name);
/* The same, and it may be told that the variable of that name is meant. */
bool shown_variable(span name);

/* A line of the file as it may be shown: what is not proven harmless is covered with asterisks,
 * character by character, so that a caret beneath still points right; comments are left out. Empty
 * when nothing of it may be shown: it is not certain to stand in a section that may be. The text
 * need not be YAML. */
span shown_line(arena *a, span source, unsigned line);

#endif
