// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitTesting
import Testing

extension CLI {
    /// The end of a session is the end of every process of it.
    @Suite struct LifetimeTests {
        @Test func `daemons that ignore signals meet the deadline`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let number = place.marker
            let script =
                "trap \"\" TERM; setsid -f sleep \(number); (setsid sh -c \"sleep \(number) & sleep \(number)\") & sleep \(number)"
            let command = try place.start(["run", "--deadline", "\(2 * patience)s", "--", "sh", "-c", script])
            #expect(
                eventually(within: .seconds(2)) { place.agents.count >= 5 }, "the daemons were there: \(place.agents)")
            let result = command.finish(within: .seconds(10))
            #expect(place.agents.isEmpty, "\(place.agents)")
            #expect(result.exit == 124, "\(result)")
            // Three seconds is the promise; this allows for a loaded machine.
            #expect(result.elapsed < .seconds(5).patient, "\(result)")
        }

        @Test func `children in the background die with the main process`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script =
                "trap '' TERM HUP; for i in 1 2 3; do setsid -f sh -c 'trap \"\" TERM HUP; sleep \(place.marker)'; done; "
                + "sleep \(place.marker) & nohup sleep \(place.marker) >/dev/null 2>&1 & exit 6"
            let result = try place.remit("run", "--status-fd", "3", "--", "sh", "-c", script)
            #expect(place.agents.isEmpty, "\(place.agents)")
            #expect(result.exit == 6, "\(result)")
            let session = try #require(result.session)
            #expect(try place.receipt(session)["processesLeft"].integer == 0)
        }

        @Test func `stopped processes die as well`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script =
                "sleep \(place.marker) & kill -STOP $!; setsid -f sh -c 'kill -STOP $$; sleep \(place.marker)'; echo ready; kill -STOP $$"
            let result = try place.remit("run", "--deadline", "1s", "--", "sh", "-c", script)
            #expect(place.agents.isEmpty, "\(place.agents)")
            #expect(result.exit == 124, "\(result)")
        }

        @Test func `a fork storm stays below its limit and ends with the session`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = """
                import os, sys
                while True:
                    try: os.fork()
                    except OSError: pass
                """
            let command = try place.start(
                [
                    "run", "--status-fd", "3", "--deadline", "\(3 * patience)s", "--processes", "64", "--", "python3",
                    "-c", script, place.marker,
                ]
            )
            try command.waitForEvent("started")
            var most = 0
            _ = eventually(within: .milliseconds(1200)) {
                most = max(most, place.agents.count)
                return false
            }
            let result = command.finish(within: .seconds(12))
            #expect(place.agents.isEmpty, "\(place.agents.count)")
            #expect(most > 32 && most <= 64, "\(most) processes at once")
            #expect(result.exit == 124, "\(result)")
            #expect(result.elapsed < .seconds(7).patient, "\(result)")
        }

        @Test func `a storm of new sessions at the moment of the end leaves nobody`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = """
                import os
                while True:
                    try:
                        if os.fork() == 0:
                            os.setsid()
                            if os.fork() == 0: os.setsid()
                            os.execv('/usr/bin/sleep', ['sleep', '\(place.marker)'])
                    except OSError: pass
                """
            for _ in 0..<5 {
                let result = try place.remit(
                    "run", "--deadline", "\(300 * patience)ms", "--processes", "200", "--", "python3", "-c", script)
                #expect(place.agents.isEmpty, "\(place.agents.count)")
                #expect(result.exit == 124, "\(result)")
            }
        }

        @Test func `orphans are reaped inside`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = """
                import os, time
                for _ in range(400):
                    if os.fork() == 0:
                        if os.fork() == 0: os._exit(0)
                        os._exit(0)
                    os.wait()
                end = time.monotonic() + 5
                while time.monotonic() < end and len([p for p in os.listdir('/proc') if p.isdigit()]) > 4: time.sleep(0.01)
                print(len([p for p in os.listdir('/proc') if p.isdigit()]) <= 4)
                """
            let result = try place.remit("run", "--", "python3", "-c", script)
            #expect(result.exit == 0 && result.text == "True\n", "\(result)")
        }

        @Test func `memory beyond the limit is refused or ends the agent, not the host`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "b = []\nfor _ in range(40): b.append(bytearray(b'x' * (32 << 20)))\nprint('had it all')"
            let result = try place.remit("run", "--memory", "128MiB", "--", "python3", "-c", script)
            #expect(result.exit != 0 && !result.text.contains("had it all"), "\(result)")
        }

        @Test func `remit kill ends a session, and returns when it is sealed`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for options in [[], ["--now"]] {
                let command = try place.start(
                    [
                        "run", "--status-fd", "3", "--", "sh", "-c",
                        "trap '' TERM INT; setsid -f sleep \(place.marker); sleep \(place.marker)",
                    ]
                )
                try command.waitForEvent("started")
                let session = try command.session()
                #expect(eventually(within: .seconds(5)) { place.agents.count >= 3 })
                let kill = try place.remit(["kill", session] + options)
                #expect(kill.exit == 0, "\(kill)")
                #expect(place.agents.isEmpty, "\(place.agents)")
                #expect(try place.receipt(session)["reason"].text == "killed")
                let result = command.finish()
                #expect(result.exit.map { $0 > 128 } == true, "\(result)")
                #expect(result.errorLines.count == 1 && result.errors.contains("ended: killed"), "\(result)")
            }
        }

        @Test func `killing what has ended, or never was, is an error`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let run = try place.remit("run", "--status-fd", "3", "--", "true")
            let session = try #require(run.session, "\(run)")
            let ended = try place.remit("kill", session)
            #expect(ended.exit != 0 && ended.errors.hasPrefix("error: "), "\(ended)")
            let unknown = try place.remit("kill", "zzzzzzzzzzzzzzzz")
            #expect(unknown.exit != 0 && unknown.errors.contains("`zzzzzzzzzzzzzzzz`"), "\(unknown)")
        }

        @Test(arguments: [SIGINT, SIGTERM])
        func `the first signal to the supervisor ends the session in order`(signal: Int32) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "trap '' TERM INT; setsid -f sleep \(place.marker); sleep \(place.marker)"
            let credentials =
                "credentials: [{name: token, provider: session-token, scope: {audience: https://a.example}, ttl: \(minute)}]"
            let task = try place.boundedTask(script, credentials: credentials)
            let command = try place.start(["run", "-f", task, "--status-fd", "3"])
            try command.waitForEvent("started")
            let session = try command.session()
            #expect(eventually(within: .seconds(5)) { place.agents.count >= 3 })
            command.signal(signal)
            let result = command.finish(within: .seconds(5))
            #expect(place.agents.isEmpty, "\(place.agents)")
            #expect(result.exit.map { $0 > 128 } == true, "\(result)")
            #expect(try place.receipt(session)["reason"].text == "killed", "\(result)")
            #expect(try place.remit("journal", "verify", session).exit == 0)
            let steps = ["ending", "fenced", "dead", "revoked", "sealed"]
            #expect(result.events.compactMap { $0["event"].text }.filter(steps.contains) == steps, "\(result.events)")
        }

        @Test func `a second signal does not wait for a provider`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.provider(["revoke": "hang"], timeLimit: 20)
            let task = try place.boundedTask("sleep \(place.marker)", credentials: Playground.orders)
            let command = try place.start(["run", "-f", task, "--status-fd", "3"])
            try command.waitForEvent("started")
            let session = try command.session()
            command.signal(SIGTERM)
            try command.waitForEvent("dead")
            #expect(place.agents.isEmpty, "\(place.agents)")
            command.signal(SIGTERM)
            let result = command.finish(within: .seconds(3))
            #expect(result.exit != nil, "\(result)")
            #expect(try place.listed(session)["state"].text != "running")
            try place.provider([:])
            #expect(try place.reap().exit == 0)
            let lease = try place.inspect(session)["leases"][0]
            #expect(lease["state"].text == "revoked", "\(lease)")
        }

        @Test func `a signal while the session starts leaves nothing`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let rounds = rounds(20)
            for round in 0..<rounds {
                let moment = Duration.milliseconds(round * 40 / rounds).patient
                let command = try place.start([
                    "run", "--", "sh", "-c", "setsid -f sleep \(place.marker); sleep \(place.marker)",
                ])
                pause(moment)
                command.signal(SIGTERM)
                let result = command.finish(within: .seconds(5))
                #expect(
                    result.termination != nil && place.agents.isEmpty, "after \(moment): \(result) \(place.agents)")
            }
            #expect(try place.remit("ps", "--format", "json").json() == .list([]))
        }

        @Test func `the steps of the end are in the receipt in their order`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--status-fd", "3", "--", "true")
            let session = try #require(result.session, "\(result)")
            let receipt = try place.receipt(session)
            let names = ["admitted", "launched", "endDecided", "fenced", "lastProcessDead", "sealed"]
            let times = names.compactMap { receipt["times"][$0]["boot"].integer }
            #expect(times.count == names.count && times == times.sorted(), "\(receipt["times"])")
            #expect(receipt["reason"].text == "completed")
            #expect(receipt["exit"]["code"].integer == 0)
            #expect(receipt["processesLeft"].integer == 0)
        }

        @Test func `many sessions at once do not disturb each other`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let commands = try (0..<8).map {
                try place.start(["run", "--status-fd", "3", "--", "sh", "-c", "echo \($0); exit \($0)"])
            }
            for (index, command) in commands.enumerated() {
                let result = command.finish(within: .seconds(20))
                #expect(result.exit == Int32(index) && result.text == "\(index)\n", "\(result)")
            }
            #expect(place.sessions.count == 8)
        }

        @Test func `nothing of an ended session remains at run time`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--status-fd", "3", "--", "true")
            let session = try #require(result.session, "\(result)")
            #expect(!Files.names(in: place.runtime).contains(session))
            #expect(ProcessTable.processes(marked: session).isEmpty)
            let mounts = Files.text("/proc/self/mountinfo") ?? ""
            #expect(!mounts.contains(place.base) && !mounts.contains(session))
            let cgroups = try place.shell("find /sys/fs/cgroup -name '*\(session)*' 2>/dev/null")
            #expect(cgroups.text.isEmpty, "\(cgroups)")
        }
    }
}
