// SPDX-License-Identifier: Apache-2.0

/// Why a call failed, in the protocol's four classes.
struct Failure: Error {
    enum Kind: String, Encodable {
        case transient, auth, permanent, gone
    }

    var kind: Kind
    /// One line; never holds a password.
    var message: String
    /// The server's error code, where it sent one.
    var state: String?

    init(_ kind: Kind, _ message: String, state: String? = nil) {
        self.kind = kind
        self.message = message
        self.state = state
    }

    /// Another session changed the same catalogue row first, or the two waited for each other: try at once again.
    var isCollision: Bool {
        state == "40P01" || state == "40001" || state == "XX000" && message.contains("concurrently")
    }

    /// Something still depends on what is to be dropped.
    var isDependency: Bool { state == "2BP01" }
}

/// Appendix A of PostgreSQL's manual, "PostgreSQL Error Codes".
enum SQLState {
    /// What an error code says about trying again.
    static func kind(_ state: String) -> Failure.Kind {
        switch state {
        // Our own role or password is refused.
        case _ where state.hasPrefix("28"): .auth
        // The role exists although nobody should have made it: look before believing that nothing was issued.
        case "42710": .transient
        // Cancelled, serialisation, locks, resources, shutdown, a standby, a collision in the catalogue.
        case "57014", "55P03", "55006", "25006", "XX000": .transient
        case _ where ["08", "40", "53", "57", "58"].contains(state.prefix(2)): .transient
        // Syntax, missing objects, missing privileges, dependencies, bad values.
        case _ where ["22", "23", "2B", "3D", "3F", "42", "0L", "0P", "44"].contains(state.prefix(2)): .permanent
        default: .transient
        }
    }
}
