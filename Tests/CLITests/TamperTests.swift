// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitTesting
import Testing

extension CLI {
    /// What is written stays as it was written, or is found out.
    @Suite struct TamperTests {
        private func finished(_ place: Playground) throws -> (session: String, journal: String, receipt: String) {
            let credentials =
                "credentials: [{name: token, provider: session-token, scope: {audience: https://a.example}, ttl: \(minute)}]"
            let task = try place.boundedTask("echo x >report.json", credentials: credentials)
            let result = try place.remit("run", "-f", task, "--status-fd", "3")
            #expect(result.exit == 0, "\(result)")
            let session = try #require(result.session)
            let directory = place.sessionDirectory(session)
            return (session, directory + "/journal.jsonl", directory + "/receipt.json")
        }

        /// Positions all over a file: every byte of its first and last stretch, and every so many between.
        private func positions(_ count: Int, _ wanted: Int) -> [Int] {
            Array(Set((0..<wanted).map { $0 * (count - 1) / (wanted - 1) } + [0, 1, count - 2, count - 1])).sorted()
        }

        @Test func `what was finished verifies`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (session, journal, receipt) = try finished(place)
            for arguments in [
                ["journal", "verify", session], ["receipt", "verify", session],
                ["journal", "verify", journal], ["receipt", "verify", receipt],
            ] {
                let result = try place.remit(arguments)
                #expect(result.exit == 0, "\(arguments): \(result)")
            }
        }

        @Test(arguments: ["journal", "receipt"])
        func `a flipped byte is found, and its place is named`(kind: String) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (session, journal, receipt) = try finished(place)
            let path = kind == "journal" ? journal : receipt
            let original = try #require(Files.bytes(path))
            var bit: UInt8 = 1
            for position in positions(original.count, 90) {
                var bytes = original
                bytes[position] ^= bit
                bit = bit == 128 ? 1 : bit << 1
                try place.write(bytes, to: path)
                let result = try place.remit(kind, "verify", session)
                #expect(result.exit == 1, "byte \(position): \(result)")
                let said = result.text + result.errors
                // In a receipt: a byte, a character of the payload, or a member such as `predicate.leases[0].state`.
                let names =
                    kind == "journal"
                    ? said.contains("line ") && said.contains("byte ")
                    : ["byte ", "character ", "payload", "predicate.", "signatures"].contains { said.contains($0) }
                #expect(names, "byte \(position): \(result)")
            }
            try place.write(original, to: path)
            #expect(try place.remit(kind, "verify", session).exit == 0)
        }

        @Test func `a shortened journal is found`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (session, path, _) = try finished(place)
            let original = try #require(Files.bytes(path))
            let ends = original.indices.filter { original[$0] == UInt8(ascii: "\n") }
            #expect(ends.count > 5)
            for count in [0, 1, original.count / 2, original.count - 1] + ends.dropLast().map({ $0 + 1 }) {
                try place.write(Array(original.prefix(count)), to: path)
                let result = try place.remit("journal", "verify", session)
                #expect(result.exit == 1, "\(count) of \(original.count) bytes: \(result)")
            }
        }

        @Test func `a shortened or lengthened receipt is found`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (session, _, path) = try finished(place)
            let original = try #require(Files.bytes(path))
            for bytes in [
                [], Array(original.prefix(10)), original.dropLast(2) + [], original + Array(" {}".utf8),
                original + original,
            ] {
                try place.write(Array(bytes), to: path)
                let result = try place.remit("receipt", "verify", session)
                #expect(result.exit == 1, "\(bytes.count) of \(original.count) bytes: \(result)")
            }
        }

        @Test func `lines left out, repeated or in another order are found`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (session, path, _) = try finished(place)
            let lines = try #require(Files.text(path)).split(separator: "\n").map { String($0) + "\n" }
            var variants: [[String]] = [lines + [lines[lines.count - 1]], lines + ["\n"], lines.reversed()]
            for index in lines.indices {
                var without = lines
                without.remove(at: index)
                variants.append(without)
            }
            var swapped = lines
            swapped.swapAt(1, 2)
            variants.append(swapped)
            for variant in variants {
                try place.write(variant.joined(), to: path)
                let result = try place.remit("journal", "verify", session)
                #expect(result.exit == 1, "\(result)")
            }
        }

        @Test func `one session's journal and receipt do not pass for another's`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (first, firstJournal, firstReceipt) = try finished(place)
            let (second, secondJournal, secondReceipt) = try finished(place)
            #expect(first != second)
            try place.write(try #require(Files.bytes(firstReceipt)), to: secondReceipt)
            #expect(try place.remit("receipt", "verify", second).exit == 1)
            try place.write(try #require(Files.bytes(firstJournal)), to: secondJournal)
            #expect(try place.remit("journal", "verify", second).exit == 1)
        }

        @Test func `another host's key does not verify`() throws {
            let place = try Playground()
            let other = try Playground()
            defer {
                place.tearDown()
                other.tearDown()
            }
            let (_, journal, receipt) = try finished(place)
            _ = try finished(other)
            #expect(try other.remit("receipt", "verify", receipt).exit == 1)
            #expect(try other.remit("journal", "verify", journal).exit == 1)
        }

        @Test func `a damaged journal does not take other sessions with it`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (damaged, path, _) = try finished(place)
            let (whole, _, _) = try finished(place)
            for bytes in [Array("\u{0}\u{1}garbage\n".utf8), [], [UInt8](repeating: 0xff, count: 5000)] {
                try place.write(bytes, to: path)
                for arguments in [["ps", "-a"], ["ps", "-a", "--format", "json"], ["reap"], ["run", "--", "true"]] {
                    let result = try place.remit(arguments)
                    #expect(result.exit == 0, "\(arguments): \(result)")
                }
                #expect(try place.listed(whole)["reason"].text == "completed")
                #expect(try place.remit("journal", "verify", damaged).exit == 1)
                let inspect = try place.remit("inspect", damaged)
                #expect(inspect.termination.map { if case .exited = $0 { true } else { false } } == true, "\(inspect)")
            }
        }

        @Test func `planted things in the state directory are not followed`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            _ = try finished(place)
            try Files.link(place.state + "/sessions/aaaaaaaaaaaaaaaa", to: place.home)
            try place.write("x", to: place.state + "/sessions/bbbbbbbbbbbbbbbb")
            try Files.link(place.state + "/sessions/cccccccccccccccc", to: "/nowhere")
            for arguments in [["ps", "-a"], ["reap"], ["run", "--", "true"]] {
                let result = try place.remit(arguments)
                #expect(result.exit == 0, "\(arguments): \(result)")
            }
            #expect(Files.names(in: place.home) == [".ssh"])
        }
    }
}
