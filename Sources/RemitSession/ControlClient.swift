// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
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
}
