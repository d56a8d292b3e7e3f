// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitKernel
import RemitSession
import Testing

// SAFETY: written before the pipe is closed, read after that was seen.
private final class Box<Result>: @unchecked Sendable { var result: Result? }

@Suite(.serialized) struct ControlServerTests {
    init() { SignalSource.setDispositions() }

    /// Serves until the client, on a thread of its own, is done.
    private func serve<Result: Sendable>(
        _ handler: @escaping ControlServer.Handler, client: @escaping @Sendable (String) -> Result
    ) throws -> Result {
        let scratch = try Scratch()
        let path = scratch.file("c.sock")
        let loop = try EventLoop()
        let server = try ControlServer(path: path, loop: loop, handler: handler)
        #expect(try FileSystem.facts(at: path).permissions == 0o600)
        let done = try pipe()
        let (wait, tell) = (DescriptorBox(try done.read.duplicate()), try done.write.duplicate().release())
        let box = Box<Result>()
        Thread.detachNewThread {
            box.result = client(path)
            close(tell)
        }
        discard(done)
        var isOver = false
        _ = try loop.watch(wait.number, for: .read) { _ in isOver = true }
        try loop.run { isOver }
        server.close()
        #expect(!FileSystem.exists(path))
        return try #require(box.result)
    }

    private func discard(_ pipe: consuming RemitKernel.Pipe) {}

    @Test func `a client is answered`() throws {
        let answer = try serve({ request, reply in
            reply(ControlResponse(request.path == "/session" ? 200 : 404, json: request.body))
        }) { path in
            (try? ControlClient.ask(path, "POST", "/session", body: Array("{}".utf8))).map { ($0.status, $0.body) }.map
            { "\($0.0) \($0.1.count)" }
        }
        #expect(answer == "200 2")
    }

    @Test func `a caller that says nonsense is told so`() throws {
        let answer = try serve({ _, _ in Issue.record("it was taken for a request") }) { path -> String in
            let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(client) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(client, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard connected == 0 else { return "not connected" }
            let nonsense = Array("nonsense nonsense\r\n\r\n".utf8)
            _ = send(client, nonsense, nonsense.count, Int32(MSG_NOSIGNAL))
            var bytes = [UInt8](repeating: 0, count: 1000)
            let count = read(client, &bytes, bytes.count)
            return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        }
        #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
    }

    @Test func `too long a path is an error that names it`() throws {
        let loop = try EventLoop()
        let path = "/tmp/" + String(repeating: "x", count: 200)
        #expect { _ = try ControlServer(path: path, loop: loop) { _, _ in } } throws: {
            "\($0)" == "listen on `\(path)`: file name too long"
        }
    }
}
