/* Ways from function to function that are no calls, and calls that do not look like one. The program counts its
 * own calls and prints "name count" lines at the end. */
#include <stdint.h>

#include "semihost.h"

#define OUT_OF_LINE __attribute__((noinline, noclone))
#define COUNTED(name) calls_##name

#define NAMES(each)                                                                                      \
    each(leaf) each(tail) each(neighbour) each(hand) each(copy) each(twice) each(shared_end) each(other_end) \
        each(worker) each(retry)

#define DECLARE(name) uint32_t COUNTED(name);
NAMES(DECLARE)

static volatile uint32_t value;

OUT_OF_LINE static uint32_t leaf(uint32_t n)
{
    COUNTED(leaf)++;
    return n ^ value;
}

uint32_t tail(uint32_t), hand(uint32_t), copy(uint32_t), twice(uint32_t), shared_end(uint32_t), other_end(uint32_t),
    worker(uint32_t), retry(uint32_t);

__asm__(
    ".syntax unified\n.thumb\n"
    ".macro function name\n .global \\name\n .thumb_func\n .type \\name, %function\n\\name:\n.endm\n"
    ".macro count name\n ldr r3, =calls_\\name\n ldr r2, [r3]\n adds r2, #1\n str r2, [r3]\n.endm\n"
    ".section .text.passages, \"ax\"\n"
    /* A tail call of the function that comes next in memory: a branch to the next instruction. */
    "function tail\n count tail\n subs r0, #1\n b.w neighbour\n"
    "function neighbour\n count neighbour\n cbz r0, 1f\n b tail\n"
    "1: bx lr\n .ltorg\n"
    /* A call made by hand: LR is set, and BX goes. */
    "function hand\n count hand\n push {r4, lr}\n mov r4, r0\n"
    "2: adr.w r1, 3f\n adds r1, #1\n mov lr, r1\n ldr r1, =leaf_entry\n ldr r1, [r1]\n mov r0, r4\n bx r1\n"
    " .balign 4\n3: subs r4, #1\n bne 2b\n pop {r4, pc}\n .ltorg\n"
    /* Runs on into the next label, which is where its loop begins; it is called as well. */
    "function copy\n count copy\n adds r0, #2\n"
    " .global copy_loop\n .thumb_func\ncopy_loop:\n subs r0, #1\n"
    " .global copy_test\n .thumb_func\ncopy_test:\n cmp r0, #0\n bne copy_loop\n bx lr\n .ltorg\n"
    /* Two functions that share their end: a jump into the middle of the other. */
    "function shared_end\n count shared_end\n adds r0, #1\n4: adds r0, #1\n bx lr\n .ltorg\n"
    "function other_end\n count other_end\n adds r0, #5\n b 4b\n .ltorg\n"
    /* The next function runs twice: it is called, and what is behind the call runs on into it. */
    "function twice\n count twice\n push {lr}\n bl body\n nop\n ldr lr, [sp], #4\n"
    "function body\n adds r0, #3\n bx lr\n"
    /* A loop whose cold part lies elsewhere, and jumps back into it, once to where it begins. */
    "function worker\n count worker\n5: push {r4, lr}\n mov r4, r0\n"
    "6: lsls r1, r4, #31\n bne worker.cold\n7: subs r4, #1\n bne 6b\n pop {r4, pc}\n .ltorg\n"
    "function retry\n b.w retry.cold\n8: count retry\n bx lr\n .ltorg\n"
    ".section .text.unlikely.passages, \"ax\"\n"
    "function worker.cold\n mov r0, r4\n bl leaf_by_veneer\n b.w 7b\n"
    "leaf_by_veneer: ldr r1, =leaf_entry\n ldr r1, [r1]\n bx r1\n .ltorg\n"
    "function retry.cold\n subs r0, #1\n bne.w retry\n b.w 8b\n"
    ".text\n");

uint32_t (*const leaf_entry)(uint32_t) __attribute__((used)) = leaf;

int main(void)
{
    value = tail(6) + hand(4) + copy(9) + copy(2) + shared_end(1) + other_end(2) + other_end(3) + twice(1) + twice(2) +
            worker(10) + retry(5);
#define SAY(name)                           \
    semihost_write(#name " ");              \
    semihost_write_number(COUNTED(name));   \
    semihost_write("\n");
    NAMES(SAY)
    return 0;
}
