/* types.h: the data of the border: what Python and C, and the parts of the C core, tell each other.
 *
 * All times are core clock cycles, all sizes bytes, unless a name says otherwise. simcore/native/build.py gives
 * the text between the two cffi marks to cffi as it stands.
 */
#ifndef MCUSIM_TYPES_H
#define MCUSIM_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "code.h"
#include "engine.h"
#include "faults.h"
#include "latency.h"
#include "tasks.h"

/* cffi: begin */

enum core_status {
    CORE_OK = 0,
    CORE_ERR_MEMORY = -1,    /* the host has no memory left */
    CORE_ERR_CALLBACK = -2,  /* a Python callback raised; core.py holds the exception */
    CORE_ERR_STREAM = -3,    /* the event stream does not fit its block definitions */
    CORE_ERR_ENGINE = -4,    /* Unicorn refused a call */
    CORE_ERR_CONFIG = -5,    /* a configuration value is outside what the core can hold */
    CORE_ERR_LIMIT = -6,     /* a table of the core is full */
    CORE_ERR_CAPTURE = -7,   /* bytes to replay are none that were recorded */
    CORE_ERR_ADDRESSES = -8, /* addresses that were worked out are not those that the engine told of */
};

/* status.c: what it means, in words. */
const char *core_status_text(int status);

/* Why a run stopped. */
enum core_stop {
    STOP_NONE = 0,
    STOP_MAX_INSTRUCTIONS = 1,
    STOP_REQUESTED = 2,      /* core_stop_request(): time limit or Ctrl-C */
    STOP_FAULT = 3,          /* see core_fault */
    STOP_ERROR = 4,          /* a core_status other than CORE_OK, see core_run_status() */
    STOP_ENGINE = 5,         /* Unicorn returned by itself: WFI, an undefined instruction, an exit asked by Python */
    STOP_BREAKPOINT = 6,     /* in front of a BKPT, which may be a semihosting call */
    STOP_UNTIL = 7,          /* at one of capture_config.until, for the last time that was asked for */
    STOP_LOOP = 8,           /* in front of a branch to itself: only an interrupt can leave it */
    STOP_CYCLES = 9,         /* capture_config.max_cycles have gone by */
    STOP_SLEEP = 10,         /* SCR.SLEEPONEXIT: the last handler has come back */
    STOP_POLLING = 11,       /* in a loop that only waits for a peripheral register: core_polled() */
    STOP_STORM = 12,         /* an exception comes again and again and lets nothing else run: core_storm() */
    STOP_STANDING = 13,      /* nothing can interrupt what runs, which may be a loop that changes nothing */
    STOP_CODE = 14,          /* in front of more different code than DEFINITIONS_MAX */
};

/* Who decides the caches: the firmware through CCR, or the user. */
enum cache_control { CACHES_AUTO = 0, CACHES_ON = 1, CACHES_OFF = 2 };

enum region_kind {
    REGION_ITCM = 0,
    REGION_DTCM = 1,
    REGION_SRAM = 2,
    REGION_FLASH = 3,
    REGION_EXTERNAL = 4,
    REGION_PERIPHERAL = 5,
    REGION_SYSTEM = 6,
};

/* Of a region, from the Armv7-M default map or the MPU. */
enum cache_policy {
    POLICY_DEVICE = 0,
    POLICY_NON_CACHEABLE = 1,
    POLICY_WRITE_THROUGH = 2,
    POLICY_WRITE_BACK = 3,
    POLICY_WRITE_BACK_ALLOCATE = 4,
};

enum replacement { REPLACE_RANDOM = 0, REPLACE_ROUND_ROBIN = 1, REPLACE_LRU = 2 };

