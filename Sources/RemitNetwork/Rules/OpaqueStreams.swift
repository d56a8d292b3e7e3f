// SPDX-License-Identifier: Apache-2.0

/// Whether something other than HTTP and TLS is spoken, such as SSH or a database's protocol.
package enum OpaqueStreams: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// It is not.
    case never
    /// Whatever it is, it passes unread; but what begins as TLS must show the server name.
    case unlessTLS = "unless-tls"
    /// Whatever it is, TLS of any name included, it passes unread.
    case always

    package static func < (left: OpaqueStreams, right: OpaqueStreams) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .never: 0
        case .unlessTLS: 1
        case .always: 2
        }
    }
}
