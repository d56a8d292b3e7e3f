// SPDX-License-Identifier: Apache-2.0

import NIOCore

@testable import RemitEgress

/// What must hold of hostile HTTP, besides that reading it ends: it is the same message in whatever pieces it comes, and what
/// is written of it is read back as the same.
enum HTTPFuzz {
    static func requests(_ bytes: [UInt8]) {
        let whole = parts(bytes, step: bytes.count)
        guard whole == parts(bytes, step: 1) else { fatalError("pieces make another request") }
        for part in whole {
            guard case .head(let head) = part else { continue }
            var buffer = ByteBuffer()
            HTTP1Encoder.request(head, host: "\(head.authority)", into: &buffer)
            var decoder = HTTP1RequestDecoder(limits: generous)
            guard case .head(let again) = try? decoder.next(&buffer) else { fatalError("it is not read back") }
            guard again.method == head.method, again.target == head.target, again.authority == head.authority,
                again.framing == head.framing, again.isWebSocket == head.isWebSocket, buffer.readableBytes == 0
            else { fatalError("it is not read back as the same") }
        }
    }

    static func responses(_ bytes: [UInt8]) {
        for method in ["GET", "HEAD"] {
            var decoder = HTTP1ResponseDecoder(method: method, maySwitch: true, limits: HTTPLimits())
            var buffer = ByteBuffer(bytes: bytes)
            do {
                while try decoder.next(&buffer) != nil {}
                _ = try decoder.finish()
            } catch {}
        }
    }

    static func frames(_ bytes: [UInt8]) {
        var whole = WebSocketFrames(isMasked: true)
        var pieces = WebSocketFrames(isMasked: true)
        var first: [UInt8] = []
        var second: [UInt8] = []
        var buffer = ByteBuffer(bytes: bytes)
        do { while let piece = try whole.next(&buffer) { first += payload(piece) } } catch {}
        buffer = ByteBuffer()
        do {
            for byte in bytes {
                buffer.writeInteger(byte)
                while let piece = try pieces.next(&buffer) { second += payload(piece) }
            }
        } catch {}
        guard first == second else { fatalError("pieces make another message") }
    }

    private static func payload(_ piece: WebSocketFrames.Piece) -> [UInt8] {
        switch piece {
        case .data(let bytes, let opcode, let isMessageEnd): bytes + (isMessageEnd ? [opcode] : [])
        case .control(let bytes, let opcode): bytes + [opcode]
        }
    }

    /// A head that is written anew may be a little longer than it was.
    private static let generous: HTTPLimits = {
        var limits = HTTPLimits()
        limits.head *= 2
        limits.fields += 8
        return limits
    }()

    /// The parts of all requests, bodies joined.
    private static func parts(_ bytes: [UInt8], step: Int) -> [HTTP1RequestDecoder.Part] {
        var decoder = HTTP1RequestDecoder(limits: HTTPLimits())
        var buffer = ByteBuffer()
        var parts: [HTTP1RequestDecoder.Part] = []
        var start = 0
        do {
            while start < bytes.count {
                buffer.writeBytes(bytes[start..<min(start + step, bytes.count)])
                start += step
                while let part = try decoder.next(&buffer) {
                    if case .body(let data) = part, case .body(var last)? = parts.last {
                        last.writeImmutableBuffer(data)
                        parts[parts.count - 1] = .body(last)
                    } else {
                        parts.append(part)
                    }
                }
            }
        } catch {}
        return parts
    }
}
