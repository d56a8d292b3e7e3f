// SPDX-License-Identifier: Apache-2.0

/// A record that cannot be part of a lease's history.
package enum LedgerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The first record of a lease is not its request.
    case unrequested(String, LeaseRecord.Event)
    case repeated(String)
    case incomplete(String, LeaseRecord.Event)
    case foreign(String, String)
    /// Written by a supervisor that had already been replaced.
    case stale(String, Int, newest: Int)
    case impossible(String, LeaseRecord.Event, LeaseState)
    case unreadable(String)

    package var description: String {
        switch self {
        case .unrequested(let lease, let event): "lease `\(lease)` begins with `\(event.rawValue)`"
        case .repeated(let lease): "lease `\(lease)` is requested twice"
        case .incomplete(let lease, let event): "`\(event.rawValue)` of lease `\(lease)` lacks a field"
        case .foreign(let lease, let other): "a record of lease `\(other)` cannot belong to lease `\(lease)`"
        case .stale(let lease, let epoch, let newest):
            "a record of lease `\(lease)` has epoch \(epoch), but epoch \(newest) has begun"
        case .impossible(let lease, let event, let state):
            "`\(event.rawValue)` cannot follow `\(state.rawValue)` of lease `\(lease)`"
        case .unreadable(let reason): reason
        }
    }
}
