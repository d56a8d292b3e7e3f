// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Takes the responses to one request out of an HTTP/1 connection's bytes: any number of informational ones, and one more.
struct HTTP1ResponseDecoder: Sendable {
    /// What was found.
    enum Part: Equatable {
        case head(HTTPResponseHead)
        /// Bytes of the body, one or more.
        case body(ByteBuffer)
        /// The end of the response, with the trailer's fields.
        case end(HeaderFields)
    }

    private enum State {
        case head
        case body(HTTPBodyDecoder)
        case ended
    }

    private let limits: HTTPLimits
    private let method: String
    private let maySwitch: Bool
    private var informational = 0
    private var state = State.head
    private var scanner: HeadScanner

    /// - Parameter maySwitch: whether the request asked for another protocol, so that 101 may answer it.
    init(method: String, maySwitch: Bool, limits: HTTPLimits) {
        self.limits = limits
        self.method = method
        self.maySwitch = maySwitch
        scanner = HeadScanner(limit: limits.head)
    }

    /// The next part; nil when more bytes are needed, or when the response is over.
    ///
    /// - Throws: ``FramingError``
    mutating func next(_ buffer: inout ByteBuffer) throws(FramingError) -> Part? {
        switch state {
        case .head:
            guard let bytes = try scanner.next(&buffer) else { return nil }
            let head = try HTTPResponseHead(http1: bytes, method: method, limits: limits)
            if head.isInformational {
                // A server that never comes to its answer would keep the exchange busy for ever.
                informational += 1
                guard informational <= 32 else { throw .tooManyFields }
                return .head(head)
            }
            if head.status == 101 {
                guard maySwitch else { throw .unexpectedSwitch }
                state = .ended
            } else {
                state = .body(HTTPBodyDecoder(head.framing, limits: limits, allowsExtensions: true))
            }
            return .head(head)
        case .body(var decoder):
            let part = try decoder.next(&buffer)
            switch part {
            case .data(let data):
                state = .body(decoder)
                return .body(data)
            case .end(let trailer):
                state = .ended
                return .end(trailer)
            case nil:
                state = .body(decoder)
                return nil
            }
        case .ended: return nil
        }
    }

    /// What the end of the connection means, after everything before it was taken.
    ///
    /// - Throws: ``FramingError/truncated`` when the response was not over and its end is not the connection's.
    mutating func finish() throws(FramingError) -> Part? {
        switch state {
        case .ended: return nil
        case .body(let decoder) where decoder.endsWithConnection:
            state = .ended
            return .end(HeaderFields([]))
        default: throw .truncated
        }
    }
}
