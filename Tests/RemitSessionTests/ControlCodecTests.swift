// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import Testing

@testable import RemitSession

@Suite struct ControlCodecTests {
    private func request(_ text: String, in size: Int = .max) throws -> ControlRequest? {
        let codec = try ServerCodec()
        let bytes = Array(text.utf8)
        var found: ControlRequest?
        for start in stride(from: 0, to: bytes.count, by: min(size, max(bytes.count, 1))) {
            found = try codec.receive(bytes[start..<min(start + min(size, bytes.count), bytes.count)]) ?? found
        }
        return found
    }

    @Test(arguments: [1, 2, 7, 10_000])
    func `a request arrives as it was sent, in pieces or whole`(_ size: Int) throws {
        let body = Array("token=a%2Bb&x=1".utf8)
        let bytes = try ClientCodec().encode(
            ControlRequest(method: "POST", path: "/introspect?x=1", body: body),
            contentType: "application/x-www-form-urlencoded")
        let server = try ServerCodec()
        var found: ControlRequest?
        for start in stride(from: 0, to: bytes.count, by: size) {
            found = try server.receive(bytes[start..<min(start + size, bytes.count)]) ?? found
        }
        #expect(found?.method == "POST" && found?.path == "/introspect?x=1" && found?.body == body)
    }

    @Test(arguments: [1, 3, 10_000])
    func `an answer arrives as it was given`(_ size: Int) throws {
        let client = try ClientCodec()
        let server = try ServerCodec()
        let asked = try client.encode(
            ControlRequest(method: "GET", path: "/jwks", body: []), contentType: "application/json")
        #expect(try server.receive(asked[...]) != nil)
        let bytes = try server.encode(
            ControlResponse(200, json: Array(#"{"keys":[]}"#.utf8), contentType: "application/jwk-set+json"))
        var found: ControlResponse?
        for start in stride(from: 0, to: bytes.count, by: size) {
            found = try client.receive(bytes[start..<min(start + size, bytes.count)]) ?? found
        }
        #expect(found?.status == 200 && found?.contentType == "application/jwk-set+json")
        #expect(found?.body == Array(#"{"keys":[]}"#.utf8))
        #expect(String(decoding: bytes, as: UTF8.self).lowercased().contains("cache-control: no-store"))
    }

    @Test(arguments: [
        "\0\0\0\0\0\0\0\0", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "{\"kill\":true}\r\n\r\n",
        "POST /kill HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        "POST /kill HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
        "POST /kill HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        "GET /a b c HTTP/1.1\r\nhost: x\r\n\r\n", "POST /kill HTTP/1.1\r\nx y: z\r\n\r\n",
    ])
    func `what is no request is never taken for one`(_ text: String) {
        var found: ControlRequest?
        do { found = try request(text) } catch {}
        #expect(found == nil)
    }

    @Test func `a body or a header that is too large is refused`() throws {
        #expect(throws: (any Error).self) {
            try request("POST /kill HTTP/1.1\r\ncontent-length: 70000\r\n\r\n" + String(repeating: "x", count: 70_000))
        }
        #expect(throws: (any Error).self) {
            try request(
                "POST /kill HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n11170\r\n"
                    + String(repeating: "x", count: 70_000))
        }
        #expect(throws: (any Error).self) {
            try request("GET / HTTP/1.1\r\nx: " + String(repeating: "y", count: 1 << 20) + "\r\n\r\n", in: 16_384)
        }
    }

    @Test func `noise does not stop the codec`() throws {
        var generator = SystemRandomNumberGenerator()
        let seed = Array("POST /introspect HTTP/1.1\r\nhost: remit\r\ncontent-length: 7\r\n\r\ntoken=x".utf8)
        for _ in 0..<500 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let codec = try ServerCodec()
            _ = try? codec.receive(bytes[...])
            let client = try ClientCodec()
            _ = try? client.encode(ControlRequest(method: "GET", path: "/", body: []), contentType: "x")
            _ = try? client.receive(bytes[...])
        }
    }

    @Test(
        arguments: [
            ("token=abc", "abc"), ("x=1&token=a%2Bb+c", "a+b c"), ("token=", ""), ("token=%zz", nil), ("token=%4", nil),
            ("token=%", nil),
            ("tokens=abc", nil), ("", nil), ("&&token=x&token=y", "x"), ("token", nil), ("token=a=b", "a=b"),
        ] as [(String, String?)])
    func `a form value is decoded, or refused`(_ body: String, _ value: String?) {
        #expect(Supervisor.formValue("token", in: Array(body.utf8)) == value.map { Array($0.utf8) })
    }

    @Test(arguments: ["%+f", "%-1", "% 1"])
    func `a sign is no hexadecimal digit`(_ text: String) {
        #expect(Supervisor.formValue("token", in: Array("token=\(text)".utf8)) == nil)
    }
}
