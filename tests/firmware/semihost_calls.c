/* Every semihosting call by its number. The exit code is the number of the first check that failed.
 * With the word "files" it also writes and reads out.txt, which needs a folder opened by the host;
 * without it, opening a file must be refused. Standard input is copied to standard output. */
#include <stdint.h>
#include <string.h>

#include "semihost.h"

enum {
    SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITEC = 0x03, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05,
    SYS_READ = 0x06, SYS_ISERROR = 0x08, SYS_ISTTY = 0x09, SYS_SEEK = 0x0A, SYS_FLEN = 0x0C,
    SYS_CLOCK = 0x10, SYS_TIME = 0x11, SYS_ERRNO = 0x13, SYS_GET_CMDLINE = 0x15,
    SYS_HEAPINFO = 0x16, SYS_ELAPSED = 0x30, SYS_TICKFREQ = 0x31,
};
enum { MODE_READ = 0, MODE_WRITE = 4, FAILED = 0xFFFFFFFFu };

static uint32_t call3(uint32_t operation, uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t block[3] = {a, b, c};
    return semihost_call(operation, block);
}

static uint32_t open(const char *name, uint32_t mode)
{
    return call3(SYS_OPEN, (uint32_t)name, mode, strlen(name));
}

#define CHECK(number, condition) \
    do {                         \
        if (!(condition))        \
            return (number);     \
    } while (0)

static int check_console(void)
{
    const uint32_t in = open(":tt", MODE_READ), out = open(":tt", MODE_WRITE);
    const char letter = '>';
    char text[32];
    CHECK(1, in != FAILED && out != FAILED && in != out);
    CHECK(2, call3(SYS_ISTTY, in, 0, 0) == 1 && call3(SYS_ISTTY, out, 0, 0) == 1);
    semihost_call(SYS_WRITEC, &letter);
    semihost_call(SYS_WRITE0, " ");
    CHECK(3, call3(SYS_WRITE, out, (uint32_t)"written\n", 8) == 0);
    for (;;) {
        uint32_t left = call3(SYS_READ, in, (uint32_t)text, sizeof text);
        CHECK(4, left <= sizeof text);
        if (left == sizeof text)
            break;
        CHECK(5, call3(SYS_WRITE, out, (uint32_t)text, sizeof text - left) == 0);
    }
    CHECK(6, call3(SYS_SEEK, out, 3, 0) != 0);
    CHECK(7, call3(SYS_CLOSE, in, 0, 0) == 0 && call3(SYS_CLOSE, out, 0, 0) == 0);
    CHECK(8, call3(SYS_WRITE, 99, (uint32_t)"x", 1) != 0);
    return 0;
}

static int check_time(void)
{
    uint64_t before, after;
    const uint32_t clock = semihost_call(SYS_CLOCK, 0);
    CHECK(11, semihost_call(SYS_ELAPSED, &before) == 0);
    for (volatile uint32_t i = 0; i < 1000; i++)
        ;
    CHECK(12, semihost_call(SYS_ELAPSED, &after) == 0 && after > before);
    CHECK(13, semihost_call(SYS_TICKFREQ, 0) > 0);
    CHECK(14, semihost_call(SYS_CLOCK, 0) >= clock);
    CHECK(15, semihost_call(SYS_TIME, 0) != FAILED);
    return 0;
}

static int check_environment(void)
{
    uint32_t heap[4] = {1, 1, 1, 1};
    char tiny[2] = "x";
    const uint32_t pointer = (uint32_t)heap;
    semihost_call(SYS_HEAPINFO, &pointer);
    CHECK(21, heap[0] != 1 || heap[2] != 1);
    const uint32_t too_small[2] = {(uint32_t)tiny, 1};
    CHECK(22, semihost_call(SYS_GET_CMDLINE, too_small) == FAILED || tiny[0] == '\0');
    return 0;
}

static int check_refusal(void)
{
    CHECK(31, open("/etc/passwd", MODE_READ) == FAILED);
    CHECK(32, open("../secret", MODE_READ) == FAILED);
    CHECK(33, open("out.txt", MODE_WRITE) == FAILED);
    CHECK(34, semihost_call(SYS_ERRNO, 0) != 0);
    return 0;
}

static int check_files(void)
{
    char text[16];
    uint32_t file = open("out.txt", MODE_WRITE);
    CHECK(41, file != FAILED);
    CHECK(42, call3(SYS_WRITE, file, (uint32_t)"0123456789", 10) == 0);
    CHECK(43, call3(SYS_CLOSE, file, 0, 0) == 0);
    file = open("out.txt", MODE_READ);
    CHECK(44, file != FAILED && call3(SYS_FLEN, file, 0, 0) == 10);
    CHECK(45, call3(SYS_ISTTY, file, 0, 0) == 0);
    CHECK(46, call3(SYS_SEEK, file, 4, 0) == 0);
    CHECK(47, call3(SYS_READ, file, (uint32_t)text, sizeof text) == sizeof text - 6);
    CHECK(48, memcmp(text, "456789", 6) == 0);
    CHECK(49, call3(SYS_CLOSE, file, 0, 0) == 0);
    CHECK(50, open("/etc/passwd", MODE_READ) == FAILED);
    CHECK(51, open("../secret", MODE_READ) == FAILED);
    return 0;
}

int main(void)
{
    int (*const checks[])(void) = {
        check_console, check_time, check_environment,
        semihost_flag("files") ? check_files : check_refusal,
    };
    for (uint32_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        int failed = checks[i]();
        if (failed != 0)
            return failed;
    }
    return 0;
}
