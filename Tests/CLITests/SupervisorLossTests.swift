// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitTesting
import Testing

extension CLI {
    /// A supervisor that is killed takes the session with it, and somebody finishes the books.
    @Suite struct SupervisorLossTests {
        private static let script =
            "trap \"\" TERM; setsid -f sleep $0; (setsid sh -c \"sleep $0 & sleep $0\") & sleep $0"

        private func start(_ place: Playground) throws -> (command: RunningCommand, session: String) {
            let command = try place.start(["run", "--status-fd", "3", "--", "sh", "-c", Self.script, place.marker])
            try command.waitForEvent("started")
            #expect(eventually(within: .seconds(5)) { place.agents.count >= 5 })
            return (command, try command.session())
        }

        /// The guard: the supervisor's child that is not the first process of a namespace.
        private func guardProcess(of supervisor: Int32) -> Int32? {
            let found = ProcessTable.children(of: supervisor).filter { child in
                let status = ProcessTable.status(of: child)
                let numbers = (status["NSpid"] ?? "").split(whereSeparator: \.isWhitespace)
                return numbers.count == 1 && status["State"]?.hasPrefix("Z") != true
            }
            return found.count == 1 ? found.first : nil
        }

        /// Kills supervisor and guard so that neither notices the other's end.
        private func killBoth(_ supervisor: Int32) throws {
            kill(supervisor, SIGSTOP)
            kill(try #require(guardProcess(of: supervisor), "there is a guard"), SIGKILL)
            kill(supervisor, SIGKILL)
        }

        @Test func `the guard ends the session and writes its receipt`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (command, session) = try start(place)
            command.signal(SIGKILL)
            _ = command.finish()
            #expect(eventually(within: .seconds(1)) { place.agents.isEmpty }, "\(place.agents)")
            #expect(
                try eventually(within: .seconds(5)) { try place.listed(session)["reason"].text == "supervisor-lost" })
            #expect(eventually(within: .seconds(5)) { ProcessTable.processes(marked: session).isEmpty })
            let line = try place.listed(session)
            #expect(["ended", "lost"].contains(line["state"].text ?? ""), "\(line)")
            let verify = try place.remit("journal", "verify", session)
            #expect(verify.exit == 0, "\(verify)")
            let receipt = try place.remit("receipt", "verify", session)
            #expect(receipt.exit == 0, "\(receipt)")
            #expect(try place.receipt(session)["reason"].text == "supervisor-lost")
            #expect(try place.receipt(session)["processesLeft"].integer == 0)
            #expect(!Files.names(in: place.runtime).contains(session))
        }

