// SPDX-License-Identifier: Apache-2.0
// The proof at the start finds every layer that is missing: each test takes one away from a real sandbox.

import Glibc
import RemitTask
import Testing

@testable import RemitKernel
@testable import RemitSandbox

@Suite(.enabled(if: Machine.canBuild, "needs user namespaces"), .serialized)
struct ProofTests {
    /// Refused calls are answered by the filter itself: there is no supervisor here to report them to.
    private static let host = HostSupport.made(
        isRoot: Machine.host.isRoot, landlock: Machine.host.landlock.abi, canReportCalls: false
    )

    /// Starts a sandbox of `plan`, which may lack something, up to the execution of /bin/true.
    private func prove(_ plan: LaunchPlan, _ identity: AgentIdentity) throws -> Result<ConfinementProof, LaunchFailure>
    {
        let silent = DescriptorBox(try FileSystem.open("/dev/null", O_RDWR))
        let child = try Child.launch(
            plan,
            descriptors: [
                "standard input": silent.number, "standard output": silent.number, "standard error": silent.number,
            ]
        )
        defer {
            try? child.signal(SIGKILL)
            child.collect()
        }
        try IdentityMaps.write(
            process: child.pid, insideUser: AgentIdentity.inside, insideGroup: AgentIdentity.inside,
            outsideUser: identity.user, outsideGroup: identity.group, keepSetGroups: Machine.host.isRoot
        )
        try child.mapped()
        while true {
            switch try child.receive() {
            case .ready: try child.go(extraEnvironment: [])
            case .proved(let proof): return .success(proof)
            case .failed(let failure): return .failure(failure)
            case .descriptor: break
            case .ended: throw SystemCallError("hear of a proof", .noDevice)
            }
        }
    }

    private func sandbox(hidden: [String] = []) throws -> SandboxPlan {
        var request = Made.request(["true"])
        request.hidden = hidden
        return try Made.plan(request, host: Self.host)
    }

    private func breach(without change: (inout LaunchPlan) -> Void) throws -> ConfinementProbe? {
        let sandbox = try sandbox()
        var plan = sandbox.launch
        change(&plan)
        #expect(plan != sandbox.launch, "nothing was taken away")
        switch try prove(plan, sandbox.identity) {
        case .success(let proof):
            Issue.record("held: \(proof.held)")
            return nil
        case .failure(let failure):
            #expect(failure.breach != nil, "\(failure)")
            return failure.breach
        }
    }

    private static func remove(_ description: String) -> (inout LaunchPlan) -> Void {
        { plan in
            plan.setup.removeAll { $0.description.hasPrefix(description) }
            plan.agent.removeAll { $0.description.hasPrefix(description) }
        }
    }

    @Test func `the same probes are known on both sides`() {
        #expect(ConfinementProbe.isComplete)
        #expect(Set(ConfinementProbe.allCases.map(\.name)).count == ConfinementProbe.allCases.count)
    }

    @Test func `a whole sandbox holds, and everything was tried`() throws {
        let sandbox = try sandbox(hidden: [try Scratch().path])
        let proof = try prove(sandbox.launch, sandbox.identity).get()
        var expected = ConfinementProbe.allCases
        if Machine.host.landlock.abi == 0 { expected.removeAll { $0 == .landlock } }
        #if !arch(x86_64)
        expected.removeAll { $0 == .foreignCall }
        #endif
        #expect(proof.held == expected)
        #expect(proof.nanoseconds > 0)
    }

    @Test func `without the filter the proof fails`() throws {
        #expect(try breach(without: Self.remove("load the system-call filter")) == .filter)
    }

    @Test func `a filter that allows every call of this architecture is found by its sockets`() throws {
        let filter = try SystemCallFilter(rules: [], fallback: .allow).compiled()
        // libseccomp always adds its judgement of foreign architectures; everything else is gone.
        let found = try breach { plan in
            plan.agent = plan.agent.map {
                $0.description.hasPrefix("load the system-call filter") ? .seccomp(filter, listener: nil) : $0
            }
        }
        #expect(found == .socket)
    }

    @Test func `a filter that allows everything is no filter`() throws {
        // BPF_RET | BPF_K, SECCOMP_RET_ALLOW
        let allow: [UInt8] = [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]
        let found = try breach { plan in
            plan.agent = plan.agent.map {
                $0.description.hasPrefix("load the system-call filter") ? .seccomp(allow, listener: nil) : $0
            }
        }
        #if arch(x86_64)
        #expect(found == .foreignCall || found == .socket)
        #else
        #expect(found == .socket)
        #endif
    }

    @Test func `capabilities that were kept are found`() throws {
        #expect(try breach(without: Self.remove("drop every capability")) == .authority)
    }

    @Test(.enabled(if: Machine.host.landlock.abi > 0, "needs Landlock"))
    func `without Landlock the proof fails`() throws {
        #expect(try breach(without: Self.remove("enforce Landlock")) == .landlock)
    }

    @Test(.enabled(if: Machine.host.landlock.abi > 0, "needs Landlock"))
    func `a file that is not there proves nothing about Landlock`() throws {
        #expect(try breach(without: Self.remove("write `/.sealed`")) == .landlock)
    }

    @Test func `a root that can be written to is found`() throws {
        let found = try breach { plan in
            Self.remove("make root read-only")(&plan)
            Self.remove("enforce Landlock")(&plan)
            plan.agent = plan.agent.map {
                $0.description.hasPrefix("prove")
                    ? .prove(
                        [.writeOutside], agent: AgentIdentity.inside, hidden: [], unwritable: ["/"], sealed: "/.sealed")
                    : $0
            }
        }
        #expect(found == .writeOutside)
    }

    @Test func `what must be hidden and is not is found`() throws {
        // /usr is bound, so whatever lies there can be seen.
        let sandbox = try sandbox(hidden: ["/usr/bin"])
        let result = try prove(sandbox.launch, sandbox.identity)
        guard case .failure(let failure) = result else {
            Issue.record("held")
            return
        }
        #expect(failure.breach == .readOutside)
    }

    @Test func `another identity than the planned one is found`() throws {
        let found = try breach { plan in
            plan.agent = plan.agent.map {
                $0.description.hasPrefix("prove")
                    ? .prove(
                        [.identity], agent: AgentIdentity.inside + 1, hidden: [], unwritable: [], sealed: "/.sealed")
                    : $0
            }
        }
        #expect(found == .identity)
    }

    /// Whether this very process has a route to the address that the proof asks for.
    private static let hasRoute: Bool = {
        let probe = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(probe) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = 80
        address.sin_addr.s_addr = UInt32(0xC000_0201).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(probe, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }()

    @Test(.enabled(if: hasRoute, "needs a host with a route out"))
    func `a network that is the host's is found`() throws {
        let found = try breach { plan in
            plan.namespaces &= ~0x4000_0000
            Self.remove("bring up")(&plan)
        }
        #expect(found == .reach)
    }

    @Test func `an open user-namespace door is found behind a filter that lets it pass`() throws {
        let allow: [UInt8] = [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]
        let found = try breach { plan in
            Self.remove("close the user-namespace door")(&plan)
            plan.agent = plan.agent.map {
                switch $0.description {
                case let text where text.hasPrefix("load the system-call filter"): .seccomp(allow, listener: nil)
                case let text where text.hasPrefix("prove"):
                    .prove(
                        [.userNamespace], agent: AgentIdentity.inside, hidden: [], unwritable: [], sealed: "/.sealed")
                default: $0
                }
            }
        }
        #expect(found == .userNamespace)
    }
}
