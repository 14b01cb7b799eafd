/* nn_host.c: files by semihosting. */
#include "nn_host.h"

#include "nn_arguments.h"
#include "semihost.h"

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_FLEN = 0x0C };
enum { MODE_RB = 1, MODE_WB = 5 };

static uint32_t length(const char *text)
{
    uint32_t count = 0;
    while (text[count] != '\0')
        count++;
    return count;
}

static uint32_t open_file(const char *name, uint32_t mode)
{
    const uint32_t block[3] = {(uint32_t)name, mode, length(name)};
    uint32_t handle = semihost_call(SYS_OPEN, block);
    if (handle == UINT32_MAX)
        fail("the host does not open ", name, "; give it a folder with --semihost-dir", (char *)0);
    return handle;
}

uint32_t host_open_to_read(const char *name)
{
    return open_file(name, MODE_RB);
}

uint32_t host_open_to_write(const char *name)
{
    return open_file(name, MODE_WB);
}

void host_close(uint32_t handle)
{
    semihost_call(SYS_CLOSE, &handle);
}

void host_read_all(uint32_t handle, char text[LIST_BYTES])
{
    const uint32_t bytes = semihost_call(SYS_FLEN, &handle);
    if (bytes >= LIST_BYTES)
        fail("the list is longer than 8191 bytes", (char *)0);
    const uint32_t block[3] = {handle, (uint32_t)text, bytes};
    if (semihost_call(SYS_READ, block) != 0)
        fail("the list cannot be read", (char *)0);
    text[bytes] = '\0';
}

void host_write(uint32_t handle, const void *data, uint32_t bytes)
{
    const uint32_t block[3] = {handle, (uint32_t)data, bytes};
    if (semihost_call(SYS_WRITE, block) != 0)
        fail("the host does not write", (char *)0);
}

void host_write_text(uint32_t handle, const char *text)
{
    host_write(handle, text, length(text));
}
