// SPDX-License-Identifier: Apache-2.0
// Every file of Tests/Corpus/bad must be refused exactly where and why its first line says.

import Foundation
import RemitTask
import Testing

struct BadFile: CustomTestStringConvertible {
    let path: String
    let line: Int
    let column: Int
    let message: String

    var name: String { String(path.split(separator: "/").last ?? "") }
    var testDescription: String { name }

    static let all: [BadFile] = {
        let directory = RepositoryFile.path("Tests/Corpus/bad")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { BadFile(path: "\(directory)/\($0)") }
    }()

    /// Reads `# expect: LINE:COLUMN substring of the message`, which may follow a byte order mark.
    private init(path: String) {
        self.path = path
        let bytes = FileManager.default.contents(atPath: path) ?? Data()
        let first = String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
        let parts = first.replacing("\u{FEFF}", with: "").replacing("# expect: ", with: "")
            .split(separator: " ", maxSplits: 1)
        let place = (parts.first ?? "").split(separator: ":").compactMap { Int($0) }
        line = place.first ?? -1
        column = place.last ?? -1
        message = parts.count == 2 ? String(parts[1]) : "(no expectation)"
    }

    /// Reads the file as the command would, and gives back its refusal.
    func refusal() -> FileError? {
        do throws(FileError) {
            if name.hasPrefix("task-") {
                _ = try TaskFile.load(path)
            } else if name.hasPrefix("configuration-") {
                _ = try Configuration.load(path)
            } else {
                let directory = String(path.dropLast(name.count + 1))
                _ = try ProfileCatalogue(directories: [directory]).resolve(String(name.dropLast(5)))
            }
            return nil
        } catch {
            return error
        }
    }
}

@Suite struct BadFileTests {
    @Test func `the corpus has at least seventy files, of all three kinds`() {
        #expect(BadFile.all.count >= 70)
        for kind in ["task-", "profile-", "configuration-"] {
            #expect(BadFile.all.contains { $0.name.hasPrefix(kind) })
        }
    }

    @Test(arguments: BadFile.all) func `a malformed file is refused where and why it is malformed`(file: BadFile) throws
    {
        let error = try #require(file.refusal(), "accepted")
        #expect("\(error.line):\(error.column)" == "\(file.line):\(file.column)", "\(error)")
        #expect(error.message.contains(file.message), "\(error)")
    }

    @Test(arguments: BadFile.all) func `a refusal is one line that is safe to print`(file: BadFile) throws {
        let error = try #require(file.refusal())
        for text in [error.description, error.hint ?? ""] {
            #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
            #expect(
                !text.unicodeScalars.contains {
                    (0x200B...0x200F).contains($0.value) || (0x202A...0x202E).contains($0.value)
                })
        }
        #expect(error.message.count < 500)
        // `NUL` and `YAML` may begin a message; a sentence may not.
        #expect(error.message.prefix(2).allSatisfy(\.isUppercase) || error.message.first?.isUppercase == false)
        #expect(!error.message.hasSuffix("."))
    }

    @Test func `a file of two mebibytes is refused before it is parsed`() {
        let bytes = Array("apiVersion: remit/v1\n# ".utf8) + [UInt8](repeating: 0x78, count: 2 << 20)
        let error = #expect(throws: FileError.self) { try TaskFile.decode(bytes: bytes, file: "big.yaml") }
        #expect(error?.description == "big.yaml:1:1: file has more than 1048576 bytes")
    }

    @Test func `a file in UTF-16 is refused at its first byte`() {
        let bytes: [UInt8] = [0xFF, 0xFE] + "a: b\n".utf8.flatMap { [$0, 0] }
        let error = #expect(throws: FileError.self) { try TaskFile.decode(bytes: bytes, file: "x.yaml") }
        #expect(error?.description == "x.yaml:1:1: file is not UTF-8")
    }

    @Test func `an empty file is refused`() {
        let error = #expect(throws: FileError.self) { try TaskFile.decode("", file: "x.yaml") }
        #expect(error?.description == "x.yaml:1:1: file is empty")
    }

    @Test(arguments: ["/", "/dev/zero", "/dev/null", "/nonexistent/task.yaml", "/etc/passwd/x", "a\0b"])
    func `a path that is no readable regular file is refused without waiting`(path: String) {
        let error = #expect(throws: FileError.self) { try TaskFile.load(path) }
        #expect(error?.line == 0)
    }

    @Test func `a fifo is refused without waiting for a writer`() throws {
        let path = NSTemporaryDirectory() + "remit-fifo-\(UUID().uuidString)"
        try #require(unsafe mkfifo(path, 0o600) == 0)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = #expect(throws: FileError.self) { try TaskFile.load(path) }
        #expect(error?.message.contains("not a regular file") == true)
    }

    @Test func `every truncation and every flipped bit of a good file is decoded or refused, never fatal`() {
        let good = Array(Samples.task.utf8)
        var refused = 0
        for length in stride(from: 0, to: good.count, by: 7) {
            if (try? TaskFile.decode(bytes: Array(good[..<length]), file: "x")) == nil { refused += 1 }
        }
        for index in good.indices {
            var bytes = good
            bytes[index] ^= 1 << (index % 8)
            if (try? TaskFile.decode(bytes: bytes, file: "x")) == nil { refused += 1 }
        }
        #expect(refused > 100)
    }
}
