/* branch.c: see branch.h. */
#include "timing/branch.h"

#include <stdlib.h>
#include <string.h>

#include "registers.h"

int predictor_init(struct predictor *p, const struct timing_config *config)
{
    memset(p, 0, sizeof *p);
    p->always_disabled = p->read_disabled = config->btac_read_disabled;
    if (config->return_stack_entries > RETURN_STACK_MAX)
        return CORE_ERR_CONFIG;
    p->stack_entries = config->return_stack_entries;
    p->changes = calloc(config->btac_entries + 1u, sizeof *p->changes);
    if (!p->changes)
        return CORE_ERR_MEMORY;
    if (!config->btac_entries)
        return CORE_OK;
    if (!config->btac_ways || config->btac_entries % config->btac_ways)
        return CORE_ERR_CONFIG;
    p->ways = config->btac_ways;
    p->sets = config->btac_entries / config->btac_ways;
    if (p->sets & (p->sets - 1))
        return CORE_ERR_CONFIG;
    p->entry = calloc(config->btac_entries, sizeof *p->entry);
    return p->entry ? CORE_OK : CORE_ERR_MEMORY;
}

void predictor_free(struct predictor *p)
{
    free(p->entry);
    free(p->changes);
    p->entry = NULL;
    p->changes = NULL;
}

static void change_all(struct predictor *p)
{
    for (uint32_t set = 0; set < p->sets; set++)
        p->changes[set]++;
}

void predictor_forget(struct predictor *p)
{
    if (p->sets)
        memset(p->entry, 0, (size_t)p->sets * p->ways * sizeof *p->entry);
    p->clock = 0;
    change_all(p);
}

void predictor_control(struct predictor *p, uint32_t actlr)
{
    p->read_disabled = p->always_disabled || (actlr & ACTLR_DISBTACREAD);
    p->allocate_disabled = (actlr & ACTLR_DISBTACALLOC) != 0;
    change_all(p);
}

uint32_t predictor_way(const struct predictor *p, uint32_t branch)
{
    uint32_t first = p->sets ? ((branch >> 1) & (p->sets - 1)) * p->ways : 0;
    for (uint32_t way = first; p->sets && way < first + p->ways; way++)
        if (p->entry[way].branch == (branch | 1))
            return way;
    return UINT32_MAX;
}

static struct btac_entry *btac_find(struct predictor *p, uint32_t branch)
{
    uint32_t way = predictor_way(p, branch);
    if (way == UINT32_MAX)
        return NULL;
    p->entry[way].stamp = ++p->clock;
    return &p->entry[way];
}

static void btac_learn(struct predictor *p, struct btac_entry *found, uint32_t branch, int taken, uint32_t next)
{
    if (found) {
        if (taken) {
            found->counter = found->counter < 3 ? found->counter + 1 : 3;
            found->target = next;
        } else if (found->counter) {
            found->counter--;
        }
        return;
    }
    if (!taken || !p->sets || p->allocate_disabled)
        return;
    struct btac_entry *set = p->entry + ((branch >> 1) & (p->sets - 1)) * p->ways, *victim = set;
    for (uint32_t way = 1; way < p->ways; way++)
        if (set[way].stamp < victim->stamp)
            victim = set + way;
    *victim = (struct btac_entry){branch | 1, next, 2, ++p->clock};
    p->changes[(branch >> 1) & (p->sets - 1)]++;
}

static void push_return(struct predictor *p, uint32_t address)
{
    if (!p->stack_entries)
        return;
    p->stack_top = (p->stack_top + 1) % p->stack_entries;
    p->stack[p->stack_top] = address;
    if (p->stack_used < p->stack_entries)
        p->stack_used++;
}

static int pop_return(struct predictor *p, uint32_t *address)
{
    if (!p->stack_used)
        return 0;
    *address = p->stack[p->stack_top];
    p->stack_top = (p->stack_top + p->stack_entries - 1) % p->stack_entries;
    p->stack_used--;
    return 1;
}

enum prediction predictor_branch(struct predictor *p, uint32_t kind, int conditional, uint32_t branch, uint32_t target,
                                 uint32_t fall_through, uint32_t next)
{
    int taken = next != fall_through;
    if (taken && (kind == BRANCH_CALL || kind == BRANCH_CALL_INDIRECT))
        push_return(p, fall_through);
    if (kind == BRANCH_RETURN && taken) {
        uint32_t predicted;
        p->ran_on = 0;
        if (pop_return(p, &predicted))
            return predicted == next ? PREDICTED : MISPREDICTED;
    }
    struct btac_entry *e = p->read_disabled ? NULL : btac_find(p, branch);
    int has_btac = p->sets && !p->read_disabled;
    int direct = kind == BRANCH_CONDITIONAL || kind == BRANCH_DIRECT || kind == BRANCH_CALL;
    enum prediction result;
    p->ran_on = (uint8_t)(e ? e->counter < 2 : taken);
    if (e && e->counter >= 2)
        result = taken && e->target == next ? PREDICTED : MISPREDICTED;
    else if (e)
        result = taken ? MISPREDICTED : PREDICTED;
    else if (direct && (!conditional || (target <= branch && !has_btac)))
        result = taken ? PREDICTED_STATIC : MISPREDICTED;
    else                                           /* fetch runs on behind a branch that the BTAC does not know */
        result = taken ? MISPREDICTED : PREDICTED;
    btac_learn(p, p->read_disabled ? btac_find(p, branch) : e, branch, taken, next);
    return result;
}
