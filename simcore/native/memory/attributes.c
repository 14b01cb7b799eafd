/* attributes.c: what the memory map and the MPU say of an address (Armv7-M ARM B3.1, B3.5). */
#include "memory/parts.h"

static uint8_t policy_of_rasr(uint32_t rasr)
{
    uint32_t tex = rasr >> 19 & 7, cb = rasr >> 16 & 3;
    static const uint8_t inner[4] = {POLICY_NON_CACHEABLE, POLICY_WRITE_BACK_ALLOCATE, POLICY_WRITE_THROUGH,
                                     POLICY_WRITE_BACK};
    uint8_t policy;
    if (tex & 4)
        policy = inner[cb];
    else if (tex == 0)
        policy = cb < 2 ? POLICY_DEVICE : cb == 2 ? POLICY_WRITE_THROUGH : POLICY_WRITE_BACK;
    else if (tex == 1)
        policy = cb == 0 ? POLICY_NON_CACHEABLE : POLICY_WRITE_BACK_ALLOCATE;
    else
        policy = POLICY_DEVICE;
    int shareable = rasr >> 18 & 1;      /* shareable Normal memory is not cached (TRM, shareability) */
    return shareable && policy > POLICY_NON_CACHEABLE ? POLICY_NON_CACHEABLE : policy;
}

static int mpu_covers(const struct mpu_region *r, uint32_t address)
{
    uint32_t size_log2 = (r->rasr >> 1 & 0x1f) + 1;
    if (!(r->rasr & 1) || size_log2 < 5)
        return 0;
    uint64_t size = UINT64_C(1) << size_log2;
    uint64_t offset = (uint64_t)address - (r->rbar & ~(uint32_t)(size - 1) & ~0x1fu);
    if (address < (r->rbar & ~(uint32_t)(size - 1) & ~0x1fu) || offset >= size)
        return 0;
    return size_log2 < 8 || !(r->rasr >> 8 >> (offset * 8 / size) & 1);
}

uint8_t memory_policy_at(const struct memory *m, uint32_t address, uint8_t otherwise)
{
    if (m->mpu_ctrl & 1)
        for (int i = MPU_REGIONS - 1; i >= 0; i--)     /* the highest number wins */
            if (mpu_covers(&m->mpu[i], address))
                return policy_of_rasr(m->mpu[i].rasr);
    return otherwise;
}

void memory_rebuild_pages(struct memory *m)
{
    m->epoch++;
    for (uint32_t p = 0; p < PAGES; p++)
        m->page[p] = NO_REGION;
    int small = 0;
    for (uint32_t i = 0; i < MPU_REGIONS; i++)
        if ((m->mpu_ctrl & 1) && (m->mpu[i].rasr & 1) && (m->mpu[i].rasr >> 1 & 0x1f) + 1 < PAGE_SHIFT + 3)
            small = 1;                                 /* it or its eighths can be smaller than a page */
    for (uint32_t r = 0; r < m->regions; r++) {
        const struct region_config *region = &m->region[r];
        uint32_t first = region->base >> PAGE_SHIFT, count = region->size >> PAGE_SHIFT;
        for (uint32_t p = first; p < first + count; p++) {
            uint8_t policy = region->policy;
            if (!region->never_cached && (m->mpu_ctrl & 1))
                policy = small ? MIXED_POLICY : memory_policy_at(m, p << PAGE_SHIFT, policy);
            m->page[p] = (uint16_t)(r | policy << 8 | (is_tcm(region) ? PAGE_TCM : 0));
        }
    }
}
