/* frame.c: exception frames on the engine's registers and memory: PushStack and ExceptionTaken, PopStack (Armv7-M
 * Architecture Reference Manual B1.5.6, B1.5.8).
 *
 * CCR.STKALIGN is set, as on a Cortex-M7. The FP state is stored at once where hardware may do it lazily: the frame
 * has the same size and place, and timing is told which of the two it was. */
#include "capture/state.h"
#include "registers.h"

enum { BASIC_WORDS = 8, FP_WORDS = 17, EXTENDED_WORDS = 26, FRAME_WORDS = BASIC_WORDS + FP_WORDS };
enum { CONTROL_NPRIV = 1, CONTROL_SPSEL = 2, CONTROL_FPCA = 4 };

/* In the order of the frame; XPSR stands behind PC. */
static const int frame_register[FRAME_WORDS] = {
    UC_ARM_REG_R0,   UC_ARM_REG_R1,  UC_ARM_REG_R2,  UC_ARM_REG_R3,    UC_ARM_REG_R12, UC_ARM_REG_LR,  UC_ARM_REG_PC,
    UC_ARM_REG_XPSR, UC_ARM_REG_S0,  UC_ARM_REG_S1,  UC_ARM_REG_S2,    UC_ARM_REG_S3,  UC_ARM_REG_S4,  UC_ARM_REG_S5,
    UC_ARM_REG_S6,   UC_ARM_REG_S7,  UC_ARM_REG_S8,  UC_ARM_REG_S9,    UC_ARM_REG_S10, UC_ARM_REG_S11, UC_ARM_REG_S12,
    UC_ARM_REG_S13,  UC_ARM_REG_S14, UC_ARM_REG_S15, UC_ARM_REG_FPSCR,
};
enum { IN_LR = 5, IN_PC = 6, IN_XPSR = 7 };

uint32_t register_of(struct capture *c, int id)
{
    uint32_t value = 0;
    c->reg_read(c->engine, id, &value);
    return value;
}

void register_set(struct capture *c, int id, uint32_t value) { c->reg_write(c->engine, id, &value); }

static void read_registers(struct capture *c, const int *id, uint32_t *value, int count)
{
    int ids[FRAME_WORDS];
    void *at[FRAME_WORDS];
    for (int i = 0; i < count; i++)
        ids[i] = id[i], at[i] = &value[i];
    c->reg_read_batch(c->engine, ids, at, count);
}

static void write_registers(struct capture *c, const int *id, uint32_t *value, int count)
{
    int ids[FRAME_WORDS];
    void *at[FRAME_WORDS];
    for (int i = 0; i < count; i++)
        ids[i] = id[i], at[i] = &value[i];
    c->reg_write_batch(c->engine, ids, at, count);
}

struct masks frame_masks(struct capture *c)
{
    static const int id[] = {UC_ARM_REG_PRIMASK, UC_ARM_REG_FAULTMASK, UC_ARM_REG_BASEPRI};
    uint32_t value[3] = {0, 0, 0};
    read_registers(c, id, value, 3);
    return (struct masks){value[0], value[1], value[2]};
}

/* All of CONTROL whatever the mode: the engine refuses SPSEL in handler mode and everything in unprivileged thread
 * mode, so privilege is taken in handler mode and used in thread mode. */
void control_set(struct capture *c, uint32_t xpsr, uint32_t value)
{
    uint32_t thread = xpsr & ~XPSR_IPSR;
    register_set(c, UC_ARM_REG_XPSR, thread | EXCEPTION_SVCALL);
    register_set(c, UC_ARM_REG_CONTROL, 0);
    register_set(c, UC_ARM_REG_XPSR, thread);
    register_set(c, UC_ARM_REG_CONTROL, value);
    register_set(c, UC_ARM_REG_XPSR, xpsr);
}

static int is_stack(const struct capture *c, uint32_t address, uint32_t bytes)
{
    for (uint32_t r = 0; r < c->regions; r++) {
        const struct region_config *region = &c->region[r];
        if (address - region->base < region->size && region->size - (address - region->base) >= bytes)
            return region->kind != REGION_FLASH && region->kind != REGION_PERIPHERAL && region->kind != REGION_SYSTEM;
    }
    return 0;
}

uint32_t frame_vector(struct capture *c, uint32_t number)
{
    uint32_t handler = 0;
    if (c->mem_read(c->engine, system_word(&c->system, REG_VTOR) + 4 * number, &handler, sizeof handler) != UC_ERR_OK)
        return 0;
    return handler & 1 ? handler : 0;
}

