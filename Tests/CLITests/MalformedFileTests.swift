// SPDX-License-Identifier: Apache-2.0

import RemitTesting
import Testing

extension CLI {
    /// Every file of Tests/Corpus/bad is refused at the place its first line names, and nothing starts.
    @Suite struct MalformedFileTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let path: String
            let place: String
            let text: String
            let kind: String
            var testDescription: String { path.split(separator: "/").last.map(String.init) ?? path }
        }

        static let corpus: [Case] = {
            let directory = Playground.packageRoot + "/Tests/Corpus/bad"
            return Files.names(in: directory).filter { $0.hasSuffix(".yaml") }.compactMap { name in
                let path = "\(directory)/\(name)"
                let bytes = Files.bytes(path) ?? []
                let first = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
                guard let range = first.firstRange(of: "# expect: ") else { return nil }
                let expected = first[range.upperBound...].split(separator: " ", maxSplits: 1)
                let kind = ["task", "profile", "configuration"].first { name.hasPrefix($0) } ?? "any"
                return Case(
                    path: path, place: String(expected.first ?? "?"), text: String(expected.dropFirst().first ?? ""),
                    kind: kind
                )
            }
        }()

        @Test func `the corpus has at least sixty files`() {
            #expect(Self.corpus.count >= 60, "\(Self.corpus.count)")
        }

        @Test(arguments: corpus)
        func `a bad file is refused with its line and column, and nothing starts`(file: Case) throws {
            let place = try Playground()
            defer { place.tearDown() }
            var runs: [[String]] = []
            if file.kind == "task" || file.kind == "any" {
                runs = [["check", file.path], ["run", "-f", file.path, "--", "echo", "started"]]
            }
            if file.kind == "configuration" { runs.append(["run", "--config", file.path, "--", "echo", "started"]) }
            if file.kind == "profile" {
                // All of them, each under its own name: a circle needs its partner.
                for other in Self.corpus where other.kind == "profile" {
                    try place.write(
                        Files.bytes(other.path) ?? [], to: place.base + "/config/profiles/\(other.testDescription)")
                }
                runs.append(["run", "--profile", String(file.testDescription.dropLast(5)), "--", "echo", "started"])
            }
            for arguments in runs {
                let result = try place.remit(arguments)
                #expect(result.exit == 64 || result.exit == 126, "\(arguments): \(result)")
                let isNamed = result.errors.contains(".yaml:\(file.place): ") && result.errors.contains(file.text)
                #expect(isNamed, "expected \(file.place) and `\(file.text)`: \(result.errors.prefix(400))")
                #expect(!result.text.contains("started"), "\(result)")
                #expect(!result.errors.contains("\u{1b}") && !result.errors.contains("\u{0}"), "\(result)")
            }
            #expect(place.sessions.isEmpty)
        }

        @Test func `files that are no files are refused`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write([0xff, 0xfe, 0x00, 0x41], to: place.base + "/binary.yaml")
            try place.write([UInt8](repeating: UInt8(ascii: "a"), count: 3 << 20), to: place.base + "/large.yaml")
            try place.write([], to: place.base + "/empty.yaml")
            for path in [
                "/nothing.yaml", "/binary.yaml", "/large.yaml", "/empty.yaml", "/work",
            ] {
                let result = try place.remit("run", "-f", place.base + path, "--", "echo", "started")
                #expect(result.exit == 64 || result.exit == 126, "\(path): \(result)")
                #expect(!result.text.contains("started") && result.errors.hasPrefix("error: "), "\(path): \(result)")
            }
            for path in ["/dev/zero", "/dev/stdin"] {
                let result = try place.remit(["check", path], within: .seconds(5))
                #expect(result.exit == 64 || result.exit == 126, "\(path): \(result)")
            }
            #expect(place.sessions.isEmpty)
        }

        @Test func `a configuration that is asked for and missing is an error`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--config", place.base + "/nothing.yaml", "--", "echo", "started")
            #expect(result.exit == 64 || result.exit == 126, "\(result)")
            #expect(!result.text.contains("started"), "\(result)")
        }

        @Test func `a task cannot raise what its profile limits`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for options in [["--memory", "400GiB"], ["--processes", "100000"]] {
                let result = try place.remit(["run"] + options + ["--", "echo", "started"])
                #expect(result.exit == 126 || result.exit == 64, "\(options): \(result)")
                #expect(!result.text.contains("started"), "\(options): \(result)")
            }
        }

        @Test func `a profile cannot open the floor`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for call in ["mount", "ptrace", "bpf", "unshare", "no_such_call"] {
                try place.write(
                    "apiVersion: remit/v1\nkind: Profile\nname: open\ndescription: opens the floor\nextends: default\nsystemCalls: {allow: [\(call)]}\n",
                    to: place.base + "/config/profiles/open.yaml"
                )
                let result = try place.remit("run", "--profile", "open", "--", "echo", "started")
                #expect(result.exit == 126 || result.exit == 64, "\(call): \(result)")
                #expect(result.errors.contains("`\(call)`") && !result.text.contains("started"), "\(call): \(result)")
            }
        }
    }
}
