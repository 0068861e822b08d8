/* dialect/image_size.h: how large a picture is that stands in a request as a data: URL, by the head
 * of its file.
 *
 * Any thread. Pure; takes no memory, and looks at no more of the file than IMAGE_HEAD_MAX bytes.
 *
 * Source   RFC 2397 (data:), RFC 4648 (base64); PNG (W3C, 11.2.1), GIF89a (section 18), JPEG (ITU-T
 *          T.81, B.2.2), WebP (RFC 9649, section 2).
 */
#ifndef WEIR_DIALECT_IMAGE_SIZE_H
#define WEIR_DIALECT_IMAGE_SIZE_H

#include "json/json.h"

enum { IMAGE_HEAD_MAX = 256 * 1024 };

/* false: the string is no data: URL in base64 of such a picture, or its head does not tell. Both
 * are at least 1. */
MUST_USE bool image_size_read(json_value url, unsigned *ret_width, unsigned *ret_height);

#endif
