// SPDX-License-Identifier: Apache-2.0

internal import RemitNetwork

/// The order in which addresses are tried: versions take turns, beginning with that of the first (RFC 8305 section 4).
enum AddressOrder {
    /// How many are tried at most.
    static let limit = 8

    static func interleaved(_ addresses: [IPAddress]) -> [IPAddress] {
        guard let first = addresses.first else { return [] }
        var seen: Set<IPAddress> = []
        let unique = addresses.filter { seen.insert($0).inserted }
        var same = unique.filter { $0.isVersion6 == first.isVersion6 }[...]
        var other = unique.filter { $0.isVersion6 != first.isVersion6 }[...]
        var order: [IPAddress] = []
        while order.count < limit, !same.isEmpty || !other.isEmpty {
            if let next = same.popFirst() { order.append(next) }
            if let next = other.popFirst() { order.append(next) }
        }
        return Array(order.prefix(limit))
    }
}
