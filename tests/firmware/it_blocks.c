/* Calls every function of it_blocks.S with both conditions and checks what came out. The exit code
 * is the number of the first wrong row, 0 when all are right. */
#include <stdint.h>

#include "semihost.h"

typedef uint32_t (*function)(uint32_t);

uint32_t it_four_then(uint32_t), it_mixed_arms(uint32_t), it_load_each_arm(uint32_t),
    it_store_each_arm(uint32_t), it_load_store_wide(uint32_t), it_pop_return(uint32_t),
    it_bx_return(uint32_t), it_call(uint32_t), it_branch(uint32_t), it_flags_inside(uint32_t),
    it_multiply_divide(uint32_t), it_float(uint32_t), it_page_0(uint32_t), it_page_1(uint32_t),
    it_page_2(uint32_t), it_page_3(uint32_t);

/* Worked out by hand from the architecture's rules. */
static const struct {
    function run;
    uint32_t if_zero, if_one;
} rows[] = {
    {it_four_then, 1, 31},
    {it_mixed_arms, 6, 9},
    {it_load_each_arm, 33, 22},
    {it_store_each_arm, 100 + 2 * 200, 200 + 2 * 100},
    {it_load_store_wide, 0x900, 0x221},
    {it_pop_return, 72, 71},
    {it_bx_return, 81, 82},
    {it_call, 92, 91},
    {it_branch, 105, 6},
    {it_flags_inside, 0, 1},
    {it_multiply_divide, 14, 7 * 3 + (7 * 3 + 10)},
    {it_float, 4 + (44 << 8), 3 + (11 << 8)},
    {it_page_0, 21, 11},
    {it_page_1, 21, 11},
    {it_page_2, 21, 11},
    {it_page_3, 21, 11},
};

int main(void)
{
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
            if (rows[i].run(0) != rows[i].if_zero || rows[i].run(1) != rows[i].if_one)
                return (int)i + 1;
    return 0;
}
