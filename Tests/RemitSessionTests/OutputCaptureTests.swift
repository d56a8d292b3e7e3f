// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import RemitSession
import Testing

@Suite struct OutputCaptureTests {
    private let secret = "s3cr3t-T0ken/with+signs=="

    private func captured(_ pieces: [[UInt8]], hiding secrets: [String]) throws -> String {
        let scratch = try Scratch()
        let capture = try OutputCapture(scratch.file("out"))
        for secret in secrets { capture.hide(Secret(Array(secret.utf8))) }
        for piece in pieces { capture.take(piece[...]) }
        capture.finish()
        return String(decoding: try FileSystem.read(scratch.file("out"), limit: 64 << 20), as: UTF8.self)
    }

    private func captured(_ text: String, in size: Int, hiding secrets: [String]) throws -> String {
        let bytes = Array(text.utf8)
        let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        return try captured(pieces, hiding: secrets)
    }

    @Test(arguments: [1, 2, 3, 5, 7, 11, 24, 25, 26, 64, 1000])
    func `a secret is not kept, however it is cut into pieces`(_ size: Int) throws {
        let text = "before \(secret)\(secret) between \(secret.dropLast()) after \(secret)"
        let kept = try captured(text, in: size, hiding: [secret])
        #expect(kept == "before [redacted][redacted] between \(secret.dropLast()) after [redacted]")
    }

    @Test func `text without secrets is kept byte by byte`() throws {
        let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let scratch = try Scratch()
        let capture = try OutputCapture(scratch.file("out"))
        capture.hide(Secret(Array(secret.utf8)))
        for start in stride(from: 0, to: bytes.count, by: 13) {
            capture.take(bytes[start..<min(start + 13, bytes.count)])
        }
        capture.finish()
        #expect(try FileSystem.read(scratch.file("out"), limit: 1 << 20) == bytes)
    }

    @Test(arguments: [["abcdefgh", "abcdefghijkl"], ["abcdefghijkl", "abcdefgh"]])
    func `a secret within a secret leaves nothing of either`(_ secrets: [String]) throws {
        for size in [1, 4, 100] {
            let kept = try captured("x abcdefghijkl y abcdefgh z", in: size, hiding: secrets)
            #expect(kept == "x [redacted] y [redacted] z")
        }
    }

    @Test func `secrets that overlap leave neither whole`() throws {
        let kept = try captured("12345678abcdefgh9", in: 100, hiding: ["12345678abcd", "5678abcdefgh"])
        #expect(!kept.contains("12345678abcd") && !kept.contains("5678abcdefgh"))
    }

    @Test func `a secret that became known later is hidden from then on`() throws {
        let scratch = try Scratch()
        let capture = try OutputCapture(scratch.file("out"))
        capture.take(Array("early ".utf8)[...])
        capture.hide(Secret(Array(secret.utf8)))
        capture.take(Array("late \(secret)".utf8)[...])
        capture.finish()
        #expect(try FileSystem.read(scratch.file("out"), limit: 1000) == Array("early late [redacted]".utf8))
    }

    @Test func `any split of any text gives the same`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<60 {
            let words = (0..<20).map { _ in
                ["abc", "12345678", "1234567", "\n", "12341234", "5678"].randomElement(using: &generator) ?? ""
            }
            let text = words.joined()
            let whole = try captured(text, in: 1_000_000, hiding: ["12345678"])
            #expect(!whole.contains("12345678"))
            #expect(try captured(text, in: Int.random(in: 1...9, using: &generator), hiding: ["12345678"]) == whole)
        }
    }

    @Test func `what is beyond the limit is not kept, and that is said`() throws {
        let scratch = try Scratch()
        let capture = try OutputCapture(scratch.file("out"))
        let piece = [UInt8](repeating: 65, count: 1 << 20)
        for _ in 0..<20 { capture.take(piece[...]) }
        capture.finish()
        let kept = try FileSystem.read(scratch.file("out"), limit: 64 << 20)
        #expect(kept.count < OutputCapture.limit + 200)
        #expect(String(decoding: kept.suffix(60), as: UTF8.self).contains("is not kept"))
    }

    @Test func `a file that is there already is not written over`() throws {
        let scratch = try Scratch()
        try scratch.put("x", at: "out")
        #expect(throws: SystemCallError.self) { try OutputCapture(scratch.file("out")) }
        symlink("elsewhere", scratch.file("link"))
        #expect(throws: SystemCallError.self) { try OutputCapture(scratch.file("link")) }
        #expect(!FileSystem.exists(scratch.file("elsewhere")))
    }
}
