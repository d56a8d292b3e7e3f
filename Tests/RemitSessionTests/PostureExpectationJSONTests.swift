// SPDX-License-Identifier: Apache-2.0

import RemitJournal
import RemitKernel
import RemitSandbox
import Testing

@testable import RemitSession

@Suite struct PostureExpectationJSONTests {
    private static let full = PostureExpectation(
        session: "0123456789abcdef", first: ProcessIdentity(pid: 4711, startTicks: .max), user: 1001, group: 1002,
        groups: [4, 27], filters: 2, ownNamespaces: [.mount, .process, .user],
        hostNamespaces: [.mount: 4_026_531_832, .time: 7],
        mounts: [
            MountExpectation(
                target: "/work space", type: nil, attributes: [.readOnly, .noDevices], isRecursive: true,
                file: MountedFile(device: 65_024, inode: .max)),
            MountExpectation(target: "/tmp", type: "tmpfs", attributes: [], isRecursive: false, file: nil),
        ],
        limits: ["Max open files": 4096, "Max data size": .max], hasTerminal: true,
        cgroup: CgroupExpectation(
            path: "/sys/fs/cgroup/remit/x", controllerPaths: ["pids": "/sys/fs/cgroup/pids/remit-x"],
            limits: CgroupLimits(
                memory: 1 << 40, processes: 12, cpu: 1.25,
                io: CgroupLimits.TransferLimit(device: BlockDevice(major: 8, minor: 16), read: 5, write: nil)))
    )

    private static var bare: PostureExpectation {
        var bare = full
        bare.cgroup = nil
        bare.groups = []
        bare.mounts = []
        return bare
    }

    @Test(arguments: [full, bare])
    func `what is handed out is what was meant`(expectation: PostureExpectation) throws {
        let sent = try JSONValue(parsing: expectation.json.canonicalBytes)
        #expect(PostureExpectation(sent) == expectation)
    }

    /// Every member, at every depth, replaced by something else.
    private static func spoiled(_ value: JSONValue) -> [JSONValue] {
        let others: [JSONValue] = [.null, .bool(true), .integer(-1), "", "x", .array([.null]), .object(["x": 1])]
        switch value {
        case .object(let members):
            return members.flatMap { name, member -> [JSONValue] in
                var without = members
                without[name] = nil
                let changed = (others + spoiled(member)).map { other in
                    JSONValue.object(members.merging([name: other]) { $1 })
                }
                return [JSONValue.object(without)] + changed
            }
        case .array(let elements):
            return elements.indices.flatMap { index in
                (others + spoiled(elements[index])).map { other in
                    var changed = elements
                    changed[index] = other
                    return JSONValue.array(changed)
                }
            }
        default: return []
        }
    }

    @Test func `whatever else comes is refused, or reads as exactly what it says`() {
        let all = Self.spoiled(Self.full.json)
        #expect(all.count > 300)
        for value in all {
            guard let read = PostureExpectation(value) else { continue }
            // Nothing is silently taken for something else: what was read says the same again.
            let again = PostureExpectation(read.json)
            #expect(again == read, "\(value)")
        }
        for value: JSONValue in [.null, "x", .array([]), .object([:])] { #expect(PostureExpectation(value) == nil) }
    }
}
