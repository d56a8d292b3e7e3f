// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSession

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Session tokens, as a server that is shown one sees them.",
        subcommands: [Introspect.self, Keys.self]
    )

    struct Introspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask whether a token counts (RFC 7662). Exit code 0 active, 1 not.",
            discussion: "The token is read from standard input, so that it is in no list of processes."
        )
        @Option(help: "The session to ask; all live ones otherwise.")
        var session: String?
        @Argument(help: "The token, or `-` for standard input.")
        var token = "-"

        func run() throws {
            let context = try Context()
            do {
                let bytes = token == "-" ? try read() : Array(token.utf8)
                let body = Array("token=".utf8) + Self.encoded(bytes)
                for session in try sessions(context) {
                    guard
                        let response = try? ControlClient.ask(
                            context.directories.control(session), "POST", "/introspect", body: body,
                            contentType: "application/x-www-form-urlencoded"
                        ),
                        let answer = try? JSONValue(parsing: response.body), answer["active"]?.flag == true
                    else { continue }
                    return Output.json(answer)
                }
                Output.json(["active": false])
                throw ExitCode(1)
            } catch let error as SessionError {
                throw Output.fail(error)
            }
        }

        private func sessions(_ context: Context) throws(SessionError) -> [String] {
            if let session { return [try context.store.resolve(session)] }
            return context.store.identifiers.filter { FileSystem.exists(context.directories.control($0)) }
        }

        private func read() throws -> [UInt8] {
            do {
                return try FileSystem.readAll(0, limit: 16_384, name: "standard input")
                    .filter { $0 > 32 }
            } catch {
                throw Output.fail("\(error)", code: 64)
            }
        }

        private static func encoded(_ bytes: [UInt8]) -> [UInt8] {
            bytes.flatMap { byte -> [UInt8] in
                let isPlain = (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                if isPlain || byte == 45 || byte == 46 || byte == 95 { return [byte] }
                let hex = String(byte, radix: 16, uppercase: true)
                return Array(("%" + (hex.count == 1 ? "0" : "") + hex).utf8)
            }
        }
    }

    struct Keys: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "jwks", abstract: "Print the public keys of a live session (JWK set)."
        )
        @Argument(help: "The session, or the beginning of its identifier.")
        var session: String

        func run() throws {
            let context = try Context()
            do {
                let session = try context.store.resolve(session)
                let path = context.directories.control(session)
                guard let response = try? ControlClient.ask(path, "GET", "/jwks") else {
                    // The key is gone with its session: nothing it signed is to be believed.
                    return Output.write("{\"keys\":[]}\n")
                }
                Output.write(String(decoding: response.body, as: UTF8.self) + "\n")
            } catch {
                throw Output.fail(error)
            }
        }
    }
}
