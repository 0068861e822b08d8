/* http/plain_path.h: whether a path leads where it seems to, whoever reads it. Pure.
 *
 * Paths are let through by how they begin, and the server behind may take them for others: it may
 * decode them, once or again (behind a proxy that has decoded them before), and resolve what then
 * are dot segments. So a path is plain if at no depth of decoding any of its segments is "." or
 * "..", also with parameters, blanks or what ends a path behind the dots.
 *
 * Source   RFC 3986 sections 3.3 (parameters), 5.2.4 (dot segments), 6.2.2.3.
 */
#ifndef WEIR_HTTP_PLAIN_PATH_H
#define WEIR_HTTP_PLAIN_PATH_H

#include "base/buf.h"

/* Nor does a plain path hold a backslash (a slash, to some), a control character or bytes that are
 * no UTF-8 (dots and slashes spelt too long), "%u" with hex digits (another escape, to some), or
 * more layers of escapes than anybody wraps by accident: none that an API has does. */
bool http_path_is_plain(span path);

/* What a plain path comes to for whoever forgives the most: its escapes undone at every depth, and
 * what they then end it with cut off; without parameters, blanks around a segment, slashes behind
 * one another and at its end; letters of ASCII in lower case. Appends it; empty: "/". Two paths of
 * which it is the same may be one to a server. */
void http_path_loosely(span path, buf *ret);

#endif
