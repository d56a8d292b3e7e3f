// SPDX-License-Identifier: Apache-2.0
// Numbers and names of system calls: libseccomp's, and those of kernels newer than the libseccomp that is there.

internal import CSeccomp
internal import Glibc

/// Numbers of system calls on this machine, by name, and the other way round.
package enum SystemCallNumbers {
    /// The number of a system call on this machine, or `nil` where it has none by that name.
    package static func number(of name: String) -> Int32? {
        let number = unsafe seccomp_syscall_resolve_name(name)
        return number >= 0 ? number : newerNumbers[name]
    }

    /// The name of a number on this machine, or `nil` where nothing has it.
    package static func name(of number: Int32) -> String? {
        guard let name = unsafe seccomp_syscall_resolve_num_arch(UInt32(SCMP_ARCH_NATIVE), number) else {
            return newer.first { $0.number == number }?.name
        }
        defer { unsafe free(name) }
        return unsafe String(cString: name)
    }

    /// Whether some architecture has a call by that name, though maybe not this one.
    package static func isKnown(_ name: String) -> Bool {
        unsafe seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR || newerNumbers[name] != nil
    }

    /// The name of every call of this machine, in the order of their numbers.
    package static let names: [String] = (0...highest).compactMap(name)

    /// The version of libseccomp, on which a compiled filter depends as well.
    package static let libraryVersion: String = {
        guard let version = unsafe seccomp_version() else { return "unknown" }
        return unsafe "\(version.pointee.major).\(version.pointee.minor).\(version.pointee.micro)"
    }()

    /// The highest number that has a name here.
    package static let highest: Int32 = 469

    /// Calls of Linux 6.5 to 6.18, from `include/uapi/asm-generic/unistd.h` and `arch/x86/entry/syscalls/syscall_64.tbl`:
    /// from 424 on, x86_64 and aarch64 count alike. libseccomp 2.5.4 ends at 452, or at 456 as Debian patches it.
    package static let newer: [(name: String, number: Int32)] = {
        var calls: [(name: String, number: Int32)] = [
            ("cachestat", 451), ("fchmodat2", 452), ("map_shadow_stack", 453), ("futex_wake", 454),
            ("futex_wait", 455), ("futex_requeue", 456), ("statmount", 457), ("listmount", 458),
            ("lsm_get_self_attr", 459), ("lsm_set_self_attr", 460), ("lsm_list_modules", 461), ("mseal", 462),
            ("setxattrat", 463), ("getxattrat", 464), ("listxattrat", 465), ("removexattrat", 466),
            ("open_tree_attr", 467), ("file_getattr", 468), ("file_setattr", 469),
        ]
        #if arch(x86_64)
        calls += [("uretprobe", 335), ("uprobe", 336)]
        #endif
        return calls
    }()

    private static let newerNumbers = Dictionary(uniqueKeysWithValues: newer.map { ($0.name, $0.number) })
}
