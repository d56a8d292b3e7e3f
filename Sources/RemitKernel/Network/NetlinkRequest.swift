// SPDX-License-Identifier: Apache-2.0
// Messages for netlink(7), as bytes: made by the supervisor, sent by the child that has the capability for it.

internal import Glibc

/// One request to the kernel, acknowledged when it is granted.
struct NetlinkRequest {
    private let type: UInt16
    private let flags: UInt16
    private var body: [UInt8]

    /// NETLINK_ROUTE and NETLINK_NETFILTER.
    static let routeFamily: UInt64 = 0
    static let netfilterFamily: UInt64 = 12

    /// - Parameters:
    ///   - flags: besides NLM_F_REQUEST.
    ///   - body: the fixed part of the message.
    init(type: UInt16, flags: UInt16, body: [UInt8]) {
        self.type = type
        self.flags = flags
        self.body = body
    }

    mutating func append(_ attribute: NetlinkAttribute) { body += attribute.bytes }

    /// NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL and NLM_F_CREATE, NLM_F_APPEND.
    enum Flag {
        static let request: UInt16 = 0x1
        static let acknowledge: UInt16 = 0x4
        static let create: UInt16 = 0x400
        static let createOnly: UInt16 = 0x600
        static let append: UInt16 = 0xC00
    }

    var bytes: [UInt8] {
        let length = 16 + body.count
        return nativeBytes(UInt32(length)) + nativeBytes(type) + nativeBytes(flags | Flag.request)
            + nativeBytes(UInt32(0)) + nativeBytes(UInt32(0)) + body
    }
}

/// One attribute of a request: a type and a value, or other attributes.
struct NetlinkAttribute {
    let bytes: [UInt8]

    init(_ type: UInt16, _ value: [UInt8]) {
        let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
        bytes = nativeBytes(UInt16(4 + value.count)) + nativeBytes(type) + value + padding
    }

    init(_ type: UInt16, _ text: String) { self.init(type, Array(text.utf8) + [0]) }

    /// In network order, as netfilter wants its numbers.
    init(_ type: UInt16, _ number: UInt32) {
        self.init(type, [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) })
    }

    /// NLA_F_NESTED.
    init(_ type: UInt16, _ parts: [NetlinkAttribute]) { self.init(type | 0x8000, parts.flatMap(\.bytes)) }
}
