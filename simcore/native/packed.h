/* packed.h: over the border, facts of blocks from bytes that are kept.
 *
 * simcore/native/build.py gives the text between the two cffi marks to cffi as it stands.
 */
#ifndef MCUSIM_PACKED_H
#define MCUSIM_PACKED_H

#include "types.h"

/* cffi: begin */

/* Facts of a block, from bytes that hang on no address: fills out, but its function, with what points into them. They
 * lie at a multiple of 8; whatever they are, what is not sound is CORE_ERR_STREAM. */
int core_unpack_block(const uint8_t *packed, uint32_t size, uint32_t address, uint32_t code_bytes,
                      uint32_t extra_tables, struct block_static *out);

/* The same of what a stretch costs, but for its states: dual issues, cycles of a mispredict, CAUSE_COUNT cycles, then
 * cycles of accesses and barriers of 16 bits each. */
void core_unpack_schedule(const uint32_t *packed, struct block_schedule *out);

/* cffi: end */

#endif
