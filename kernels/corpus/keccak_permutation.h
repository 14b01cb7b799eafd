/* keccak_permutation.h: Keccak-f[1600] (FIPS 202) as the function PERMUTE on 25 lanes.
 *
 * Included once for each kind of LANE, with lane_xor, lane_and_not and lane_rotate for it, and the
 * round constants in ROUND_CONSTANTS. Lane x, y is number x + 5 y.
 */
static void PERMUTE(LANE *a)
{
    for (int round = 0; round < KECCAK_ROUNDS; round++) {
        LANE sums[5];
#pragma GCC unroll 5
        for (int x = 0; x < 5; x++) {
            sums[x] = a[x];
#pragma GCC unroll 4
            for (int y = 1; y < 5; y++)
                sums[x] = lane_xor(sums[x], a[x + 5 * y]);
        }
#pragma GCC unroll 5
        for (int x = 0; x < 5; x++) {
            LANE both = lane_xor(sums[(x + 4) % 5], lane_rotate(sums[(x + 1) % 5], 1));
#pragma GCC unroll 5
            for (int y = 0; y < 5; y++)
                a[x + 5 * y] = lane_xor(a[x + 5 * y], both);
        }
        /* Each lane moves on to the next of the walk, turned by 1, 3, 6, 10 ... bits. */
        LANE moved = a[1];
        int x = 1, y = 0;
#pragma GCC unroll 24
        for (int step = 0; step < 24; step++) {
            int next = (2 * x + 3 * y) % 5;
            x = y;
            y = next;
            LANE here = a[x + 5 * y];
            a[x + 5 * y] = lane_rotate(moved, (step + 1) * (step + 2) / 2 % 64);
            moved = here;
        }
#pragma GCC unroll 5
        for (int row = 0; row < 25; row += 5) {
            LANE first = a[row], second = a[row + 1];
            a[row] = lane_xor(a[row], lane_and_not(a[row + 2], a[row + 1]));
            a[row + 1] = lane_xor(a[row + 1], lane_and_not(a[row + 3], a[row + 2]));
            a[row + 2] = lane_xor(a[row + 2], lane_and_not(a[row + 4], a[row + 3]));
            a[row + 3] = lane_xor(a[row + 3], lane_and_not(first, a[row + 4]));
            a[row + 4] = lane_xor(a[row + 4], lane_and_not(second, first));
        }
        a[0] = lane_xor(a[0], ROUND_CONSTANTS[round]);
    }
}
