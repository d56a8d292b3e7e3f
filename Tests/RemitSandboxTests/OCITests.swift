// SPDX-License-Identifier: Apache-2.0

import RemitJournal
import RemitKernel
import RemitTask
import Testing

@testable import RemitSandbox

@Suite(.enabled(if: FilterProgram.nativeArchitecture == 0xc000_003e, "the calls are those of x86_64"))
struct OCITests {
    private func imported(_ text: String, kernel: String = "6.1.0") throws -> OCIImport {
        try OCIImport(try OCISeccomp(try JSONValue(parsing: Array(text.utf8))), kernel: kernel)
    }

    private func policy(_ rules: String, _ action: String = "SCMP_ACT_ERRNO", _ more: String = "") -> String {
        #"{"defaultAction": "\#(action)", "defaultErrnoRet": 1, \#(more) "syscalls": [\#(rules)]}"#
    }

    private func texts(_ result: OCIImport, _ kind: OCIImport.Finding.Kind) -> [String] {
        result.findings.filter { $0.kind == kind }.map(\.what)
    }

    /// The structure of Docker's default profile, in small.
    private let docker = """
        {
          "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
          "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
            {"architecture": "SCMP_ARCH_S390X", "subArchitectures": ["SCMP_ARCH_S390"]}
          ],
          "syscalls": [
            {"names": ["@allowed@"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["process_vm_readv", "ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
             "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}]},
            {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
             "args": [{"index": 0, "value": 4294967295, "op": "SCMP_CMP_EQ"}]},
            {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x32"]}},
            {"names": ["modify_ldt"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390"]}},
            {"names": ["open_by_handle_at"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_DAC_READ_SEARCH"]}},
            {"names": ["bpf", "clone", "mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
             "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}],
             "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390", "s390x"]}},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}}
          ]
        }
        """

    @Test func `a policy like Docker's becomes a few words, and the report says the rest`() throws {
        let refused: Set = ["io_submit", "syncfs", "arch_prctl"]
        let names = SystemCallTable.plain.union(SystemCallTable.conditional).subtracting(refused)
            .subtracting(["socket", "personality", "clone"]).union([
                "cachestat", "socketcall", "userfaultfd", "newcall",
            ])
        let list = names.sorted().joined(separator: "\", \"")
        let result = try imported(docker.replacing("@allowed@", with: list))
        #expect(result.changes.allow == ["cachestat"])
        #expect(result.changes.deny == ["io_submit", "syncfs"])
        let weaker = texts(result, .weaker).joined(separator: "\n")
        #expect(weaker.contains("on Remit's floor, refused: process_vm_readv ptrace userfaultfd"))
        #expect(weaker.contains("SCMP_ARCH_X32 SCMP_ARCH_X86") && !weaker.contains("S390"))
        #expect(weaker.contains("of which an agent has none: bpf clone mount open_by_handle_at"))
        let said = texts(result, .inexpressible).joined(separator: "\n")
        #expect(said.contains("compared by SCMP_CMP_NE, which is no masked equality: socket"))
        #expect(said.contains("Remit's own rules hold instead: clone personality socket"))
        #expect(texts(result, .skipped) == ["no call of this machine: newcall socketcall"])
        // What came of it is a profile's changes that compile.
        _ = try SystemCallTable.filter(for: result.changes, notify: true)
    }

