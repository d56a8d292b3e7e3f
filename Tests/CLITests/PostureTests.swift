// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// `remit inspect --posture`: a live session seen from outside. scripts/posture goes through many more sessions.
    @Suite struct PostureTests {
        /// A session of several processes, running.
        private func session(_ place: Playground, _ options: String...) throws -> (RunningCommand, String) {
            let script = "sleep \(place.marker) & (sleep \(place.marker) & wait) & echo ready; wait"
            let running = try place.start(
                ["run", "--status-fd", "3", "--workspace", place.workspace] + options + ["--", "sh", "-c", script])
            try running.waitForOutput("ready")
            return (running, try running.session())
        }

        private func end(_ running: RunningCommand) {
            running.signal(SIGTERM)
            _ = running.finish()
        }

        private func differences(_ json: JSON) -> [JSON] {
            (json["items"].list ?? []).filter { $0["verdict"].text == "differs" }
        }

        @Test(arguments: [
            ["--profile", "default"], ["--profile", "coding"], ["--read-only", "--memory", "1GiB"], ["--overlay"],
        ])
        func `a session holds what its plan says, every task of it`(options: [String]) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script = "sleep \(place.marker) & (sleep \(place.marker) & wait) & echo ready; wait"
            let running = try place.start(
                ["run", "--status-fd", "3", "--workspace", place.workspace] + options + ["--", "sh", "-c", script])
            try running.waitForOutput("ready")
            defer { end(running) }
            // The last of the processes may still be on its way to its program.
            #expect(eventually(within: .seconds(5)) { place.agents.count >= 3 })
            let id = try running.session()
            let result = try place.remit("inspect", "--posture", id, "--format", "json")
            #expect(result.exit == 0 && result.errors.isEmpty, "\(result)")
            let json = try result.json()
            #expect(json["holds"].bool == true && differences(json).isEmpty, "\(differences(json))")
            #expect(json["session"].text == id && json["settled"].bool == true)
            let processes = json["processes"].list ?? []
            #expect(processes.count >= 5 && processes.first?["role"].text == "first", "\(processes.count)")
            let kinds = Set((json["items"].list ?? []).compactMap { $0["what"].text })
            // A layer over the workspace is no tree of the host's, of which there would be one to name.
            let source: Set = options == ["--overlay"] ? [] : ["source of /workspace"]
            #expect(
                kinds.isSuperset(of: source)
                    && kinds.isSuperset(of: [
                        "uid", "gid", "supplementary groups", "capabilities", "no_new_privs", "seccomp", "tracer",
                        "namespace mnt", "namespace pid", "namespace user", "descriptors", "mount /",
                        "mount /workspace",
                        "limit: core file size", "routes", "inspectable by its user",
                    ]), "\(kinds)")
            // What cannot be read is pid 1's, and only for a user who is not root.
            let unread = (json["items"].list ?? []).filter { $0["verdict"].text == "unreadable" }
            #expect(unread.allSatisfy { $0["process"] == processes.first?["pid"] }, "\(unread)")
            #expect(unread.isEmpty == isRoot && json["unreadable"].integer == unread.count, "\(unread)")
        }

        @Test func `the table says what holds, and that nothing differs`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (running, id) = try session(place)
            defer { end(running) }
            let result = try place.remit("inspect", "--posture", String(id.prefix(8)))
            #expect(result.exit == 0 && result.text.contains("none differs from the plan"), "\(result)")
            #expect(result.text.contains("no_new_privs") && !result.text.contains("DIFFERS"), "\(result)")
        }

        @Test(.enabled(if: Files.isExecutable("/usr/bin/nsenter"), "no nsenter"))
        func `a process that was put into the session is a difference`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (running, id) = try session(place)
            defer { end(running) }
            let first = try place.remit("inspect", id, "--format", "json").json()["pids"]["init"].integer ?? 0
            let agent = try #require(ProcessTable.children(of: Int32(first)).first)
            // Its own user can enter the innermost user namespace, which owns none of the others.
            let entrance = isRoot ? ["-p"] : ["-U", "--preserve-credentials"]
            var program = Program(
                "/usr/bin/nsenter", ["-t", "\(agent)"] + entrance + ["/usr/bin/sleep", place.marker])
            program.streams = [0: .nothing, 1: .nothing, 2: .nothing]
            let stranger = try program.start()
            defer {
                ProcessTable.kill(marked: [place.marker])
                _ = stranger.wait(within: .seconds(5))
            }
            var result = try place.remit("inspect", "--posture", id, "--format", "json")
            _ = try eventually(within: .seconds(5)) {
                result = try place.remit("inspect", "--posture", id, "--format", "json")
                return result.exit != 0
            }
            #expect(result.exit == 1, "\(result)")
            let json = try result.json()
            let found = Set(differences(json).compactMap { $0["what"].text })
            #expect(json["holds"].bool == false)
            #expect(
                found.isSuperset(of: ["origin", "no_new_privs", "seccomp", "namespace mnt", "namespace net"]),
                "\(found)")
            let table = try place.remit("inspect", "--posture", id)
            #expect(table.exit == 1 && table.text.contains("DIFFERS"), "\(table)")
        }

        @Test func `a session that is over, or never was, is an error`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let ended = try place.remit("run", "--status-fd", "3", "--", "true")
            let id = try #require(ended.session)
            let over = try place.remit("inspect", "--posture", id)
            #expect(over.exit == 125 && over.errors.contains("is not running (ended)"), "\(over)")
            #expect(over.output.isEmpty && over.errors.contains("hint: "))
            #expect(try place.remit("inspect", "--posture", "zzzz").exit == 64)
            #expect(try place.remit("inspect", "--posture").exit == 64)
        }
    }
}
