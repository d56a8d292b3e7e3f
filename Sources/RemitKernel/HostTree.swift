// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Detached copies of the host's mounts, made by root on behalf of a sandbox, see open_tree(2).
package enum HostTree {
    /// Clones the one mount at `path`, if it still is the file that was approved.
    ///
    /// - Parameters:
    ///   - facts: `nil` for a tree of our own, at a path that nobody else may change.
    ///   - owner: maps this owner on disk to that user and group of the host, by an id-mapped mount.
    /// - Throws: ``SystemCallError``; a file that was swapped in between is ESTALE.
    package static func clone(
        _ path: String,
        expecting facts: FileSystem.Facts?,
        mapping owner: (user: UInt32, group: UInt32, toUser: UInt32, toGroup: UInt32)?
    ) throws(SystemCallError) -> OwnedDescriptor {
        let source = OwnedDescriptor(
            adopting: try check("open `\(path)`") {
                unsafe linux_openat2(
                    AT_FDCWD, path, UInt64(O_PATH | O_CLOEXEC | O_NOFOLLOW), 0,
                    UInt64(RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
                )
            }
        )
        if let facts {
            let found = try FileSystem.facts(of: source.number)
            guard found.device == facts.device, found.inode == facts.inode else {
                throw SystemCallError("open `\(path)` again", Errno(code: ESTALE))
            }
        }
        let number = source.number
        let tree = OwnedDescriptor(
            adopting: try check("clone the mount at `\(path)`") {
                unsafe linux_open_tree(number, "", UInt32(1 | O_CLOEXEC | 0x1000))  // OPEN_TREE_CLONE, AT_EMPTY_PATH
            }
        )
        let mount = tree.number
        var attributes = linux_mount_attr()
        // A clone joins the peer group of what it was cloned from, and under systemd everything is shared: what the host
        // mounts there later would appear inside.
        attributes.propagation = UInt64(MS_PRIVATE)
        guard let owner else {
            try check("detach `\(path)` from the host's mounts") {
                unsafe linux_mount_setattr(mount, "", 0x1000, &attributes)
            }
            return tree
        }
        let namespace = try userNamespace(
            users: "\(owner.user) \(owner.toUser) 1\n",
            groups: "\(owner.group) \(owner.toGroup) 1\n"
        )
        attributes.attr_set = 0x0010_0000  // MOUNT_ATTR_IDMAP
        attributes.userns_fd = UInt64(namespace.number)
        try check("map the owner of `\(path)`") { unsafe linux_mount_setattr(mount, "", 0x1000, &attributes) }
        return tree
    }

    /// A user namespace that exists only for its id maps.
    private static func userNamespace(users: String, groups: String) throws(SystemCallError) -> OwnedDescriptor {
        let holder = try Child.launch(
            LaunchPlan(setup: [.deathSignal, .awaitMapping], arguments: [], environment: [], namespaces: 0x1000_0000),
            descriptors: [:]
        )
        defer {
            try? holder.signal(SIGKILL)
            waitpid(holder.pid, nil, 0)
        }
        for (file, map) in [("uid_map", users), ("gid_map", groups)] {
            let path = "/proc/\(holder.pid)/\(file)"
            let target = try FileSystem.open(path, O_WRONLY)
            try FileSystem.writeAll(target.number, Array(map.utf8), name: path)
        }
        return try FileSystem.open("/proc/\(holder.pid)/ns/user")
    }
}
