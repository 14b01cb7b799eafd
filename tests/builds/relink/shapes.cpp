// shapes.cpp: tables of one file that share its .rodata, and names in an anonymous namespace that
// other.cpp has, too.
#include <stdint.h>

int32_t other_round(int32_t seed);

namespace {

const uint16_t sines[256] = {0, 402, 804, 1206, 1608, 2009, 2410, 2811, 3212};
const int8_t offsets[128] = {1, -1, 2, -2, 3, -3, 5, -5, 8, -8};
/* Larger than the DTCM; its head is what is written. */
uint8_t picture[96 * 1024];
int32_t state[64] = {7, 5, 3};

struct Turtle {
    int32_t x = 0, y = 0;
    uint32_t heading = 0;
};

__attribute__((noinline)) void step(Turtle &turtle, int32_t seed)
{
    turtle.heading += (uint32_t)seed * 29u;
    turtle.x += sines[turtle.heading & 255] >> 4;
    turtle.y += offsets[turtle.heading >> 3 & 127];
    picture[(uint32_t)(turtle.y * 256 + turtle.x) % sizeof picture] ^= (uint8_t)seed;
    state[seed & 63] += turtle.x ^ turtle.y;
}

__attribute__((noinline)) void walk(Turtle &turtle, int32_t round)
{
    for (int32_t at = 0; at < 400; at++)
        step(turtle, at + round);
}

} // namespace

int main()
{
    Turtle turtle;
    int32_t sum = 0;
    for (int32_t round = 0; round < 8; round++) {
        walk(turtle, round);
        sum += other_round(turtle.x + round);
    }
    return (sum ^ state[5] ^ picture[99]) == 0x7FFFFFFF;
}
