// SPDX-License-Identifier: Apache-2.0

/// Whether something may be done.
package enum EgressVerdict: Hashable, Sendable {
    /// It may, by the rule of this label.
    case allowed(rule: String)
    /// It may not.
    case denied(EgressDenial)

    /// Whether it may.
    package var isAllowed: Bool { if case .allowed = self { true } else { false } }
}

/// Whether a connection may be made.
package enum ConnectionVerdict: Hashable, Sendable {
    /// It may. The rule is what all layers leave together: its label is the innermost one's.
    ///
    /// With `inspect`, HTTP has to be read and each request decided on; otherwise bytes may be passed through.
    case allowed(EgressRule, inspect: Bool)
    /// It may not.
    case denied(EgressDenial)
}

/// Whether a request may be made.
package enum RequestVerdict: Hashable, Sendable {
    /// It may, by the rule of this label, with a body of at most so many bytes.
    case allowed(rule: String, maxBody: UInt64?)
    /// It may not.
    case denied(EgressDenial)

    /// Whether it may.
    package var isAllowed: Bool { if case .allowed = self { true } else { false } }
}
