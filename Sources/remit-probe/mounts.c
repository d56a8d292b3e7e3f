// SPDX-License-Identifier: Apache-2.0
// E29, E39, E43, E45, E47: mounts, roots, file handles, attributes.

#include "probe.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

// Unconfined, what a probe mounts must not be in the way of the next one. Where there is a filter this is left out:
// the refusal would count against the session.
static void own_mounts(void) {
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0 && unshare(CLONE_NEWNS) == 0) {
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    }
}

static int remount(void) {
    own_mounts();
    return probe_result(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL));
}
static int remount_attributes(void) {
    own_mounts();
    struct mount_attr change = {.attr_set = MOUNT_ATTR_NODEV};
    return probe_result(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &change, sizeof change));
}
static int bind_over(void) {
    own_mounts();
    return probe_result(mount("/tmp", "/usr", NULL, MS_BIND, NULL));
}
static int detach(void) {
    own_mounts();
    // Something of our own to take away where one may mount at all; otherwise the agent's /tmp.
    if (mkdir("mounted", 0700) < 0 && errno != EEXIST) { return errno; }
    const char *target = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0 && mount("none", "mounted", "tmpfs", 0, NULL) == 0
                             ? "mounted" : "/tmp";
    return probe_result(umount2(target, MNT_DETACH));
}

// MARK: E39

// `room` is where the handle itself is: the structure before it ends with an array of no length.
struct handle {
    struct file_handle head;
    unsigned char room[MAX_HANDLE_SZ];
};

static int name_handle(void) {
    struct handle handle = {.head.handle_bytes = MAX_HANDLE_SZ};
    int mount = 0;
    return probe_result(name_to_handle_at(AT_FDCWD, ".", &handle.head, &mount, 0));
}

// The root of an ext file system is inode 2 whatever its generation: the classic way out of a container.
static int shocker(void) {
    int mounted = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mounted < 0) { return errno; }
    struct handle handle = {.head.handle_bytes = 8, .head.handle_type = 1};
    handle.room[0] = 2;
    int file = open_by_handle_at(mounted, &handle.head, O_RDONLY | O_CLOEXEC);
    // As root another file system says that it knows no such file: it did look.
    return file >= 0 || errno == ESTALE ? 0 : errno;
}

// MARK: E43

static int over_proc(void) {
    own_mounts();
    return probe_result(mount("none", "/proc", "tmpfs", 0, NULL));
}
static int second_proc(void) {
    own_mounts();
    mkdir("processes", 0700);
    return probe_result(mount("none", "processes", "proc", 0, NULL));
}
static int system_files(void) {
    own_mounts();
    mkdir("system", 0700);
    return probe_result(mount("none", "system", "sysfs", 0, NULL));
}
static int overlay(void) {
    own_mounts();
    mkdir("merged", 0700);
    mkdir("upper", 0700);
    mkdir("work", 0700);
    return probe_result(mount("none", "merged", "overlay", 0, "lowerdir=/usr,upperdir=upper,workdir=work,userxattr"));
}
static int new_filesystem(void) {
    int context = (int)syscall(SYS_fsopen, "tmpfs", 0);
    return probe_result(context);
}
static int pick_filesystem(void) { return probe_result(syscall(SYS_fspick, AT_FDCWD, "/", 0)); }
static int clone_tree(void) {
    own_mounts();
    return probe_result(syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE));
}
static int move_tree(void) {
    own_mounts();
    // Unconfined a mount of our own is moved; an agent's are /tmp and the workspace, which are mounts as well.
    mkdir("from", 0700);
    mkdir("to", 0700);
    int own = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0 && mount("none", "from", "tmpfs", 0, NULL) == 0;
    return probe_result(syscall(SYS_move_mount, AT_FDCWD, own ? "from" : "/tmp", AT_FDCWD, "to", 0));
}

// MARK: E45

static int change_root(void) { return probe_result(chroot(".")); }
static int change_root_twice(void) {
    // Out of a chroot: a descriptor from before, a second root beneath it, and up.
    int saved = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mkdir("prison", 0700);
    if (saved < 0 || chroot("prison") < 0) { return errno; }
    if (fchdir(saved) < 0) { return errno; }
    return probe_result(chroot("."));
}
static int pivot(void) {
    own_mounts();
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0) {
        mkdir("pivot", 0700);
        if (mount("none", "pivot", "tmpfs", 0, NULL) < 0 || chdir("pivot") < 0) { return errno; }
    } else if (chdir("/tmp") < 0) {
        return errno;
    }
    return probe_result(syscall(SYS_pivot_root, ".", "."));
}

