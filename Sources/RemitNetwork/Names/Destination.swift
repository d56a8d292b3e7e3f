// SPDX-License-Identifier: Apache-2.0

/// Where somebody wants to connect: to a name, or to an address that was given literally.
package enum Destination: Hashable, Sendable {
    /// A host by its name.
    case name(HostName)
    /// A host by its address; a mapped one counts as the address of version 4 that it is.
    case address(IPAddress)

    /// Reads a host as it stands in an authority or a rule: a name, an address, or an address of version 6 in brackets.
    ///
    /// - Throws: ``HostNameError`` when it is neither.
    package init(_ untrusted: some Collection<UInt8>) throws(HostNameError) {
        if untrusted.first == UInt8(ascii: "[") {
            let inner = untrusted.dropFirst()
            guard inner.count <= 46, let end = inner.firstIndex(of: UInt8(ascii: "]")),
                inner.index(after: end) == inner.endIndex,
                let address = IPAddress(String(decoding: inner[..<end], as: UTF8.self)), address.isVersion6
            else { throw .forbidden(UInt8(ascii: "[")) }
            self = .address(address.unmapped)
        } else if untrusted.count <= 45, let address = IPAddress(String(decoding: untrusted, as: UTF8.self)) {
            self = .address(address.unmapped)
        } else {
            self = .name(try HostName(untrusted))
        }
    }
}

extension Destination: CustomStringConvertible {
    /// The canonical name, or the address without brackets.
    package var description: String {
        switch self {
        case .name(let name): name.text
        case .address(let address): address.description
        }
    }
}
