// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// `remit doctor --prove`: with the real probes where they are built, and with programs that say and do the worst.
    @Suite struct ProofTests {
        /// The probe beside the binary, when it can run in a root that has nothing but /usr.
        private static let probe: String? = {
            let path = URL(filePath: Playground.binary).deletingLastPathComponent().path + "/remit-probe"
            let named = ProcessInfo.processInfo.environment["REMIT_PROBE"] ?? path
            guard let bytes = FileManager.default.contents(atPath: named),
                bytes.range(of: Data("libswiftCore.so".utf8)) == nil
            else { return nil }
            return named
        }()

        /// Runs it with a program of the test's own as the probe: `list` outside, `attempt` inside.
        private func prove(
            list: String = #"echo '{"probe":"E00.test","attempt":"test"}'"#, attempt: String, _ options: String...
        ) throws -> (CommandResult, Playground) {
            let place = try Playground()
            try place.write(
                """
                #!/bin/sh
                base=$(dirname "$(dirname "$0")")
                if [ "$1" = --list ]; then
                \(list)
                else
                \(attempt)
                fi

                """, to: place.base + "/probe")
            chmod(place.base + "/probe", 0o755)
            place.environment["REMIT_PROBE"] = place.base + "/probe"
            place.environment["TMPDIR"] = place.scratch
            return (try place.remit(["doctor", "--prove", "--format", "json"] + options), place)
        }

        private func left(_ place: Playground) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: place.scratch)) ?? []).filter {
                $0.hasPrefix("remit-prove-")
            }
        }

        @Test(.enabled(if: probe != nil, "no static remit-probe beside the binary: `make release` builds it"))
        func `every portable attempt is stopped on this very host`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            place.environment["REMIT_PROBE"] = Self.probe
            place.environment["TMPDIR"] = place.scratch
            let result = try place.remit(["doctor", "--prove", "--format", "json"], within: .seconds(60))
            #expect(result.exit == 0, "\(result)")
            let proof = try result.json()["proof"]
            let probes = proof["probes"].list ?? []
            #expect(proof["proved"].bool == true && probes.count >= 20, "\(proof)")
            #expect(probes.allSatisfy { ["stopped", "absent", "skipped"].contains($0["result"].text) }, "\(probes)")
            #expect(probes.filter { $0["result"].text == "stopped" }.allSatisfy { $0["layer"].text != nil })
            let canaries = proof["canaries"].list ?? []
            #expect(canaries.count == 6 && canaries.allSatisfy { $0["touched"] == .null }, "\(canaries)")
            #expect(left(place).isEmpty && place.sessions.isEmpty)
            let table = try place.remit(["doctor", "--prove"], within: .seconds(60))
            #expect(table.exit == 0 && table.text.contains("6 canaries untouched"), "\(table)")
        }

        @Test func `an attempt that got through is exit 1`() throws {
            let (result, place) = try prove(attempt: #"echo '{"probe":"E00.test","result":"through"}'; exit 1"#)
            defer { place.tearDown() }
            #expect(result.exit == 1, "\(result)")
            let json = try result.json()
            #expect(json["proof"]["proved"].bool == false && json["proof"]["probes"][0]["result"].text == "through")
            #expect(json["layers"].list?.isEmpty == false && left(place).isEmpty)
        }

        @Test(arguments: ["unexpected", "killed"])
        func `a stop that is nobody's is exit 1`(_ outcome: String) throws {
            let (result, place) = try prove(attempt: #"echo '{"probe":"E00.test","result":"\#(outcome)"}'"#)
            defer { place.tearDown() }
            #expect(result.exit == 1, "\(result)")
        }

        @Test func `a stopped attempt without a touched canary is exit 0`() throws {
            let stopped = #"echo '{"probe":"E00.test","result":"stopped","layer":"seccomp","errno":"EPERM"}'"#
            let (result, place) = try prove(attempt: "echo noise; echo '{\"probe\":\"E01.other\"}'; " + stopped)
            defer { place.tearDown() }
            #expect(result.exit == 0, "\(result)")
            let probe = try result.json()["proof"]["probes"][0]
            #expect(probe["layer"].text == "seccomp" && probe["errno"].text == "EPERM")
            #expect(left(place).isEmpty && place.sessions.isEmpty)
        }

        @Test(arguments: [
            (#"cat "$base/canaries/secret" >/dev/null"#, "secret file of the host"),
            (#"echo x >>"$base/canaries/secret""#, "secret file of the host"),
            (
                #"/usr/bin/python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$base/canaries/socket""#,
                "socket file of the host"
            ),
            (#"kill -KILL $(pgrep -P "$PPID" -x sleep)"#, "process of the host"),
        ])
        func `a canary that was touched is exit 1`(_ touch: String, _ canary: String) throws {
            // The listing runs outside of any session: there it can be touched.
            let (result, place) = try prove(
                list: touch + "\n" + #"echo '{"probe":"E00.test","attempt":"test"}'"#,
                attempt: #"echo '{"probe":"E00.test","result":"stopped"}'"#)
            defer { place.tearDown() }
            #expect(result.exit == 1, "\(result)")
            let canaries = try result.json()["proof"]["canaries"].list ?? []
            let touched = canaries.filter { $0["touched"] != .null }.compactMap { $0["name"].text }
            #expect(touched == [canary], "\(canaries)")
            #expect(left(place).isEmpty)
        }

        @Test func `the same acts inside a session touch nothing`() throws {
            let attempt = """
                cat "${REMIT_CANARY_FILE:?}" 2>/dev/null; echo x 2>/dev/null >>"$REMIT_CANARY_FILE"
                kill -KILL "${REMIT_CANARY_PID:?}" 2>/dev/null
                echo '{"probe":"E00.test","result":"stopped"}'
                """
            let (result, place) = try prove(attempt: attempt)
            defer { place.tearDown() }
            #expect(result.exit == 0, "\(result)")
        }

        @Test func `silence is no proof`() throws {
            let (result, place) = try prove(attempt: "echo nothing of use; exit 0")
            defer { place.tearDown() }
            #expect(result.exit == 125 && result.errors.contains("not every attempt has a result"), "\(result)")
            #expect(try result.json()["proof"]["probes"][0]["result"].text == "silent")
        }

        @Test func `one attempt that takes its session along does not hide the others`() throws {
            let names = (1...5).map { #"echo '{"probe":"E0\#($0).test","attempt":"test"}'"# }.joined(separator: "\n")
            let attempt = """
                shift
                for name; do
                    if [ "$name" = E03.test ]; then kill -KILL $$; fi
                    echo "{\\"probe\\":\\"$name\\",\\"result\\":\\"stopped\\"}"
                done
                """
            let (result, place) = try prove(list: names, attempt: attempt)
            defer { place.tearDown() }
            #expect(result.exit == 125, "\(result)")
            let results = (try result.json()["proof"]["probes"].list ?? []).compactMap { $0["result"].text }
            #expect(results == ["stopped", "stopped", "silent", "stopped", "stopped"], "\(results)")
        }

        @Test func `no probes are no proof`() throws {
            let (result, place) = try prove(list: "exit 0", attempt: "exit 0")
            defer { place.tearDown() }
            #expect(result.exit == 125 && left(place).isEmpty, "\(result)")
            place.environment["REMIT_PROBE"] = place.base + "/no-such-program"
            let missing = try place.remit("doctor", "--prove")
            #expect(missing.exit == 125 && missing.errors.contains("names no program"), "\(missing)")
        }

        @Test(.enabled(if: !isRoot, "root can enforce every layer"))
        func `a profile that cannot start here is refused, and nothing is tried`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let plain = try place.remit("doctor", "--profile", "strict", "--format", "json")
            guard plain.exit == 126 else { return }  // this user has a control group of its own
            let result = try place.remit("doctor", "--prove", "--profile", "strict", "--format", "json")
            #expect(result.exit == 126 && result.errors.contains("required layer `"), "\(result)")
            #expect(try result.json()["proof"] == .null)
        }

        @Test(arguments: [SIGINT, SIGTERM])
        func `a signal in the middle leaves nothing behind`(signal: Int32) throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write(
                """
                #!/bin/sh
                if [ "$1" = --list ]; then echo '{"probe":"E00.test","attempt":"test"}'; else sleep \(place.marker); fi

                """, to: place.base + "/probe")
            chmod(place.base + "/probe", 0o755)
            place.environment["REMIT_PROBE"] = place.base + "/probe"
            place.environment["TMPDIR"] = place.scratch
            let running = try place.start(["doctor", "--prove"])
            #expect(eventually(within: .seconds(10)) { !place.agents.isEmpty })
            running.signal(signal)
            let result = running.finish()
            #expect(result.exit == 128 + signal && result.output.isEmpty, "\(result)")
            #expect(place.agents.isEmpty && left(place).isEmpty)
        }
    }
}
