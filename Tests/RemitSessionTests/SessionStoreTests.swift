// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import RemitSession
import Testing

@Suite struct SessionStoreTests {
    let scratch: Scratch
    let directories: Directories
    let store: SessionStore

    init() throws {
        scratch = try Scratch()
        directories = Directories(environment: [
            "REMIT_STATE_DIR": scratch.file("s"), "REMIT_RUNTIME_DIR": scratch.file("r"),
        ])
        store = SessionStore(directories)
        for name in [
            "0123456789abcdef", "0123456789abcdeg", "z123456789abcdef", "not-a-session", "0123456789abcde",
            "0123456789ABCDEF",
        ] {
            try FileSystem.makeDirectories(directories.session(name))
        }
    }

    @Test func `only what is named like a session is one`() {
        #expect(store.identifiers == ["0123456789abcdef", "0123456789abcdeg", "z123456789abcdef"])
        #expect(SessionStore(Directories(environment: ["REMIT_STATE_DIR": "/nonexistent"])).identifiers.isEmpty)
    }

    @Test func `a prefix that fits one session is enough`() throws {
        #expect(try store.resolve("z") == "z123456789abcdef")
        #expect(try store.resolve("0123456789abcdef") == "0123456789abcdef")
    }

    @Test func `an ambiguous prefix names the candidates`() {
        #expect { try store.resolve("0123") } throws: {
            let error = $0 as? SessionError
            return error?.kind == .usage
                && error?.description == "session `0123` is ambiguous: `0123456789abcdef`, `0123456789abcdeg`"
        }
    }

    @Test(arguments: [
        "", ".", "..", "../s", "/", "0123/../z", "i", "l", "o", "u", "Z", "0123456789abcdef0", "z*", "z\0",
        "\u{1b}[31m", "\u{9b}31m", "\u{202e}z",
        " z", "z ", "０", "z\n", String(repeating: "z", count: 10_000),
    ])
    func `hostile text is no session, and does not reach the terminal`(_ text: String) {
        #expect {
            _ = try store.resolve(text)
        } throws: {
            guard let error = $0 as? SessionError, error.kind == .usage else { return false }
            return error.description.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value < 127 }
                && error.description.count < 100
        }
    }

    @Test func `a session without a journal cannot be read, and that is an error`() {
        #expect(throws: SessionError.self) { try store.record("z123456789abcdef") }
    }
}

@Suite struct DirectoriesTests {
    @Test func `remit's own variables come first, and only absolute ones count`() {
        let own = Directories(environment: [
            "REMIT_STATE_DIR": "/a", "REMIT_RUNTIME_DIR": "/b", "REMIT_CONFIG_DIR": "/c", "HOME": "/h",
        ])
        #expect(own.state == "/a" && own.runtime == "/b" && own.configuration == "/c")
        let relative = Directories(environment: ["REMIT_STATE_DIR": "a", "HOME": "/h"])
        #expect(relative.state.hasPrefix("/") && relative.state != "a")
    }

    @Test(.enabled(if: geteuid() != 0, "needs an ordinary user"))
    func `an ordinary user has the directories of XDG`() {
        let xdg = Directories(environment: [
            "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/r", "XDG_CONFIG_HOME": "/c", "HOME": "/h",
        ])
        #expect(xdg.state == "/s/remit" && xdg.runtime == "/r/remit" && xdg.configuration == "/c/remit")
        let home = Directories(environment: ["HOME": "/h"])
        #expect(
            home.state == "/h/.local/state/remit" && home.runtime == "/h/.local/state/remit/run"
                && home.configuration == "/h/.config/remit")
    }

    @Test(.enabled(if: geteuid() == 0, "needs root"))
    func `root has the system's directories, whatever its environment`() {
        let root = Directories(environment: [
            "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/r", "XDG_CONFIG_HOME": "/c", "HOME": "/h",
        ])
        #expect(root.state == "/var/lib/remit" && root.runtime == "/run/remit" && root.configuration == "/etc/remit")
    }

    @Test func `what holds evidence is made for this user alone`() throws {
        let scratch = try Scratch()
        let directories = Directories(environment: [
            "REMIT_STATE_DIR": scratch.file("s"), "REMIT_RUNTIME_DIR": scratch.file("r"),
        ])
        try directories.prepare()
        for path in [directories.state, directories.sessions, directories.keys, directories.runtime] {
            #expect(try FileSystem.facts(at: path).permissions == 0o700)
        }
    }

    @Test func `a directory that others may write is not trusted`() throws {
        let scratch = try Scratch()
        try FileSystem.makeDirectories(scratch.file("s"))
        chmod(scratch.file("s"), 0o777)
        let directories = Directories(environment: [
            "REMIT_STATE_DIR": scratch.file("s"), "REMIT_RUNTIME_DIR": scratch.file("r"),
        ])
        #expect(throws: SystemCallError.self) { try directories.prepare() }
    }
}
