// SPDX-License-Identifier: Apache-2.0

/// The name of a session's workload, after SPIFFE-ID §2: `spiffe://TRUST-DOMAIN/session/SESSION/task/TASK`.
package struct SPIFFEID: Hashable, Sendable, CustomStringConvertible {
    /// The trust domain.
    package let trustDomain: String
    /// The whole URI.
    package let description: String

    /// Builds the name.
    ///
    /// - Throws: ``IdentityError/invalidName(_:_:)`` for a trust domain that is empty, longer than 255 bytes or has
    ///   other characters than `a-z 0-9 . - _`, for a session or task that is empty, `.`, `..` or has others than
    ///   `a-z A-Z 0-9 . - _`, and for a URI longer than 2048 bytes.
    package init(trustDomain: String, session: String, task: String) throws(IdentityError) {
        func isPlain(_ text: String, capitals: Bool) -> Bool {
            !text.isEmpty
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    case UInt8(ascii: "A")...UInt8(ascii: "Z"): capitals
                    default: false
                    }
                }
        }
        guard isPlain(trustDomain, capitals: false), trustDomain.utf8.count <= 255 else {
            throw .invalidName("trust domain", trustDomain)
        }
        for (what, name) in [("session", session), ("task", task)] {
            guard isPlain(name, capitals: true), name != ".", name != ".." else { throw .invalidName(what, name) }
        }
        self.trustDomain = trustDomain
        description = "spiffe://\(trustDomain)/session/\(session)/task/\(task)"
        guard description.utf8.count <= 2048 else { throw .invalidName("name", description) }
    }
}
