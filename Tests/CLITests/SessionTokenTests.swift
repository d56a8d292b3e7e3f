// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RemitTesting
import Testing

extension CLI {
    /// The built-in credential: a token that is good while its session lives, and nowhere to be found afterwards.
    @Suite struct SessionTokenTests {
        private static func credentials(_ rest: String = "") -> String {
            "credentials: [{name: token, provider: session-token, scope: {audience: https://orders.example.com}, ttl: \(minute)\(rest)}]"
        }

        /// A session whose agent put its token into the workspace and waits.
        private func start(
            _ place: Playground, credentials: String = credentials()
        ) throws -> (RunningCommand, String, String) {
            let script =
                "cat $REMIT_CREDENTIALS/token >got.part 2>/dev/null || printf %s \"$TOKEN\" >got.part; mv got.part got; "
                + "echo x >report.json; while [ ! -e go ]; do sleep 0.02; done"
            let task = try place.boundedTask(script, credentials: credentials)
            let command = try place.start(["run", "-f", task, "--status-fd", "3"])
            try command.waitForEvent("started")
            #expect(eventually(within: .seconds(5)) { Files.exists(place.workspace + "/got") })
            let token = (Files.text(place.workspace + "/got") ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
            return (command, try command.session(), token)
        }

        private func finish(_ place: Playground, _ command: RunningCommand) throws -> CommandResult {
            try place.write("", to: place.workspace + "/go")
            return command.finish()
        }

        @Test func `a provider's limit of live credentials counts those of other sessions`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let configuration = """
                apiVersion: remit/v1
                kind: Configuration
                providers:
                  tokens: {kind: session-token, maximumLive: 1}

                """
            try place.write(configuration, to: place.base + "/limited.yaml")
            let wish =
                "credentials: [{name: token, provider: tokens, scope: {audience: https://a.example}, ttl: \(minute)}]"
            let script = "echo x >report.json; while [ ! -e go ]; do sleep 0.02; done"
            let task = try place.boundedTask(script, credentials: wish)
            let arguments = ["run", "--config", place.base + "/limited.yaml", "-f", task]
            let first = try place.start(arguments + ["--status-fd", "3"])
            try first.waitForEvent("started")
            let second = try place.remit(arguments)
            #expect(second.exit == 126 && second.errors.contains("allows 1 live credentials"), "\(second)")
            #expect(try finish(place, first).exit == 0)
            #expect(try place.remit(arguments).exit == 0, "the first one's has ended")
        }

