/* due.c: what modelled time brings, SysTick, timers, interrupts by period, the end of the run, and when to ask. */
#include "capture/state.h"
#include "registers.h"

enum {
    LOOK_FAR = 1 << 20,          /* instructions */
    NEAR = 512,                  /* cycles in front of what is due, in which each block is looked at */
    FASTEST = 8,                 /* cycles an instruction; SLOWEST where nothing is known */
    MARGIN = 4,
};

uint64_t due_next(const struct capture *c)
{
    uint64_t next = c->next_tick < c->dma.interrupt ? c->next_tick : c->dma.interrupt;
    for (uint32_t i = 0; i < c->timers; i++)
        next = c->timer[i].next < next ? c->timer[i].next : next;
    return next;
}

uint64_t due_to_come(const struct capture *c, const struct masks *masks)
{
    const struct nvic *n = &c->system.nvic;
    uint64_t next = nvic_preempts(n, EXCEPTION_SYSTICK, masks) ? c->next_tick : UINT64_MAX;
    for (const struct timer *t = c->timer; t < c->timer + c->timers; t++)
        if (t->next < next && nvic_is_enabled(n, t->number) && nvic_preempts(n, t->number, masks))
            next = t->next;
    uint64_t moved = dma_to_wake(c, masks);
    return moved < next ? moved : next;
}

uint64_t due_to_wake(const struct capture *c, const struct masks *masks, uint64_t now)
{
    uint64_t next = due_to_come(c, masks);
    return next == UINT64_MAX ? next : next > now ? next - now : 0;
}

/* Cycles an instruction on average that the code at hand does not need for long: some times what it needed of late,
 * where all of that code had run since the last interrupt that time brought. */
static uint64_t pace(struct capture *c, uint64_t now)
{
    uint64_t here = instructions_of(c), pace = SLOWEST;
    if (here > c->paced_at && !c->is_fresh)      /* a block that was taken back counts no more */
        pace = MARGIN * ((now - c->paced_from) / (here - c->paced_at) + 1);
    c->paced_at = here;
    c->paced_from = now;
    c->is_fresh = 0;
    return pace < FASTEST ? FASTEST : pace > SLOWEST ? SLOWEST : pace;
}

/* Time runs on the other side of the stream, so it is asked for ever closer until something is due, and then in
 * front of every block: see rewind.c. */
static void plan(struct capture *c, uint64_t now)
{
    uint64_t due = due_next(c);
    c->asked = due == UINT64_MAX ? due : now;
    due = c->deadline < due ? c->deadline : due;
    due = c->dma.next < due ? c->dma.next : due;
    if (due == UINT64_MAX) {
        c->ask_at = due;
        return;
    }
    uint64_t ahead = now + NEAR < due ? (due - now - NEAR) / pace(c, now) : 0;
    c->ask_at = instructions_of(c) + (ahead < 1 ? 1 : ahead > LOOK_FAR ? LOOK_FAR : ahead);
    c->look_at = c->look_at < c->ask_at ? c->look_at : c->ask_at;
}

void due_fresh(struct capture *c, struct captured *d)
{
    d->seen = c->epoch;
    c->is_fresh = 1;
    if (c->ask_at != UINT64_MAX)
        c->ask_at = c->look_at = 0;
}

void due_plan(struct capture *c, uint64_t now)
{
    c->next_tick = system_tick_interrupts(&c->system) ? now + system_cycles_to_tick(&c->system, now) : UINT64_MAX;
    timers_plan(c, now);
    plan(c, now);
}

static void pend_at(struct capture *c, uint32_t number, uint64_t due, uint64_t times)
{
    int again = nvic_is_pending(&c->system.nvic, number);
    exceptions_pend(c, number);
    held_due(c, number, due, times, again);
    c->epoch++;
    c->clock_read = 1;
}

void due_pend(struct capture *c, uint32_t number) { pend_at(c, number, c->dma.now, 1); }

/* Pends what has come until a time; from when on it comes again. The stream ends at `now`. */
static void pend_until(struct capture *c, uint64_t now, uint64_t time)
{
    c->held.position = now;
    if (time >= c->next_tick) {
        pend_at(c, EXCEPTION_SYSTICK, c->next_tick, 1);
        c->next_tick = time + system_cycles_to_tick(&c->system, time);
    }
    for (uint32_t i = 0; i < c->timers; i++)
        if (time >= c->timer[i].next) {
            struct timer *t = &c->timer[i];
            uint64_t turns = t->serial || t->period == 0 ? 1 : (time - t->next) / t->period + 1;
            pend_at(c, t->number, t->next, turns);
            if (t->serial) {                     /* again when something was done about it */
                serial_until(c, &c->serial[t->serial - 1], time);
                t->next = serial_due(c, &c->serial[t->serial - 1]);
                continue;
            }
            t->next += turns * t->period;
        }
    dma_until(c, time);
}

/* What came until now came from the setting before. */
static void plan_anew(struct capture *c, uint64_t now)
{
    pend_until(c, now, now);
    due_plan(c, now);
    c->look_at = 0;
}

void due_timer_written(struct capture *c) { record_between(c, plan_anew); }

int due_ask(struct capture *c)
{
    capture_flush(c);
    uint64_t now = c->stream->sink.now(c->stream->sink.self);
    pend_until(c, now, now);
    plan(c, now);
    if (now < c->deadline)
        return STOP_NONE;
    c->clock_read = 1;
    return STOP_CYCLES;
}

void due_within(struct capture *c, uint32_t cycles)
{
    if (due_next(c) == UINT64_MAX)
        return;
    capture_flush(c);
    uint64_t now = c->stream->sink.now(c->stream->sink.self);
    pend_until(c, now, now + cycles);
}

uint64_t capture_cycles_left(const struct capture *c, uint64_t now)
{
    return c->deadline == UINT64_MAX ? UINT64_MAX : now < c->deadline ? c->deadline - now : 0;
}
