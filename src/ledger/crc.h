/* ledger/crc.h: the CRC-32 of gzip and Ethernet, as zlib's crc32() has it. Pure.
 *
 * Each record's bytes are summed twice, by who writes it and by who reads it: where the processor
 * multiplies without carries, sixteen bytes at a time.
 */
#ifndef WEIR_LEDGER_CRC_H
#define WEIR_LEDGER_CRC_H

#include "base/span.h"

/* That of some bytes and of these after them, from that of the former; 0: none came before. */
uint32_t crc_add(uint32_t crc, span bytes);

#endif
