/* serial.c: serial ports. Bytes come over the line as fast as the port is set up for; a sender waits while the port
 * has no room, so that none is lost. What they do to flags is kept in the words of the port. What is sent is gone at
 * once for who polls; an interrupt that asks for the next byte comes when the last one has passed the line. */
#include <stdlib.h>

#include "array.h"
#include "capture/state.h"

static void put(const struct capture *c, uint32_t address, uint32_t bits, uint32_t value)
{
    struct peripheral *p = bits ? peripheral_known(c, address) : NULL;
    if (p)
        p->written = (p->written & ~bits) | (value & bits);
}

static uint32_t room(const struct capture *c, const struct serial *s)
{
    uint32_t on = s->port.fifo_on;
    return on && (peripheral_word(c, s->port.fifo) & on) == on ? s->port.depth : 1;
}

/* Bytes that may be there without a flag: a mark counts while the FIFO is on. */
static uint32_t mark(const struct capture *c, const struct serial *s)
{
    return s->port.level && room(c, s) > 1 ? peripheral_word(c, s->port.level) >> s->port.water_at & 3 : 0;
}

static int is_idle(const struct serial *s, uint64_t now)
{
    return s->receives && s->came == s->size && s->came && !s->idle_seen && now >= s->free && now - s->free >= s->pace;
}

static void ask(struct capture *c, struct serial *s)
{
    if (s->pace != UINT64_MAX)
        return;
    int status = s->ask(s->self, &s->pace);
    if (status != CORE_OK)
        capture_fail(c, status);
}

static void show(const struct capture *c, const struct serial *s, uint64_t now)
{
    const struct serial_port *port = &s->port;
    uint32_t there = s->came - s->taken, next = there ? s->bytes[s->taken] : 0;
    put(c, port->status, port->full, there > mark(c, s) ? UINT32_MAX : 0);
    put(c, port->status, port->idle, is_idle(s, now) ? UINT32_MAX : 0);
    put(c, port->empty, port->empty_bits, there ? 0 : UINT32_MAX);
    put(c, port->data, 0xff | port->data_empty, next | (there ? 0 : port->data_empty));
    if (port->level)
        put(c, port->level, 7u << port->count_at, there << port->count_at);
}

void serial_until(struct capture *c, struct serial *s, uint64_t now)
{
    if (s->receives)
        ask(c, s);
    uint32_t places = room(c, s);
    while (s->receives && s->came < s->size && s->came - s->taken < places && s->free + s->pace <= now) {
        s->free += s->pace;
        s->came++;
        s->idle_seen = 0;
    }
    c->clock_read |= s->receives && s->pace;
    if (s->bytes)
        show(c, s, now);
    if (now >= s->sent)
        s->sent = 0;
}

static uint64_t receive_due(const struct capture *c, const struct serial *s, uint32_t enabled)
{
    uint32_t there = s->came - s->taken, left = s->size - s->came, marked = mark(c, s), fits = room(c, s) - there;
    if (!s->receives || s->pace == UINT64_MAX)
        return UINT64_MAX;
    if ((enabled & s->port.enable_full) && there <= marked && left >= marked + 1 - there)
        return s->free + (marked + 1 - there) * s->pace;
    int is_told = s->idle_seen || (peripheral_word(c, s->port.status) & s->port.idle);
    if ((enabled & s->port.enable_idle) && !is_told && s->size && left <= fits)
        return s->free + (left + UINT64_C(1)) * s->pace;
    return UINT64_MAX;
}

uint64_t serial_due(const struct capture *c, const struct serial *s)
{
    uint32_t enabled = peripheral_word(c, s->port.control);
    uint64_t receive = receive_due(c, s, enabled);
    return (enabled & s->port.enable_sent) && s->sent && s->sent < receive ? s->sent : receive;
}

int serial_expects(const struct capture *c, const struct peripheral *p)
{
    const struct serial *s = p->serial ? &c->serial[p->serial - 1] : NULL;
    return s && s->receives && s->came < s->size && s->came - s->taken < room(c, s);
}

/* --- registers -------------------------------------------------------------------------------------------- */

void serial_read(struct capture *c, const struct peripheral *p)
{
    struct serial *s = &c->serial[p->serial - 1];
    uint32_t came = s->came;
    if (s->receives)
        serial_until(c, s, record_time(c));
    if (s->came != came)
        lines_look(c, s->port.number);
}

/* So many bytes left the port. One that could have come before waited for the room that there is now. */
static void take(struct capture *c, struct serial *s, uint32_t count, uint64_t now)
{
    int was_full = s->came - s->taken >= room(c, s);
    s->taken += count;
    if (was_full && count && s->receives && s->pace && s->came < s->size && s->free + s->pace < now) {
        s->late++;
        s->free = now - s->pace;
    }
    serial_until(c, s, now);
}

