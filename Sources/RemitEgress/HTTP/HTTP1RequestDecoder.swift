// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Takes requests out of an HTTP/1 connection's bytes, one after the other.
///
/// A value without a socket: bytes in, parts out, and every shape that two readers could understand differently is an
/// error, after which nothing else is read from this connection.
struct HTTP1RequestDecoder: Sendable {
    /// What was found.
    enum Part: Equatable {
        case head(HTTPRequestHead)
        /// Bytes of the body, one or more.
        case body(ByteBuffer)
        /// The end of the request, with the trailer's fields.
        case end(HeaderFields)
    }

    private enum State {
        case head
        case body(HTTPBodyDecoder)
    }

    private let limits: HTTPLimits
    private var state = State.head
    private var scanner: HeadScanner

    init(limits: HTTPLimits) {
        self.limits = limits
        scanner = HeadScanner(limit: limits.head)
    }

    /// Whether nothing of a request was seen since the last one's end.
    var isIdle: Bool {
        if case .head = state { !scanner.hasBegun } else { false }
    }

    /// The next part; nil when more bytes are needed.
    ///
    /// - Throws: ``FramingError``
    mutating func next(_ buffer: inout ByteBuffer) throws(FramingError) -> Part? {
        switch state {
        case .head:
            guard let bytes = try scanner.next(&buffer) else { return nil }
            let head = try HTTPRequestHead(http1: bytes, limits: limits)
            state = .body(HTTPBodyDecoder(head.framing, limits: limits, allowsExtensions: false))
            return .head(head)
        case .body(var decoder):
            let part = try decoder.next(&buffer)
            switch part {
            case .data(let data):
                state = .body(decoder)
                return .body(data)
            case .end(let trailer):
                state = .head
                return .end(trailer)
            case nil:
                state = .body(decoder)
                return nil
            }
        }
    }
}
