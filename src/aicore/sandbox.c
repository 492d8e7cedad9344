/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* By what an intruder would want to do with them. A list of what is allowed would be shorter, but
 * would break with the next release of any library below us. */
static const char *const forbidden[] = {
    /* files */
    "open",
    "openat",
    "openat2",
    "creat",
    "open_by_handle_at",
    "name_to_handle_at",
    "memfd_create",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "mknod",
    "mknodat",
    "truncate",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "utimensat",
    "chdir",
    "fchdir",
    "io_uring_setup",
    "io_uring_register",
    /* programs and processes */
    "execve",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_open",
    "pidfd_getfd",
    "kcmp",
    "kill",
    "tkill",
    "rt_sigqueueinfo",
    "setrlimit",
    /* the network beyond the sockets that are there */
    "socket",
    "connect",
    "bind",
    "listen",
    /* rights, namespaces, the system */
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
    "capset",
    "unshare",
    "setns",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsmount",
    "fsconfig",
    "fspick",
    "mount_setattr",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "clock_adjtime",
    "sethostname",
    "setdomainname",
    "syslog",
    "acct",
    "quotactl",
    "iopl",
    "ioperm",
    "personality",
    "seccomp",
};

static int forbid(scmp_filter_ctx filter) {
    int err = 0;
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden) && !err; i++) {
        int number = seccomp_syscall_resolve_name(forbidden[i]);
        /* Names that this architecture or library does not know cannot be called by name either. */
        if (number != __NR_SCMP_ERROR) {
            err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
        }
    }
    /* Threads are started by clone3() where there is one; a filter cannot see what that is asked
     * for, and libc knows to go on with clone(). */
    err = err ? err : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    /* Limits are raised by nobody; how long a real-time thread may run is set again (urgent.c). */
    err = err ? err
              : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
                                 SCMP_A1(SCMP_CMP_NE, RLIMIT_RTTIME, 0));
    err = err ? err
              : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
                                 SCMP_A0(SCMP_CMP_NE, 0, 0)); /* of others */
    /* A way to connect without connect(). */
    err = err ? err
              : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(sendto), 1,
                                 SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, MSG_FASTOPEN));
    err = err ? err
              : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(sendmsg), 1,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, MSG_FASTOPEN));
    err = err ? err
              : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(sendmmsg), 1,
                                 SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, MSG_FASTOPEN));
    err = err ? err
              : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    return err;
}

int aura_sandbox_enter(void) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter) {
        return AURA_ENOMEM;
    }
    int err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    err = err ? err : seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
    err = err ? err : forbid(filter);
    err = err ? err : seccomp_load(filter);
    seccomp_release(filter);
    return err == 0 ? 0 : err == -ENOMEM ? AURA_ENOMEM : AURA_EUNSUPPORTED;
}
