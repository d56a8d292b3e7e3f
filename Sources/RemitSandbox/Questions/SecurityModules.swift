// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

/// Security modules of the kernel other than the ones that Remit uses: they go on to hold in a session.
package enum SecurityModules {
    /// What they would add to an answer, in sentences.
    package static func notes() -> [String] {
        // AppArmor and SELinux say here what this process, and whatever it starts, is confined to.
        let label = (try? FileSystem.read("/proc/self/attr/current", limit: 4096)).map {
            String(decoding: $0.prefix { $0 != 0 && $0 != 10 }, as: UTF8.self)
        }
        guard let label, !label.isEmpty, label != "unconfined", !label.hasPrefix("unconfined_u:") else { return [] }
        return [
            "a security module confines you to `\(label)`, and a session with you: its rules are not looked at here"
        ]
    }
}
