// SPDX-License-Identifier: Apache-2.0
// Rules about what may come to be in a directory: in a workspace that belongs to root or to the caller, a file with a
// set-id bit or a device would be a door left open on the host.

internal import RemitKernel

extension SystemCallTable {
    private typealias Condition = SystemCallRule.Condition

    private static let setID: [(String, UInt32)] = [("S_ISUID", 0o4000), ("S_ISGID", 0o2000)]
    private static let bits: UInt32 = 0o6000

    private static func line(
        _ name: String, _ action: SystemCallAction, _ why: String, _ conditions: [Condition]
    ) -> ArgumentRule {
        ArgumentRule(rule: SystemCallRule(name, action, when: conditions), why: why, isCounted: false)
    }

    /// Files, but none with a set-user-id or set-group-id bit.
    static let modes: [ArgumentRule] = {
        var rules: [ArgumentRule] = []
        for (name, mode): (String, UInt32) in [
            ("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2), ("creat", 1),
        ] {
            rules.append(
                line(name, .allow, "a mode without set-id bits", [Condition(argument: mode, mask: bits, value: 0)]))
            for (bit, value) in setID {
                rules.append(
                    line(
                        name, .refuse(.notPermitted), "\(bit): no set-id bit can be set",
                        [Condition(argument: mode, mask: value, value: value)]))
            }
        }
        for (name, flags): (String, UInt32) in [("open", 1), ("openat", 2)] { rules += opening(name, flags) }
        return rules
    }()

    /// Only with O_CREAT and O_TMPFILE is there a mode; otherwise it is whatever was in the register.
    private static func opening(_ name: String, _ flags: UInt32) -> [ArgumentRule] {
        let creating: [(String, UInt32)] = [("O_CREAT", 0o100), ("O_TMPFILE", 0o20000000)]
        let any = creating.reduce(0) { $0 | $1.1 }
        var rules = [
            line(name, .allow, "opening what there is", [Condition(argument: flags, mask: any, value: 0)])
        ]
        for (flag, value) in creating {
            let creates = Condition(argument: flags, mask: value, value: value)
            rules.append(
                line(
                    name, .allow, "\(flag): a mode without set-id bits",
                    [creates, Condition(argument: flags + 1, mask: bits, value: 0)]))
            for (bit, value) in setID {
                rules.append(
                    line(
                        name, .refuse(.notPermitted), "\(flag), \(bit): no set-id bit can be set",
                        [creates, Condition(argument: flags + 1, mask: value, value: value)]))
            }
        }
        return rules
    }

    /// Plain files, pipes and sockets; no device, the whiteout of overlay file systems (character device 0:0) included,
    /// which the kernel lets anyone make.
    static let nodes: [ArgumentRule] = {
        let kind: UInt32 = 0o170000
        var rules: [ArgumentRule] = []
        for (name, mode): (String, UInt32) in [("mknod", 1), ("mknodat", 2)] {
            for (type, value): (String, UInt32) in [
                ("no type", 0), ("S_IFREG", 0o100000), ("S_IFIFO", 0o010000), ("S_IFSOCK", 0o140000),
            ] {
                rules.append(
                    line(
                        name, .allow, "\(type): a file, a pipe or a socket",
                        [Condition(argument: mode, mask: kind | bits, value: value)]))
            }
            for (type, value): (String, UInt32) in [
                ("S_IFCHR", 0o020000), ("S_IFBLK", 0o060000), ("S_IFDIR", 0o040000), ("S_IFLNK", 0o120000),
            ] {
                rules.append(
                    line(
                        name, .refuse(.notPermitted), "\(type): no device can be made",
                        [Condition(argument: mode, mask: kind, value: value)]))
            }
            for (bit, value) in setID {
                rules.append(
                    line(
                        name, .refuse(.notPermitted), "\(bit): no set-id bit can be set",
                        [Condition(argument: mode, mask: value, value: value)]))
            }
        }
        return rules
    }()

    /// A rename that leaves a whiteout makes a device where Landlock before its fourth erratum does not look.
    static let renames: [ArgumentRule] = [
        line("renameat2", .allow, "moving and swapping", [Condition(argument: 4, mask: 4, value: 0)]),
        line(
            "renameat2", .refuse(.notPermitted), "RENAME_WHITEOUT: no device can be made",
            [Condition(argument: 4, mask: 4, value: 4)]),
    ]
}
