/* http/chars.h: the character classes of HTTP's grammar. Any thread. Allocates nothing.
 *
 * Source   RFC 9110 section 5.6.2 (token), 5.5 (field-value); RFC 3986 section 3.2 (authority).
 */
#ifndef WEIR_HTTP_CHARS_H
#define WEIR_HTTP_CHARS_H

#include "base/span.h"

/* tchar */
bool http_is_tchar(char c);
/* One or more tchar. */
bool http_is_token(span s);
/* No control bytes but HTAB; bytes from 0x80 on are allowed (obs-text). */
bool http_is_field_value(span s);
/* Printable ASCII without blanks and without '#': what a request-target may hold on the wire. */
bool http_is_target(span s);
/* host [":" port]: a name of letters, digits, '-', '.', '_' and '~', or an IPv6 address in
 * brackets; a port of 1 to 65535. No userinfo, no percent-encoding, no empty host or port: narrower
 * than RFC 3986 on purpose, since no client of an API sends more and readers differ on the rest. No
 * zone behind an address (fe80::1%25eth0) either: it means something to its sender alone, who must
 * not send it (RFC 6874 section 4; RFC 9844 takes it out of URIs altogether). */
bool http_is_authority(span s);

/* Index of the first control byte (below 0x20, or 0x7f) at or after from, or s.len. */
size_t http_find_control(span s, size_t from);

#endif
