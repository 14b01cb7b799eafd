/* lu_steps.h: FACTOR, the LU decomposition of a matrix of REAL with partial pivoting, row by row.
 *
 * Included once for each kind of REAL, with ABSOLUTE and MULTIPLY_ADD for it. rows[i] says which row
 * of the input ended in row i; L (its diagonal of ones left out) and U stand in the matrix.
 */
static void FACTOR(REAL (*a)[SIZE], uint32_t *rows)
{
    for (uint32_t i = 0; i < SIZE; i++)
        rows[i] = i;
    for (uint32_t k = 0; k < SIZE; k++) {
        uint32_t largest = k;
        for (uint32_t i = k + 1; i < SIZE; i++)
            if (ABSOLUTE(a[i][k]) > ABSOLUTE(a[largest][k]))
                largest = i;
        uint32_t row = rows[k];
        rows[k] = rows[largest];
        rows[largest] = row;
        for (uint32_t j = 0; j < SIZE; j++) {
            REAL value = a[k][j];
            a[k][j] = a[largest][j];
            a[largest][j] = value;
        }
        REAL inverse = 1 / a[k][k];
        for (uint32_t i = k + 1; i < SIZE; i++) {
            REAL factor = a[i][k] * inverse;
            a[i][k] = factor;
            for (uint32_t j = k + 1; j < SIZE; j++)
                a[i][j] = MULTIPLY_ADD(-factor, a[k][j], a[i][j]);
        }
    }
}