/* One memory region of a part at one clock. Latencies count from the cycle in which the core asks. */
struct region_config {
    uint32_t base, size;          /* multiples of 4096 bytes */
    uint8_t kind;                 /* enum region_kind */
    uint8_t policy;               /* enum cache_policy, default map */
    uint8_t bank_of;              /* regions with one device behind them (aliases) carry one number: its bus */
    uint8_t prefetch;             /* 1: the device reads the row after the one asked for */
    uint8_t never_cached;         /* 1: on a TCM interface, which no attribute makes cacheable */
    uint32_t read_cycles;         /* extra cycles of a single read or fetch (row hit if it has rows) */
    uint32_t write_cycles;        /* extra cycles until a single write is done */
    uint32_t beat_cycles;         /* between the 64-bit beats of a burst */
    uint32_t fetch_cycles;        /* extra cycles of a 64-bit fetch over read_cycles: narrow buses */
    uint32_t fetch_bytes;         /* that one uncached fetch brings and keeps at hand: flash line; at least 8 */
    uint32_t row_bytes;           /* flash line, SDRAM page, serial-flash buffer; 0: no rows */
    uint32_t rows;                /* rows held open or cached, LRU (ART: 64) */
    uint32_t row_miss_cycles;     /* extra over read_cycles when the row is not held */
    uint32_t wait_state_cycles;   /* of these, for each flash wait state; 0: it has none */
    uint8_t accelerated;          /* 1: its rows are the flash accelerator's, which can be off */
};

struct cache_config {
    uint32_t size, ways, line_bytes;  /* bytes, count, bytes; size 0: no cache */
    uint8_t replacement;              /* enum replacement */
};

/* Costs that depend on run-time addresses and history; the pipeline's own are in Python. */
struct timing_config {
    struct cache_config icache, dcache;
    uint8_t caches;                   /* enum cache_control */
    uint32_t linefill_buffers;        /* data-side linefills in flight */
    uint32_t store_buffer_entries;    /* of 64 bits */
    uint32_t store_queue_entries;     /* stores waiting for their bank of the TCM or D-cache */
    uint32_t ahbp_writes;             /* stores on their way to peripherals */
    uint32_t read_burst_bytes;        /* of LDM past the cache, a power of two; 4: each word goes alone */
    uint32_t subword_store_cycles;    /* bank occupancy of a read-modify-write store */
    uint32_t word_store_cycles;       /* bank occupancy of a full-word store */
    uint32_t load_after_store_cycles; /* from a store to TCM or D-cache to a load of one of its words */
    uint8_t dynamic_read_allocate;    /* 1: ACTLR.DISRAMODE clear */
    uint32_t read_allocate_after;     /* consecutive full-line write linefills before it starts */
    uint32_t fetch_queue_groups;      /* 64-bit groups the prefetch queue holds */
    uint32_t btac_entries, btac_ways; /* 0 entries: static prediction only */
    uint32_t return_stack_entries;
    uint8_t btac_read_disabled;       /* 1: ACTLR.DISBTACREAD set */
    uint32_t static_taken_cycles;     /* bubbles of a taken branch that only decode saw */
    uint32_t indirect_mispredict_cycles;
    uint32_t exception_entry_cycles, exception_return_cycles, exception_chain_cycles;
    uint32_t exception_fp_cycles;     /* to store or load the FP registers of a frame */
    uint32_t flash_control;           /* address of FLASH_ACR, 0: there is none */
    uint32_t flash_latency_mask, flash_prefetch_mask, flash_accelerator_mask;   /* its fields; 0: not there */
    uint32_t flash_wait_states;       /* in row_miss_cycles until FLASH_ACR is written */
    uint64_t clock_hz;
};

/* Counters. One vector of COUNTER_COUNT + region_count * REGION_COUNTER_COUNT values per call-tree node. */
enum cause {
    CAUSE_ISSUE = 0,         /* cycles in which an instruction issued */
    CAUSE_DEPENDENCY = 1,    /* waiting for a result of the integer or FP pipes */
    CAUSE_LOAD_USE = 2,      /* waiting for loaded data that hit */
    CAUSE_EXECUTE = 3,       /* further cycles of multi-cycle instructions: divide, LDM, FP double */
    CAUSE_BRANCH = 4,        /* mispredicts and taken-branch bubbles */
    CAUSE_FETCH = 5,         /* fetch groups, I-cache refills, wait states of fetches */
    CAUSE_LOAD = 6,          /* loads that miss or wait for a bus */
    CAUSE_STORE = 7,         /* store buffer or store queue full */
    CAUSE_SLEEP = 8,         /* WFI and WFE */
    CAUSE_COUNT = 9,
};