// MARK: E47

static const struct vfs_cap_data every_capability = {
    .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
    .data = {{.permitted = 0xffffffff}, {.permitted = 0x1ff}},
};

static int file_capabilities(void) {
    int file = open("capable", O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
    if (file < 0) { return errno; }
    close(file);
    return probe_result(setxattr("capable", "security.capability", &every_capability, XATTR_CAPS_SZ_2, 0));
}
static int trusted_attribute(void) {
    return probe_result(setxattr(".", "trusted.overlay.opaque", "y", 1, 0));
}
static int file_flags(const char *name, int flag) {
    int file = open(name, O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
    if (file < 0) { return errno; }
    int flags = 0;
    ioctl(file, FS_IOC_GETFLAGS, &flags);
    flags |= flag;
    int result = probe_result(ioctl(file, FS_IOC_SETFLAGS, &flags));
    if (result == 0 && (flag & (FS_IMMUTABLE_FL | FS_APPEND_FL))) {
        flags &= ~flag;
        ioctl(file, FS_IOC_SETFLAGS, &flags);
    }
    close(file);
    return result;
}
static int immutable(void) { return file_flags("immutable", FS_IMMUTABLE_FL); }
static int flag_any(void) { return file_flags("flagged", FS_NODUMP_FL); }
static int attribute_read_only(void) {
    int result = probe_result(setxattr("/usr/lib/os-release", "user.remit", "x", 1, 0));
    if (result == 0) { removexattr("/usr/lib/os-release", "user.remit"); }
    return result;
}

#define FILTER "seccomp:EPERM,ENOSYS"

static const struct probe probes[] = {
    {"E29.remount", "mount / again with other flags by mount(2)", FILTER, remount, PROBE_PORTABLE},
    {"E29.remount-attributes", "change the flags of / with mount_setattr(2)", FILTER, remount_attributes, PROBE_PORTABLE},
    {"E29.bind-over", "bind a directory of one's own over /usr", FILTER, bind_over, 0},
    {"E29.detach", "take a mount away to see what it covers", FILTER, detach, 0},
    {"E39.name-handle", "get a file handle with name_to_handle_at(2)", FILTER, name_handle, 0},
    {"E39.shocker", "open the host's root by a guessed file handle", FILTER, shocker, PROBE_ROOT | PROBE_PORTABLE},
    {"E43.over-proc", "mount a tmpfs over /proc", FILTER, over_proc, PROBE_PORTABLE},
    {"E43.second-proc", "mount a complete /proc", FILTER, second_proc, 0},
    {"E43.sysfs", "mount /sys", FILTER, system_files, 0},
    {"E43.overlay", "mount an overlay of /usr", FILTER " kernel:ENODEV,EPERM", overlay, 0},
    {"E43.fsopen", "make a file system with fsopen(2)", FILTER, new_filesystem, PROBE_PORTABLE},
    {"E43.fspick", "reconfigure the root's file system with fspick(2)", FILTER, pick_filesystem, PROBE_ROOT},
    {"E43.open-tree", "clone every mount with open_tree(2)", FILTER, clone_tree, 0},
    {"E43.move-mount", "move a mount with move_mount(2)", FILTER, move_tree, 0},
    {"E45.chroot", "change the root directory", FILTER, change_root, PROBE_PORTABLE},
    {"E45.chroot-twice", "leave a root directory by a saved descriptor and a second root", FILTER, change_root_twice, 0},
    {"E45.pivot-root", "exchange the root with pivot_root(2)", FILTER, pivot, 0},
    {"E47.file-capabilities", "give a file capabilities", "capabilities:EPERM", file_capabilities, 0},
    {"E47.trusted-attribute", "set an attribute that only the machine's root may set", "capabilities:EPERM", trusted_attribute, PROBE_ROOT},
    {"E47.immutable", "make a file immutable", FILTER, immutable, PROBE_ROOT},
    {"E47.flags", "set a file's inode flags", FILTER " kernel:ENOTTY,EOPNOTSUPP", flag_any, 0},
    {"E47.attribute-read-only", "set an attribute of a file of /usr", "mounts:EROFS capabilities:EPERM", attribute_read_only, PROBE_ROOT},
};
const struct probe_set mounts_probes = {probes, PROBE_COUNT(probes)};
