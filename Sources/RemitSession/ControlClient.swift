// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import RemitJournal
package import RemitKernel

/// Asks the supervisor of a live session, over its control socket.
package enum ControlClient {
    /// Sends one request and waits for its answer, however long the supervisor takes.
    ///
    /// - Throws: ``SystemCallError`` when nobody listens, or the answer breaks off.
    package static func ask(
        _ path: String,
        _ method: String,
        _ uri: String,
        body: [UInt8] = [],
        contentType: String = "application/json"
    ) throws(SystemCallError) -> ControlResponse {
        let socket = OwnedDescriptor(
            adopting: try check("connect to `\(path)`") { unsafe linux_connect_unix(path) }
        )
        do {
            let codec = try ClientCodec()
            let request = ControlRequest(method: method, path: uri, body: body)
            try FileSystem.writeAll(socket.number, codec.encode(request, contentType: contentType), name: path)
            while true {
                var bytes = [UInt8](repeating: 0, count: 16_384)
                let number = socket.number
                let count = try check("hear from `\(path)`") { unsafe read(number, &bytes, bytes.count) }
                if count == 0 { throw SystemCallError("hear from `\(path)`", Errno(code: ECONNRESET)) }
                if let response = try codec.receive(bytes[..<count]) { return response }
            }
        } catch let error as SystemCallError {
            throw error
        } catch {
            throw SystemCallError("speak with `\(path)`", Errno(code: EPROTO))
        }
    }

    /// Asks to be attached to the session's terminal.
    ///
    /// - Returns: the connection, or the supervisor's refusal.
    /// - Throws: ``SystemCallError`` when nobody listens, or the answer breaks off.
    package static func attach(
        _ path: String, _ asked: AttachRequest
    ) throws(SystemCallError) -> AttachAnswer {
        let socket = DescriptorBox(
            OwnedDescriptor(adopting: try check("connect to `\(path)`") { unsafe linux_connect_unix(path) })
        )
        do {
            let codec = try ClientCodec()
            let request = ControlRequest(method: "POST", path: "/attach", body: asked.json.canonicalBytes)
            try FileSystem.writeAll(
                socket.number, codec.encode(request, contentType: "application/json"), name: path)
            var head: [UInt8] = []
            let end = Array("\r\n\r\n".utf8)
            while true {
                var bytes = [UInt8](repeating: 0, count: 16_384)
                let number = socket.number
                let count = try check("hear from `\(path)`") { unsafe read(number, &bytes, bytes.count) }
                if count == 0 { throw SystemCallError("hear from `\(path)`", Errno(code: ECONNRESET)) }
                head += bytes[..<count]
                guard let start = head.indices.first(where: { head[$0...].starts(with: end) }) else {
                    if head.count > 16_384 { throw Errno(code: EPROTO) }
                    continue
                }
                if head.starts(with: "HTTP/1.1 101 ".utf8) {
                    var reader = AttachFrameReader()
                    reader.append(head[(start + end.count)...])
                    return .attached(AttachConnection(socket: socket, reader: reader))
                }
                let piece = head
                head = []
                if let response = try codec.receive(piece[...]) { return .refused(response) }
                // The rest of the refusal: its head is with the codec.
                while true {
                    let count = try check("hear from `\(path)`") { unsafe read(number, &bytes, bytes.count) }
                    if count == 0 { throw SystemCallError("hear from `\(path)`", Errno(code: ECONNRESET)) }
                    if let response = try codec.receive(bytes[..<count]) { return .refused(response) }
                }
            }
        } catch let error as SystemCallError {
            throw error
        } catch {
            throw SystemCallError("speak with `\(path)`", Errno(code: EPROTO))
        }
    }
}

/// A control connection that carries a terminal.
package struct AttachConnection {
    let socket: DescriptorBox
    /// What came with the answer.
    let reader: AttachFrameReader
}

/// What a supervisor says to a client that wants to attach.
package enum AttachAnswer {
    case attached(AttachConnection)
    case refused(ControlResponse)
}