/* The first COUNTER_STATIC come from block_static.counters; instructions by class add up to all instructions. */
enum counter {
    COUNTER_INSTRUCTIONS = 0,    /* issued, those whose IT condition failed among them */
    COUNTER_ALU,
    COUNTER_MULTIPLY,
    COUNTER_DIVIDE,
    COUNTER_FP_SINGLE,
    COUNTER_FP_DOUBLE,
    COUNTER_LOAD,
    COUNTER_STORE,
    COUNTER_BRANCH,
    COUNTER_OTHER,
    COUNTER_MACS,
    COUNTER_STATIC,
    COUNTER_SKIPPED = COUNTER_STATIC,  /* instructions whose IT condition failed */
    COUNTER_DUAL_ISSUES,
    COUNTER_MISPREDICTS,
    COUNTER_ICACHE_ACCESSES,
    COUNTER_ICACHE_MISSES,
    COUNTER_ICACHE_EVICTIONS,
    COUNTER_DCACHE_READS,
    COUNTER_DCACHE_READ_MISSES,
    COUNTER_DCACHE_WRITES,
    COUNTER_DCACHE_WRITE_MISSES,
    COUNTER_DCACHE_STREAMED_WRITES, /* of the writes those that read-allocate mode sends past the cache: no misses */
    COUNTER_DCACHE_EVICTIONS,
    COUNTER_DCACHE_WRITE_BACKS,
    COUNTER_CYCLES,              /* first of CAUSE_COUNT: cycles by cause */
    COUNTER_COUNT = COUNTER_CYCLES + 9,
};

/* Per region, after the COUNTER_COUNT above. Refills and write-backs are lines; uncached accesses reached the region
 * past the D-cache. */
enum region_counter {
    REGION_READS = 0,
    REGION_WRITES,
    REGION_READ_BYTES,
    REGION_WRITE_BYTES,
    REGION_FETCH_BYTES,          /* bytes of the instructions executed from it */
    REGION_FETCHES,              /* 64-bit fetches that reached it past the I-cache */
    REGION_INSTRUCTION_REFILLS,
    REGION_DATA_REFILLS,
    REGION_WRITE_BACKS,
    REGION_UNCACHED_READS,
    REGION_UNCACHED_WRITES,
    REGION_STALL_CYCLES,
    REGION_COUNTER_COUNT,
};

struct node_info {           /* a node of the call tree */
    int32_t parent;          /* index, -1 for the root */
    uint32_t function;       /* index given by Python, UINT32_MAX: none */
    int32_t op;              /* index of the operation that opens here, or goes on here, -1: a call */
    uint32_t state;          /* what is open in it: index of an op_state_info + 1, 0: nothing */
    uint32_t call_site;      /* address of the calling instruction */
    uint32_t context;        /* index of the one that ran it; the root's means nothing */
    uint64_t calls;
};

/* What makes an operation of what runs. */
enum op_source {
    OP_MARKED = 0,           /* mcusim_op_begin and mcusim_op_end; number: index of its descriptor */
    OP_CALLED = 1,           /* a call of function `number` */
    OP_CALLED_AT = 2,        /* a call that is made at a place */
    OP_ONE_CALL = 3,         /* a call that is looked at, see one_call_info: it has no node */
};

/* Calls that are operations: of a function by number, or by an instruction of [first, first + size), where `number` is
 * what the caller calls them. The k-th is an operation of its own, up to `rows` of them; those behind are one. Calls at
 * a place are counted from 0 in each call of the function that makes them; with a period, over all calls, modulo it. */
struct op_calls {
    uint32_t source, number;     /* enum op_source */
    uint32_t first, size;
    uint32_t rows, period;       /* period 0: none */
};

struct op_row_info {             /* an operation; what opened again inside itself counts once */
    uint32_t source, number;
    uint32_t call, callee;       /* of calls: which one; at a place: the function called; UINT32_MAX: any */
    uint8_t is_rest;             /* `call` and those behind it */
    uint64_t invocations;        /* begins outside of itself */
    uint64_t timed, least_cycles, most_cycles;   /* those that ended, and what they took */
    uint64_t again, unended, too_deep;   /* begins inside itself; without an end; with more open than is told apart */
    uint64_t partial;            /* invocations that are longer than what is counted */
};

enum { ONE_CALL_FUNCTIONS = 8 };

