// SPDX-License-Identifier: Apache-2.0

/// The name of a lease's role: `remit_` and 8 to 57 of `a`–`z` and `0`–`9`.
///
/// PostgreSQL cuts longer names off at 63 bytes, which would make two leases one role.
struct Handle {
    static let prefix = "remit_"
    /// The comment of every role of ours begins with it; a role without it is never touched.
    static let mark = "remit lease"

    let name: String

    /// - Throws: ``Failure`` for any other name.
    init(_ name: String) throws(Failure) {
        guard name.hasPrefix(Self.prefix), Self.isPlain(name.dropFirst(Self.prefix.count)),
            (14...63).contains(name.utf8.count)
        else { throw Failure(.permanent, "`\(name.prefix(70))` is not the name of a lease") }
        self.name = name
    }

    static func isPlain(_ text: some StringProtocol) -> Bool {
        text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
    }
}
