// SPDX-License-Identifier: Apache-2.0

import RemitTesting
import Testing

extension CLI {
    /// `remit profile`: groups of system calls, what a filter does and why, and the policies of container engines.
    @Suite struct ProfileTests {
        private func profile(_ place: Playground, _ calls: String) throws {
            try place.write(
                "apiVersion: remit/v1\nkind: Profile\nname: web\nextends: default\nsystemCalls:\n\(calls)",
                to: place.base + "/config/profiles/web.yaml")
        }

        @Test func `groups are listed, and the calls of one`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let all = try place.remit("profile", "groups", "--format", "json").json().list ?? []
            #expect(all.contains { $0["name"].text == "@network-io" && ($0["calls"].list?.count ?? 0) > 10 })
            let keyring = try place.remit("profile", "groups", "@keyring")
            #expect(keyring.text.contains("add_key") && keyring.text.contains("floor"), "\(keyring)")
            let wrong = try place.remit("profile", "groups", "@netwrok-io")
            #expect(wrong.exit == 64 && wrong.errors.contains("did you mean `@network-io`?"), "\(wrong)")
        }

        @Test func `what happens to a call is told with the line that decides`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try profile(place, "  deny:\n    - sync\n    - \"@network-io\"\n")
            let file = place.base + "/config/profiles/web.yaml"
            let result = try place.remit("profile", "show", "web", "--call", "connect")
            #expect(result.text.contains("because  \(file):8: deny @network-io"), "\(result)")
            let json = try place.remit("profile", "show", "web", "--call", "sync", "--format", "json").json()
            #expect(json["verdict"].text == "notify" && json["because"]["line"].integer == 7)
            #expect(json["because"]["file"].text == file)
            let control = try place.remit(
                "profile", "show", "web", "--call", "ioctl", "--argument", "1=0xffffffff00005412")
            #expect(control.text.contains("EPERM") && control.text.contains("TIOCSTI"), "\(control)")
            let named = try place.remit("profile", "show", "web", "--call", "ioctl", "--argument", "1=TCGETS")
            #expect(named.text.contains("verdict  allowed"), "\(named)")
            let table = try place.remit("profile", "show", "web", "--seccomp")
            #expect(table.exit == 0 && table.text.contains("the floor, @mount"), "\(table)")
        }

        @Test(arguments: [
            ["--call", "opne"], ["--argument", "1=2"], ["--call", "ioctl", "--argument", "6=1"],
            ["--call", "ioctl", "--argument", "1"], ["--call", "ioctl", "--argument", "1=TIOCSTY"],
            ["--call", "ioctl", "--argument", "1=1", "--argument", "1=2"],
        ])
        func `a question that cannot be understood is an error`(_ options: [String]) throws {
            let place = try Playground()
            defer { place.tearDown() }
            let result = try place.remit(["profile", "show", "default"] + options)
            #expect(result.exit == 64 && result.output.isEmpty && result.errors.hasPrefix("error: "), "\(result)")
        }

        @Test func `a profile that denies the network starts, and has none`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try profile(place, "  deny: [\"@network-io\"]\n")
            let script = """
                import ctypes, errno, os, socket
                libc = ctypes.CDLL(None, use_errno=True)
                def said(number, *arguments):
                    libc.syscall(ctypes.c_long(number), *[ctypes.c_ulong(a) for a in arguments])
                    return errno.errorcode.get(ctypes.get_errno())
                print(said(41, 1, 1, 0), said(46, 0, 0, 0), said(44, 0, 0, 0, 0, 0, 0), said(317, 1, 0, 0))
                """
            let result = try place.remit("run", "--profile", "web", "--", "python3", "-c", script)
            #expect(result.exit == 0 && result.text == "EPERM EPERM EPERM EPERM\n", "\(result)")
            let missing = try place.remit("run", "--profile", "web", "--", "/nothing/here")
            #expect(missing.exit == 127, "\(missing)")
        }

        @Test func `a profile with a group of the floor is refused with the names`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            try profile(place, "  allow: [\"@keyring\"]\n")
            let result = try place.remit("run", "--profile", "web", "--", "echo", "started")
            #expect(result.exit == 126 && result.errors.contains("`add_key`, `keyctl`, `request_key`"), "\(result)")
            #expect(result.errors.contains("(web:6)") && !result.text.contains("started"), "\(result)")
            try profile(place, "  allow: [@timer]\n")
            let unquoted = try place.remit("run", "--profile", "web", "--", "echo", "started")
            #expect(unquoted.exit == 64 && unquoted.errors.contains("has to be quoted"), "\(unquoted)")
        }

        @Test func `a policy is imported as a profile that runs, and what is lost is said`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let exported = try place.remit("profile", "export", "default", "--format", "oci")
            #expect(exported.exit == 0)
            // The same, but with one call less, and one on the floor more.
            let changed = exported.text.replacing("\"memfd_create\"", with: "\"ptrace\"")
            try place.write(changed, to: place.base + "/policy.json")
            let imported = try place.remit("profile", "import", place.base + "/policy.json")
            #expect(imported.exit == 0 && imported.text.contains("name: policy\n"), "\(imported)")
            #expect(imported.text.hasSuffix("systemCalls:\n  deny:\n    - memfd_create\n"), "\(imported)")
            #expect(imported.errors.contains("on Remit's floor, refused: ptrace"), "\(imported)")
            try place.write(imported.text, to: place.base + "/config/profiles/policy.yaml")
            let run = try place.remit("run", "--profile", "policy", "--", "echo", "started")
            #expect(run.exit == 0 && run.text == "started\n", "\(run)")
        }

        @Test(arguments: [
            "", "{", "[]", "{\"defaultAction\": 1.5}", "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"more\": 1}",
            String(repeating: "[", count: 5000), "{\"a\": 1, \"a\": 2}", "\u{0}",
        ])
        func `what is no policy is refused`(_ text: String) throws {
            let place = try Playground()
            defer { place.tearDown() }
            try place.write(text, to: place.base + "/policy.json")
            let result = try place.remit("profile", "import", place.base + "/policy.json")
            #expect(result.exit == 64 && result.output.isEmpty, "\(result)")
            #expect(result.errors.hasPrefix("error: cannot ") && result.errorLines.count < 3, "\(result)")
        }

        @Test func `a filter is written as a program, as pseudo code, and not onto nothing`() throws {
            let place = try Playground()
            defer { place.tearDown() }
            let program = try place.remit("profile", "export", "strict", "--format", "bpf")
            #expect(program.exit == 0 && program.output.count % 8 == 0 && program.output.count > 4000)
            let code = try place.remit("profile", "export", "strict", "--format", "pfc")
            #expect(code.text.contains("# only for ioctl, number 16") && code.text.contains("action ERRNO(25)"))
            let unknown = try place.remit("profile", "export", "nothing", "--format", "oci")
            #expect(unknown.exit == 64, "\(unknown)")
            for name in ["default", "No Name", ""] {
                let result = try place.remit("profile", "import", "/dev/null", "--name", name)
                #expect(result.exit == 64, "\(name): \(result)")
            }
        }
    }
}
