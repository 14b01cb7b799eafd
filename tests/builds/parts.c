/* parts.c: the functions that program.c calls. */
#include "parts.h"

#ifdef HOT_IN_ITCM
#define HOT __attribute__((section(".itcm.hot")))
#else
#define HOT
#endif

HOT KEPT uint32_t hot(uint32_t value)
{
    for (uint32_t turn = 0; turn < 4; turn++) {
        value = turned(value, 5) +
                turn;
        if (value & 1)
            value ^= 0x55u;
    }
    return value;
}

KEPT uint32_t mixed(const uint32_t *values, uint32_t count)
{
    uint32_t sum = 0;
    for (uint32_t index = 0; index < count; index++) {
        sum += hot(values[index]);
        sum = turned(sum, 3);
    }
    return sum;
}

/* Stack of its own at each level, all of which is written. */
KEPT uint32_t deep(uint32_t levels)
{
    volatile uint32_t own[6];
    for (uint32_t index = 0; index < 6; index++)
        own[index] = index + levels;
    if (levels == 0)
        return own[3];
    return deep(levels - 1) +
           own[2];
}