void serial_took(struct capture *c, const struct peripheral *p)
{
    struct serial *s = &c->serial[p->serial - 1];
    if (p->address != s->port.data || s->came == s->taken)
        return;
    take(c, s, 1, record_time(c));
    due_timer_written(c);
}

static int paces(const struct serial *s, uint32_t address, uint32_t changed)
{
    const struct serial_port *port = &s->port;
    if (address == port->data || address == port->send || address == port->status || address == port->clear)
        return 0;
    return (changed & (address == port->control ? port->paces : UINT32_MAX)) != 0;
}

void serial_write(struct capture *c, struct peripheral *p, uint32_t value, uint32_t mask)
{
    struct serial *s = &c->serial[p->serial - 1];
    uint32_t address = p->address, before = p->written;
    uint64_t now = record_time(c);
    serial_until(c, s, now);
    rules_write(c, p, value, mask);
    if (paces(s, address, p->written ^ before))
        s->pace = UINT64_MAX;
    uint8_t received = s->receives;
    s->receives = (peripheral_word(c, s->port.control) & s->port.receives) == s->port.receives;
    if (s->receives && !received && s->free < now)
        s->free = now;
    if (s->receives)
        ask(c, s);
    if (address == s->port.clear && (value & mask & s->port.clear_idle) && is_idle(s, now))
        s->idle_seen = 1;
    if (address == s->port.drop && (value & mask & s->port.drops))
        take(c, s, s->came - s->taken, now);
    serial_until(c, s, now);
    lines_look(c, s->port.number);
    due_timer_written(c);
}

/* --- what is sent ----------------------------------------------------------------------------------------- */

static struct serial *serial_of(struct capture *c, uint32_t number)
{
    for (struct serial *s = c->serial; s < c->serial + c->serials; s++)
        if (s->port.number == number)
            return s;
    return NULL;
}

static int give_timer(struct capture *c, struct serial *s)
{
    if (s->is_timed)
        return CORE_OK;
    uint32_t number = (uint32_t)(s - c->serial) + 1;
    int status = timers_add(c, &(struct timer){.number = s->port.number, .next = UINT64_MAX, .serial = number});
    s->is_timed = status == CORE_OK;
    return status;
}

void serial_sent(struct capture *c, uint32_t number)
{
    struct serial *s = serial_of(c, number);
    if (!s || c->dma.writes || !(peripheral_word(c, s->port.control) & s->port.enable_sent))
        return;
    s->pace = UINT64_MAX;
    ask(c, s);
    if (!s->pace)
        return;
    int status = give_timer(c, s);
    if (status != CORE_OK) {
        capture_fail(c, status);
        return;
    }
    s->sent = record_time(c) + s->pace;
    c->clock_read = 1;
    due_timer_written(c);
}

uint32_t serial_sending(struct capture *c, uint32_t number)
{
    struct serial *s = serial_of(c, number);
    if (s && s->sent && record_time(c) >= s->sent)
        s->sent = 0;
    return s && s->sent ? s->port.enable_sent : 0;
}

/* --- set-up ----------------------------------------------------------------------------------------------- */

int capture_serial_port(struct capture *c, const struct serial_port *port, void *self, core_pace_fn *pace)
{
    if (c->serials == SERIALS_MAX)
        return CORE_ERR_LIMIT;
    c->serial[c->serials] = (struct serial){.port = *port, .pace = UINT64_MAX, .self = self, .ask = pace};
    return (int)c->serials++;
}

int capture_feed(struct capture *c, uint32_t port, const uint8_t *bytes, size_t size)
{
    struct serial *s = &c->serial[port];
    s->bytes = malloc(size ? size : 1);
    if (!s->bytes)
        return CORE_ERR_MEMORY;
    memcpy(s->bytes, bytes, size);
    s->size = (uint32_t)size;
    for (uint32_t at = 0; at < s->port.bytes; at += 4) {
        int status;
        struct peripheral *p = peripheral_at(c, s->port.base + at, &status);
        if (!p)
            return status;
        p->serial = (uint8_t)(port + 1);
    }
    show(c, s, 0);
    return give_timer(c, s);
}

void serials_free(struct capture *c)
{
    for (uint32_t i = 0; i < c->serials; i++)
        free(c->serial[i].bytes);
}

void capture_serial(const struct capture *c, uint32_t port, struct serial_info *out)
{
    const struct serial *s = &c->serial[port];
    *out = (struct serial_info){s->size, s->taken, s->late};
}
