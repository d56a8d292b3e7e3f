// SPDX-License-Identifier: Apache-2.0

package import RemitKernel
package import RemitNetwork

/// The secret of one lease as the gate needs it: real values, what the agent holds instead, and where they are swapped.
package struct SecretGrant: Sendable {
    /// The name of the credential whose lease it belongs to.
    package var lease: String
    /// Where its placeholders are swapped; each is of this lease.
    package var bindings: [SecretBinding]
    /// Its values: one of the name `value`, or the parts of a key pair.
    package var parts: [SecretPart]

    /// Makes a grant.
    package init(lease: String, bindings: [SecretBinding], parts: [SecretPart]) {
        self.lease = lease
        self.bindings = bindings
        self.parts = parts
    }

    /// The part of a name.
    package subscript(_ name: SecretPart.Name) -> SecretPart? { parts.first { $0.name == name } }
}

/// One value of a secret, and what stands for it inside.
package struct SecretPart: Sendable {
    /// Which value of a secret it is.
    package enum Name: String, Hashable, Sendable, CaseIterable {
        /// A secret of one value.
        case value
        /// The identifier of an AWS access key.
        case accessKeyID
        /// The key that belongs to it.
        case secretAccessKey
        /// The token of a temporary key pair.
        case sessionToken
    }

    /// Which value it is.
    package let name: Name
    /// What the agent holds instead; not secret, and unlike anything that could be.
    package let placeholder: String
    /// The real value.
    package let value: Secret

    /// Makes a part.
    package init(name: Name = .value, placeholder: String, value: Secret) {
        self.name = name
        self.placeholder = placeholder
        self.value = value
    }
}

extension SecretGrant: CustomStringConvertible, CustomDebugStringConvertible {
    /// The lease's name, and nothing of the values.
    package var description: String { "grant of \(lease) (secret)" }
    package var debugDescription: String { description }
}
