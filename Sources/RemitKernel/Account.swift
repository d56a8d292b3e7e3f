// SPDX-License-Identifier: Apache-2.0

/// A user of this host, as passwd(5) has it.
///
/// Not by getpwuid(3): where no file names the user, a static program loads the host's name-service modules
/// (libnss_systemd and others), and those end it. Users of a directory service are unknown here.
package struct Account: Hashable, Sendable {
    package let name: String
    package let user: UInt32
    package let home: String

    /// The entry of a user; `nil` where the file has none.
    package init?(of user: UInt32, in path: String = "/etc/passwd") {
        guard let bytes = try? FileSystem.read(path, limit: 16 << 20) else { return nil }
        let entries = bytes.split(separator: UInt8(ascii: "\n")).lazy.compactMap(Account.init(line:))
        guard let entry = entries.first(where: { $0.user == user }) else { return nil }
        self = entry
    }

    /// Reads `name:password:uid:gid:comment:home:shell`; `nil` for a comment or anything else.
    init?(line: some Collection<UInt8>) {
        let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard fields.count == 7, let name = String(validating: fields[0], as: UTF8.self), !name.isEmpty,
            let number = String(validating: fields[2], as: UTF8.self), number.utf8.allSatisfy({ 48...57 ~= $0 }),
            let user = UInt32(number), let home = String(validating: fields[5], as: UTF8.self), home.hasPrefix("/")
        else { return nil }
        self.name = name
        self.user = user
        self.home = home
    }
}