        private func claims(_ token: String) throws -> JSON {
            let parts = token.split(separator: ".")
            var text = String(try #require(parts.count == 3 ? parts[1] : nil, "a JWT: \(token)"))
            text = text.replacing("-", with: "+").replacing("_", with: "/")
            text += String(repeating: "=", count: (4 - text.count % 4) % 4)
            return try JSON.parse(Array(try #require(Data(base64Encoded: text))))
        }

        @Test func `the token is a file that only the agent reads, for one audience and a short time`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script =
                "cd $REMIT_CREDENTIALS; stat -c '%a %u %F' token >/workspace/facts; stat -f -c %T . >>/workspace/facts; "
                + "(echo x >token) 2>/dev/null; rm -f token; chmod 644 token; ls -A >>/workspace/facts; cat token >/workspace/got; "
                + "env | grep -c eyJ >>/workspace/facts; echo x >/workspace/report.json"
            let task = try place.boundedTask(script, credentials: Self.credentials())
            let result = try place.remit("run", "-f", task, "--status-fd", "3")
            #expect(result.exit == 0, "\(result)")
            #expect(Files.text(place.workspace + "/facts") == "400 1000 regular file\ntmpfs\ntoken\n0\n")
            let token = (Files.text(place.workspace + "/got") ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
            let claims = try claims(token)
            let session = try #require(result.session)
            #expect(claims["sub"].text?.hasPrefix("spiffe://remit.local/") == true, "\(claims)")
            #expect(claims["sub"].text?.contains(session) == true, "\(claims)")
            let audiences = claims["aud"].text.map { [$0] } ?? claims["aud"].list?.compactMap(\.text) ?? []
            #expect(audiences == ["https://orders.example.com"], "\(claims)")
            #expect(claims["jti"].text?.isEmpty == false)
            let life = (claims["exp"].integer ?? 0) - (claims["iat"].integer ?? 0)
            #expect((1...60 * min(patience, 5) + 6).contains(life), "\(claims)")
        }

        @Test func `the token counts while the session runs, and not afterwards`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (command, session, token) = try start(place)
            let file = place.freshPath("token")
            try place.write(token, to: file)
            for arguments in [["token", "introspect", "--session", session, token], ["token", "introspect", token]] {
                let active = try place.remit(arguments)
                #expect(active.exit == 0, "\(active)")
                let answer = try active.json()
                #expect(answer["active"].bool == true && answer["sub"].text?.contains(session) == true, "\(active)")
            }
            let piped = try place.remit(["token", "introspect", "-"], input: .read(file))
            #expect(piped.exit == 0, "\(piped)")
            let keys = try place.remit("token", "jwks", session).json()["keys"]
            #expect(keys[0]["kty"].text == "EC" && keys[0]["crv"].text == "P-256" && keys[0]["d"] == .null, "\(keys)")

            // One changed character anywhere is another token.
            for index in stride(from: 0, to: token.count, by: max(1, token.count / 12)) {
                var characters = Array(token)
                characters[index] = characters[index] == "A" ? "B" : "A"
                let forged = try place.remit("token", "introspect", "--session", session, String(characters))
                #expect(forged.exit == 1, "character \(index): \(forged)")
            }
            for nonsense in ["", "x", "..", "a.b.c", String(repeating: "a", count: 9000)] {
                let answer = try place.remit("token", "introspect", "--session", session, nonsense)
                #expect(
                    answer.exit == 1 && answer.text.filter { !$0.isWhitespace } == "{\"active\":false}",
                    "\(nonsense.prefix(9)): \(answer)")
            }
            let result = try finish(place, command)
            #expect(result.exit == 0, "\(result)")
            let after = try place.remit("token", "introspect", "--session", session, token)
            #expect(after.exit == 1, "\(after)")
            #expect(try after.json() == .object(["active": .bool(false)]))
            #expect(try place.receipt(session)["leases"][0]["state"].text == "revoked")
        }

        @Test func `a renewed token replaces the one before it`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script =
                "cd $REMIT_CREDENTIALS; cat token >/workspace/first; n=0; "
                + "while cmp -s token /workspace/first && [ $n -lt \(400 * patience) ]; do sleep 0.02; n=$((n+1)); done; "
                + "cat token >/workspace/second.part; mv /workspace/second.part /workspace/second; stat -c %a token >/workspace/mode; "
                + "echo x >/workspace/report.json; while [ ! -e /workspace/go ]; do sleep 0.02; done"
            let credentials = Self.credentials().replacing("ttl: \(minute)", with: "ttl: \(4 * patience)s")
            let command = try place.start([
                "run", "-f", try place.boundedTask(script, credentials: credentials), "--status-fd", "3",
            ])
            #expect(eventually(within: .seconds(10)) { Files.exists(place.workspace + "/second") })
            let tokens = ["first", "second"].map {
                (Files.text("\(place.workspace)/\($0)") ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
            }
            #expect(tokens[0] != tokens[1] && tokens.allSatisfy { $0.split(separator: ".").count == 3 }, "\(tokens)")
            #expect(try place.remit("token", "introspect", tokens[1]).exit == 0)
            // At most one counts at a time.
            #expect(try place.remit("token", "introspect", tokens[0]).exit == 1)
            let result = try finish(place, command)
            #expect(result.exit == 0, "\(result)")
            #expect(Files.text(place.workspace + "/mode") == "400\n")
            #expect(try place.remit("token", "introspect", tokens[1]).exit == 1)
        }

        @Test func `the token of one session does not count in another`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (first, _, token) = try start(place)
            let other = try place.start(["run", "--status-fd", "3", "--", "sleep", place.marker])
            try other.waitForEvent("started")
            let answer = try place.remit("token", "introspect", "--session", try other.session(), token)
            #expect(answer.exit == 1, "\(answer)")
            other.signal(SIGTERM)
            _ = other.finish()
            _ = try finish(place, first)
        }