struct one_call_info {           /* calls of functions, of which one is counted alone */
    uint64_t calls, ended;       /* that began, outside of each other in what runs; those of them that came back */
    uint64_t overlapping;        /* that began while another context was in one */
    uint64_t setup_cycles, setup_instructions;   /* before the first */
    uint64_t first_cycles, least_cycles, most_cycles;    /* from entry to return, of those that came back */
    uint64_t counted;            /* which call the counters are of, from 1, 0: none */
    uint64_t counted_from, counted_to;   /* cycles when it began and came back, 0: it has not */
    uint32_t function;           /* of that */
    uint8_t first_ended;         /* the first came back */
    uint8_t taken;               /* calls that were counted to their end, since counting began */
};

struct op_state_info {           /* an operation that is open inside those of a state */
    uint32_t around, row;        /* as node_info.state; index of an op_row_info */
};

struct op_lost_info {            /* ends with nothing open in what ran */
    uint64_t count;
    uint32_t function;           /* of the first: where it came, UINT32_MAX: in none */
    uint32_t row;                /* index of what was open elsewhere then, UINT32_MAX: nothing was */
};

struct op_use_info {             /* what one state did to one data object, or region: as use_info.object */
    uint32_t state, object;
    uint64_t read_bytes, write_bytes, misses, stall_cycles;
};

/* Of the call stack, outermost first. */
struct frame_info {
    uint32_t function, call_site;
};

struct block_info {
    uint32_t address, size;
    uint64_t executions, icache_misses, mispredicts;
    uint64_t fetch_stall_cycles, branch_stall_cycles, execute_stall_cycles, barrier_stall_cycles;
};

struct site_info {           /* one access of one block */
    uint64_t executions, misses, stall_cycles;
};

/* One activation of a node of the call tree, in cycles from the start of the run. number: how many began before. */
struct span_info {
    uint64_t start, end, number;
    int32_t node;
};

struct trace_info {
    uint64_t resolution, dropped; /* cycles; spans that were shorter than the resolution at some time */
    uint32_t spans, samples, deepest, depth_limit;   /* deepest call, and how deep calls have spans */
};

struct node_block_info {     /* what a block did in one node of the call tree */
    uint32_t node, block;
    uint64_t executions, cycles;     /* cycles without those that waits and branches add */
};

struct object_range {
    uint32_t base, size, object;     /* object: its number, which uses are counted for */
};

enum { OBJECT_TABLES_MAX = 1 << 14 };

/* Memory of the program that is timed as if it stood elsewhere: [start, start + size) at `to`, whole words away. */
struct core_move {
    uint32_t start, size, to;
};

enum { OBJECT_IN_REGION = 0x40000000 };  /* or-ed to a region's index: what lies in none of the objects */

enum { OWN_STACK_BELOW = 256, OWN_STACK_ABOVE = 1024 };  /* bytes around SP that are a polling loop's own stack */

struct use_info {            /* what one access site did to one object */
    uint32_t block, access, object;
    struct site_info counts;
};

struct schedule_info {
    uint32_t block, stretch, state;
    uint64_t variant, executions;    /* of the stretch's probes; how often */
};

/* What one configuration found: how much of it there is, and what is one number. */
struct timing_info {
    uint32_t nodes, width;       /* of the call tree; counters of each */
    uint32_t blocks, sites, instructions;    /* sites and instructions of all blocks together */
    uint32_t schedules, uses;
    uint32_t stack_lowest;       /* of the stack that the program starts with */
    uint32_t contexts, stacks, links;    /* links of all stacks together */
    uint64_t lost_contexts;      /* tasks that share one, as there were too many */
    uint32_t op_rows, op_states, op_uses;
    uint64_t lost_frames, unmatched_records;
    uint64_t merged_states, merged_uses; /* executions of blocks, and switches of objects, past their limits */
    struct op_lost_info lost_ends;
    int64_t flash_wait_states;   /* last written to FLASH_ACR, -1: never */
};

/* --- what capture needs to know ----------------------------------------------------------------- */

/* Of a call tree; past them calls count for their caller and memory grows no more (about 8 KiB a node in reports). */
enum { FRAMES_MAX = 1 << 16, NODES_MAX = 1 << 17 };
/* Past these: states of the pipeline count as that out of reset, uses of objects as those of their region, operations
 * inside others as those around them; registers and clocks are not kept; the run ends at the next piece of code. */
