// SPDX-License-Identifier: Apache-2.0
// The facts behind the items: every process and every thread as it was read.

internal import RemitJournal
internal import RemitSandbox

extension PostureView {
    static func json(_ process: ProcessPosture) -> JSONValue {
        [
            "pid": .integer(Int(process.pid)), "role": .string(process.role.rawValue),
            "parent": .integer(Int(process.parent)), "name": .string(process.name),
            "tasks": .array(process.tasks.map(json)),
            "mounts": json(process.mounts) { .array($0.map(json)) },
            "descriptors": json(process.descriptors) { .array($0.map(json)) },
            "limits": json(process.limits) { limits in
                .object(limits.mapValues { $0 == .max ? "unlimited" : .string("\($0)") })
            },
            "owner": json(process.owner) { .integer(Int($0)) },
            "terminal": json(process.terminal) { .integer($0) },
            "interfaces": json(process.interfaces) { .strings($0) },
            "routes": json(process.routes) { .integer($0) },
        ]
    }

    private static func json(_ task: TaskPosture) -> JSONValue {
        [
            "task": .integer(Int(task.task)),
            "status": json(task.status) { status in
                [
                    "name": .string(status.name), "state": .string(status.state),
                    "tracer": .integer(Int(status.tracer)), "uids": identifiers(status.users),
                    "gids": identifiers(status.groups), "groups": identifiers(status.supplementary),
                    "capabilities": .object(status.capabilities.mapValues { .string(String($0, radix: 16)) }),
                    "noNewPrivileges": .bool(status.noNewPrivileges), "seccomp": .integer(status.seccompMode),
                    "filters": .optional(status.filters),
                ]
            },
            "namespaces": .object(
                Dictionary(
                    uniqueKeysWithValues: task.namespaces.map { kind, inode in
                        (kind.rawValue, json(inode) { .string("\($0)") })
                    })),
            "controlGroups": json(task.controlGroups) { .object($0.mapValues { .string($0) }) },
        ]
    }

    private static func json(_ mount: MountPosture) -> JSONValue {
        [
            "id": .integer(mount.identifier), "target": .string(mount.target), "root": .string(mount.root),
            "type": .string(mount.type), "flags": .string(mount.flags), "propagation": .strings(mount.propagation),
        ]
    }

    private static func json(_ descriptor: DescriptorPosture) -> JSONValue {
        [
            "number": .integer(Int(descriptor.number)), "target": .string(descriptor.target),
            "mount": .optional(descriptor.mount),
            "network": descriptor.network.map { json($0) { .string("\($0)") } } ?? .null,
        ]
    }

    private static func identifiers(_ numbers: [UInt32]) -> JSONValue { .array(numbers.map { .integer(Int($0)) }) }

    /// The value, or `{"unreadable": why}`.
    private static func json<Value>(_ reading: Reading<Value>, _ show: (Value) -> JSONValue) -> JSONValue {
        switch reading {
        case .value(let value): show(value)
        case .unreadable(let reason): ["unreadable": .string(reason)]
        }
    }
}
