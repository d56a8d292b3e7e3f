// SPDX-License-Identifier: Apache-2.0
// E05-E10: capabilities, user ids, keys, personalities.

#include "probe.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/personality.h>
#include <sys/prctl.h>

static int write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) { return errno; }
    int result = probe_result(write(file, text, strlen(text)));
    close(file);
    return result;
}

// The value of a line of /proc/self/status, in base 16; all ones when there is none.
static unsigned long long status_value(const char *key) {
    FILE *file = fopen("/proc/self/status", "re");
    unsigned long long value = ~0ULL;
    char line[256];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        size_t length = strlen(key);
        if (strncmp(line, key, length) == 0 && line[length] == ':') { value = strtoull(line + length + 1, NULL, 16); }
    }
    if (file != NULL) { fclose(file); }
    return value;
}

static int hold_capability(void) {
    const char *sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
    for (size_t index = 0; index < PROBE_COUNT(sets); index++) {
        if (status_value(sets[index]) != 0) { return 0; }
    }
    return EPERM;
}

static int gain_privileges(void) { return status_value("NoNewPrivs") == 1 ? EPERM : 0; }
static int be_unfiltered(void) { return status_value("Seccomp") == 2 ? ENOSYS : 0; }

static int capset_with(unsigned long long effective, unsigned long long inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {(unsigned)effective, (unsigned)effective, (unsigned)inheritable},
        {(unsigned)(effective >> 32), (unsigned)(effective >> 32), (unsigned)(inheritable >> 32)},
    };
    return probe_result(syscall(SYS_capset, &header, data));
}

static int raise_capability(void) { return capset_with(1ULL << CAP_SYS_ADMIN, 0); }

static int raise_ambient(void) {
    // Inheritable first, without which the kernel refuses anyone.
    capset_with(1ULL << CAP_NET_ADMIN, 1ULL << CAP_NET_ADMIN);
    return probe_result(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0));
}

static int set_securebits(void) { return probe_result(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)); }
static int keep_capabilities(void) { return probe_result(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)); }
static int become_root(void) { return probe_result(syscall(SYS_setresuid, 0, 0, 0)); }
static int become_root_group(void) { return probe_result(syscall(SYS_setresgid, 0, 0, 0)); }

// In a fresh namespace where one can be made; in a session there is only the present one.
static int map_users(void) {
    char map[32];
    snprintf(map, sizeof map, "0 %u 1", geteuid());
    if (unshare(CLONE_NEWUSER) < 0) { snprintf(map, sizeof map, "0 0 1"); }
    return write_file("/proc/self/uid_map", map);
}

static int map_groups(void) {
    char map[32];
    snprintf(map, sizeof map, "0 %u 1", getegid());
    if (unshare(CLONE_NEWUSER) < 0) { snprintf(map, sizeof map, "0 0 1"); }
    write_file("/proc/self/setgroups", "deny");
    return write_file("/proc/self/gid_map", map);
}

static int allow_setgroups(void) {
    if (unshare(CLONE_NEWUSER) < 0) { errno = 0; }
    return write_file("/proc/self/setgroups", "allow");
}

static int read_keyring(void) {
    char names[64];
    // The session keyring of whoever started the supervisor would be inherited.
    return probe_result(syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_USER_KEYRING, names, sizeof names));
}

static int find_keyring(void) {
    return probe_result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1));
}

static int search_keyring(void) {
    long key = syscall(SYS_add_key, "user", "remit-probe", "x", 1UL, KEY_SPEC_PROCESS_KEYRING);
    if (key < 0) { return errno; }
    return probe_result(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, "user", "remit-probe", 0));
}

static int add_key(void) {
    return probe_result(syscall(SYS_add_key, "user", "remit-probe", "x", 1UL, KEY_SPEC_PROCESS_KEYRING));
}

static int request_key(void) {
    if (syscall(SYS_add_key, "user", "remit-probe", "x", 1UL, KEY_SPEC_PROCESS_KEYRING) < 0) { errno = 0; }
    return probe_result(syscall(SYS_request_key, "user", "remit-probe", NULL, KEY_SPEC_PROCESS_KEYRING));
}

static int list_keys(void) { return probe_result(open("/proc/keys", O_RDONLY | O_CLOEXEC)); }
static int no_randomisation(void) { return probe_result(syscall(SYS_personality, ADDR_NO_RANDOMIZE)); }
static int read_implies_exec(void) { return probe_result(syscall(SYS_personality, READ_IMPLIES_EXEC)); }
static int both_personalities(void) {
    return probe_result(syscall(SYS_personality, ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC));
}
static int randomisation_high(void) { return probe_result(syscall(SYS_personality, 1UL << 40 | ADDR_NO_RANDOMIZE)); }

#define REFUSED "seccomp:EPERM,ENOSYS"
#define REFUSED_CAP "seccomp:ENOSYS capabilities:EPERM"
#define MAPPED "namespaces:EPERM,EACCES,EINVAL mounts:EROFS,ENOENT"

static const struct probe probes[] = {
    {"E06.hold-capability", "hold a capability in any set", "capabilities:EPERM", hold_capability, PROBE_PORTABLE},
    {"E06.gain-privileges", "be without no_new_privs", "capabilities:EPERM", gain_privileges, PROBE_PORTABLE},
    {"E06.be-unfiltered", "be without a system call filter", "seccomp:ENOSYS", be_unfiltered, PROBE_PORTABLE},
    {"E07.raise-capability", "take CAP_SYS_ADMIN with capset(2)", "capabilities:EPERM seccomp:ENOSYS", raise_capability, PROBE_PORTABLE},
    {"E07.raise-ambient", "take an ambient capability", REFUSED_CAP, raise_ambient, 0},
    {"E07.set-securebits", "change the secure bits", REFUSED_CAP, set_securebits, 0},
    {"E07.keep-capabilities", "keep capabilities over a change of user", REFUSED_CAP, keep_capabilities, 0},
    {"E07.become-root", "become user 0", "namespaces:EINVAL capabilities:EPERM", become_root, PROBE_PORTABLE},
    {"E07.become-root-group", "become group 0", "namespaces:EINVAL capabilities:EPERM", become_root_group, 0},
    {"E08.map-users", "write a user map that has user 0", MAPPED, map_users, 0},
    {"E08.map-groups", "write a group map that has group 0", MAPPED, map_groups, 0},
    {"E08.allow-setgroups", "allow setgroups(2) again", MAPPED, allow_setgroups, PROBE_ROOT},
    {"E09.read-keyring", "read the user's keyring", REFUSED, read_keyring, 0},
    {"E09.find-keyring", "find the session's keyring", REFUSED, find_keyring, 0},
    {"E09.search-keyring", "search a keyring", REFUSED, search_keyring, 0},
    {"E09.add-key", "add a key", REFUSED, add_key, 0},
    {"E09.request-key", "request a key", REFUSED, request_key, 0},
    {"E09.list-keys", "read /proc/keys", "mounts:ENOENT landlock:EACCES", list_keys, 0},
    {"E10.no-randomisation", "switch address randomisation off", REFUSED, no_randomisation, PROBE_PORTABLE},
    {"E10.read-implies-exec", "make every mapping executable", REFUSED, read_implies_exec, 0},
    {"E10.both", "switch both on at once", REFUSED, both_personalities, 0},
    {"E10.no-randomisation-high", "switch randomisation off with bit 40 set, which the kernel cuts off", REFUSED, randomisation_high, 0},
};
const struct probe_set identity_probes = {probes, PROBE_COUNT(probes)};
