/* tools/zone.h: how far a time zone is from UTC at an instant, by the system's time zone data.
 * Pure.
 *
 * Sources  RFC 8536 (TZif), POSIX.1-2017 section 8.3 (TZ) for what follows a file's last
 * transition.
 */
#ifndef WEIR_TOOLS_ZONE_H
#define WEIR_TOOLS_ZONE_H

#include "base/span.h"

enum { ZONE_FILE_MAX = 256 * 1024 };

/* Whether it may be the name of a zone, such as Europe/Berlin or Etc/GMT+5: that is a path beneath
 * the folder of zones, and leads nowhere else. */
bool zone_is_name(span name);

/* Of what a zone's file holds: seconds east of UTC at that time (seconds since 1970). false: it is
 * no such file. */
MUST_USE bool zone_offset(span file, int64_t at, int32_t *ret_offset);

enum { ZONE_TIME_LEN = 25 };

/* "2026-11-29T02:46:07+01:00", with Z in place of an offset of 0; years 1 to 9999. NUL-terminated;
 * returns its length. */
size_t zone_write_time(int64_t at, int32_t offset, char out[ZONE_TIME_LEN + 1]);

#endif
