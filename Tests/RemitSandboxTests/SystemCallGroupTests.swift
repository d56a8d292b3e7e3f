// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitSandbox
import RemitTask
import Testing

@Suite(.enabled(if: FilterProgram.nativeArchitecture == 0xc000_003e, "the calls are those of x86_64"))
struct SystemCallGroupTests {
    private func filter(
        allow: [String] = [], deny: [String] = [], notify: Bool = false
    ) throws -> Filter {
        try Filter(try SystemCallTable.filter(for: ProfileSystemCalls(allow: allow, deny: deny), notify: notify))
    }

    private func message(_ allow: [String], _ deny: [String] = []) -> (text: String, hint: String?) {
        do {
            _ = try filter(allow: allow, deny: deny)
            return ("nothing", nil)
        } catch let error as SandboxError {
            return (error.description, error.hint)
        } catch {
            return ("\(error)", nil)
        }
    }

    // MARK: the groups themselves

    @Test func `groups are named once, in the form that profiles take, and nest in groups that exist`() {
        #expect(Set(SystemCallGroup.all.map(\.name)).count == SystemCallGroup.all.count)
        for group in SystemCallGroup.all {
            #expect(group.name.wholeMatch(of: /@[a-z][a-z0-9-]*/) != nil)
            #expect(Set(group.members).count == group.members.count, "\(group.name) repeats a word")
            for member in group.members {
                let isKnown =
                    SystemCallGroup.isGroup(member)
                    ? SystemCallGroup.named(member) != nil : SystemCallNumbers.isKnown(member)
                #expect(isKnown, "\(group.name): \(member)")
            }
            #expect(!group.calls.isEmpty, "\(group.name)")
        }
    }

    @Test func `the names that systemd has are all here`() {
        for name in [
            "@aio", "@basic-io", "@chown", "@clock", "@cpu-emulation", "@debug", "@default", "@file-system",
            "@io-event", "@ipc", "@keyring", "@known", "@memlock", "@module", "@mount", "@network-io", "@obsolete",
            "@pkey", "@privileged", "@process", "@raw-io", "@reboot", "@resources", "@sandbox", "@setuid", "@signal",
            "@swap", "@sync", "@system-service", "@timer",
        ] { #expect(SystemCallGroup.named(name) != nil, "\(name)") }
    }

    @Test func `every call has a group, every plain and every forbidden one a place in the table`() throws {
        let known = try #require(SystemCallGroup.named("@known")).calls
        #expect(Set(known).isSuperset(of: SystemCallTable.plain))
        #expect(Set(known).isSuperset(of: SystemCallTable.forbidden))
        #expect(SystemCallTable.plain.isDisjoint(with: SystemCallTable.forbidden))
        #expect(SystemCallTable.conditional.isDisjoint(with: SystemCallTable.forbidden))
        #expect(known.count > 370)
    }

    // MARK: numbers newer than libseccomp

    @Test func `numbers newer than libseccomp have names, and names have numbers`() {
        for (name, number) in SystemCallNumbers.newer {
            #expect(SystemCallNumbers.number(of: name) == number)
            #expect(SystemCallNumbers.name(of: number) == name)
        }
        #expect(SystemCallNumbers.number(of: "mseal") == 462)
        #expect(SystemCallNumbers.name(of: 467) == "open_tree_attr")
        #expect(SystemCallNumbers.name(of: 470) == nil && SystemCallNumbers.number(of: "opne") == nil)
        #expect(SystemCallNumbers.isKnown("socketcall") && !SystemCallNumbers.isKnown("opne"))
    }

    // MARK: in profiles

    @Test func `a denied group takes away what would be allowed, and nothing else`() throws {
        let (before, after) = (try filter(), try filter(deny: ["@network-io", "@process"]))
        for name in ["socket", "connect", "sendto", "fork", "clone", "kill", "prctl"] {
            #expect(try after.verdict(name) == .error(1), "\(name)")
        }
        // Programs fall back from what does not exist, not from what is refused.
        for name in ["clone3", "read", "openat", "mount"] {
            #expect(try after.verdict(name) == (try before.verdict(name)), "\(name)")
        }
    }

    @Test func `a name decides over a group, and of two groups the one that denies`() throws {
        let some = try filter(allow: ["connect", "socket"], deny: ["@network-io"])
        #expect(try some.verdict("connect") == .allow && (try some.verdict("bind")) == .error(1))
        #expect(try some.verdict("socket", 1, 1, 0) == .allow && (try some.verdict("socket", 38)) == .error(97))
        let one = try filter(allow: ["@timer"], deny: ["times"])
        #expect(try one.verdict("times") == .error(1) && (try one.verdict("alarm")) == .allow)
        let both = try filter(allow: ["@timer"], deny: ["@timer"])
        #expect(try both.verdict("alarm") == .error(1))
    }

    @Test func `an allowed group opens what the table leaves out`() throws {
        #expect(try filter().verdict("sysfs") == .error(38))
        #expect(try filter(allow: ["cachestat", "memfd_secret"]).verdict("cachestat") == .allow)
    }

    @Test func `a group that holds the floor cannot be allowed, and the names are said`() {
        #expect(
            message(["@keyring"]).text
                == "group `@keyring` cannot be allowed by a profile: it holds `add_key`, `keyctl`, `request_key`")
        #expect(message(["@obsolete"]).text.hasSuffix("it holds `nfsservctl`"))
        #expect(message(["@process"]).text.hasSuffix("it holds `clone3`, `setns`, `unshare`"))
        #expect(message(["@process"]).hint?.contains("by their names") == true)
        for group in ["@mount", "@debug", "@privileged", "@aio", "@floor", "@known", "@system-service"] {
            #expect(message([group]).text.hasPrefix("group `\(group)` cannot be allowed"), "\(group)")
        }
    }

