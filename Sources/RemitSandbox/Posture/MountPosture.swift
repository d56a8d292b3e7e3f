// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// One line of `/proc/PID/mountinfo`, see proc_pid_mountinfo(5).
package struct MountPosture: Hashable, Sendable {
    package var identifier: Int
    /// The mounted directory within its file system.
    package var root: String
    package var target: String
    package var attributes: MountAttributes
    /// `shared:…` and `master:…`: what ties it to another mount.
    package var propagation: [String]
    package var type: String
    /// Of the file system itself, whichever of its mounts is looked at.
    package var options: [String]

    /// Reads the whole file.
    ///
    /// - Returns: `nil` when a line is none of the kernel's.
    package static func table(_ text: String) -> [MountPosture]? {
        var mounts: [MountPosture] = []
        for line in text.split(separator: "\n") {
            guard let mount = MountPosture(line) else { return nil }
            mounts.append(mount)
        }
        return mounts
    }

    /// Where something is mounted in a directory of this process's host; nil when nothing is.
    package static func first(within directory: String) -> String? {
        guard let bytes = try? FileSystem.read("/proc/self/mountinfo", limit: 16 << 20) else { return nil }
        return table(String(decoding: bytes, as: UTF8.self))?.first { $0.target.hasPrefix(directory + "/") }?.target
    }

    init?(_ line: Substring) {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false)
        guard fields.count > 8, let identifier = Int(fields[0]), let dash = fields.dropFirst(6).firstIndex(of: "-"),
            fields.count > dash + 1
        else { return nil }
        self.identifier = identifier
        root = Self.plain(fields[3])
        target = Self.plain(fields[4])
        let flags = fields[5].split(separator: ",")
        let known: [(Substring, MountAttributes)] = [
            ("ro", .readOnly), ("nosuid", .noSetUser), ("nodev", .noDevices), ("noexec", .noExecute),
        ]
        attributes = known.reduce([]) { flags.contains($1.0) ? $0.union($1.1) : $0 }
        propagation = fields[6..<dash].map(String.init)
        type = Self.plain(fields[dash + 1])
        options = fields.dropFirst(dash + 3).first?.split(separator: ",").map(String.init) ?? []
    }

    // Space, tab, newline and backslash are written as three octal digits.
    private static func plain(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(Substring(digits)), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The flags as mount(8) writes them, `rw,nosuid,nodev`.
    package var flags: String { attributes.flags(elseWritable: true) }
}

extension MountAttributes {
    /// `ro,nosuid,nodev,noexec`, as far as they are set; `rw` in place of `ro` only where a mount is described.
    func flags(elseWritable: Bool) -> String {
        let names: [(MountAttributes, String)] = [
            (.noSetUser, "nosuid"), (.noDevices, "nodev"), (.noExecute, "noexec"),
        ]
        let first = contains(.readOnly) ? ["ro"] : elseWritable ? ["rw"] : []
        return (first + names.filter { contains($0.0) }.map(\.1)).joined(separator: ",")
    }
}
