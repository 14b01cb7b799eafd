/* sha2_rounds.h: the compression function of SHA-2 (FIPS 180-4) as COMPRESS on words of type WORD.
 *
 * Included once for each kind of WORD, with its ROUNDS, its table CONSTANTS and BIG0, BIG1, SMALL0
 * and SMALL1, the functions of FIPS 180-4. The message comes as words of the host's order.
 */

/* One round; the caller turns the names instead of moving the values. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                            \
    do {                                                                            \
        WORD sum = h + BIG1(e) + (g ^ (e & (f ^ g))) + CONSTANTS[i] + schedule[i];  \
        d += sum;                                                                   \
        h = sum + BIG0(a) + ((a & b) | (c & (a | b)));                              \
    } while (0)

static void COMPRESS(WORD *state, const WORD *message)
{
    WORD schedule[ROUNDS];
    for (int i = 0; i < 16; i++)
        schedule[i] = message[i];
    for (int i = 16; i < ROUNDS; i++)
        schedule[i] = SMALL1(schedule[i - 2]) + schedule[i - 7] + SMALL0(schedule[i - 15]) +
                      schedule[i - 16];
    WORD a = state[0], b = state[1], c = state[2], d = state[3];
    WORD e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < ROUNDS; i += 8) {
        ROUND(a, b, c, d, e, f, g, h, i);
        ROUND(h, a, b, c, d, e, f, g, i + 1);
        ROUND(g, h, a, b, c, d, e, f, i + 2);
        ROUND(f, g, h, a, b, c, d, e, i + 3);
        ROUND(e, f, g, h, a, b, c, d, i + 4);
        ROUND(d, e, f, g, h, a, b, c, i + 5);
        ROUND(c, d, e, f, g, h, a, b, i + 6);
        ROUND(b, c, d, e, f, g, h, a, i + 7);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}
#undef ROUND
