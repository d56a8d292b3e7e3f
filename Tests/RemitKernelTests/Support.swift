// SPDX-License-Identifier: Apache-2.0
// What the tests of the kernel boundary share: a scratch directory, and what this host lets us try.

import Foundation
import Glibc
import RemitKernel
import Testing

/// A directory that is gone when the test is.
final class Scratch {
    let path: String

    init() throws {
        path = "\(NSTemporaryDirectory())/remit-kernel-\(Random.identifier(12))"
        try FileSystem.makeDirectories(path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// What this host and this user can do.
enum Host {
    static let isRoot = geteuid() == 0

    static let cgroups = CgroupHierarchies.probe()

    /// A session's control group can be made and killed.
    static let hasCgroups: Bool = isRoot && SessionCgroup.parent(in: cgroups) != nil

    static let hasProcessLimit: Bool = hasCgroups && (!cgroups.isHybrid || cgroups.controllers["pids"] != nil)

    static let hasMemoryLimit: Bool = hasCgroups && (!cgroups.isHybrid || cgroups.controllers["memory"] != nil)

    /// A child may be cloned into a user namespace of its own.
    static let hasUserNamespaces: Bool = {
        let plan = LaunchPlan(setup: [.awaitMapping], arguments: [], environment: [], namespaces: 0x1000_0000)
        guard let child = try? Child.launch(plan, descriptors: [:]) else { return false }
        try? child.signal(SIGKILL)
        waitpid(child.pid, nil, 0)
        return true
    }()
}

extension Child {
    /// Waits for the end of the process and collects it.
    func waitForEnd(_ milliseconds: CInt = 10_000) -> WaitStatus? {
        var poller = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, milliseconds) == 1 else { return nil }
        return reap()
    }

    /// Kills and collects it, whatever state it is in.
    func finish() {
        try? signal(SIGKILL)
        waitpid(pid, nil, 0)
    }
}

/// Records what did not come, in a guard.
func missed(_ what: Comment, sourceLocation: SourceLocation = #_sourceLocation) {
    Issue.record(what, sourceLocation: sourceLocation)
}