    @Test func `a rule counts by architecture, kernel and capability`() throws {
        let rule = #"{"names": ["cachestat"], "action": "SCMP_ACT_ALLOW", "@"}"#
        let base = #"{"names": ["read"], "action": "SCMP_ACT_ALLOW"}"#
        for (condition, counts) in [
            (#""includes": {"minKernel": "6.1"}"#, true), (#""includes": {"minKernel": "6.2"}"#, false),
            (#""excludes": {"minKernel": "6.1"}"#, false), (#""excludes": {"minKernel": "6.2"}"#, true),
            (#""includes": {"arches": ["arm64"]}"#, false), (#""excludes": {"arches": ["amd64"]}"#, false),
            (#""includes": {"caps": ["CAP_BPF"]}"#, false), (#""excludes": {"caps": ["CAP_BPF"]}"#, true),
            (#""includes": null, "excludes": {}, "args": null, "comment": "x""#, true),
        ] {
            let result = try imported(policy(base + "," + rule.replacing(#""@""#, with: condition)))
            #expect((result.changes.allow == ["cachestat"]) == counts, "\(condition)")
        }
    }

    @Test func `what lets everything pass is reported, and only its refusals are taken`() throws {
        let result = try imported(
            policy(
                #"{"names": ["memfd_create", "mount", "memfd_secret"], "action": "SCMP_ACT_KILL_PROCESS"}"#,
                "SCMP_ACT_ALLOW"))
        #expect(result.changes == ProfileSystemCalls(deny: ["memfd_create"]))
        #expect(texts(result, .weaker).contains { $0.contains("`defaultAction` lets pass what is on no list") })
        #expect(texts(result, .inexpressible) == ["refused by SCMP_ACT_KILL_PROCESS, here by EPERM: memfd_create"])
    }

    @Test func `an import is never wider than the policy where a profile has words for it`() throws {
        // A small policy: each call Remit would allow is refused afterwards, unless it is one of these.
        let kept: Set = ["read", "write", "close", "execve", "exit_group", "mmap", "brk", "openat"]
        let list = kept.sorted().joined(separator: "\", \"")
        let result = try imported(policy(#"{"names": ["\#(list)"], "action": "SCMP_ACT_ALLOW"}"#))
        let filter = try Filter(try SystemCallTable.filter(for: result.changes, notify: false))
        for name in SystemCallNumbers.names {
            let verdict = try filter.verdict(name)
            #expect((verdict == .allow) == kept.contains(name), "\(name): \(verdict)")
        }
        #expect(result.changes.deny.contains("@network-io") && result.changes.deny.count < 190)
    }

    @Test func `an export imports as what it was, with the same verdicts`() throws {
        for changes in [
            ProfileSystemCalls(), ProfileSystemCalls(deny: ["@network-io", "execveat"]),
            ProfileSystemCalls(allow: ["cachestat", "sysfs"], deny: ["personality", "clone3", "@aio"]),
            ProfileSystemCalls(allow: ["connect"], deny: ["@network-io", "@timer"]),
        ] {
            let policy = try SystemCallPolicy(changes, notify: false)
            let text = OCIExport.json(policy).canonicalText
            let result = try imported(text)
            #expect(result.findings.isEmpty, "\(result.findings)")
            let before = try FilterProgram(try policy.filter.compiled())
            let after = try FilterProgram(
                try SystemCallPolicy(result.changes, notify: false).filter.compiled())
            for number: UInt32 in 0...600 {
                for value: UInt64 in [0, 1, 2, 8, 16, 38, 0x5401, 0x5412, 0x9999, 0o104755, 1 << 28, .max] {
                    let call = FilterProgram.Call(number, [value, value, value, value, value, value])
                    if before.verdict(call) == after.verdict(call) { continue }
                    Issue.record("\(number) \(value): \(changes)")
                }
            }
        }
    }

    @Test func `an exported rule compares by masks of 32 bits only`() throws {
        let json = OCIExport.json(try SystemCallPolicy(ProfileSystemCalls(), notify: false))
        let arguments = (json["syscalls"]?.elements ?? []).flatMap { $0["args"]?.elements ?? [] }
        #expect(arguments.count > 100)
        for argument in arguments {
            #expect(argument["op"] == "SCMP_CMP_MASKED_EQ" && (argument["value"]?.number ?? -1) <= 0xffff_ffff)
        }
    }

    @Test(arguments: [
        ("[]", "the file is no JSON object"), ("{}", "`defaultAction` is missing"),
        (#"{"defaultAction": "SCMP_ACT_WINK"}"#, "`defaultAction` is `SCMP_ACT_WINK`, which is not known"),
        (#"{"defaultAction": 1}"#, "`defaultAction` is an integer, not a string"),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscals": []}"#,
            "`syscals` is no member of this: did you mean `syscalls`?"
        ),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": {}}"#, "`syscalls` is an object, not an array of objects"),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [1]}"#, "`syscalls[0]` is an integer, not an object"),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{}]}"#, "`syscalls[0]` names no system call"),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["a"]}]}"#, "`syscalls[0].action` is missing"),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": [1], "action": "SCMP_ACT_ALLOW"}]}"#,
            "`syscalls[0].names[0]` is an integer, not a string"
        ),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}]}"#,
            "`syscalls[0].args[0].index` is not 0 to 5"
        ),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]}]}"#,
            "`syscalls[0].args[0].value` is negative"
        ),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "EQ"}]}]}"#,
            "`syscalls[0].args[0].op` is `EQ`, which is not known"
        ),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "new"}}]}"#,
            "`syscalls[0].includes.minKernel` is no version: `new`"
        ),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 5000}"#, "`defaultErrnoRet` is no error number"),
        (
            #"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_AARCH64"]}"#,
            "`architectures` has no `SCMP_ARCH_X86_64`: it is for other machines"
        ),
        (
            #"{"ociVersion": "1.0.2", "linux": {}}"#,
            "`linux.seccomp` is missing: the container has no system-call policy"
        ),
    ])
    func `what is malformed is refused with its place`(_ text: String, _ message: String) {
        #expect { try imported(text) } throws: { "\($0)" == message }
    }
}
