// SPDX-License-Identifier: Apache-2.0
// E17-E24: socket families, rings, filters of one's own, and calls that reach into the kernel or other processes.

#include "probe.h"

#include <asm/ldt.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/kcmp.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define HIGH (1UL << 32)
#define NETFILTER 12

static int make_socket(unsigned long family, unsigned long type, unsigned long protocol) {
    return probe_result(syscall(SYS_socket, family, type, protocol));
}
static int make_pair(unsigned long family, unsigned long type) {
    int pair[2];
    return probe_result(syscall(SYS_socketpair, family, type, 0, pair));
}

static int socket_alg(void) { return make_socket(AF_ALG, SOCK_SEQPACKET, 0); }
static int socket_alg_high(void) { return make_socket(HIGH | AF_ALG, SOCK_SEQPACKET, 0); }
static int socket_vsock(void) { return make_socket(AF_VSOCK, SOCK_STREAM, 0); }
static int socket_vsock_high(void) { return make_socket(HIGH | AF_VSOCK, SOCK_STREAM, 0); }
static int socket_packet(void) { return make_socket(AF_PACKET, SOCK_RAW, 0); }
static int socket_packet_high(void) { return make_socket(HIGH | AF_PACKET, SOCK_RAW, 0); }
static int socket_xdp(void) { return make_socket(AF_XDP, SOCK_RAW, 0); }
static int socket_xdp_high(void) { return make_socket(HIGH | AF_XDP, SOCK_RAW, 0); }
static int socket_key(void) { return make_socket(AF_KEY, SOCK_RAW, 2); }
static int socket_key_high(void) { return make_socket(HIGH | AF_KEY, SOCK_RAW, 2); }
static int socket_netfilter(void) { return make_socket(AF_NETLINK, SOCK_RAW, NETFILTER); }
static int socket_netfilter_high(void) { return make_socket(HIGH | AF_NETLINK, SOCK_RAW, HIGH | NETFILTER); }
static int socket_generic_netlink(void) { return make_socket(AF_NETLINK, SOCK_RAW, 16); }
static int socket_xfrm(void) { return make_socket(AF_NETLINK, SOCK_RAW, 6); }
static int socket_audit(void) { return make_socket(AF_NETLINK, SOCK_RAW, 9); }
static int socket_uevent(void) { return make_socket(AF_NETLINK, SOCK_RAW, 15); }
static int socket_mptcp(void) { return make_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP); }
static int socket_mptcp_high(void) { return make_socket(AF_INET, SOCK_STREAM, HIGH | IPPROTO_MPTCP); }
static int socket_sctp(void) { return make_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP); }
static int socket_raw(void) { return make_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static int socket_raw_flags(void) { return make_socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP); }
static int socket_raw6(void) { return make_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6); }
static int socket_raw_high(void) { return make_socket(AF_INET, HIGH | SOCK_RAW, IPPROTO_ICMP); }
static int socket_udplite(void) { return make_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE); }
static int pair_vsock(void) { return make_pair(AF_VSOCK, SOCK_STREAM); }
static int pair_tipc(void) { return make_pair(AF_TIPC, SOCK_SEQPACKET); }
static int pair_netlink(void) { return make_pair(AF_NETLINK, SOCK_RAW); }
static int pair_internet(void) { return make_pair(AF_INET, SOCK_STREAM); }
static int pair_vsock_high(void) { return make_pair(HIGH | AF_VSOCK, SOCK_STREAM); }

static int ring(void) {
    struct io_uring_params parameters;
    memset(&parameters, 0, sizeof parameters);
    return (int)syscall(SYS_io_uring_setup, 4, &parameters);
}
static int ring_setup(void) { return probe_result(ring()); }
static int ring_enter(void) { return probe_result(syscall(SYS_io_uring_enter, ring(), 0, 0, 0, NULL, 0)); }
static int ring_register(void) {
    char room[16 + 256 * 8];
    memset(room, 0, sizeof room);
    return probe_result(syscall(SYS_io_uring_register, ring(), IORING_REGISTER_PROBE, room, 256));
}

