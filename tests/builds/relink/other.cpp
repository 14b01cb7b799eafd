// other.cpp: an anonymous namespace with a step() and a table of shapes.cpp's names.
#include <stdint.h>

namespace {

const uint16_t sines[256] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
int32_t history[512];

__attribute__((noinline)) int32_t step(int32_t value, int32_t at)
{
    history[at & 511] += value;
    return value * 3 + sines[value & 255] + history[(at * 7) & 511];
}

} // namespace

int32_t other_round(int32_t seed)
{
    int32_t value = seed;
    for (int32_t at = 0; at < 300; at++)
        value = step(value, at);
    return value;
}
