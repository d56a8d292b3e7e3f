// SPDX-License-Identifier: Apache-2.0

import Glibc
import RemitKernel
import Testing

@testable import RemitSandbox

@Suite struct AgentIdentityTests {
    private static let isRoot = geteuid() == 0

    @Test(.enabled(if: !isRoot, "needs an ordinary user"))
    func `an ordinary caller is the agent`() {
        let identity = AgentIdentity(session: "s", workspace: nil)
        #expect(identity.user == geteuid() && identity.group == getegid() && identity.mappedOwner == nil)
    }

    @Test(.enabled(if: isRoot, "needs root"))
    func `root is never the agent`() throws {
        let scratch = try Scratch()
        let facts = try FileSystem.facts(at: scratch.path)
        let mapped = AgentIdentity(session: "abc", workspace: facts)
        #expect((61_184..<65_520).contains(mapped.user) && mapped.user == mapped.group)
        #expect(mapped.mappedOwner == AgentIdentity.Owner(user: 0, group: 0))
        let alone = AgentIdentity(session: "abc", workspace: nil)
        #expect(alone.user == mapped.user && alone.mappedOwner == nil)
    }

    @Test(.enabled(if: isRoot, "needs root"))
    func `root hands over to the workspace's owner`() throws {
        let scratch = try Scratch()
        chown(scratch.path, 1001, 1002)
        let identity = AgentIdentity(session: "abc", workspace: try FileSystem.facts(at: scratch.path))
        #expect(identity.user == 1001 && identity.group == 1002 && identity.mappedOwner == nil)
        // Half of it root's is root's: neither id may become 0.
        chown(scratch.path, 1001, 0)
        let half = AgentIdentity(session: "abc", workspace: try FileSystem.facts(at: scratch.path))
        #expect(half.user >= 61_184 && half.group >= 61_184 && half.mappedOwner != nil)
    }

    @Test(.enabled(if: isRoot, "needs root"))
    func `sessions rarely share a user`() {
        let users = Set((0..<500).map { _ in AgentIdentity(session: Random.identifier(16), workspace: nil).user })
        #expect(users.count > 400)
    }
}

@Suite struct IdentifierMapTests {
    @Test func `identifiers are there that a range has`() {
        let map = IdentifierMap("         0       1001          1\n         1     100000      65536\n")
        #expect([0, 1, 1000, 65_536].allSatisfy(map.contains) && !map.contains(65_537))
        let all = IdentifierMap("         0          0 4294967295\n")
        #expect(all.contains(0) && all.contains(.max - 1) && !all.contains(.max))
    }

    @Test(arguments: ["", "0 0 0\n", "0 0\n", "a b c\n", "0 0 4294967296\n", "-1 0 5\n"])
    func `what is no range has none`(_ text: String) {
        #expect(IdentifierMap(text).ranges.isEmpty)
    }

    @Test func `whoever asks is somebody`() {
        #expect(IdentifierMap.ownUsers().contains(geteuid()) && IdentifierMap.ownGroups().contains(getegid()))
    }
}

@Suite struct ApprovedWorkspaceTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func refusal(_ path: String, _ forbidden: [ForbiddenPlace] = []) -> String? {
        do throws(SandboxError) {
            _ = try ApprovedWorkspace(path: path, mode: .write, forbidden: forbidden)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        "/", "/etc", "/usr", "/var", "/home", "/root", "/proc", "/sys", "/dev", "/run", "/tmp", "/usr/lib", "/etc/ssl",
        "/proc/self", "/dev/pts", "/usr/../etc", "/./",
    ])
    func `the host's own directories are no workspace`(_ path: String) {
        guard FileSystem.exists(path) else { return }
        #expect(refusal(path) != nil)
    }

    @Test func `a project directory is one`() throws {
        let path = try scratch.directory("project")
        let workspace = try ApprovedWorkspace(path: "\(path)/../project/.", mode: .read)
        #expect(workspace.path == path && workspace.mode == .read)
        #expect(workspace.facts == (try FileSystem.facts(at: path)))
    }

    @Test func `a link leads to what it is, and that is judged`() throws {
        let link = "\(scratch.path)/link"
        symlink("/etc", link)
        #expect(refusal(link)?.contains("/etc") == true)
    }

    @Test func `what is missing or a file is refused`() throws {
        #expect(
            refusal("\(scratch.path)/nothing")
                == "cannot use workspace `\(scratch.path)/nothing`: no such file or directory")
        try FileSystem.replace("\(scratch.path)/file", with: [], mode: 0o600)
        #expect(refusal("\(scratch.path)/file") == "workspace `\(scratch.path)/file` is not a directory")
    }

    @Test func `a home is none, nor is what holds it`() throws {
        let home = try scratch.directory("people/alice")
        let forbidden = [ForbiddenPlace.home(home)]
        #expect(refusal(home, forbidden) != nil)
        #expect(refusal("\(scratch.path)/people", forbidden) != nil)
        #expect(refusal(try scratch.directory("people/alice/project"), forbidden) == nil)
        #expect(refusal(try scratch.directory("people/alicea"), forbidden) == nil)
    }

    @Test func `nothing in, around or at remit's own directories is one`() throws {
        let own = try scratch.directory("state/remit")
        symlink("state", "\(scratch.path)/alias")
        for forbidden in [own, "\(scratch.path)/alias/remit", "\(own)/not/made/yet"] {
            let places = [ForbiddenPlace.remits(forbidden)]
            for path in [own, "\(scratch.path)/state", scratch.path] {
                #expect(refusal(path, places) != nil, "\(path) with \(forbidden)")
            }
        }
        #expect(refusal(try scratch.directory("state/remit/sessions"), [.remits(own)]) != nil)
        #expect(refusal(try scratch.directory("state/remit2"), [.remits(own)]) == nil)
    }
}
