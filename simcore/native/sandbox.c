/* sandbox.c: a deny filter of system calls (seccomp) and a Landlock domain for one thread, on Linux.
 *
 * Both hold for the thread that asks and for what it starts, since the filter goes in without SECCOMP_FILTER_FLAG_TSYNC:
 * the engine's thread runs somebody's program and needs neither network nor processes, while the thread that
 * waits for it goes on to write reports and to start workers.
 *
 * Sources: seccomp(2), landlock(7), Documentation/userspace-api/seccomp_filter.rst of Linux. A system call that is
 * refused fails with EPERM and nobody is killed, so that a run that meets one goes on and can tell. clone3() has its
 * flags in memory, where a filter cannot read: it "is not there" (ENOSYS), and the C library takes clone().
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "sandbox.h"

#include <errno.h>
#include <stddef.h>

#if defined(__linux__) && (defined(__x86_64__) || (defined(__aarch64__) && !defined(__AARCH64EB__)))
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif
#define X32 0x40000000u                  /* this bit marks calls of x86-64's third ABI, with numbers of their own */
#define EXIT_ERRNO(number) (SECCOMP_RET_ERRNO | ((number) & SECCOMP_RET_DATA))
#define FIELD(name) (uint32_t)offsetof(struct seccomp_data, name)
#define ARGUMENT(n) (uint32_t)(offsetof(struct seccomp_data, args) + 8u * (n))   /* its low word, little-endian */
#define LOAD(at) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define RETURN(what) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, what)
#define WHEN(test, value, then, otherwise)                                                                             \
    (struct sock_filter) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, then, otherwise)
#define SPEC_ALLOW 4u                    /* SECCOMP_FILTER_FLAG_SPEC_ALLOW, Linux 4.17 */
#define TYPE_INTO_TERMINAL 0x5412u       /* ioctl TIOCSTI */
#define LINUX_CONSOLE 0x541Cu            /* ioctl TIOCLINUX, which can paste */

/* Of Linux after the headers of the oldest system that wheels are built on; the same numbers on both architectures. */
enum {
    PIDFD_SEND_SIGNAL = 424,
    IO_URING_SETUP,
    IO_URING_ENTER,
    IO_URING_REGISTER,
    OPEN_TREE,
    MOVE_MOUNT,
    FSOPEN,
    FSCONFIG,
    FSMOUNT,
    FSPICK,
    PIDFD_OPEN,
    CLONE3,
    PIDFD_GETFD = 438,
    PROCESS_MADVISE = 440,
    MOUNT_SETATTR = 442,
    LANDLOCK_CREATE = 444,
    LANDLOCK_ADD,
    LANDLOCK_RESTRICT
};

static const uint32_t denied[] = {
    /* network */
    __NR_socket,
    __NR_socketpair,
    __NR_connect,
    __NR_bind,
    __NR_listen,
    __NR_accept,
    __NR_accept4,
    __NR_sendto,
    __NR_sendmsg,
    __NR_sendmmsg,
    /* what would go past this filter */
    IO_URING_SETUP,
    IO_URING_ENTER,
    IO_URING_REGISTER,
    /* programs and processes */
    __NR_execve,
    __NR_execveat,
#ifdef __x86_64__
    __NR_fork,
    __NR_vfork,
#endif
    /* other processes */
    __NR_ptrace,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_kcmp,
    PROCESS_MADVISE,
    PIDFD_OPEN,
    PIDFD_GETFD,
    PIDFD_SEND_SIGNAL,
    __NR_tkill,
    __NR_rt_sigqueueinfo,
    __NR_rt_tgsigqueueinfo,
    /* the system */
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    OPEN_TREE,
    MOVE_MOUNT,
    FSOPEN,
    FSCONFIG,
    FSMOUNT,
    FSPICK,
    MOUNT_SETATTR,
    __NR_unshare,
    __NR_setns,
    __NR_open_by_handle_at,
    __NR_init_module,
    __NR_finit_module,
    __NR_delete_module,
    __NR_kexec_load,
    __NR_reboot,
    __NR_swapon,
    __NR_swapoff,
    __NR_acct,
    __NR_sethostname,
    __NR_setdomainname,
    __NR_settimeofday,
    __NR_clock_settime,
    __NR_bpf,
    __NR_perf_event_open,
    __NR_userfaultfd,
    __NR_add_key,
    __NR_request_key,
    __NR_keyctl,
#ifdef __x86_64__
    __NR_iopl,
    __NR_ioperm,
    __NR_kexec_file_load,
#endif
};
#define DENIED (sizeof denied / sizeof denied[0])
#define OTHERS 32u                       /* instructions beside those of the list */

