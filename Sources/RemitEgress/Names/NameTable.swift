// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// The names of a session that have synthetic addresses. A name keeps its own for the session's life, so that an address
/// never comes to mean another host.
package struct NameTable: Sendable {
    private var numbers: [HostName: Int] = [:]
    private var names: [HostName] = []
    private let limit: Int

    /// - Parameter limit: how many names it holds: the addresses there are bound it as well.
    package init(limit: Int) { self.limit = min(limit, SyntheticNetwork.capacity) }

    package var count: Int { names.count }

    /// The addresses that stand for a name; `nil` when the table is full.
    package mutating func addresses(of name: HostName) -> (v4: IPAddress, v6: IPAddress)? {
        if let number = numbers[name] { return SyntheticNetwork.addresses(of: number) }
        guard names.count < limit, let addresses = SyntheticNetwork.addresses(of: names.count) else { return nil }
        numbers[name] = names.count
        names.append(name)
        return addresses
    }

    /// The name that an address stands for.
    package func meaning(of address: IPAddress) -> Meaning {
        switch SyntheticNetwork.place(of: address) {
        case .outside: .literal
        case .reserved: address == SyntheticNetwork.gate ? .gate : .nothing
        case .name(let number): names.indices.contains(number) ? .name(names[number]) : .nothing
        }
    }

    /// What a client means by an address.
    package enum Meaning: Hashable, Sendable {
        case name(HostName)
        /// The gate itself.
        case gate
        /// The address, no name.
        case literal
        /// An address that was given to no name.
        case nothing
    }
}