// A filter whose verdict for every connect(2) is `action`.
static long filter(unsigned flags, uint32_t action) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = PROBE_COUNT(code), .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) { return -1; }
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}
static int filter_hide(void) { return probe_result(filter(0, SECCOMP_RET_ERRNO)); }
static int filter_prctl(void) {
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = 1, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) { return errno; }
    return probe_result(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
}
static int filter_listen(void) { return probe_result(filter(SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_RET_USER_NOTIF)); }
static int filter_trace(void) { return probe_result(filter(0, SECCOMP_RET_TRACE)); }

// A child that waits to be killed, as every attempt's leftovers are.
static pid_t victim(void) {
    pid_t child = fork();
    if (child == 0) {
        for (;;) { pause(); }
    }
    return child;
}
static int trace_child(void) {
    return probe_result(ptrace(PTRACE_SEIZE, victim(), NULL, (void *)(intptr_t)PTRACE_O_TRACESECCOMP));
}
static int trace_attach(void) { return probe_result(ptrace(PTRACE_ATTACH, victim(), NULL, NULL)); }
static int trace_me(void) { return probe_result(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }

static char memory[16] = "remit-probe";
static int read_child(void) {
    char room[16];
    struct iovec here = {room, sizeof room}, there = {memory, sizeof memory};
    return probe_result(process_vm_readv(victim(), &here, 1, &there, 1, 0));
}
static int write_child(void) {
    struct iovec here = {memory, sizeof memory}, there = {memory, sizeof memory};
    return probe_result(process_vm_writev(victim(), &here, 1, &there, 1, 0));
}
static int write_parent(void) {
    // The parent is the same program at the same addresses: unconfined this hits the very variable there.
    struct iovec here = {memory, sizeof memory}, there = {memory, sizeof memory};
    return probe_result(process_vm_writev(getppid(), &here, 1, &there, 1, 0));
}
static int take_descriptor(void) {
    int process = (int)syscall(SYS_pidfd_open, victim(), 0);
    return process < 0 ? errno : probe_result(syscall(SYS_pidfd_getfd, process, 1, 0));
}
static int advise_child(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct iovec there = {page, 4096};
    int process = (int)syscall(SYS_pidfd_open, victim(), 0);
    return process < 0 ? errno : probe_result(syscall(SYS_process_madvise, process, &there, 1, MADV_COLD, 0));
}
static int compare(void) { return probe_result(syscall(SYS_kcmp, getpid(), victim(), KCMP_FILES, 0, 0) < 0 ? -1 : 0); }
static int fault_handler(void) {
    return probe_result(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}
static int count_events(void) {
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_TASK_CLOCK,
                                    .exclude_kernel = 1, .exclude_hv = 1};
    return probe_result(syscall(SYS_perf_event_open, &event, 0, -1, -1, 0UL));
}
static int load_program(void) {
    // r0 = 0; exit
    struct bpf_insn code[] = {{.code = 0xb7}, {.code = 0x95}};
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attributes.insn_cnt = 2;
    attributes.insns = (uintptr_t)code;
    attributes.license = (uintptr_t)"GPL";
    return probe_result(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
}
static int make_map(void) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = 4;
    attributes.value_size = 4;
    attributes.max_entries = 1;
    return probe_result(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

#if defined(__x86_64__)
static int write_ldt(void) {
    struct user_desc segment = {.entry_number = 0, .base_addr = 0, .limit = 0xfffff, .seg_32bit = 1,
                                .limit_in_pages = 1, .useable = 1};
    return probe_result(syscall(SYS_modify_ldt, 0x11, &segment, sizeof segment));
}
static int raise_io_level(void) { return probe_result(syscall(SYS_iopl, 3)); }
static int open_io_ports(void) { return probe_result(syscall(SYS_ioperm, 0x80, 1, 1)); }
#else
static int other(void) { return probe_skip("only x86-64 has it"); }
#define write_ldt other
#define raise_io_level other
#define open_io_ports other
#endif

static int splice_memory(void) {
    int pipes[2];
    struct iovec part = {memory, sizeof memory};
    return pipe(pipes) < 0 ? errno : probe_result(vmsplice(pipes[1], &part, 1, 0));
}
static int read_kernel_log(void) { return probe_result(syscall(SYS_syslog, 10, NULL, 0)); }
static int watch_all_files(void) { return probe_result(syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, O_RDONLY)); }

#define REFUSED "seccomp:EPERM,ENOSYS"
#define FAMILY "seccomp:EAFNOSUPPORT kernel:EAFNOSUPPORT,ESOCKTNOSUPPORT"
#define PROTOCOL "seccomp:EPERM,ENOSYS,EAFNOSUPPORT,EPROTONOSUPPORT kernel:EPROTONOSUPPORT,ENOPROTOOPT"
#define PAIR "seccomp:EAFNOSUPPORT,EPERM,ENOSYS kernel:EAFNOSUPPORT,EOPNOTSUPP,ESOCKTNOSUPPORT"

static const struct probe probes[] = {
    {"E17.alg", "make an AF_ALG socket", FAMILY, socket_alg, PROBE_PORTABLE},
    {"E17.alg-high", "the same with a bit set that the kernel cuts off", FAMILY, socket_alg_high, PROBE_PORTABLE},
    {"E17.vsock", "make an AF_VSOCK socket", FAMILY, socket_vsock, PROBE_PORTABLE},
    {"E17.vsock-high", "the same with a bit set that the kernel cuts off", FAMILY, socket_vsock_high, PROBE_PORTABLE},
    {"E17.packet", "make an AF_PACKET socket", FAMILY, socket_packet, PROBE_PORTABLE},
    {"E17.packet-high", "the same with a bit set that the kernel cuts off", FAMILY, socket_packet_high, 0},
    {"E17.xdp", "make an AF_XDP socket", FAMILY, socket_xdp, 0},
    {"E17.xdp-high", "the same with a bit set that the kernel cuts off", FAMILY, socket_xdp_high, 0},
    {"E17.key", "make an AF_KEY socket", FAMILY, socket_key, 0},
    {"E17.key-high", "the same with a bit set that the kernel cuts off", FAMILY, socket_key_high, 0},
    {"E17.netfilter", "make a netlink socket to netfilter", PROTOCOL, socket_netfilter, PROBE_PORTABLE},
    {"E17.netfilter-high", "the same with bits set that the kernel cuts off", PROTOCOL, socket_netfilter_high, 0},
    {"E17.generic-netlink", "make a generic netlink socket", PROTOCOL, socket_generic_netlink, 0},
    {"E17.xfrm", "make a netlink socket to IPsec", PROTOCOL, socket_xfrm, 0},
    {"E17.audit", "make a netlink socket to the audit system", PROTOCOL, socket_audit, 0},
    {"E17.uevent", "make a netlink socket to device events", PROTOCOL, socket_uevent, 0},
    {"E18.mptcp", "make an MPTCP socket", PROTOCOL, socket_mptcp, 0},
    {"E18.mptcp-high", "the same with a bit set that the kernel cuts off", PROTOCOL, socket_mptcp_high, 0},
    {"E18.sctp", "make an SCTP socket", PROTOCOL, socket_sctp, 0},
    {"E18.raw", "make a raw ICMP socket", PROTOCOL, socket_raw, PROBE_PORTABLE},
    {"E18.raw-flags", "make a raw UDP socket with flags in its type", PROTOCOL, socket_raw_flags, 0},
    {"E18.raw6", "make a raw IPv6 socket", "seccomp:EPERM,ENOSYS,EAFNOSUPPORT,EPROTONOSUPPORT kernel:EAFNOSUPPORT", socket_raw6, 0},
    {"E18.raw-high", "make a raw socket with a bit set that the kernel cuts off", PROTOCOL, socket_raw_high, 0},
    {"E18.udplite", "make a UDP-Lite socket", PROTOCOL, socket_udplite, 0},
    {"E19.vsock", "make a pair of AF_VSOCK sockets", PAIR, pair_vsock, 0},
    {"E19.vsock-high", "the same with a bit set that the kernel cuts off", PAIR, pair_vsock_high, 0},
    {"E19.tipc", "make a pair of AF_TIPC sockets", PAIR, pair_tipc, 0},
    {"E19.netlink", "make a pair of netlink sockets", PAIR, pair_netlink, 0},
    {"E19.internet", "make a pair of internet sockets", PAIR, pair_internet, 0},
    {"E20.ring-setup", "make a ring with io_uring_setup(2)", "seccomp:ENOSYS kernel:ENOSYS,EPERM", ring_setup, PROBE_PORTABLE},
    {"E20.ring-enter", "submit to a ring with io_uring_enter(2)", "seccomp:ENOSYS kernel:ENOSYS,EPERM,EBADF", ring_enter, 0},
    {"E20.ring-register", "register with a ring with io_uring_register(2)", "seccomp:ENOSYS kernel:ENOSYS,EPERM,EBADF", ring_register, 0},
    {"E21.filter-hide", "hide connect(2) from the supervisor with a filter of its own", REFUSED, filter_hide, PROBE_PORTABLE},
    {"E21.filter-prctl", "install a filter with prctl(2)", REFUSED, filter_prctl, 0},
    {"E22.filter-listen", "become the supervisor of its own calls", REFUSED, filter_listen, PROBE_PORTABLE},
    {"E23.filter-trace", "install a filter that hands calls to a tracer", REFUSED, filter_trace, 0},
    {"E23.trace-child", "trace a child, to change the numbers of its calls", REFUSED, trace_child, PROBE_PORTABLE},
    {"E23.trace-attach", "attach to a child with ptrace(2)", REFUSED, trace_attach, 0},
    {"E23.trace-me", "be traced by its parent", REFUSED, trace_me, PROBE_PORTABLE},
    {"E24.write-ldt", "write a segment with modify_ldt(2)", "seccomp:EPERM,ENOSYS kernel:ENOSYS", write_ldt, 0},
    {"E24.raise-io-level", "raise the I/O privilege level", REFUSED, raise_io_level, PROBE_ROOT},
    {"E24.open-io-ports", "open an I/O port", REFUSED, open_io_ports, PROBE_ROOT},
    {"E24.count-events", "open a performance event", "seccomp:EPERM,ENOSYS kernel:EACCES,ENOSYS", count_events, 0},
    {"E24.load-program", "load a BPF program", REFUSED, load_program, PROBE_ROOT},
    {"E24.make-map", "make a BPF map", REFUSED, make_map, PROBE_ROOT},
    {"E24.fault-handler", "handle page faults with userfaultfd(2)", "seccomp:EPERM,ENOSYS kernel:ENOSYS", fault_handler, PROBE_PORTABLE},
    {"E24.compare", "compare processes with kcmp(2)", "seccomp:EPERM,ENOSYS kernel:ENOSYS", compare, 0},
    {"E24.read-child", "read a child's memory", REFUSED, read_child, 0},
    {"E24.write-child", "write a child's memory", REFUSED, write_child, 0},
    {"E24.write-parent", "write the parent's memory", REFUSED, write_parent, PROBE_PORTABLE},
    {"E24.take-descriptor", "take a child's descriptor", REFUSED, take_descriptor, 0},
    {"E24.advise-child", "advise about a child's memory", REFUSED, advise_child, PROBE_ROOT},
    {"E24.splice-memory", "splice its own memory into a pipe", REFUSED, splice_memory, 0},
    {"E24.read-kernel-log", "ask for the kernel's log", REFUSED, read_kernel_log, PROBE_ROOT},
    {"E24.watch-all-files", "watch files with fanotify(7)", REFUSED, watch_all_files, 0},
};
const struct probe_set filter_probes = {probes, PROBE_COUNT(probes)};
