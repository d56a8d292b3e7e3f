// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Relays a WebSocket, frame by frame where there are secrets to look for, as bytes where there are none.
///
/// A message may leave in more frames than it came in: no extension was agreed on that would mind (RFC 6455 §5.4).
struct WebSocketRelay {
    /// What to do.
    enum Result {
        case send(ByteBuffer)
        case refuse(Finding)
        case malformed
    }

    private struct Direction {
        var frames: WebSocketFrames
        var buffer = ByteBuffer()
        /// Whether a frame of the message was written.
        var isWithinMessage = false

        /// Writes a piece of a message. An empty piece in its middle is not worth a frame.
        mutating func write(
            _ payload: [UInt8], opcode: UInt8, isMessageEnd: Bool, isMasked: Bool, into output: inout ByteBuffer
        ) {
            guard !payload.isEmpty || isMessageEnd else { return }
            WebSocketFrames.write(
                payload, opcode: isWithinMessage ? 0 : opcode, isFinal: isMessageEnd, isMasked: isMasked, into: &output
            )
            isWithinMessage = !isMessageEnd
        }
    }

    private let isSearched: Bool
    private var agent = Direction(frames: WebSocketFrames(isMasked: true))
    private var host = Direction(frames: WebSocketFrames(isMasked: false))

    init(isSearched: Bool) {
        self.isSearched = isSearched
    }

    /// Bytes that the agent sent.
    mutating func fromAgent(_ data: ByteBuffer, secrets: inout ExchangeSecrets) -> Result {
        guard isSearched else { return .send(data) }
        agent.buffer.writeImmutableBuffer(data)
        var output = ByteBuffer()
        do {
            while let piece = try agent.frames.next(&agent.buffer) {
                switch piece {
                case .control(let payload, let opcode):
                    if let finding = secrets.search(control: payload) { return .refuse(finding) }
                    WebSocketFrames.write(payload, opcode: opcode, isFinal: true, isMasked: true, into: &output)
                case .data(let payload, let opcode, let isMessageEnd):
                    var bytes: [UInt8] = []
                    switch secrets.request(ByteBuffer(bytes: payload)) {
                    case .send(let rewritten): bytes += rewritten.readableBytesView
                    case .refuse(let finding): return .refuse(finding)
                    }
                    if isMessageEnd {
                        switch secrets.requestEnd() {
                        case .send(let rest): bytes += rest.readableBytesView
                        case .refuse(let finding): return .refuse(finding)
                        }
                    }
                    agent.write(bytes, opcode: opcode, isMessageEnd: isMessageEnd, isMasked: true, into: &output)
                }
            }
        } catch { return .malformed }
        agent.buffer.discardReadBytes()
        return .send(output)
    }

    /// Bytes that the host sent.
    mutating func fromHost(_ data: ByteBuffer, secrets: inout ExchangeSecrets) -> Result {
        guard isSearched else { return .send(data) }
        host.buffer.writeImmutableBuffer(data)
        var output = ByteBuffer()
        do {
            while let piece = try host.frames.next(&host.buffer) {
                switch piece {
                case .control(let payload, let opcode):
                    WebSocketFrames.write(
                        secrets.scrubbed(control: payload), opcode: opcode, isFinal: true, isMasked: false,
                        into: &output
                    )
                case .data(let payload, let opcode, let isMessageEnd):
                    let bytes = try secrets.responseMessage(payload, isLast: isMessageEnd)
                    host.write(bytes, opcode: opcode, isMessageEnd: isMessageEnd, isMasked: false, into: &output)
                }
            }
        } catch { return .malformed }
        host.buffer.discardReadBytes()
        return .send(output)
    }
}
