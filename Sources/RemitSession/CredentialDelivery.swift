// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import RemitKernel
internal import RemitSandbox

/// Puts credentials where the agent finds them: files of a tmpfs that only the supervisor can write.
package struct CredentialDelivery {
    private let directory: CInt
    private let user: UInt32
    private let group: UInt32

    /// - Parameter directory: the supervisor's writable view of the sandbox's credential directory.
    package init(directory: CInt, user: UInt32, group: UInt32) {
        self.directory = directory
        self.user = user
        self.group = group
    }

    /// Replaces the file `name` atomically, mode 0400.
    ///
    /// - Throws: ``SystemCallError``; the former content is still there then.
    package func deliver(_ name: String, _ content: Secret) throws(SystemCallError) {
        let temporary = ".\(name).new"
        try asAgent { () throws(SystemCallError) in
            _ = unsafe unlinkat(directory, temporary, 0)
            let file = try FileSystem.open(
                temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o400, in: directory
            )
            let bytes = content.withBytes { $0 }
            try FileSystem.writeAll(file.number, bytes, name: name)
            try check("deliver credential `\(name)`") { unsafe renameat(directory, temporary, directory, name) }
        }
    }

    /// Removes the file `name`, if it is there.
    package func withdraw(_ name: String) {
        try? asAgent { () throws(SystemCallError) in _ = unsafe unlinkat(directory, name, 0) }
    }

    /// The tmpfs belongs to the sandbox's user namespace, in which real root is nobody: files are made as the agent.
    private func asAgent(_ body: () throws(SystemCallError) -> Void) throws(SystemCallError) {
        guard CurrentProcess.isRoot else { return try body() }
        linux_set_filesystem_ids(user, group)
        defer { linux_set_filesystem_ids(0, 0) }
        try body()
    }
}
