// SPDX-License-Identifier: Apache-2.0
// The expectation on its way from the supervisor to whoever looks. Numbers of 64 bits are strings of digits.

package import RemitJournal
internal import RemitKernel
package import RemitSandbox

extension PostureExpectation {
    /// One object; ``init(_:)`` reads it back.
    package var json: JSONValue {
        [
            "session": .string(session),
            "init": ["pid": .integer(Int(first.pid)), "startTicks": .digits(first.startTicks)],
            "user": .integer(Int(user)), "group": .integer(Int(group)), "groups": .identifiers(groups),
            "filters": .integer(filters), "ownNamespaces": .strings(ownNamespaces.map(\.rawValue).sorted()),
            "hostNamespaces": .object(
                Dictionary(uniqueKeysWithValues: hostNamespaces.map { ($0.key.rawValue, .digits($0.value)) })),
            "mounts": .array(mounts.map(\.json)), "limits": .object(limits.mapValues { .digits($0) }),
            "terminal": .bool(hasTerminal), "cgroup": cgroup?.json ?? .null,
        ]
    }

    /// - Returns: `nil` for anything that ``json`` does not make.
    package init?(_ value: JSONValue) {
        guard let session = value["session"]?.text, let pid = value["init"]?["pid"]?.identifier.map(Int32.init),
            let ticks = value["init"]?["startTicks"]?.wide, let user = value["user"]?.identifier,
            let group = value["group"]?.identifier, let groups = value["groups"]?.list(\.identifier),
            let filters = value["filters"]?.number, let own = value["ownNamespaces"]?.list({ $0.namespace }),
            let host = value["hostNamespaces"]?.members, let mounts = value["mounts"]?.list(MountExpectation.init),
            let limits = value["limits"]?.map(\.wide), let hasTerminal = value["terminal"]?.flag,
            let cgroup = value["cgroup"]
        else { return nil }
        var hostNamespaces: [Namespace: UInt64] = [:]
        for (name, inode) in host {
            guard let kind = Namespace(rawValue: name), let inode = inode.wide else { return nil }
            hostNamespaces[kind] = inode
        }
        let groupExpectation = CgroupExpectation(cgroup)
        guard cgroup == .null || groupExpectation != nil else { return nil }
        self.init(
            session: session, first: ProcessIdentity(pid: pid, startTicks: ticks), user: user, group: group,
            groups: groups, filters: filters, ownNamespaces: Set(own), hostNamespaces: hostNamespaces,
            mounts: mounts, limits: limits, hasTerminal: hasTerminal, cgroup: groupExpectation
        )
    }
}

extension MountExpectation {
    fileprivate var json: JSONValue {
        [
            "target": .string(target), "type": .optional(type), "attributes": .digits(attributes.rawValue),
            "recursive": .bool(isRecursive),
            "file": file.map { ["device": .digits($0.device), "inode": .digits($0.inode)] } ?? .null,
        ]
    }

    fileprivate init?(_ value: JSONValue) {
        guard let target = value["target"]?.text, let type = value["type"], type == .null || type.text != nil,
            let attributes = value["attributes"]?.wide, let isRecursive = value["recursive"]?.flag,
            let file = value["file"]
        else { return nil }
        var mounted: MountedFile?
        if file != .null {
            guard let device = file["device"]?.wide, let inode = file["inode"]?.wide else { return nil }
            mounted = MountedFile(device: device, inode: inode)
        }
        self.init(
            target: target, type: type.text, attributes: MountAttributes(rawValue: attributes),
            isRecursive: isRecursive, file: mounted)
    }
}

extension CgroupExpectation {
    fileprivate var json: JSONValue {
        [
            "path": .string(path), "controllers": .object(controllerPaths.mapValues { .string($0) }),
            "memory": limits.memory.map { .digits($0) } ?? .null, "processes": .optional(limits.processes),
            // A fraction; ours has none.
            "cpu": .optional(limits.cpu.map { "\($0)" }),
            "io": limits.io.map { io in
                [
                    "device": .string("\(io.device)"), "read": io.read.map { .digits($0) } ?? .null,
                    "write": io.write.map { .digits($0) } ?? .null,
                ]
            } ?? .null,
        ]
    }

    fileprivate init?(_ value: JSONValue) {
        guard let path = value["path"]?.text, let controllers = value["controllers"]?.map(\.text),
            let memory = value["memory"], let processes = value["processes"], let cpu = value["cpu"],
            memory == .null || memory.wide != nil, processes == .null || processes.number != nil,
            cpu == .null || cpu.text.flatMap({ Double($0) }) != nil, let io = value["io"]
        else { return nil }
        var transfer: CgroupLimits.TransferLimit?
        if io != .null {
            guard let device = io["device"]?.text.flatMap({ BlockDevice($0) }), let read = io["read"],
                let write = io["write"]
            else { return nil }
            transfer = CgroupLimits.TransferLimit(device: device, read: read.wide, write: write.wide)
        }
        self.init(
            path: path, controllerPaths: controllers,
            limits: CgroupLimits(
                memory: memory.wide, processes: processes.number, cpu: cpu.text.flatMap { Double($0) }, io: transfer))
    }
}

extension JSONValue {
    fileprivate static func digits(_ number: UInt64) -> JSONValue { .string("\(number)") }
    fileprivate static func identifiers(_ numbers: [UInt32]) -> JSONValue { .array(numbers.map { .integer(Int($0)) }) }

    fileprivate var wide: UInt64? { text.flatMap { UInt64($0) } }
    fileprivate var identifier: UInt32? { number.flatMap { UInt32(exactly: $0) } }
    fileprivate var namespace: Namespace? { text.flatMap { Namespace(rawValue: $0) } }

    /// Every element read; `nil` when one cannot be.
    fileprivate func list<Element>(_ read: (JSONValue) -> Element?) -> [Element]? {
        guard let elements else { return nil }
        let result = elements.compactMap(read)
        return result.count == elements.count ? result : nil
    }

    /// Every member read; `nil` when one cannot be.
    fileprivate func map<Element>(_ read: (JSONValue) -> Element?) -> [String: Element]? {
        guard let members else { return nil }
        let result = members.compactMapValues(read)
        return result.count == members.count ? result : nil
    }
}
