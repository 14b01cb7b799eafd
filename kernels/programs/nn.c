/* nn.c: runs any operation of the suite on random values, as the command line asks.
 *
 *     nn.elf -- depthwise_conv2d_s8 h=32 w=32 c=64 k=3 variant=plain
 *     nn.elf -- list=resnet8.txt        one command a line; '#' begins a comment
 *
 * Every operation takes variant=optimised|plain, act=sram|dtcm, weights=flash|sram|dtcm,
 * scratch=auto|dtcm|sram, seed, repeat, name, dump=FILE, in, in2, out (byte offsets of the tensors in
 * the memory of act) and fill=0 (leave the inputs as the operation before left them). It is marked with
 * mcusim_op_begin() and mcusim_op_end(), and one line about it goes to the console.
 */
#include "mcusim.h"
#include "nn_arguments.h"
#include "nn_host.h"
#include "nn_job.h"
#include "semihost.h"

enum { MOST_OPERATIONS = 128, NAME_BYTES = 32, LIST_BYTES = 8192, COMMAND_BYTES = 512 };

static const struct operation *const tables[] = {convolutions, fully_connected, elementwise, layouts};
enum { TABLES = sizeof tables / sizeof *tables };

static struct mcusim_op descriptors[MOST_OPERATIONS]; /* the simulator may read them after the end */
static char names[MOST_OPERATIONS][NAME_BYTES];
static uint32_t operations;
static char list[LIST_BYTES];

static _Noreturn void usage(void)
{
    semihost_write("usage: OPERATION [KEY=VALUE ...] or list=FILE\n"
                   "every operation: variant=optimised|plain act=sram|dtcm weights=flash|sram|dtcm\n"
                   "  scratch=auto|dtcm|sram seed repeat name dump=FILE in in2 out fill\n");
    for (uint32_t t = 0; t < TABLES; t++)
        for (const struct operation *each = tables[t]; each->name; each++) {
            semihost_write(each->name);
            semihost_write(": ");
            semihost_write(each->arguments);
            semihost_write("\n");
        }
    semihost_exit(2);
}

static const struct operation *find_operation(const char *name)
{
    for (uint32_t t = 0; t < TABLES; t++)
        for (const struct operation *each = tables[t]; each->name; each++)
            if (text_equal(each->name, name))
                return each;
    fail("there is no operation '", name, "'; without arguments the program lists them", (char *)0);
}

static const struct mcusim_op *describe(const struct operation *operation, const struct job *job)
{
    if (operations == MOST_OPERATIONS)
        fail("a list of more than 128 operations", (char *)0);
    const char *name = argument_text("name", operation->name);
    uint32_t i = 0;
    for (; name[i] != '\0' && i < NAME_BYTES - 1; i++)
        names[operations][i] = name[i];
    names[operations][i] = '\0';
    descriptors[operations] = (struct mcusim_op){
        MCUSIM_OP_MAGIC, names[operations], operation->name, MCUSIM_OP_VERSION,
        job->macs, job->ops, job->parameter_bytes, job->activation_bytes,
    };
    return &descriptors[operations++];
}

/* FNV-1a over the output's bytes. */
static uint32_t checksum(const struct tensor *tensor)
{
    const uint8_t *bytes = tensor->data;
    uint32_t sum = 0x811C9DC5u;
    for (uint32_t i = 0; i < tensor->bytes; i++)
        sum = (sum ^ bytes[i]) * 0x01000193u;
    return sum;
}

static const char *hexadecimal(uint32_t number)
{
    static char text[9];
    for (int32_t i = 7; i >= 0; i--, number >>= 4)
        text[i] = "0123456789abcdef"[number & 15];
    return text;
}

