// SPDX-License-Identifier: Apache-2.0
// Feeds libFuzzer's bytes to one parser, the one that REMIT_FUZZ names. A trap or a hang is a finding; an error is not.

import CFuzzer
import Glibc
import RemitGate
import RemitIdentity
import RemitJournal
import RemitNetwork
import RemitSandbox
import RemitTask

@testable import RemitEgress
@testable import RemitLeases

let hostKey = HostKey()
let registry = TokenRegistry(identity: fuzzIdentity())

let issue = ProviderRequest(
    operation: .issue, instance: "fuzz", handle: "remit_0123456789abcdefghjk", session: "0123456789abcdef",
    task: "fuzz", owner: "fuzz", epoch: 1
)

func fuzzIdentity() -> SessionIdentity {
    let context = IdentityContext(owner: "fuzz", intentDigest: "", taskDigest: "", epoch: 1)
    guard
        let identity = try? SessionIdentity(
            trustDomain: "fuzz.example", session: "0123456789abcdef", task: "fuzz", context: context
        )
    else { fatalError("no identity") }
    return identity
}

let parsers: [String: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt] = [
    "task": { bytes, count in
        _ = try? TaskFile.decode(bytes: copy(bytes, count), file: "task.yaml")
        return 0
    },
    "profile": { bytes, count in
        _ = try? ProfileLayer.decode(bytes: copy(bytes, count), file: "profile.yaml")
        return 0
    },
    "configuration": { bytes, count in
        _ = try? Configuration.decode(bytes: copy(bytes, count), file: "config.yaml")
        return 0
    },
    "json": { bytes, count in
        let bytes = copy(bytes, count)
        // What was read is written canonically, and that reads back as the same.
        guard let value = try? JSONValue(parsing: bytes) else { return 0 }
        let again = try? JSONValue(canonical: value.canonicalBytes)
        guard again == value else { fatalError("it does not read back as the same") }
        return 0
    },
    "journal": { bytes, count in
        _ = JournalReader(bytes: copy(bytes, count), key: hostKey.publicKey)
        return 0
    },
    "receipt": { bytes, count in
        _ = Receipt.verify(copy(bytes, count), key: hostKey.publicKey)
        return 0
    },
    "provider": { bytes, count in
        _ = ProviderReplyDecoder.decode(copy(bytes, count), for: issue)
        return 0
    },
    "seccomp": { bytes, count in
        // What is imported is a profile's changes, and those make a policy: the floor and unknown names are not in them.
        guard let json = try? JSONValue(parsing: copy(bytes, count)), let policy = try? OCISeccomp(json),
            let result = try? OCIImport(policy, kernel: "6.12.0")
        else { return 0 }
        do { _ = try SystemCallPolicy(result.changes, notify: false) } catch { fatalError("no policy: \(error)") }
        return 0
    },
    "filter": { bytes, count in
        guard let program = try? FilterProgram(copy(bytes, count)) else { return 0 }
        for number: UInt32 in 0..<8 { _ = program.verdict(FilterProgram.Call(number, [.max, 0, 1, 2])) }
        return 0
    },
    "host": { bytes, count in
        let bytes = copy(bytes, count)
        // What was read is canonical, and its canonical form reads back as the same; an authority agrees on its host.
        if let name = try? HostName(bytes) {
            guard (try? HostName(name.text)) == name else { fatalError("it does not read back as the same") }
            guard IPAddress(name.text) == nil else { fatalError("a name that is an address") }
            guard (try? Authority(parsing: bytes))?.destination == .name(name) else { fatalError("no authority") }
        }
        if let authority = try? Authority(parsing: bytes) {
            guard (try? Authority(parsing: authority.description.utf8)) == authority else { fatalError("not the same") }
        }
        if let address = IPAddress(String(decoding: bytes, as: UTF8.self)) {
            _ = address.scope
            guard IPAddress(address.description) == address else { fatalError("not the same address") }
        }
        return 0
    },
    "path": { bytes, count in
        // The first line is a pattern, the rest a path; what a pattern covers, it also matches.
        let parts = copy(bytes, count).split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let pattern = RequestPathPattern(String(decoding: parts[0], as: UTF8.self)) else {
            return 0
        }
        guard let path = try? RequestPath(parts[1]) else { return 0 }
        let isMatch = pattern.matches(path)
        guard let all = RequestPathPattern("/**"), all.covers(pattern), all.matches(path) else {
            fatalError("`/**` is not everything")
        }
        if let own = RequestPathPattern(String(decoding: parts[1], as: UTF8.self)), pattern.covers(own), !isMatch,
            own.matches(path)
        {
            fatalError("covered, and not matched")
        }
        return 0
    },
    "gate": { bytes, count in
        let bytes = copy(bytes, count)
        var reader = GateLineReader(limit: 4096)
        reader.append(bytes)
        while let line = try? reader.next() {
            // A policy that was read is the policy that is sent on.
            if case .narrow(let policy)? = try? GateCommand(line: line) {
                guard case .narrow(policy)? = try? GateCommand(line: Array(GateCommand.narrow(policy).line.dropLast()))
                else {
                    fatalError("another policy")
                }
            }
            if let event = try? GateEvent(line: line), (try? GateEvent(line: Array(event.line.dropLast()))) != event {
                fatalError("another event")
            }
        }
        return 0
    },
    "http": { bytes, count in
        HTTPFuzz.requests(copy(bytes, count))
        HTTPFuzz.responses(copy(bytes, count))
        return 0
    },
    "websocket": { bytes, count in
        HTTPFuzz.frames(copy(bytes, count))
        return 0
    },
    "scrubber": { bytes, count in
        SecretFuzz.scrub(copy(bytes, count))
        return 0
    },
    "codings": { bytes, count in
        SecretFuzz.decode(copy(bytes, count))
        return 0
    },
    "rewriter": { bytes, count in
        SecretFuzz.rewrite(copy(bytes, count))
        return 0
    },
    "usage": { bytes, count in
        SecretFuzz.usage(copy(bytes, count))
        return 0
    },
    "terminal": { bytes, count in
        TerminalFuzz.output(copy(bytes, count))
        return 0
    },
    "attach": { bytes, count in
        TerminalFuzz.frames(copy(bytes, count))
        return 0
    },
    "dns": { bytes, count in
        OpeningFuzz.query(copy(bytes, count))
        return 0
    },
    "hello": { bytes, count in
        OpeningFuzz.hello(copy(bytes, count))
        return 0
    },
    "proxy": { bytes, count in
        OpeningFuzz.proxy(copy(bytes, count))
        return 0
    },
    "cedar-policies": { bytes, count in
        CedarFuzz.policies(copy(bytes, count))
        return 0
    },
    "cedar-schema": { bytes, count in
        CedarFuzz.schema(copy(bytes, count))
        return 0
    },
    "cedar-json": { bytes, count in
        CedarFuzz.json(copy(bytes, count))
        return 0
    },
    "token": { bytes, count in
        if registry.introspect(copy(bytes, count)).isActive { fatalError("nobody issued this token") }
        return 0
    },
]

func copy(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: bytes, count: count))
}

guard let name = getenv("REMIT_FUZZ").map({ String(cString: $0) }), let parser = parsers[name] else {
    print(parsers.keys.sorted().joined(separator: " "))
    exit(0)
}
var count = CommandLine.argc
var values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(LLVMFuzzerRunDriver(&count, &values, parser))
