/* facts.c: see facts.h. */
#include "timing/facts.h"

#include "stream/stream.h"

/* Stretches that divide a block: the accesses and barriers of each follow those of the one before. */
static int check_stretches(const struct block_static *f)
{
    if (!f->stretches || f->stretches > f->instructions)
        return CORE_ERR_STREAM;
    uint32_t accesses = 0, barriers = 0;
    for (uint32_t i = 0; i < f->stretches; i++) {
        if (f->stretch[i].accesses < accesses || f->stretch[i].barriers < barriers)
            return CORE_ERR_STREAM;
        accesses = f->stretch[i].accesses;
        barriers = f->stretch[i].barriers;
    }
    return accesses == f->accesses && barriers == f->barriers ? CORE_OK : CORE_ERR_STREAM;
}

int facts_check(const struct block_static *f, uint32_t size)
{
    if (f->probes > MAX_PROBES || !f->instructions || f->accesses > STREAM_RECORD_MAX ||
        f->instructions > DEFINITION_BYTES_MAX / 2 || f->function_bytes >= size)
        return CORE_ERR_STREAM;
    for (uint32_t i = 0; i < f->accesses; i++)
        if (f->access[i].instruction >= f->instructions)
            return CORE_ERR_STREAM;
    for (uint32_t i = 0; i < f->probes; i++)
        if (f->probe[i].a >= f->accesses || f->probe[i].b >= f->accesses)
            return CORE_ERR_STREAM;
    for (uint32_t i = 0; i < f->barriers; i++)
        if (f->barrier[i].instruction >= f->instructions || f->barrier[i].access > f->accesses)
            return CORE_ERR_STREAM;
    for (uint32_t i = 0; i < f->stack_moves; i++)
        if (f->stack_move[i].instruction >= f->instructions || f->stack_move[i].access >= (int32_t)f->accesses)
            return CORE_ERR_STREAM;
    return f->stack_access < (int32_t)f->accesses ? check_stretches(f) : CORE_ERR_STREAM;
}