static const char *decimal(uint64_t number)
{
    static char text[21];
    char *digit = text + sizeof text - 1;
    do {
        *--digit = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return digit;
}

static void print_number(const char *key, uint64_t number)
{
    semihost_write(key);
    semihost_write(decimal(number));
}

static void print_result(const struct mcusim_op *op, const struct job *job)
{
    semihost_write(op->kind);
    semihost_write(" name=");
    semihost_write(op->name);
    semihost_write(job->plain ? " variant=plain" : " variant=optimised");
    print_number(" macs=", op->macs);
    print_number(" ops=", op->ops);
    print_number(" parameters=", op->param_bytes);
    print_number(" activations=", op->activation_bytes);
    print_number(" scratch=", job->scratch_bytes);
    semihost_write(" checksum=");
    semihost_write(hexadecimal(checksum(&job->tensors[job->tensor_count - 1])));
    semihost_write("\n");
}

/* A line "NAME TYPE BYTES" and the bytes, for every tensor. */
static void dump(uint32_t handle, const struct job *job)
{
    for (int32_t i = 0; i < job->tensor_count; i++) {
        const struct tensor *tensor = &job->tensors[i];
        host_write_text(handle, tensor->name);
        host_write_text(handle, " ");
        host_write_text(handle, tensor->type);
        host_write_text(handle, " ");
        host_write_text(handle, decimal(tensor->bytes));
        host_write_text(handle, "\n");
        host_write(handle, tensor->data, tensor->bytes);
    }
    host_close(handle);
}

static void run_command(char *command)
{
    static const char *const variants[] = {"optimised", "plain", 0};
    static const char *const activation_places[] = {"sram", "dtcm", 0};
    static const char *const weight_places[] = {"flash", "sram", "dtcm", 0};
    static const enum place weights[] = {FLASH, SRAM, DTCM};
    static struct job job;

    arguments_parse(command);
    if (*arguments_operation() == '\0')
        usage();
    const struct operation *operation = find_operation(arguments_operation());
    memory_reset();
    job = (struct job){0};
    job.plain = argument_choice("variant", variants) == 1;
    job.activations = argument_choice("act", activation_places) == 0 ? SRAM : DTCM;
    job.weights = weights[argument_choice("weights", weight_places)];
    job.seed = (uint32_t)argument_number("seed", 1, 0, INT32_MAX);
    operation->prepare(&job);
    const char *file = argument_text("dump", 0);
    const int32_t repeat = argument_number("repeat", 1, 1, INT32_MAX);
    const struct mcusim_op *op = describe(operation, &job);
    arguments_end();
    const uint32_t handle = file ? host_open_to_write(file) : 0;
    for (int32_t i = 0; i < repeat; i++) {
        mcusim_op_begin(op);
        operation->run(&job);
        mcusim_op_end();
    }
    print_result(op, &job);
    if (file)
        dump(handle, &job);
}

/* Runs each line of a file. */
static void run_list(const char *file)
{
    const uint32_t handle = host_open_to_read(file);
    host_read_all(handle, list, sizeof list);
    host_close(handle);
    for (char *line = list; *line != '\0';) {
        char *end = line, *next;
        while (*end != '\n' && *end != '\0')
            end++;
        next = *end == '\0' ? end : end + 1;
        *end = '\0';
        for (char *mark = line; *mark != '\0'; mark++)
            if (*mark == '#' || *mark == '\r')
                *mark = '\0';
        while (*line == ' ')
            line++;
        if (*line != '\0')
            run_command(line);
        line = next;
    }
}

/* The program's name is the first word of the command line. */
static char *behind_first_word(char *text)
{
    while (*text != ' ' && *text != '\0')
        text++;
    while (*text == ' ')
        text++;
    return text;
}

int main(void)
{
    static char command[COMMAND_BYTES];
    semihost_command_line(command, sizeof command);
    char *text = behind_first_word(command);
    if (text[0] == 'l' && text[1] == 'i' && text[2] == 's' && text[3] == 't' && text[4] == '=')
        run_list(text + 5);
    else
        run_command(text);
    return 0;
}
