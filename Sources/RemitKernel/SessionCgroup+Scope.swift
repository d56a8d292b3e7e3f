// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

extension SessionCgroup {
    /// Puts the waiting first process of a sandbox into a delegated scope of the user's systemd, makes the session's
    /// group in it, and moves the process there. See Decisions/0002 of RemitSandbox.
    ///
    /// - Throws: ``UserManagerError``; the scope ends with its process, which the caller has to end.
    package static func createScope(
        session: String,
        process: Int32,
        limits: CgroupLimits,
        unified: String
    ) throws(UserManagerError) -> SessionCgroup {
        let unit = "remit-\(session).scope"
        let manager = try UserManager(runtimeDirectory: UserManager.runtimeDirectory)
        try manager.startScope(unit, process: process, description: "remit session \(session)")
        do throws(SystemCallError) {
            // What was promised is looked at, not believed: the kernel says where the process is.
            let lines = try FileSystem.read("/proc/\(process)/cgroup", limit: 65_536)
            let own = String(decoding: lines, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("0::/") }
            guard let own = own?.dropFirst(3), own.hasSuffix("/\(unit)") else {
                throw SystemCallError("find the process in the scope", .notFound)
            }
            let scope = unified + own
            let path = "\(scope)/session"
            try check("make `\(path)`") { unsafe mkdir(path, 0o755) }
            let directory = DescriptorBox(try FileSystem.open(path, O_PATH | O_DIRECTORY))
            try write("\(process)", to: "\(path)/cgroup.procs")
            // Only a group without processes hands its controllers down.
            delegate(scope)
            return SessionCgroup(
                path: path, controllerPaths: [:], enforced: writeUnified(limits, path), directory: directory
            )
        } catch {
            throw UserManagerError("gave a scope that cannot be used: \(error)")
        }
    }
}
