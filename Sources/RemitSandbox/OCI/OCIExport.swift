// SPDX-License-Identifier: Apache-2.0

package import RemitJournal
internal import RemitKernel

/// A profile's policy as container engines take it: the `seccomp` section of the OCI runtime specification.
///
/// There is nobody to report to, so what would be a strike is `EPERM`; and libseccomp's one default for a filter is
/// `ENOSYS`, also for the few calls that have one of their own here (an `ioctl` on no list, for instance).
package enum OCIExport {
    package static func json(_ policy: SystemCallPolicy) -> JSONValue {
        var plain: [SystemCallAction: [String]] = [:]
        var rules: [JSONValue] = []
        for line in policy.lines {
            if line.rule.conditions.isEmpty {
                plain[line.rule.action, default: []].append(line.rule.name)
            } else {
                rules.append(rule([line.rule.name], line.rule.action, line.rule.conditions))
            }
        }
        let lists = plain.sorted { $0.key.description < $1.key.description }.map { action, names in
            rule(names.sorted(), action, [])
        }
        return [
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
            "architectures": .strings([architecture]), "syscalls": .array(lists + rules),
        ]
    }

    #if arch(x86_64)
    private static let architecture = "SCMP_ARCH_X86_64"
    #else
    private static let architecture = "SCMP_ARCH_AARCH64"
    #endif

    private static func rule(
        _ names: [String], _ action: SystemCallAction, _ conditions: [SystemCallRule.Condition]
    ) -> JSONValue {
        var members: [String: JSONValue] = ["names": .strings(names)]
        switch action {
        case .allow: members["action"] = "SCMP_ACT_ALLOW"
        case .kill: members["action"] = "SCMP_ACT_KILL_PROCESS"
        case .refuse(let errno):
            members["action"] = "SCMP_ACT_ERRNO"
            members["errnoRet"] = .integer(Int(errno.code))
        case .notify:
            members["action"] = "SCMP_ACT_ERRNO"
            members["errnoRet"] = 1
        }
        if !conditions.isEmpty {
            members["args"] = .array(
                conditions.map {
                    [
                        "index": .integer(Int($0.argument)), "op": "SCMP_CMP_MASKED_EQ",
                        "value": .integer(Int($0.mask)), "valueTwo": .integer(Int($0.value)),
                    ]
                })
        }
        return .object(members)
    }
}
