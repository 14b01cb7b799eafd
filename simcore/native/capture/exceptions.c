/* exceptions.c: SysTick and PendSV that are pending, and when to look for them. */
#include "capture/state.h"
#include "registers.h"

enum { LOOK_MIN = 16, LOOK_MAX = 4096, LOOK_DEFERRED = 64, LOOK_FAR = 1 << 20 };   /* instructions */
enum { SLOWEST = 64 };           /* cycles an instruction, on average, that no program needs for long */

/* Time runs on the other side of the stream, so the tick is looked for ever closer until it is due: it comes
 * some tens of instructions late at most, and always in the same place. */
static void plan_look(struct capture *c, uint64_t now)
{
    c->look_at = UINT64_MAX;
    if (system_pending(&c->system)) {
        c->look_at = instructions_of(c);
    } else if (system_tick_interrupts(&c->system)) {
        uint64_t ahead = now < c->next_tick ? (c->next_tick - now) / 4 : 0;
        c->look_at = instructions_of(c) + (ahead < LOOK_MIN ? LOOK_MIN : ahead > LOOK_MAX ? LOOK_MAX : ahead);
    }
    if (c->deadline != UINT64_MAX) {
        uint64_t ahead = now < c->deadline ? (c->deadline - now) / SLOWEST : 0;
        uint64_t at = instructions_of(c) + (ahead < LOOK_MIN ? LOOK_MIN : ahead > LOOK_FAR ? LOOK_FAR : ahead);
        c->look_at = at < c->look_at ? at : c->look_at;
    }
}

void exceptions_plan(struct capture *c, uint64_t now)
{
    c->next_tick = system_tick_interrupts(&c->system) ? now + system_cycles_to_tick(&c->system, now) : UINT64_MAX;
    plan_look(c, now);
}

/* Flushes all records; a tick that is due is pending then. */
static int exceptions_due(struct capture *c)
{
    capture_flush(c);
    uint64_t now = c->stream->sink.now(c->stream->sink.self);
    if (now >= c->next_tick) {
        c->system.systick_pending = 1;
        c->clock_read = 1;
        c->next_tick = now + system_cycles_to_tick(&c->system, now);
    }
    plan_look(c, now);
    return system_pending(&c->system) != 0;
}

int exceptions_look(struct capture *c)
{
    int due = exceptions_due(c);
    if (c->stream->sink.now(c->stream->sink.self) >= c->deadline) {
        c->clock_read = 1;
        return STOP_CYCLES;
    }
    return due ? STOP_EXCEPTION : polling_is_due(c) ? STOP_POLLING : STOP_NONE;
}

uint64_t capture_cycles_left(const struct capture *c, uint64_t now)
{
    return c->deadline == UINT64_MAX ? UINT64_MAX : now < c->deadline ? c->deadline - now : 0;
}

uint32_t capture_exception_pending(struct capture *c) { return exceptions_due(c) ? system_pending(&c->system) : 0; }

void capture_exception_taken(struct capture *c, uint32_t number)
{
    c->waits_in = NO_ID;
    if (number == PENDSV)
        c->system.pendsv_pending = 0;
    else
        c->system.systick_pending = 0;
    exceptions_plan(c, c->stream->sink.now(c->stream->sink.self));
}

void capture_exception_deferred(struct capture *c) { c->look_at = instructions_of(c) + LOOK_DEFERRED; }