        @Test(arguments: [false, true])
        func `the token is in no artefact, no argument and no environment`(agentHeld: Bool) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let rest = agentHeld ? ", expose: env, variable: TOKEN" : ""
            let (command, session, token) = try start(place, credentials: Self.credentials(rest))
            #expect(token.count > 100, "\(token)")
            // The signature is enough to recognise it, in whatever form the rest is kept.
            let signature = String(token.split(separator: ".").last ?? "")
            func leaks() -> [String] {
                (Files.all(below: place.state) + Files.all(below: place.runtime) + Files.all(below: place.scratch))
                    .filter { (Files.bytes($0) ?? []).containsText(signature) }
            }
            #expect(leaks().isEmpty, "\(leaks())")
            for memory in ProcessTable.readableMemory() where memory.bytes.containsText(signature) {
                let isAllowed = agentHeld && memory.isInner && memory.what == "environ"
                #expect(isAllowed, "process \(memory.pid): \(memory.what)")
            }
            let result = try finish(place, command)
            #expect(result.exit == 0, "\(result)")
            #expect(leaks().isEmpty, "\(leaks())")
            let lease = try place.receipt(session)["leases"][0]
            #expect(lease["exposure"].text == (agentHeld ? "agent-held" : "file"), "\(lease)")
        }

        @Test func `a token that the agent prints is not kept in the captured output`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let script =
                "cat $REMIT_CREDENTIALS/token; cat $REMIT_CREDENTIALS/token >&2; cat $REMIT_CREDENTIALS/token >got; "
                + "for c in $(sed 's/./& /g' got); do printf %s $c; done; echo x >report.json"
            let task = try place.boundedTask(script, credentials: Self.credentials())
            let result = try place.remit("run", "-f", task, "--status-fd", "3")
            #expect(result.exit == 0, "\(result)")
            let token = Files.text(place.workspace + "/got") ?? ""
            let signature = String(token.split(separator: ".").last ?? "").trimmingCharacters(
                in: .whitespacesAndNewlines)
            #expect(signature.count > 40)
            let leaks = Files.all(below: place.state).filter { (Files.bytes($0) ?? []).containsText(signature) }
            #expect(leaks.isEmpty)
        }

        @Test func `a task with credentials that is not bounded is refused`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let lines = [
                "intent: Fix the rounding error in orders.py and write the totals to report.json",
                "owner: alice@example.com",
                "deadline: 30s", "workspace: {path: \(quoted(place.workspace)), mode: write}",
                "outcome: {artifacts: [report.json]}",
            ]
            let common = ["name: fix-orders", "command: [echo, started]", Self.credentials()]
            for missing in lines.indices {
                let task = try place.task(
                    (common + lines.enumerated().filter { $0.offset != missing }.map(\.element)).joined(separator: "\n")
                )
                let result = try place.remit("run", "-f", task)
                #expect(result.exit == 126, "without `\(lines[missing])`: \(result)")
                #expect(!result.text.contains("started") && result.errors.hasPrefix("error: "), "\(result)")
                #expect(place.sessions.isEmpty)
                let check = try place.remit("check", task)
                #expect(check.exit == 126 && check.text.contains("missing"), "\(check)")
            }
            let unscoped = try place.task(
                (common.dropLast() + lines + ["credentials: [{name: token, provider: session-token}]"]).joined(
                    separator: "\n"))
            #expect(try place.remit("run", "-f", unscoped).exit == 126)
            let bounded = try place.task((common + lines).joined(separator: "\n"))
            #expect(try place.remit("check", bounded).exit == 0)
        }

        @Test func `the agent cannot reach the control socket or the host's key`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (command, session, _) = try start(place)
            let socket = "\(place.runtime)/\(session)/control.sock"
            #expect(Files.exists(socket), "\(Files.names(in: place.runtime))")
            #expect(
                (Files.mode(socket) ?? 0o777) & 0o077 == 0
                    || (Files.mode("\(place.runtime)/\(session)") ?? 0o777) & 0o077 == 0)
            _ = try finish(place, command)
            for path in Files.all(below: place.state) where !path.hasSuffix(".pub.pem") {
                #expect((Files.mode(path) ?? 0o777) & 0o037 == 0, "\(path): \(String(Files.mode(path) ?? 0, radix: 8))")
            }
        }

        @Test func `the supervisor cannot be dumped or traced by others`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let (command, _, token) = try start(place)
            let limits = Files.text("/proc/\(command.pid)/limits") ?? ""
            let isUnreadable = !isRoot && Files.bytes("/proc/\(command.pid)/environ") == nil
            #expect(isUnreadable || isRoot, "an ordinary user's supervisor is not dumpable")
            if isRoot {
                // /proc of a process that is not dumpable belongs to root whoever runs it, so ask its core limit.
                #expect(limits.contains("Max core file size        0"), "\(limits)")
            }
            #expect(!token.isEmpty)
            _ = try finish(place, command)
        }
    }
}
