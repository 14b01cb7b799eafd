/* engine.h: what Python tells the core of the engine. */
#ifndef MCUSIM_ENGINE_H
#define MCUSIM_ENGINE_H

#include <stdint.h>

/* cffi: begin */

/* Unicorn's functions, found by Python in the shared library, so that nothing is linked. */
struct engine_functions {
    void *hook_add, *hook_del, *emu_start, *emu_stop, *reg_read, *reg_write, *reg_read_batch, *reg_write_batch;
    void *mem_read, *mem_write, *mmio_map, *ctl;
};

/* Data addresses: worked out from registers where that pays; told by the engine; both, and compared; worked out
 * wherever that goes. */
enum addresses { ADDRESSES_PLANNED = 0, ADDRESSES_HOOKED = 1, ADDRESSES_CHECKED = 2, ADDRESSES_EAGER = 3 };

struct memory_range {            /* that the engine has, in whole pages */
    uint32_t base, size;
    uint8_t is_writable;
};

/* cffi: end */

#endif
