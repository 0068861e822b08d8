/* config/problems.h: collects what is wrong with a configuration, for the person who wrote it. */
#ifndef WEIR_CONFIG_PROBLEMS_H
#define WEIR_CONFIG_PROBLEMS_H

#include "config/config.h"

enum { PROBLEMS_MAX = 100 };

void problems_init(config_problems *p);
/* line 0: no place. source is the file's text (or empty), from which the line is shown beneath the
 * message, as far as it may be (shown.h); so may what the message itself quotes. After PROBLEMS_MAX
 * the rest is left out. */
void problems_add(config_problems *p, span file, span source, unsigned line, unsigned column,
                  const char *fmt, ...) PRINTF_LIKE(6, 7);
void problems_vadd(config_problems *p, span file, span source, unsigned line, unsigned column,
                   const char *fmt, va_list args);

#endif
