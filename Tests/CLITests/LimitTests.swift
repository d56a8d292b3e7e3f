// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

/// Whether an ordinary user's systemd listens, so that a session gets a scope.
private let hasUserManager =
    !isRoot
    && ["bus", "systemd/private"].contains { FileManager.default.fileExists(atPath: "/run/user/\(geteuid())/\($0)") }
    && FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cgroup.controllers")

extension CLI {
    /// Limits hold for the whole session, reaching one is told when it happens, and the receipt has the figures.
    @Suite struct LimitTests {
        /// Four processes that hold half of 128 MiB each, for long enough that all of them do at once.
        private static let hungry = """
            for i in 1 2 3 4; do python3 -c 'x = bytearray(64 << 20); import time; time.sleep(\(1.5 * Double(patience)))' &
            done; wait; echo after
            """

        private func task(_ place: Playground, _ script: String, _ limits: String) throws -> String {
            try place.task("name: limited\ncommand: \(flow(["sh", "-c", script]))\nlimits: {\(limits)}\n")
        }

        /// How long this host needs to start a program and wait for it: the median of some.
        private func startingTime(_ place: Playground) throws -> Duration {
            let times = try (0..<9).map { _ in
                let began = ContinuousClock.now
                let done = try place.shell("true")
                #expect(done.exit == 0, "\(done)")
                return began.duration(to: .now)
            }
            return times.sorted()[times.count / 2]
        }

        /// By what the session's receipt says its layer holds.
        private func state(_ layer: String, _ receipt: JSON) -> String? {
            receipt["layers"].list?.first { $0["name"].text == layer }?["state"].text
        }

        @Test func `twice the memory is taken from the session only, and told when it happens`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let task = try task(place, Self.hungry, "memory: 128MiB")
            let result = try place.remit(["run", "-f", task, "--status-fd", "3"], within: .seconds(30))
            let event = try #require(result.events.first { $0["event"].text == "limit" }, "\(result)")
            #expect(event["name"].text == "memory" && event["limit"].text == "128MiB", "\(event)")
            let session = try #require(result.session)
            let receipt = try place.receipt(session)
            #expect(receipt["limitsReached"].list?.compactMap(\.text) == ["memory"])
            #expect(receipt["processesLeft"].integer == 0)
            if state("limits.memory", receipt) == "enforced" {
                figure("twice a memory limit of 128MiB", receipt["resources"])
                // The kernel killed what took too much; the rest of the session went on.
                #expect(result.exit == 0 && result.text == "after\n", "\(result)")
                #expect(try #require(receipt["resources"]["memoryKills"].integer) >= 1)
                #expect(try #require(receipt["resources"]["memoryPeakBytes"].integer) <= 128 << 20)
            } else {
                // Nobody but the supervisor holds this one: above it there is only the end.
                #expect(result.exit == 122 && result.text.isEmpty, "\(result)")
                #expect(try #require(receipt["resources"]["memoryPeakBytesSampled"].integer) > 128 << 20)
            }
            #expect(try place.remit("receipt", "verify", session).exit == 0)
        }