/* The filter, for the process that asks; the number of its instructions. */
static uint16_t compose(struct sock_filter *program, uint32_t process)
{
    struct sock_filter *p = program;
    *p++ = LOAD(FIELD(arch));
    *p++ = WHEN(BPF_JEQ, ARCHITECTURE, 1, 0);
    *p++ = RETURN(EXIT_ERRNO(EPERM));    /* 32-bit calls of the same process */
    *p++ = LOAD(FIELD(nr));
    *p++ = WHEN(BPF_JGE, X32, 0, 1);
    *p++ = RETURN(EXIT_ERRNO(EPERM));
    for (size_t i = 0; i < DENIED; i++) {
        *p++ = WHEN(BPF_JEQ, denied[i], 0, 1);
        *p++ = RETURN(EXIT_ERRNO(EPERM));
    }
    *p++ = WHEN(BPF_JEQ, CLONE3, 0, 1);
    *p++ = RETURN(EXIT_ERRNO(ENOSYS));
    *p++ = WHEN(BPF_JEQ, __NR_clone, 0, 4);      /* threads only */
    *p++ = LOAD(ARGUMENT(0));
    *p++ = WHEN(BPF_JSET, CLONE_THREAD, 0, 1);
    *p++ = RETURN(SECCOMP_RET_ALLOW);
    *p++ = RETURN(EXIT_ERRNO(EPERM));
    *p++ = WHEN(BPF_JEQ, __NR_kill, 1, 0);       /* signals to this process only, such as abort() */
    *p++ = WHEN(BPF_JEQ, __NR_tgkill, 0, 4);
    *p++ = LOAD(ARGUMENT(0));
    *p++ = WHEN(BPF_JEQ, process, 0, 1);
    *p++ = RETURN(SECCOMP_RET_ALLOW);
    *p++ = RETURN(EXIT_ERRNO(EPERM));
    *p++ = WHEN(BPF_JEQ, __NR_ioctl, 0, 4);
    *p++ = LOAD(ARGUMENT(1));
    *p++ = WHEN(BPF_JEQ, TYPE_INTO_TERMINAL, 1, 0);
    *p++ = WHEN(BPF_JEQ, LINUX_CONSOLE, 0, 1);
    *p++ = RETURN(EXIT_ERRNO(EPERM));
    *p++ = RETURN(SECCOMP_RET_ALLOW);
    return (uint16_t)(p - program);
}

static int deny_calls(void)
{
    struct sock_filter program[2 * DENIED + OTHERS];
    struct sock_fprog filter = {compose(program, (uint32_t)getpid()), program};
    /* With prctl() Linux before 5.16 also ends the processor's speculation past stores on the thread, which costs speed and
     * keeps nothing from threads of the same memory. */
    if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SPEC_ALLOW, &filter) == 0)
        return 1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

/* --- Landlock: include/uapi/linux/landlock.h, which not every system has --------------------------------- */

#define ACCESS_EXECUTE 0x1u
#define ACCESS_WRITE_FILE 0x2u
#define ACCESS_READ_FILE 0x4u
#define ACCESS_READ_DIR 0x8u
#define ACCESS_MAKE_REG 0x100u
#define ACCESS_ALL 0x1FFFu               /* of version 1 */
#define ACCESS_REFER 0x2000u             /* version 2 */
#define ACCESS_TRUNCATE 0x4000u          /* version 3 */
#define RULE_PATH_BENEATH 1

struct ruleset {
    uint64_t handled;
};

struct path_beneath {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

static int allow(int rules, const char *path, uint64_t access)
{
    struct stat found;
    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    int ok = fstat(file, &found) == 0;
    if (ok && !S_ISDIR(found.st_mode))
        access &= ACCESS_EXECUTE | ACCESS_WRITE_FILE | ACCESS_READ_FILE | ACCESS_TRUNCATE;
    struct path_beneath rule = {access, file};
    ok = ok && syscall(LANDLOCK_ADD, rules, RULE_PATH_BENEATH, &rule, 0) == 0;
    close(file);
    return ok;
}

static int deny_paths(const char *const *readable, uint32_t readables, const char *writable)
{
    long version = syscall(LANDLOCK_CREATE, NULL, 0, 1);
    if (version < 1)
        return 0;
    uint64_t all = ACCESS_ALL | (version >= 2 ? ACCESS_REFER : 0) | (version >= 3 ? ACCESS_TRUNCATE : 0);
    uint64_t reads = ACCESS_READ_FILE | ACCESS_READ_DIR;
    uint64_t writes = ACCESS_READ_FILE | ACCESS_WRITE_FILE | ACCESS_MAKE_REG | (all & ACCESS_TRUNCATE);
    struct ruleset asked = {all};
    int rules = (int)syscall(LANDLOCK_CREATE, &asked, sizeof asked, 0);
    if (rules < 0)
        return 0;
    int ok = !writable || allow(rules, writable, writes);
    for (uint32_t i = 0; ok && i < readables; i++)
        ok = allow(rules, readable[i], reads);
    ok = ok && syscall(LANDLOCK_RESTRICT, rules, 0) == 0;
    close(rules);
    return ok;
}

int core_sandbox_enter(const char *const *readable, uint32_t readables, const char *writable)
{
    /* Without it only root may do either; it is the thread's own, too. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return 0;
    int paths = deny_paths(readable, readables, writable), error = errno;
    if (!deny_calls())
        return 2 * paths;
    errno = error;
    return 1 + 2 * paths;
}

#else

int core_sandbox_enter(const char *const *readable, uint32_t readables, const char *writable)
{
    (void)readable, (void)readables, (void)writable;
    errno = ENOSYS;
    return 0;
}

#endif
