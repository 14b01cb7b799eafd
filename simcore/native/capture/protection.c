/* protection.c: see protection.h. */
#include "capture/protection.h"

#include "registers.h"

enum {
    CTRL_ENABLE = 1,
    CTRL_HFNMIENA = 2,
    CTRL_PRIVDEFENA = 4,
    RASR_ENABLE = 1,
    RBAR_VALID = 16,
    AP_SHIFT = 24,
    AP_FULL = 3,
    XN_SHIFT = 28,
};

int protection_has(uint32_t address) { return address >= REG_MPU_CTRL && address <= REG_MPU_LAST; }

uint32_t protection_read(const struct protection *p, uint32_t address)
{
    const struct protected_region *r = &p->region[p->number];
    if (address == REG_MPU_CTRL)
        return p->control;
    if (address == REG_MPU_RNR)
        return p->number;
    return (address - REG_MPU_RBAR) & 4 ? r->rasr : r->rbar | p->number;
}

/* RBAR_A1 to A3 and RASR_A1 to A3 are the same registers again. */
void protection_write(struct protection *p, uint32_t address, uint32_t value)
{
    if (address == REG_MPU_CTRL) {
        p->control = value & 7;
    } else if (address == REG_MPU_RNR) {
        p->number = value & (PROTECTION_REGIONS - 1);
    } else if ((address - REG_MPU_RBAR) & 4) {
        p->region[p->number].rasr = value & 0x173fff3fu;
    } else {
        if (value & RBAR_VALID)
            p->number = value & (PROTECTION_REGIONS - 1);
        p->region[p->number].rbar = value & ~0x1fu;
    }
}

static uint32_t permissions(const struct protected_region *r) { return r->rasr >> AP_SHIFT & 7; }

int protection_restricts(const struct protection *p)
{
    if (!(p->control & CTRL_ENABLE))
        return 0;
    if (!(p->control & CTRL_PRIVDEFENA))
        return 1;
    for (uint32_t i = 0; i < PROTECTION_REGIONS; i++) {
        const struct protected_region *r = &p->region[i];
        if ((r->rasr & RASR_ENABLE) && (permissions(r) != AP_FULL || (r->rasr >> XN_SHIFT & 1)))
            return 1;
    }
    return 0;
}

static int covers(const struct protected_region *r, uint32_t address)
{
    uint32_t size_log2 = (r->rasr >> 1 & 0x1f) + 1;
    if (!(r->rasr & RASR_ENABLE) || size_log2 < 5)
        return 0;
    uint64_t size = UINT64_C(1) << size_log2;
    uint32_t base = r->rbar & ~(uint32_t)(size - 1);
    if (address < base || address - base >= size)
        return 0;
    return size_log2 < 8 || !(r->rasr >> 8 >> ((address - base) * UINT64_C(8) / size) & 1);
}

static int region_permits(const struct protected_region *r, enum access_kind kind, int privileged)
{
    /* By AP: whether privileged and unprivileged code may read, and write. */
    static const uint8_t reads[2][8] = {{0, 0, 1, 1, 0, 0, 1, 1}, {0, 1, 1, 1, 0, 1, 1, 1}};
    static const uint8_t writes[2][8] = {{0, 0, 0, 1, 0, 0, 0, 0}, {0, 1, 1, 1, 0, 0, 0, 0}};
    uint32_t ap = permissions(r);
    if (kind == ACCESS_WRITE)
        return writes[privileged][ap];
    return reads[privileged][ap] && !(kind == ACCESS_FETCH && (r->rasr >> XN_SHIFT & 1));
}

static int permits(const struct protection *p, uint32_t address, enum access_kind kind, int privileged)
{
    if (address >= 0xe0000000u && address < 0xe0100000u)
        return 1;                                /* the private peripheral bus */
    for (int i = PROTECTION_REGIONS - 1; i >= 0; i--)   /* the highest number wins */
        if (covers(&p->region[i], address))
            return region_permits(&p->region[i], kind, privileged);
    return (p->control & CTRL_PRIVDEFENA) && privileged;
}

int protection_permits(const struct protection *p, uint32_t address, uint32_t size, enum access_kind kind,
                       int privileged, int is_urgent)
{
    if (!(p->control & CTRL_ENABLE) || (is_urgent && !(p->control & CTRL_HFNMIENA)))
        return 1;
    /* The smallest region is of 32 bytes: an access lies in one or two. */
    return permits(p, address, kind, privileged) &&
           (!((address ^ (address + size - 1)) & ~0x1fu) || permits(p, address + size - 1, kind, privileged));
}
