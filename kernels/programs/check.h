/* check.h: how a kernel's program compares its output with the expected values and ends. */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>

#include "semihost.h"

/* The exit code of a program: 0 when all values agree, else 1 with the first difference printed. */
static inline int check_values(const int8_t *values, const int8_t *expected, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        if (values[i] != expected[i]) {
            semihost_write("output differs from the reference at value ");
            semihost_write_number((uint32_t)i);
            semihost_write("\n");
            return 1;
        }
    }
    return 0;
}

#endif