    @Test func `an unknown group fails, with a guess`() {
        #expect(message(["@netwrok-io"]).text.hasSuffix("did you mean `@network-io`?"))
        #expect(message([], ["@nothing-like-it"]).text.hasPrefix("unknown group of system calls `@nothing-like-it`"))
        #expect(message(["@"]).text.hasPrefix("unknown group"))
    }

    @Test func `an error names the line of the profile`() {
        let origins = ["systemCalls.allow.mount": Origin(profile: "open", line: 7)]
        #expect {
            try SystemCallTable.filter(for: ProfileSystemCalls(allow: ["mount"]), origins: origins, notify: true)
        } throws: { "\($0)" == "system call `mount` cannot be allowed by a profile (open:7)" }
    }

    // MARK: two stages

    @Test func `two filters together answer as the one, and leave no way open`() throws {
        for changes in [
            ProfileSystemCalls(deny: ["@network-io"]), ProfileSystemCalls(deny: ["sendmsg", "memfd_create"]),
            ProfileSystemCalls(allow: ["read", "execve"], deny: ["@known"]),
        ] {
            for notify in [true, false] {
                let policy = try SystemCallPolicy(changes, notify: notify)
                #expect(policy.stages.count == 2)
                let whole = try Filter(policy.filter)
                let stages = try policy.stages.map { try Filter($0) }
                for number: UInt32 in Array(0...600) + [0x4000_0000, .max] {
                    for value: UInt64 in [0, 1, 2, 16, 0x5401, 0x5412, 0o104755, 1 << 28, .max] {
                        for other: UInt64 in [0, 8, value] {
                            let call = FilterProgram.Call(number, [value, other, value, value, value])
                            let answers = stages.map { $0.program.verdict(call) }
                            let stricter = answers[1] == .allow ? answers[0] : answers[1]
                            if stricter == whole.program.verdict(call) { continue }
                            Issue.record("\(number) \(value) \(other): \(answers)")
                        }
                    }
                }
                // What the launch does in between.
                #expect(
                    try stages[0].verdict("sendmsg") == .allow && (try stages[0].verdict("seccomp", 1, 0)) == .allow)
                #expect(try stages[0].verdict("seccomp", 1, 8) == .error(1), "no other listener")
            }
        }
        for changes in [ProfileSystemCalls(), ProfileSystemCalls(allow: ["sendmsg"], deny: ["memfd_create"])] {
            #expect(try SystemCallPolicy(changes, notify: true).stages.count == 1)
        }
    }

    // MARK: why

    @Test func `every answer of the program has a line that says it`() throws {
        for changes in [
            ProfileSystemCalls(), ProfileSystemCalls(allow: ["sysfs"], deny: ["@network-io", "execve"]),
            ProfileSystemCalls(allow: ["read"], deny: ["@known"]),
        ] {
            for notify in [true, false] {
                let explainer = try SystemCallExplainer(changes, notify: notify)
                for number: UInt32 in Array(0...600) + [0x3fff_ffff, 0x4000_0000, .max] {
                    for argument: UInt64 in [0, 1, 2, 3, 16, 0x5401, 0x5412, 0o104755, 1 << 28, .max] {
                        _ = try explainer.answer(number, [argument, argument, argument, argument, argument])
                    }
                }
            }
        }
    }

    @Test func `the line that decides is named`() throws {
        let origin = Origin(profile: "web", line: 9)
        let explainer = try SystemCallExplainer(
            ProfileSystemCalls(deny: ["@network-io"]), origins: ["systemCalls.deny.@network-io": origin], notify: true)
        func why(_ name: String, _ arguments: UInt64...) throws -> SystemCallExplainer.Answer {
            try explainer.answer(UInt32(try #require(SystemCallNumbers.number(of: name))), arguments)
        }
        #expect(try why("connect").source == .profile(word: "@network-io", list: "deny", origin: origin))
        #expect(try why("connect").source.description == "profile web, line 9: deny @network-io")
        #expect(try why("read").source == .group("@basic-io") && (try why("read")).isAlwaysAllowed)
        #expect(try why("mount").source == .floor(group: "@mount") && (try why("mount")).verdict == .notify)
        #expect(try why("bpf").source == .floor(group: "@floor"))
        #expect(try why("ioctl", 0, 0x5412).source.description.contains("TIOCSTI"))
        #expect(try why("ioctl", 0, 0x9999).verdict == .error(25))
        #expect(try why("clone", 0x1000_0000).source.description.contains("CLONE_NEWUSER"))
        #expect(try why("clone3").source.kind == "absent" && (try why("sysfs")).source == .unlisted)
    }

    @Test(
        arguments: [
            ("TIOCSTI", 0x5412), ("0x5412", 0x5412), ("0o17", 15), ("12", 12), ("-1", UInt64.max),
            ("CLONE_NEWUSER|CLONE_NEWNS|1", 0x1002_0001), ("AF_ALG", 38),
        ] as [(String, UInt64)])
    func `values of arguments are numbers and the kernel's names`(_ text: String, _ value: UInt64) {
        #expect(SystemCallConstants.value(text) == value)
    }

    @Test(arguments: ["", "|", "TIOCSTY", "0x", "0xg", "1|", "+1", "0x+1", "18446744073709551616", "1 2", "٣"])
    func `anything else is no value`(_ text: String) { #expect(SystemCallConstants.value(text) == nil) }
}
