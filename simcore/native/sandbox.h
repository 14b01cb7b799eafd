/* sandbox.h: over the border, what the calling thread may ask of the host from now on.
 *
 * simcore/native/build.py gives the text between the two cffi marks to cffi as it stands.
 */
#ifndef MCUSIM_SANDBOX_H
#define MCUSIM_SANDBOX_H

#include <stdint.h>

/* cffi: begin */

/* Takes from the calling thread, and from those that it starts, what a run of a program has no use for. It cannot be
 * undone; other threads keep what they have. Returns the sum of what holds now, with errno set when it is not both:
 *   1  system calls: sockets, processes, other programs, tracing, mounts and signals to other processes fail with EPERM
 *   2  paths: these files and folders alone are read, and the folder `writable` (NULL: none) alone is written
 * Paths that are not there are left out. */
int core_sandbox_enter(const char *const *readable, uint32_t readables, const char *writable);

/* cffi: end */
#endif
