/* dialect/reader_room.h: the memory that a reader's answer takes while it is gathered, asked of the
 * loop's account (base/memory.h) before it grows. Inside dialect/.
 *
 * Events that go on as they come take none: of those only one that is large, and has not all come,
 * is held. false: there is no room, and the reader says READER_NO_ROOM.
 */
#ifndef WEIR_DIALECT_READER_ROOM_H
#define WEIR_DIALECT_READER_ROOM_H

#include "dialect/reader.h"

/* So many more bytes go into r->body: makes them room, at once for all of a length that was told.
 */
MUST_USE bool reader_widen_body(reader *r, size_t more);
/* So many more bytes of a stream are read. */
MUST_USE bool reader_room_for_events(reader *r, size_t more);
/* What it holds has become more, or less, without having asked. */
MUST_USE bool reader_count_held(reader *r);

#endif
