// SPDX-License-Identifier: Apache-2.0

import RemitTesting
import Testing

extension CLI {
    /// Sessions in the background, and terminals that attach to them: each scenario is a function of Resources/attach.py.
    @Suite(.enabled(if: Files.isExecutable("/usr/bin/python3"), "no python3 to drive a pseudo-terminal"))
    struct AttachTests {
        private func play(_ scenario: String) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let words = ["/usr/bin/python3", resourcePath("attach.py"), scenario, Playground.binary]
            let result = try place.shell("exec " + words.map(shellQuoted).joined(separator: " "), within: .seconds(120))
            #expect(result.text == "ok\n", "\(result)")
        }

        @Test func `a session goes on without its terminal, and comes back to another`() throws { try play("detach") }
        @Test func `a session that was started here outlives its terminal`() throws { try play("detachable") }
        @Test func `what ends at once has been seen, and what cannot start says why`() throws {
            try play("quit_at_once")
        }
        @Test func `one types, others look on, and who steals takes over`() throws { try play("together") }
        @Test func `a client that is killed, and a terminal that goes away, detach`() throws { try play("killed") }
        @Test func `nobody waits for a client that does not read`() throws { try play("stuck") }
        @Test func `nonsense on the control socket ends nothing but itself`() throws { try play("garbage") }
        @Test func `the end of a session is the end of its clients, and leaves their terminals clean`() throws {
            try play("ends")
        }
        @Test func `what has no terminal in the background cannot be attached to`() throws { try play("unattachable") }
        @Test func `nothing is replayed that a terminal would obey`() throws { try play("replay") }
    }
}
