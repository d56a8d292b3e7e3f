// SPDX-License-Identifier: Apache-2.0
// E14-E16 and E62: typing into terminals. On one of the probe's own making, so that nothing but a guard can refuse,
// and on the session's, where it has one.

#include "probe.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#define HIGH (0x123UL << 32)

static int slave;

// A terminal of our own that is also our controlling terminal.
static int own_terminal(void) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    int unlock = 0;
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0) { return -1; }
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) { return -1; }
    // The attempt leads a process group, so a child is what can lead a session.
    pid_t child = fork();
    if (child < 0) { return -1; }
    if (child > 0) { return child; }
    if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0) { _exit(255); }
    return 0;
}



static int in_own_terminal(unsigned long request, const void *argument) {
    int child = own_terminal();
    if (child < 0) { return probe_skip("no terminal can be made here"); }
    if (child == 0) { _exit(syscall(SYS_ioctl, slave, request, argument) < 0 ? errno & 0x7f : 0); }
    int status = 0;
    if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) { return EIO; }
    return WEXITSTATUS(status) == 255 ? probe_skip("no terminal can be taken here") : WEXITSTATUS(status);
}

static const char paste[2] = {3, 0};
static const int discipline;  // the usual one: every kernel has it, and nothing but a guard refuses it

static int type(void) { return in_own_terminal(TIOCSTI, "x"); }
static int type_high(void) { return in_own_terminal(HIGH | TIOCSTI, "x"); }
static int paste_selection(void) { return in_own_terminal(TIOCLINUX, paste); }
static int paste_selection_high(void) { return in_own_terminal(HIGH | TIOCLINUX, paste); }
static int take_console(void) { return in_own_terminal(TIOCCONS, NULL); }
static int change_discipline(void) { return in_own_terminal(TIOCSETD, &discipline); }

static int on_session_terminal(unsigned long request, const void *argument) {
    // An attempt is a process group of its own, in the background: it would be stopped instead of answered.
    signal(SIGTTOU, SIG_IGN);
    for (int number = 0; number < 3; number++) {
        if (!isatty(number)) { continue; }
        return probe_result(syscall(SYS_ioctl, number, request, argument));
    }
    return probe_skip("the session has no terminal");
}

static int type_session(void) { return on_session_terminal(TIOCSTI, "x"); }
static int type_session_high(void) { return on_session_terminal(HIGH | TIOCSTI, "x"); }
static int paste_session(void) { return on_session_terminal(TIOCLINUX, paste); }
static int change_session_discipline(void) { return on_session_terminal(TIOCSETD, &discipline); }
// With the argument 1 a terminal is taken from the session that has it: only an owner of CAP_SYS_ADMIN may.
static int steal_session(void) {
    pid_t child = fork();
    if (child == 0) {
        setsid();
        int result = on_session_terminal(TIOCSCTTY, (const void *)1);
        _exit(result == PROBE_SKIPPED ? 255 : result & 0x7f);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) { return EIO; }
    return WEXITSTATUS(status) == 255 ? probe_skip("the session has no terminal") : WEXITSTATUS(status);
}

// Where the session has no terminal, /dev/tty is none either.
static int open_controlling(void) {
    if (isatty(0) || isatty(1) || isatty(2)) { return probe_skip("the session's own terminal is what /dev/tty is"); }
    return probe_result(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
}

static int open_console(void) { return probe_result(open("/dev/console", O_RDWR | O_CLOEXEC | O_NOCTTY)); }
static int open_virtual_console(void) { return probe_result(open("/dev/tty1", O_RDWR | O_CLOEXEC | O_NOCTTY)); }

#define REFUSED "seccomp:EPERM,ENOSYS kernel:EIO"
#define LINUX "seccomp:EPERM,ENOSYS kernel:ENOTTY,EINVAL"

static const struct probe probes[] = {
    {"E14.type", "type into a terminal with TIOCSTI", REFUSED, type, PROBE_PORTABLE},
    {"E15.type-high", "the same with bits set that the kernel cuts off", REFUSED, type_high, PROBE_PORTABLE},
    {"E16.paste", "paste into a terminal with TIOCLINUX", LINUX, paste_selection, PROBE_PORTABLE},
    {"E16.paste-high", "the same with bits set that the kernel cuts off", LINUX, paste_selection_high, 0},
    {"E62.type-session", "type into the session's terminal", REFUSED, type_session, 0},
    {"E62.type-session-high", "the same with bits set that the kernel cuts off", REFUSED, type_session_high, 0},
    {"E62.paste-session", "paste into the session's terminal", LINUX, paste_session, 0},
    {"E62.change-discipline", "set the line discipline of a terminal", "seccomp:EPERM,ENOSYS", change_discipline, 0},
    {"E62.change-session-discipline", "set the line discipline of the session's terminal", "seccomp:EPERM,ENOSYS", change_session_discipline, 0},
    {"E62.take-console", "redirect the console's output to a terminal", "seccomp:EPERM,ENOSYS capabilities:EPERM", take_console, PROBE_ROOT | PROBE_GLOBAL},
    {"E62.steal-session", "take the session's terminal as another session's", "capabilities:EPERM seccomp:ENOSYS", steal_session, PROBE_ROOT},
    {"E62.open-controlling", "open /dev/tty without a terminal", "mounts:ENOENT namespaces:ENXIO kernel:ENXIO", open_controlling, 0},
    {"E62.open-console", "open /dev/console", "mounts:ENOENT", open_console, PROBE_ROOT},
    {"E62.open-virtual-console", "open /dev/tty1", "mounts:ENOENT", open_virtual_console, PROBE_ROOT},
};
const struct probe_set terminal_probes = {probes, PROBE_COUNT(probes)};
