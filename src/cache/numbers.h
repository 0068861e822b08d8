/* cache/numbers.h: the numbers that stand in a text, by which texts are told apart that are nearly
 * the same in all else (cache.semantic). Pure; any thread.
 *
 * Source   Unicode, general categories Nd, Nl and No (numbers.def, made by tools/numbers).
 */
#ifndef WEIR_CACHE_NUMBERS_H
#define WEIR_CACHE_NUMBERS_H

#include "base/arena.h"

/* The numbers in text, which is UTF-8, one behind the other with a blank between; in the arena.
 * Digits of all scripts are written as those of ASCII, with their sign where they have one. What
 * stands for a number in another way ("²", "½", "Ⅳ", "⑦") is itself: it is no digit of the number
 * beside it. */
span numbers_in(span text, arena *a);

#endif