int frame_push(struct capture *c, uint32_t pc, struct frame *f)
{
    static const int state[] = {UC_ARM_REG_CONTROL, UC_ARM_REG_SP};
    uint32_t word[FRAME_WORDS], control_sp[2] = {0, 0};
    read_registers(c, state, control_sp, 2);
    uint32_t control = control_sp[0], sp = control_sp[1];
    int has_fp = (control & CONTROL_FPCA) && (system_word(&c->system, REG_FPCCR) & FPCCR_ASPEN);
    int words = has_fp ? FRAME_WORDS : BASIC_WORDS;
    read_registers(c, frame_register, word, words);
    f->sp = (sp - 4 * (uint32_t)(has_fp ? EXTENDED_WORDS : BASIC_WORDS)) & ~7u;
    word[IN_PC] = pc;
    f->xpsr = word[IN_XPSR];
    word[IN_XPSR] = (f->xpsr & ~XPSR_ALIGNED) | ((sp & 4) ? XPSR_ALIGNED : 0);
    f->bytes = sp - f->sp;
    int in_handler = (f->xpsr & XPSR_IPSR) != 0;
    f->exc_return = 0xffffffe1u | (has_fp ? 0 : 0x10) | (in_handler ? 0 : (control & CONTROL_SPSEL) ? 0xc : 0x8);
    f->control = control;
    f->has_fp = has_fp;
    f->process = (f->exc_return & 4) != 0;
    if (!is_stack(c, f->sp, 4 * (uint32_t)words))
        return 0;
    return c->mem_write(c->engine, f->sp, word, sizeof *word * (size_t)words) == UC_ERR_OK;
}

void frame_enter(struct capture *c, uint32_t number, uint32_t handler, const struct frame *f)
{
    uint32_t xpsr = (f->xpsr & ~(XPSR_IPSR | XPSR_IT)) | number | XPSR_T;
    register_set(c, UC_ARM_REG_SP, f->sp);       /* of the stack that was in use */
    if (f->control & (CONTROL_SPSEL | CONTROL_FPCA))
        control_set(c, xpsr, f->control & CONTROL_NPRIV);
    register_set(c, UC_ARM_REG_XPSR, xpsr);
    register_set(c, UC_ARM_REG_LR, f->exc_return);
    register_set(c, UC_ARM_REG_PC, handler | 1);
}

int frame_pop(struct capture *c, uint32_t exc_return, struct frame *f)
{
    int has_fp = !(exc_return & 0x10), words = has_fp ? FRAME_WORDS : BASIC_WORDS;
    int bank = (exc_return & 4) ? UC_ARM_REG_PSP : UC_ARM_REG_MSP;
    uint32_t word[FRAME_WORDS], xpsr = register_of(c, UC_ARM_REG_XPSR);
    f->sp = register_of(c, bank);
    f->exc_return = exc_return;
    f->has_fp = has_fp;
    f->process = (exc_return & 4) != 0;
    f->used_fp = (register_of(c, UC_ARM_REG_CONTROL) & CONTROL_FPCA) != 0;
    if (!is_stack(c, f->sp, 4 * (uint32_t)words) ||
        c->mem_read(c->engine, f->sp, word, sizeof *word * (size_t)words) != UC_ERR_OK)
        return 0;
    f->xpsr = word[IN_XPSR];
    f->pc = word[IN_PC];
    uint32_t sp = f->sp + 4 * (uint32_t)(has_fp ? EXTENDED_WORDS : BASIC_WORDS);
    register_set(c, bank, (f->xpsr & XPSR_ALIGNED) ? sp | 4 : sp);
    uint32_t control = register_of(c, UC_ARM_REG_CONTROL) & CONTROL_NPRIV;
    control |= ((exc_return & 4) ? CONTROL_SPSEL : 0) | (has_fp ? CONTROL_FPCA : 0);
    control_set(c, xpsr, control);
    word[IN_XPSR] &= ~XPSR_ALIGNED;
    register_set(c, UC_ARM_REG_XPSR, word[IN_XPSR]);
    write_registers(c, frame_register, word, IN_PC);
    if (has_fp)
        write_registers(c, frame_register + BASIC_WORDS, word + BASIC_WORDS, FP_WORDS);
    register_set(c, UC_ARM_REG_PC, f->pc | 1);   /* bit 0 of a stacked PC has no meaning; to the engine it is Thumb */
    return 1;
}
