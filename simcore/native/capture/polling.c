/* polling.c: a loop that does nothing but read a peripheral register, found by what it does not do. */
#include "capture/state.h"

enum { STRAYS_MAX = 32 };  /* reads elsewhere after which another one is taken for the loop's */

static void begin(struct capture *c, uint32_t address, uint32_t block, uint32_t turns)
{
    c->polling = (struct polling){.address = address, .block = block, .turns = turns, .next = POLLING_TURNS};
    c->closely &= ~(uint32_t)CLOSELY_POLLING;
    if (turns)
        c->polling.exception = c->system.nvic.running;
}

/* A loop is looked at in its 32nd turn, and again after three times as many as long as it goes on. */
void polling_read(struct capture *c, uint32_t address)
{
    struct polling *p = &c->polling;
    if (c->config.peripherals != PERIPHERALS_READY || !c->header)
        return;
    uint32_t block = c->header[0] & RECORD_ID;
    if (!p->turns) {
        begin(c, address, block, 1);
    } else if (p->address != address || p->block != block || p->exception != c->system.nvic.running) {
        if (++p->strays >= STRAYS_MAX)
            begin(c, address, block, 1);
    } else {
        p->turns++;
        p->strays = 0;
        c->closely |= CLOSELY_POLLING;
        if (p->turns == p->next) {
            p->next *= 3;
            p->due = 1;
        }
        if (p->due)
            c->look_at = instructions_of(c);
    }
}

/* The end of the stack as far as it is the loop's own: a region ends it. */
static uint32_t stack_end(const struct capture *c, uint32_t sp)
{
    uint32_t end = sp + OWN_STACK_ABOVE;
    for (uint32_t r = 0; r < c->regions; r++)
        if (sp - 4 - c->region[r].base < c->region[r].size && end - c->region[r].base > c->region[r].size)
            end = c->region[r].base + c->region[r].size;
    return end;
}

/* Whoever stores elsewhere than on the stack gets on with something; what handlers store is not the loop's. */
void polling_store(struct capture *c, uint32_t address, uint32_t sp)
{
    if ((address < sp - OWN_STACK_BELOW || address >= stack_end(c, sp)) && address < SYSTEM_BASE &&
        c->system.nvic.running == c->polling.exception)
        begin(c, 0, NO_ID, 0);
}

int polling_is_due(struct capture *c)
{
    if (!c->polling.due || c->system.nvic.running != c->polling.exception)
        return 0;
    c->polling.due = 0;
    return 1;
}

uint32_t capture_polling_turns(const struct capture *c) { return c->polling.turns; }
