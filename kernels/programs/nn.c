/* nn.c: runs any operation of the suite on random values, as the command line asks.
 *
 *     nn.elf -- depthwise_conv2d_s8 h=32 w=32 c=64 k=3 variant=plain
 *     nn.elf -- list=grid.txt           one command a line; '#' begins a comment
 *     nn.elf -- network=resnet8.txt     the same, as the layers of one network
 *
 * Every operation takes variant=optimised|plain, act=sram|dtcm|auto, weights=flash|sram|dtcm,
 * scratch=auto|dtcm|sram, seed, repeat, name, dump=FILE, in, in2, out (byte offsets of the tensors in
 * the memory of act) and fill=0 (leave the inputs as the operation before left them). It is marked with
 * mcusim_op_begin() and mcusim_op_end(), and one line about it goes to the console.
 *
 * The layers of a network find the caches as the layer before left them: nothing but the reading of
 * the next line lies between two of them, and only the first layer's inputs are filled. One line about
 * the whole goes to the console at the end.
 */
#include "mcusim.h"
#include "nn_arguments.h"
#include "nn_host.h"
#include "nn_job.h"
#include "semihost.h"

enum { MOST_OPERATIONS = 128, NAME_BYTES = 32, COMMAND_BYTES = 512 };

static const struct operation *const tables[] = {convolutions, fully_connected, elementwise, layouts};
enum { TABLES = sizeof tables / sizeof *tables };

static struct mcusim_op descriptors[MOST_OPERATIONS]; /* the simulator may read them after the end */
static char names[MOST_OPERATIONS][NAME_BYTES];
static uint32_t operations;
static char list[LIST_BYTES];
static struct job job; /* the last one */

/* Of all layers so far. */
static struct {
    uint32_t layers, parameter_bytes;
    uint32_t activation_bytes, scratch_bytes;  /* the most at a time: activations as the arena's end */
    uint64_t macs, ops;
} network;

static _Noreturn void usage(void)
{
    semihost_write("usage: OPERATION [KEY=VALUE ...] or list=FILE or network=FILE\n"
                   "every operation: variant=optimised|plain act=sram|dtcm|auto weights=flash|sram|dtcm\n"
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

/* The names of all operations, with commas between them. */
static const char *all_names(void)
{
    static char text[512];
    uint32_t length = 0;
    for (uint32_t t = 0; t < TABLES; t++)
        for (const struct operation *each = tables[t]; each->name; each++) {
            const char *separator = length > 0 ? ", " : "";
            for (; *separator != '\0'; separator++)
                text[length++] = *separator;
            for (const char *name = each->name; *name != '\0' && length < sizeof text - 3; name++)
                text[length++] = *name;
        }
    text[length] = '\0';
    return text;
}

static const struct operation *find_operation(const char *name)
{
    for (uint32_t t = 0; t < TABLES; t++)
        for (const struct operation *each = tables[t]; each->name; each++)
            if (text_equal(each->name, name))
                return each;
    fail("there is no operation '", name, "'; there are: ", all_names(), (char *)0);
}

static const struct mcusim_op *describe(const struct operation *operation)
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
        job.macs, job.ops, job.parameter_bytes, job.activation_bytes,
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

/* Costs, and the checksum of the last output. */
static void print_costs(uint64_t macs, uint64_t ops, uint32_t parameters, uint32_t activations, uint32_t scratch)
{
    print_number(" macs=", macs);
    print_number(" ops=", ops);
    print_number(" parameters=", parameters);
    print_number(" activations=", activations);
    print_number(" scratch=", scratch);
    semihost_write(" checksum=");
    semihost_write(hexadecimal(checksum(&job.tensors[job.tensor_count - 1])));
    semihost_write("\n");
}

static void print_result(const struct mcusim_op *op)
{
    semihost_write(op->kind);
    semihost_write(" name=");
    semihost_write(op->name);
    semihost_write(job.plain ? " variant=plain" : " variant=optimised");
    print_costs(op->macs, op->ops, op->param_bytes, op->activation_bytes, job.scratch_bytes);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void add_layer(void)
{
    network.layers++;
    network.macs += job.macs;
    network.ops += job.ops;
    network.parameter_bytes += job.parameter_bytes;
    network.activation_bytes = larger(network.activation_bytes, job.arena_bytes);
    network.scratch_bytes = larger(network.scratch_bytes, job.scratch_bytes);
}

/* A line "NAME TYPE BYTES" and the bytes, for every tensor. */
static void dump(uint32_t handle)
{
    for (int32_t i = 0; i < job.tensor_count; i++) {
        const struct tensor *tensor = &job.tensors[i];
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

/* Runs an operation and, in a network, only adds it up. */
static void run_command(char *command, int is_layer)
{
    static const char *const variants[] = {"optimised", "plain", 0};
    static const char *const weight_places[] = {"flash", "sram", "dtcm", 0};
    static const enum place weights[] = {FLASH, SRAM, DTCM};

    arguments_parse(command);
    if (*arguments_operation() == '\0')
        usage();
    const struct operation *operation = find_operation(arguments_operation());
    memory_reset();
    job = (struct job){0};
    job.plain = argument_choice("variant", variants) == 1;
    job.weights = weights[argument_choice("weights", weight_places)];
    job.seed = (uint32_t)argument_number("seed", 1, 0, INT32_MAX);
    job.is_filled = argument_number("fill", is_layer && network.layers > 0 ? 0 : 1, 0, 1);
    operation->prepare(&job);
    const char *file = argument_text("dump", 0);
    const int32_t repeat = argument_number("repeat", 1, 1, INT32_MAX);
    const struct mcusim_op *op = describe(operation);
    arguments_end();
    const uint32_t handle = file ? host_open_to_write(file) : 0;
    for (int32_t i = 0; i < repeat; i++) {
        mcusim_op_begin(op);
        operation->run(&job);
        mcusim_op_end();
    }
    if (is_layer)
        add_layer();
    else
        print_result(op);
    if (file)
        dump(handle);
}

/* Runs each line of a file. */
static void run_list(const char *file, int is_network)
{
    const uint32_t handle = host_open_to_read(file);
    host_read_all(handle, list);
    host_close(handle);
    uint32_t number = 1;
    for (char *line = list; *line != '\0'; number++) {
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
        if (*line != '\0') {
            fail_in_line(number);
            run_command(line, is_network);
        }
        line = next;
    }
}

static void run_network(const char *file)
{
    run_list(file, 1);
    if (network.layers == 0)
        fail("there is no layer in ", file, (char *)0);
    print_number("network layers=", network.layers);
    print_costs(network.macs, network.ops, network.parameter_bytes, network.activation_bytes,
                network.scratch_bytes);
}

/* What follows key in text when text begins with it, else a null pointer. */
static const char *behind(const char *key, const char *text)
{
    while (*key != '\0' && *key == *text) {
        key++;
        text++;
    }
    return *key == '\0' ? text : 0;
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
    if (*command == '\0')
        fail("the host has no command line, or one of more than 511 characters; take list=FILE", (char *)0);
    char *text = behind_first_word(command);
    const char *list_file = behind("list=", text), *network_file = behind("network=", text);
    if (list_file)
        run_list(list_file, 0);
    else if (network_file)
        run_network(network_file);
    else
        run_command(text, 0);
    return 0;
}
