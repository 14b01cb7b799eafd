/* due.c: what modelled time brings, SysTick, timers and the end of the run, and when to ask for the time. */
#include "capture/state.h"
#include "registers.h"

enum { LOOK_MIN = 16, LOOK_MAX = 4096, LOOK_FAR = 1 << 20 };   /* instructions */
enum { SLOWEST = 64 };           /* cycles an instruction, on average, that no program needs for long */

/* Time runs on the other side of the stream, so it is asked for ever closer until something is due: it comes some
 * tens of instructions late at most, and always in the same place. */
static void plan(struct capture *c, uint64_t now)
{
    c->ask_at = UINT64_MAX;
    uint64_t next = c->next_tick < c->next_timer ? c->next_tick : c->next_timer;
    if (next != UINT64_MAX) {
        uint64_t ahead = now < next ? (next - now) / 4 : 0;
        c->ask_at = instructions_of(c) + (ahead < LOOK_MIN ? LOOK_MIN : ahead > LOOK_MAX ? LOOK_MAX : ahead);
    }
    if (c->deadline != UINT64_MAX) {
        uint64_t ahead = now < c->deadline ? (c->deadline - now) / SLOWEST : 0;
        uint64_t at = instructions_of(c) + (ahead < LOOK_MIN ? LOOK_MIN : ahead > LOOK_FAR ? LOOK_FAR : ahead);
        c->ask_at = at < c->ask_at ? at : c->ask_at;
    }
    c->look_at = c->look_at < c->ask_at ? c->look_at : c->ask_at;
}

void due_plan(struct capture *c, uint64_t now)
{
    c->next_tick = system_tick_interrupts(&c->system) ? now + system_cycles_to_tick(&c->system, now) : UINT64_MAX;
    c->next_timer = timers_plan(c, now);
    plan(c, now);
}

/* Pends what has come until a time; from when on it comes again. */
static void pend_until(struct capture *c, uint64_t time)
{
    if (time < c->next_tick && time < c->next_timer)
        return;
    c->clock_read = 1;
    c->event |= (system_word(&c->system, REG_SCR) & SCR_SEVONPEND) != 0;
    if (time >= c->next_timer)
        timers_pend(c, time);
    if (time >= c->next_tick) {
        nvic_pend(&c->system.nvic, EXCEPTION_SYSTICK);
        c->next_tick = time + system_cycles_to_tick(&c->system, time);
    }
}

/* What came until now came from the setting before. */
void due_timer_written(struct capture *c)
{
    uint64_t now = record_time(c);
    pend_until(c, now);
    due_plan(c, now);
    c->look_at = 0;
}

int due_ask(struct capture *c)
{
    capture_flush(c);
    uint64_t now = c->stream->sink.now(c->stream->sink.self);
    pend_until(c, now);
    plan(c, now);
    if (now < c->deadline)
        return STOP_NONE;
    c->clock_read = 1;
    return STOP_CYCLES;
}

void due_within(struct capture *c, uint32_t cycles)
{
    if (c->next_tick == UINT64_MAX && c->next_timer == UINT64_MAX)
        return;
    capture_flush(c);
    pend_until(c, c->stream->sink.now(c->stream->sink.self) + cycles);
}

uint64_t capture_cycles_left(const struct capture *c, uint64_t now)
{
    return c->deadline == UINT64_MAX ? UINT64_MAX : now < c->deadline ? c->deadline - now : 0;
}