        @Test func `the end is what happens at a limit when the task says so`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let task = try task(place, Self.hungry, "memory: 128MiB, whenReached: end")
            let result = try place.remit(["run", "-f", task, "--status-fd", "3"], within: .seconds(30))
            #expect(result.exit == 122 && result.text.isEmpty, "\(result)")
            let line = "ended: budget (limit `memory` of 128MiB reached)"
            #expect(result.errorLines.filter { $0.hasPrefix("remit: ") }.count == 1, "\(result)")
            #expect(result.errors.contains(line), "\(result)")
            let session = try #require(result.session)
            let receipt = try place.receipt(session)
            #expect(receipt["reason"].text == "budget" && receipt["limitsReached"][0].text == "memory", "\(receipt)")
            #expect(result.elapsed < .seconds(25).patient && place.agents.isEmpty)
        }

        @Test func `a fork bomb stops at its limit, says so, and ends the session where that is wanted`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            // None of them gives up, so that whoever only looks now and then sees them as well.
            let bomb = "import os, time\nwhile True:\n try: os.fork()\n except OSError: time.sleep(0.01)"
            let script = "exec python3 -c '\(bomb)' \(place.marker)"
            let usual = try startingTime(place)
            for (more, exit) in [(", whenReached: end", Int32(122)), ("", 124)] {
                let task = try task(place, script, "processes: 24\(more)")
                let command = try place.start(
                    ["run", "-f", task, "--deadline", "\(6 * patience)s", "--status-fd", "3", "-q"])
                if more.isEmpty {
                    try command.waitForEvent("limit")
                    let beside = try startingTime(place)
                    // The bomb gets no more than its share: so many runnable processes, and the host's own among them.
                    #expect(beside < usual * 25, "\(beside), \(usual) without the bomb")
                    figure("a program of the host's starts in \(beside) beside the bomb, in \(usual) without")
                }
                let result = command.finish(within: .seconds(30))
                #expect(result.exit == exit, "\(result)")
                #expect(result.events.contains { $0["event"].text == "limit" && $0["name"].text == "processes" })
                let receipt = try place.receipt(try #require(result.session))
                #expect(receipt["limitsReached"].list?.compactMap(\.text) == ["processes"], "\(receipt)")
                #expect(receipt["processesLeft"].integer == 0)
                let resources = receipt["resources"]
                figure("a fork bomb with 24 processes\(more)", resources)
                if let peak = resources["processesPeak"].integer ?? resources["processesPeakSampled"].integer {
                    #expect(peak >= 20 && peak <= 24, "\(resources)")
                }
            }
        }

        @Test func `a receipt says what the session used, and nothing of what nobody counted`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "import time\nx = bytearray(50 << 20)\nwhile time.process_time() < 0.6: pass"
            let result = try place.remit(
                "run", "--memory", "256MiB", "--processes", "40", "--status-fd", "3", "--", "python3", "-c", script)
            #expect(result.exit == 0, "\(result)")
            let session = try #require(result.session)
            let receipt = try place.receipt(session)
            let resources = receipt["resources"]
            let cpu = try #require(resources["cpuMicroseconds"].integer)
            #expect(cpu > 500_000 && cpu < 10_000_000, "\(resources)")
            let memory = resources["memoryPeakBytes"].integer ?? resources["memoryPeakBytesSampled"].integer
            if let memory {
                #expect(memory > 50 << 20 && memory < 256 << 20, "\(resources)")
            } else {
                // Linux counts the peak of a group of version 2 since 5.19.
                #expect(state("limits.memory", receipt) == "enforced", "\(resources)")
            }
            let known: Set<String> = [
                "memoryPeakBytes", "memoryPeakBytesSampled", "processesPeak", "processesPeakSampled", "cpuMicroseconds",
                "memoryPressureMicroseconds", "cpuPressureMicroseconds", "ioPressureMicroseconds", "ioReadBytes",
                "ioWrittenBytes", "memoryKills", "processesRefused",
            ]
            #expect(Set((resources.members ?? [:]).keys).subtracting(known).isEmpty)
            #expect(try place.inspect(session)["resources"] == resources)
            #expect(try place.remit("inspect", session).text.contains("cpu microseconds"))
        }

        @Test func `a limit of the disk holds or is said to be missing, and is refused where it is required`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write(
                "apiVersion: remit/v1\nkind: Profile\nname: slow\ndescription: needs it\nextends: default\nlayers: {required: [limits.io]}\n",
                to: place.base + "/config/profiles/slow.yaml"
            )
            for profile in ["default", "slow"] {
                let task = try place.task(
                    """
                    name: slow
                    profile: \(profile)
                    workspace: {path: \(quoted(place.workspace)), mode: write}
                    command: ["true"]
                    limits: {io: {read: 64MiB}}

                    """
                )
                let result = try place.remit("run", "-f", task, "--status-fd", "3")
                let plan = try place.remit(
                    "run", "-f", task, "--dry-run", "--allow-degraded", "limits.io", "--format", "json")
                let layer = try #require(
                    plan.json()["layers"].list?.first { $0["name"].text == "limits.io" }, "\(plan)")
                if profile == "default" || layer["state"].text == "enforced" {
                    #expect(result.exit == 0, "\(result)")
                    let receipt = try place.receipt(try #require(result.session))
                    #expect(state("limits.io", receipt) == layer["state"].text)
                } else {
                    #expect(result.exit == 126 && result.errors.contains("`limits.io` cannot be enforced"), "\(result)")
                    #expect(result.session == nil)
                }
            }
        }

        @Test(.enabled(if: hasUserManager, "needs an ordinary user's systemd and control groups of version 2"))
        func `an ordinary user's session lives in a scope of systemd's, and takes it along`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            for isKilled in [false, true] {
                let command = try place.start(
                    ["run", "--memory", "128MiB", "--processes", "40", "--status-fd", "3", "--", "sleep", place.marker])
                try command.waitForEvent("started")
                let session = try command.session()
                let group = try #require(try place.inspect(session)["cgroup"].text)
                #expect(group.hasSuffix("/remit-\(session).scope/session"), "\(group)")
                #expect(Files.text("\(group)/memory.max")?.hasPrefix("134217728") == true)
                #expect(Files.text("\(group)/pids.max")?.hasPrefix("40") == true)
                #expect(Files.text("\(group)/cgroup.procs")?.split(separator: "\n").count == 2)
                command.signal(isKilled ? SIGKILL : SIGTERM)
                _ = command.finish()
                #expect(eventually(within: .seconds(10)) { place.agents.isEmpty }, "\(place.agents)")
                #expect(try eventually(within: .seconds(10)) { try place.listed(session)["reason"].text != nil })
                let receipt = try place.receipt(session)
                #expect(receipt["processesLeft"].integer == 0)
                // Who is killed reads nothing, and systemd removes an empty group at once: then there is no figure.
                if !isKilled {
                    for figure in ["cpuMicroseconds", "memoryPeakBytes", "processesRefused"] {
                        #expect(receipt["resources"][figure].integer != nil, "\(figure): \(receipt["resources"])")
                    }
                }
                for layer in ["cgroup", "limits.memory", "limits.processes"] {
                    #expect(state(layer, receipt) == "enforced", "\(layer)")
                }
                let scope = String(group.dropLast("/session".count))
                #expect(eventually(within: .seconds(10)) { !FileManager.default.fileExists(atPath: scope) }, "\(scope)")
            }
        }

        @Test(.enabled(if: hasUserManager, "needs an ordinary user's systemd and control groups of version 2"))
        func `the agent does not see which group it is in`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--", "cat", "/proc/self/cgroup")
            #expect(result.text == "0::/\n", "\(result)")
        }
    }
}
