// SPDX-License-Identifier: Apache-2.0

import RemitTesting
import Testing

extension CLI {
    /// What is attempted inside every sandbox before its agent runs.
    @Suite struct StartProofTests {
        @Test(arguments: [["default"], ["coding"], ["default", "--tty"]])
        func `every session proves its sandbox, and its receipt says so`(profile: [String]) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let arguments = ["run", "--profile", profile[0], "--workspace", place.workspace]
            // A terminal has the proof as well.
            let result =
                profile.contains("--tty")
                ? try place.shell(
                    "script -qec '\(Playground.binary) \(arguments.joined(separator: " ")) -- true' /dev/null")
                : try place.remit(arguments + ["--", "true"])
            #expect(result.exit == 0, "\(result)")
            let proof = try place.receipt(try #require(place.sessions.first))["proof"]
            let held = Set((proof["held"].list ?? []).compactMap(\.text))
            let always: Set = [
                "authority", "identity", "filter", "mount", "user-namespace", "trace", "socket", "read-outside",
                "write-outside", "reach",
            ]
            #expect(held.isSuperset(of: always), "\(held)")
            #expect((proof["nanoseconds"].integer ?? 0) > 0)
        }

        @Test func `the proof's own attempts are nobody's strikes`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit("run", "--", "unshare", "--user", "true")
            #expect(result.exit != 0)
            let receipt = try place.receipt(try #require(place.sessions.first))
            #expect(receipt["denials"]["unshare"].integer == 1, "\(receipt["denials"])")
            #expect(receipt["denials"]["ptrace"] == .null && receipt["denials"]["mount"] == .null)
        }

        @Test func `a sandbox in which something gets through never runs its agent`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            // Remit's configuration, as far as it knows, lies where the sandbox has a directory.
            place.environment["REMIT_CONFIG_DIR"] = "/dev"
            let result = try place.remit(
                "run", "--workspace", place.workspace, "--", "sh", "-c",
                "echo ran >/workspace/ran; sleep \(place.marker)")
            #expect(result.exit == 125, "\(result)")
            #expect(result.errors.contains("the sandbox does not hold"), "\(result)")
            #expect(result.errors.contains("(layer `mounts`)"), "\(result)")
            #expect(Files.all(below: place.workspace).isEmpty)
            #expect(place.agents.isEmpty)
            // Nobody but Remit can say what went wrong, so it is said in any case.
            let quiet = try place.remit("run", "--quiet", "--", "true")
            #expect(quiet.exit == 125 && quiet.errors.contains("the sandbox does not hold"), "\(quiet)")
            let receipt = try place.receipt(try #require(place.sessions.first))
            #expect(receipt["reason"].text == "failed" && receipt["proof"] == .null)
            #expect(receipt["processesLeft"].integer == 0)
        }

        @Test func `a profile that would show remit's own record is refused`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write(
                """
                apiVersion: remit/v1
                kind: Profile
                name: wide
                extends: default
                filesystem:
                  binds: [{source: \(quoted(place.base)), target: /elsewhere}]

                """, to: place.base + "/config/profiles/wide.yaml")
            let result = try place.remit("run", "--profile", "wide", "--", "true")
            #expect(result.exit == 126, "\(result)")
            #expect(result.errors.contains("remit's own"), "\(result)")
            #expect(place.sessions.isEmpty)
        }
    }
}