enum { SCHEDULES_MAX = 1 << 19, USES_MAX = 1 << 19, STATES_MAX = 1 << 17 };
enum { DEFINITIONS_MAX = 1 << 18, WORDS_MAX = 1 << 16, CLOCK_NOTES_MAX = 1 << 16 };
enum { MAX_STORAGE = 8, MAX_PLACES = 8, MAX_TIMERS = 16, OP_NAME_MAX = 96 };
enum peripherals { PERIPHERALS_READY = 0, PERIPHERALS_PLAIN = 1, PERIPHERALS_STRICT = 2 };

/* Instructions, of which the count-th execution of any is meant, in front of it. */
struct places {
    uint32_t address[MAX_PLACES];
    uint32_t addresses;
    uint64_t count;              /* 0: none */
};

struct timer_config {        /* an interrupt that comes by itself */
    uint32_t number;         /* of the exception: 16 and up */
    uint64_t period, first;  /* cycles */
};

struct capture_config {
    uint64_t max_instructions;       /* 0: no limit; the run stops in front of the block that would pass it */
    uint64_t max_cycles;             /* since `from` if there is one; 0: no limit */
    struct places from, until;       /* where counting begins, and where the run then ends */
    uint32_t op_begin, op_begin_size, op_end, op_end_size;  /* the marker functions of mcusim.h, 0: none */
    uint32_t storage[MAX_STORAGE], storages;   /* peripheral registers that go to timing (FLASH_ACR) */
    uint32_t systick_divider;        /* core cycles per tick of SysTick's external clock */
    uint32_t interrupts, priority_bits;   /* of the part: external interrupts, implemented bits of a priority */
    uint32_t exception_entry_cycles;      /* in which a more urgent exception may still arrive */
    uint32_t cpuid, icache_bytes, dcache_bytes, icache_ways, dcache_ways;
    struct timer_config timer[MAX_TIMERS];
    uint32_t timers;
    uint8_t peripherals;             /* enum peripherals: what a register is that nobody described */
    uint8_t fpu_on;                  /* 1: CPACR lets the FPU be used from the start */
    struct kernel_config kernel;
    uint64_t clock_hz;
    struct memory_range memory[MAX_REGIONS];
    uint32_t memories;
    uint64_t registers;              /* where the engine keeps r0 to r15 in this process, 0: not known */
    uint8_t addresses;               /* enum addresses */
};

struct op_info {                 /* as the firmware's descriptor had it when it first ran */
    uint32_t descriptor;         /* its address */
    uint8_t valid;               /* 0: the descriptor is not one of mcusim.h */
    uint64_t macs, ops;
    uint32_t param_bytes, activation_bytes;
    char name[OP_NAME_MAX], kind[OP_NAME_MAX];
};

/* --- what C asks back ----------------------------------------------------------------------------- */

/* place: where the block is timed; everything in *out stands at the program's address. */
typedef int core_define_fn(void *self, uint32_t block, uint32_t address, uint32_t place, const uint8_t *code,
                           uint32_t size, uint32_t it_state, struct block_static *out);
typedef int core_schedule_fn(void *self, uint32_t block, uint32_t stretch, uint32_t state, uint64_t variant,
                             struct block_schedule *out);

/* Both return 0, or a negative core_status. What they point out's fields to is copied before the next call. */
struct timing_callbacks {
    void *self;
    core_define_fn *define;
    core_schedule_fn *schedule;
};

/* A configuration. It is copied, except callbacks.self. */
struct timing_setup {
    const struct timing_config *config;
    const struct region_config *region;
    uint32_t regions;
    uint32_t extra_tables;
    const uint32_t *extra; /* extra_tables rows of core_extra_classes() cycles, by operand class */
    const struct core_move *move; /* sorted by start, not overlapping */
    uint32_t moves;
    uint32_t reset_state;
    struct timing_callbacks callbacks;
};

typedef int core_one_call_fn(void *self);                 /* the call that was counted has come back */
typedef int core_write_fn(void *self, const uint8_t *bytes, size_t size); /* a piece of a recording */
typedef int core_pace_fn(void *self, uint64_t *cycles);   /* of the core, that a byte takes on the line of a port */
typedef int core_describe_fn(void *self);                 /* calls core_describe() for the devices of the part */

/* cffi: end */
#endif
