// Operations as people write them: begun and ended by helpers, by a guard, by a profiler's hook with
// one descriptor for all events, inside one another, over a longjmp, twice, and without an end; and
// an interpreter that calls its layers through pointers. spend(n) is 2 n + 1 instructions.
#include <setjmp.h>
#include <stdint.h>

#include "mcusim.h"

#define OUT_OF_LINE __attribute__((noinline, noclone))

extern "C" int main(void);
extern "C" void __cxa_pure_virtual() { for (;;) {} }

extern "C" __attribute__((naked, noinline, noclone)) void spend(int)
{
    __asm__("0: subs r0, #1\n bne 0b\n bx lr");
}

#define MARKED(name) static const struct mcusim_op name = MCUSIM_OP_COUNTED(#name, "test", 0, 0, 0, 0)
MARKED(helped);
MARKED(tailed);
MARKED(guarded);
MARKED(outside);
MARKED(inside);
MARKED(jumped);
MARKED(twice);
MARKED(endless);

// --- helpers, and some whose last instruction is the jump to the marker ---

static OUT_OF_LINE void start(const struct mcusim_op *op) { mcusim_op_begin(op); }
static OUT_OF_LINE void stop(void) { mcusim_op_end(); }

extern "C" __attribute__((naked, noinline, noclone)) void tail_start(const struct mcusim_op *)
{
    __asm__("b mcusim_op_begin");
}

extern "C" __attribute__((naked, noinline, noclone)) void tail_stop(void) { __asm__("b mcusim_op_end"); }

static OUT_OF_LINE void deeper(void)
{
    start(&outside);
    spend(1);
}

static OUT_OF_LINE void helpers(void)
{
    for (int i = 0; i < 2; i++) {
        start(&helped);
        spend(100);
        stop();
        spend(7);
    }
    tail_start(&tailed);
    spend(9);
    tail_stop();
    deeper();
    start(&inside);
    spend(20);
    stop();
    spend(3);
    stop();
}

// --- a guard ---

struct Guard {
    OUT_OF_LINE explicit Guard(const struct mcusim_op *op) { mcusim_op_begin(op); }
    OUT_OF_LINE ~Guard() { mcusim_op_end(); }
};

static OUT_OF_LINE void guards(void)
{
    Guard guard(&guarded);
    spend(50);
}

// --- a profiler's hook ---

class Profiler {
public:
    virtual uint32_t BeginEvent(const char *tag) = 0;
    virtual void EndEvent(uint32_t handle) = 0;
};

class Marker : public Profiler {
public:
    uint32_t BeginEvent(const char *tag) override;
    void EndEvent(uint32_t) override;

private:
    struct mcusim_op event_;
};

OUT_OF_LINE uint32_t Marker::BeginEvent(const char *tag)
{
    event_ = MCUSIM_OP_COUNTED(tag, "event", 0, 0, 0, 0);
    mcusim_op_begin(&event_);
    return 0;
}

OUT_OF_LINE void Marker::EndEvent(uint32_t) { mcusim_op_end(); }

static OUT_OF_LINE void events(Profiler *profiler)
{
    static const char *const tags[] = {"CONV", "ADD", "CONV"};
    for (const char *tag : tags) {
        uint32_t handle = profiler->BeginEvent(tag);
        spend(tag[0] == 'C' ? 10 : 20);
        profiler->EndEvent(handle);
    }
}

// --- what goes wrong ---

static jmp_buf back;

static OUT_OF_LINE void leaves(void)
{
    mcusim_op_begin(&jumped);
    spend(6);
    longjmp(back, 1);
}

static OUT_OF_LINE void jumps(void)
{
    if (!setjmp(back))
        leaves();
    spend(8);
    mcusim_op_end();
}

static OUT_OF_LINE void opens_twice(void)
{
    mcusim_op_begin(&twice);
    mcusim_op_begin(&twice);
    spend(40);
    mcusim_op_end();
    spend(2);
    mcusim_op_end();
}

static OUT_OF_LINE void ends_too_often(void)
{
    mcusim_op_end();
    spend(1);
}

// --- an interpreter ---

static OUT_OF_LINE int conv(int n) { spend(n); return n; }
static OUT_OF_LINE int pool(int n) { spend(2 * n); return n; }

struct Layer {
    int (*invoke)(int);
    int size;
};
static const Layer layers[] = {{conv, 30}, {pool, 5}, {conv, 12}};

static OUT_OF_LINE int interpret(void (*done)(void))
{
    int sum = 0;
    for (const Layer &layer : layers)
        sum += layer.invoke(layer.size);
    done();
    return sum;
}

static OUT_OF_LINE void nothing(void) { __asm__ volatile(""); }

int main(void)
{
    Marker marker;
    helpers();
    guards();
    events(&marker);
    jumps();
    opens_twice();
    ends_too_often();
    int sum = 0;
    for (int i = 0; i < 4; i++)
        sum += interpret(nothing);
    mcusim_op_begin(&endless);
    spend(4);
    return sum == 4 * 47 ? 0 : 1;
}