        @Test(.timeLimit(.minutes(2 * patience)))
        func `a supervisor killed at any moment leaves no process`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.provider([:])
            let task = try place.boundedTask(
                "setsid -f sleep \(place.marker); sleep \(place.marker)", credentials: Playground.orders)
            var begun: Set<String> = []
            let rounds = rounds(60)
            for round in 0..<rounds {
                let script = "setsid -f sleep \(place.marker); sleep \(place.marker)"
                // Those with a credential first: an issue that was under way is waited out for ten seconds.
                let arguments = round < rounds * 2 / 5 ? ["-f", task] : ["--", "sh", "-c", script]
                let command = try place.start(["run", "--status-fd", "3"] + arguments)
                // Half of them from the very start on, half from where the sandbox is made.
                if round % 2 == 1 { try command.waitForEvent("admitted") }
                pause(.microseconds((round % 24) * 4_000).patient)
                command.signal(SIGKILL)
                if let session = command.finish().session { begun.insert(session) }
                #expect(eventually(within: .seconds(1)) { place.agents.isEmpty }, "round \(round): \(place.agents)")
            }
            // Every guard finishes its own; what has none is finished by this.
            let reap = try place.reap()
            #expect(reap.exit == 0, "\(reap)")
            #expect(eventually(within: .seconds(5)) { ProcessTable.processes(marked: place.marker).isEmpty })
            begun.formUnion(place.sessions)
            let areGone = eventually(within: .seconds(20)) {
                begun.allSatisfy { ProcessTable.processes(marked: $0).isEmpty }
            }
            #expect(areGone, "every guard has left")
            // While guards were at it, their sessions were not this command's.
            #expect(try place.reap().exit == 0)
            let list = try #require(try place.remit("ps", "-a", "--format", "json").json().list)
            #expect(list.count >= rounds / 2, "enough of them had begun: \(list.count)")
            for line in list {
                let session = line["session"].text ?? ""
                #expect(line["reason"].text == "supervisor-lost" && line["state"].text != "running", "\(line)")
                let verify = try place.remit("journal", "verify", session)
                #expect(verify.exit == 0, "\(session): \(verify)")
            }
            #expect(list.count == place.sessions.count, "every session on disk is listed: \(place.sessions.count)")
            #expect(
                Files.names(in: place.providerStore).isEmpty,
                "no credential is left: \(Files.names(in: place.providerStore))")
            let running = Files.names(in: place.runtime).filter { $0.count == 16 }
            #expect(running.isEmpty, "no control socket is left: \(running)")
            let groups = try place.shell("find /sys/fs/cgroup -mindepth 2 -type d 2>/dev/null").text.split(
                separator: "\n")
            let left = groups.filter { group in begun.contains { group.hasSuffix($0) } }
            #expect(left.isEmpty, "no control group is left: \(left)")
        }

        @Test func `with the guard gone too, reap finishes the job`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (command, session) = try start(place)
            try killBoth(command.pid)
            _ = command.finish()
            #expect(eventually(within: .seconds(1)) { place.agents.isEmpty }, "\(place.agents)")
            let line = try place.listed(session)
            #expect(line["state"].text == "lost", "\(line)")
            let reap = try place.remit("reap")
            #expect(reap.exit == 0 && reap.text.contains(session.prefix(6)), "\(reap)")
            #expect(reap.text.split(separator: "\n").count == 1, "\(reap)")
            #expect(try place.listed(session)["reason"].text == "supervisor-lost")
            #expect(try place.remit("journal", "verify", session).exit == 0)
            #expect(try place.remit("receipt", "verify", session).exit == 0)
            let again = try place.remit("reap")
            #expect(again.exit == 0 && again.text.isEmpty, "nothing is left to do: \(again)")
        }

        @Test func `with the guard gone too, the next run finishes the job`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (command, session) = try start(place)
            try killBoth(command.pid)
            _ = command.finish()
            #expect(eventually(within: .seconds(1)) { place.agents.isEmpty }, "\(place.agents)")
            let next = try place.remit("run", "--", "echo", "fine")
            #expect(next.exit == 0 && next.text == "fine\n" && next.errors.isEmpty, "\(next)")
            #expect(
                try eventually(within: .seconds(5)) { try place.listed(session)["reason"].text == "supervisor-lost" })
            // Where three seconds are too few for it.
            if patience > 1 { #expect(try place.reap().exit == 0) }
            #expect(try place.remit("receipt", "verify", session).exit == 0)
        }

        @Test func `two reaps at once do the work once`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.provider(["revoke": "slow"])
            let task = try place.boundedTask("sleep \(place.marker)", credentials: Playground.orders)
            let command = try place.start(["run", "-f", task, "--status-fd", "3"])
            try command.waitForEvent("started")
            let session = try command.session()
            try killBoth(command.pid)
            _ = command.finish()
            let reaps = try (0..<2).map { _ in try place.start(["reap"], status: false) }
            for reap in reaps {
                let result = reap.finish(within: .seconds(20))
                #expect(result.exit == 0 || patience > 1, "\(result)")
            }
            if patience > 1 { #expect(try place.reap().exit == 0) }
            let verify = try place.remit("journal", "verify", session)
            #expect(verify.exit == 0, "\(verify)")
            #expect(try place.receipt(session)["leases"][0]["state"].text == "revoked")
            #expect(Files.names(in: place.providerStore).isEmpty)
        }

        @Test func `reap leaves the living alone`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (command, session) = try start(place)
            for arguments in [["reap"], ["reap", "--session", session], ["reap", "--quiet"]] {
                let reap = try place.remit(arguments)
                #expect(reap.exit == 0 || arguments.contains("--session"), "\(reap)")
                #expect(place.agents.count >= 5, "\(arguments)")
            }
            #expect(try place.listed(session)["state"].text == "running")
            command.signal(SIGTERM)
            _ = command.finish()
            #expect(try place.receipt(session)["reason"].text == "killed")
        }

        @Test func `a killed guard does not end the session silently unguarded`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (command, session) = try start(place)
            let first = try #require(guardProcess(of: command.pid), "there is a guard")
            kill(first, SIGKILL)
            // Either another guard stands in, or the session ends; an unguarded one does not go on.
            let settled = eventually(within: .seconds(3)) {
                guardProcess(of: command.pid).map { $0 != first } == true || place.agents.isEmpty
            }
            #expect(settled, "session \(session) runs without a guard")
            command.signal(SIGTERM)
            _ = command.finish()
            #expect(place.agents.isEmpty)
        }

        @Test func `a journal torn by the kill is recovered from`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (command, session) = try start(place)
            try killBoth(command.pid)
            _ = command.finish()
            #expect(eventually(within: .seconds(1)) { place.agents.isEmpty })
            let path = place.sessionDirectory(session) + "/journal.jsonl"
            let bytes = try #require(Files.bytes(path))
            try place.write(bytes + Array("{\"seq\":99,\"time\":\"2026-11".utf8), to: path)
            #expect(try place.remit("reap").exit == 0)
            let verify = try place.remit("journal", "verify", session)
            #expect(verify.exit == 0, "\(verify)")
            let show = try place.remit("journal", "show", session)
            #expect(show.exit == 0 && show.text.contains("journal.recovered"), "\(show)")
            #expect(try place.receipt(session)["reason"].text == "supervisor-lost")
        }
    }
}
