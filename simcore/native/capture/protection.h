/* protection.h: what the MPU permits (Armv7-M ARM B3.5). What it says of caches is in memory/attributes.c. */
#ifndef MCUSIM_PROTECTION_H
#define MCUSIM_PROTECTION_H

#include <stdint.h>

enum { PROTECTION_REGIONS = 16 };
enum access_kind { ACCESS_READ = 0, ACCESS_WRITE = 1, ACCESS_FETCH = 2 };

struct protection {
    uint32_t control, number;    /* MPU_CTRL, MPU_RNR */
    struct protected_region {
        uint32_t rbar, rasr;
    } region[PROTECTION_REGIONS];
};

int protection_has(uint32_t address);
uint32_t protection_read(const struct protection *p, uint32_t address);
void protection_write(struct protection *p, uint32_t address, uint32_t value);

/* Whether some access could be refused: otherwise nobody has to ask. */
int protection_restricts(const struct protection *p);

/* Whether all of an access is permitted. is_urgent: at a negative priority, of HardFault, NMI or FAULTMASK. */
int protection_permits(const struct protection *p, uint32_t address, uint32_t size, enum access_kind kind,
                       int privileged, int is_urgent);

#endif
