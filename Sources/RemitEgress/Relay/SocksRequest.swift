// SPDX-License-Identifier: Apache-2.0
// SOCKS version 5, as far as a client without a password needs it to connect (RFC 1928).

package import RemitNetwork

/// What a SOCKS client says first: which ways of authenticating it knows.
package enum SocksGreeting: Hashable, Sendable {
    /// It needs no authentication; the greeting's length.
    case open(length: Int)
    /// It wants to authenticate.
    case closed
    case incomplete(needed: Int)
    case malformed

    static let accepted: [UInt8] = [5, 0]
    static let refused: [UInt8] = [5, 0xFF]

    package init(_ bytes: [UInt8]) {
        guard bytes.count >= 2 else {
            self = .incomplete(needed: 2)
            return
        }
        let length = 2 + Int(bytes[1])
        if bytes[0] != 5 || length == 2 {
            self = .malformed
        } else if bytes.count < length {
            self = .incomplete(needed: length)
        } else {
            self = bytes[2..<length].contains(0) ? .open(length: length) : .closed
        }
    }
}

/// What a SOCKS client wants.
package enum SocksRequest: Hashable, Sendable {
    /// To connect; and the request's length.
    case connect(Destination, port: UInt16, length: Int)
    /// To be answered with this.
    case refused(Reply)
    case incomplete(needed: Int)

    /// RFC 1928 section 6.
    package enum Reply: UInt8, Hashable, Sendable {
        case succeeded = 0
        case failure = 1
        case notAllowed = 2
        case hostUnreachable = 4
        case refused = 5
        case expired = 6
        case commandNotSupported = 7
        case addressNotSupported = 8

        /// The message. The address that the relay is bound to is nobody's business.
        var bytes: [UInt8] { [5, rawValue, 0, 1, 0, 0, 0, 0, 0, 0] }
    }

    package init(_ bytes: [UInt8]) {
        guard bytes.count >= 5 else {
            self = .incomplete(needed: 5)
            return
        }
        guard bytes[0] == 5, bytes[2] == 0 else {
            self = .refused(.failure)
            return
        }
        // BIND and UDP ASSOCIATE would be ways in, and around.
        guard bytes[1] == 1 else {
            self = .refused(.commandNotSupported)
            return
        }
        let range: Range<Int>
        switch bytes[3] {
        case 1: range = 4..<8
        case 3: range = 5..<5 + Int(bytes[4])
        case 4: range = 4..<20
        default:
            self = .refused(.addressNotSupported)
            return
        }
        let length = range.upperBound + 2
        guard bytes.count >= length else {
            self = .incomplete(needed: length)
            return
        }
        let port = UInt16(bytes[length - 2]) << 8 | UInt16(bytes[length - 1])
        let host = bytes[range]
        let destination: Destination?
        if bytes[3] == 3 {
            // A bracket is a matter of URLs: here it is a byte that no name has.
            destination = host.first == UInt8(ascii: "[") ? nil : try? Destination(host)
        } else {
            destination = IPAddress(networkBytes: host).map { .address($0.unmapped) }
        }
        if let destination, port != 0 {
            self = .connect(destination, port: port, length: length)
        } else {
            self = .refused(.notAllowed)
        }
    }
}
