// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// Standard input, output and error pass through unchanged, and whoever closes them hangs nobody.
    @Suite struct StreamTests {
        @Test func `output and errors are kept apart`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--", "sh", "-c", "echo out; echo err >&2; printf out2")
            #expect(result.exit == 0, "\(result)")
            #expect(result.text == "out\nout2")
            #expect(result.errors == "err\n")
        }

        @Test func `eight mebibytes of any bytes pass through cat unchanged`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            var generator = SystemRandomNumberGenerator()
            let block = (0..<65_536).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let bytes = (0..<128).flatMap { index in block.map { $0 ^ UInt8(index) } }
            let path = place.base + "/input"
            try place.write(bytes, to: path)
            let file = try place.remit("run", "--", "cat", input: .read(path))
            #expect(file.exit == 0, "\(file.termination as Any) \(file.errors)")
            #expect(file.output == bytes, "\(file.output.count) of \(bytes.count) bytes")
            let pipe = try place.shell("cat '\(path)' | $REMIT run -- cat | cmp - '\(path)'")
            #expect(pipe.exit == 0, "\(pipe)")
        }

        @Test func `a slow reader gets everything`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let reader =
                "import sys,time\nn=0\nwhile True:\n b=sys.stdin.buffer.read1(70000)\n if not b: break\n n+=len(b)\n time.sleep(0.002)\nprint(n)"
            let result = try place.shell("$REMIT run -- head -c 4000000 /dev/zero | python3 -c '\(reader)'")
            #expect(result.text == "4000000\n", "\(result)")
        }

        @Test func `a reader that is not reading does not stop the deadline`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let line = "( $REMIT run --deadline 1s -- cat /dev/zero; echo $? >'\(place.base)/code' ) | sleep 4"
            let began = ContinuousClock.now
            let result = try place.shell(line)
            #expect(result.exit == 0, "\(result)")
            #expect(began.duration(to: .now) < Duration.seconds(8).patient)
            let code = try? String(contentsOfFile: place.base + "/code", encoding: .utf8)
            #expect(code == "124\n")
        }

        @Test func `a closed reader ends the agent as a pipe would, and does not hang`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.shell("( $REMIT run -- yes \(place.marker); echo $? >&2 ) | head -n 1")
            #expect(result.text == "\(place.marker)\n", "\(result)")
            #expect(result.termination == .exited(0), "\(result)")
            #expect(result.errors.contains("141"), "SIGPIPE reaches `yes`: \(result)")
            #expect(place.agents.isEmpty)
        }

        @Test func `no standard output at all is no reason to hang or to crash`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let command = try place.start(
                ["run", "--", "sh", "-c", "echo hello; echo hello >&2; exit 3"], output: .closed)
            let result = command.finish()
            #expect(result.exit == 3 || result.exit == 128 + SIGPIPE, "\(result)")
        }

        @Test func `every standard stream closed is no reason to hang or to crash`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let command = try place.start(
                ["run", "--", "sh", "-c", "exit 3"], input: .closed, output: .closed, errors: .closed, status: false
            )
            let result = command.finish()
            #expect(result.exit == 3, "\(result)")
        }

        @Test func `a closed standard input reads as empty`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for input in [Program.Stream.closed, .nothing] {
                let result = try place.remit("run", "--", "sh", "-c", "cat; echo done", input: input)
                #expect(result.exit == 0 && result.text == "done\n", "\(result)")
            }
        }

        @Test func `the agent ends while the caller's input stays open`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.shell("sleep 8 | ( $REMIT run -- echo done; echo code $? )", within: .seconds(20))
            #expect(result.text == "done\ncode 0\n", "\(result)")
            let direct = try place.shell(
                "mkfifo '\(place.base)/fifo'; exec 9<>'\(place.base)/fifo'; $REMIT run -- echo done <&9",
                within: .seconds(5)
            )
            #expect(direct.exit == 0 && direct.text == "done\n", "\(direct)")
        }

        @Test func `an agent that does not read its input hangs nobody`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.shell(
                "head -c 3000000 /dev/zero | $REMIT run -- sh -c 'exec <&-; echo no thanks; exit 5'")
            #expect(result.exit == 5 && result.text == "no thanks\n", "\(result)")
        }

        @Test func `a background child that keeps the output open does not delay the end`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--", "sh", "-c", "sleep \(place.marker) & echo done")
            #expect(result.exit == 0 && result.text == "done\n", "\(result)")
            #expect(result.elapsed < .seconds(4).patient, "\(result)")
            #expect(place.agents.isEmpty)
        }

        @Test func `the last words before the end are not lost`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for _ in 0..<10 {
                let result = try place.remit("run", "--", "sh", "-c", "head -c 300000 /dev/zero; echo last; exit 9")
                #expect(result.exit == 9 && result.output.count == 300_005, "\(result.output.count), \(result.errors)")
                #expect(result.output.suffix(5) == ArraySlice(Array("last\n".utf8)))
            }
        }

        @Test func `a full disk beneath standard output does not hang`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let command = try place.start(
                ["run", "--deadline", "\(10 * patience)s", "--", "sh", "-c", "seq 100000; exit 4"],
                output: .write("/dev/full"))
            let result = command.finish(within: .seconds(8))
            #expect(result.exit != nil, "\(result)")
        }

        @Test func `captured output can be read again, streams apart`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let run = try place.remit("run", "--status-fd", "3", "--", "sh", "-c", "echo one; echo two >&2; echo three")
            let session = try #require(run.session, "\(run)")
            #expect(try place.remit("logs", session).text == "one\nthree\n")
            #expect(try place.remit("logs", session, "--stderr").text == "two\n")
        }

        @Test func `an agent that never stops talking cannot fill the disk`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let command = try place.start(
                ["run", "--status-fd", "3", "--deadline", "2s", "--", "cat", "/dev/zero"], output: .nothing
            )
            let result = command.finish()
            #expect(result.exit == 124, "\(result)")
            let session = try #require(result.session)
            let directory = place.sessionDirectory(session)
            let files = (try? FileManager.default.subpathsOfDirectory(atPath: directory)) ?? []
            let total = files.reduce(0) { sum, name in
                let size = try? FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")[.size] as? Int
                return sum + (size ?? 0)
            }
            #expect(total < 100 << 20, "\(total) bytes were kept")
        }
    }
}
