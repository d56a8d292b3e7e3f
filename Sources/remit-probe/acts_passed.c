// SPDX-License-Identifier: Apache-2.0
// Descriptors of the host that an accomplice outside hands over through a socket in the workspace.

#include "acts.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int join(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer < 0 || connect(peer, (struct sockaddr *)&address, sizeof address) < 0) { return -1; }
    return peer;
}

static int receive_descriptor(int peer) {
    char byte;
    char control[CMSG_SPACE(sizeof(int))] = "";
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header;
    if (recvmsg(peer, &message, MSG_CMSG_CLOEXEC) != 1 || (header = CMSG_FIRSTHDR(&message)) == NULL) { return -1; }
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

static void say(const char *what, long result) {
    int code = errno;
    printf("{\"act\":\"%s\",\"answer\":\"%s\"}\n", what, result < 0 ? strerrorname_np(code) : "ok");
    fflush(stdout);
}

static void use_ring(int ring) {
    char room[16 + 256 * 8];
    memset(room, 0, sizeof room);
    say("enter", syscall(SYS_io_uring_enter, ring, 0, 0, 0, NULL, 0));
    say("register", syscall(SYS_io_uring_register, ring, IORING_REGISTER_PROBE, room, 256));
}

static void use_process(int process) {
    say("signal", syscall(SYS_pidfd_send_signal, process, SIGURG, NULL, 0));
    say("descriptor", syscall(SYS_pidfd_getfd, process, 0, 0));
    say("enter", setns(process, CLONE_NEWUTS));
}

static void use_namespace(int namespace) { say("enter", setns(namespace, 0)); }

static void use_directory(int directory) {
    say("read", openat(directory, "secret", O_RDONLY | O_CLOEXEC));
    say("write", openat(directory, "secret", O_WRONLY | O_CLOEXEC));
    say("create", openat(directory, "created", O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    say("climb", openat(directory, "../../../../etc/shadow", O_RDONLY | O_CLOEXEC));
    say("remove", unlinkat(directory, "secret", 0));
    say("root", fchdir(directory) < 0 ? -1 : chroot("."));
}

// receive SOCKET KIND: takes a descriptor and uses it for what it is.
static int receive(int count, char **arguments) {
    if (count < 2) { return 64; }
    int peer = join(arguments[0]);
    int descriptor = peer < 0 ? -1 : receive_descriptor(peer);
    if (descriptor < 0) {
        printf("{\"error\":\"%s\"}\n", strerrorname_np(errno));
        return 1;
    }
    const char *kind = arguments[1];
    if (strcmp(kind, "ring") == 0) { use_ring(descriptor); }
    if (strcmp(kind, "process") == 0) { use_process(descriptor); }
    if (strcmp(kind, "namespace") == 0) { use_namespace(descriptor); }
    if (strcmp(kind, "directory") == 0) { use_directory(descriptor); }
    return 0;
}

// hand-out SOCKET: gives away every descriptor that could open a door into the sandbox from outside.
static int hand_out(int count, char **arguments) {
    if (count < 1) { return 64; }
    const char *paths[] = {"/", "/workspace", "/tmp", "/proc", "/proc/self/ns/mnt", "/proc/self/ns/net", "/dev/null"};
    for (size_t index = 0; index < PROBE_COUNT(paths); index++) {
        int peer = join(arguments[0]);
        int descriptor = open(paths[index], O_RDONLY | O_CLOEXEC);
        if (peer < 0 || descriptor < 0) {
            say(paths[index], -1);
            continue;
        }
        char control[CMSG_SPACE(sizeof(int))] = "";
        struct iovec part = {(char *)paths[index], strlen(paths[index])};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
        say(paths[index], sendmsg(peer, &message, MSG_NOSIGNAL));
        close(peer);
        close(descriptor);
    }
    return 0;
}

static const struct act acts[] = {{"receive", receive}, {"hand-out", hand_out}};
const struct act_set passed_acts = {acts, PROBE_COUNT(acts)};
