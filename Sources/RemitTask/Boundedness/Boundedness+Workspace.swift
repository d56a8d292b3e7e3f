// SPDX-License-Identifier: Apache-2.0
// Whether the directory and what may become of it are narrow enough.

extension Boundedness {
    static func workspace(_ task: TaskSpecification, directory: String, home: String?) -> [Finding] {
        guard let workspace = task.workspace else {
            return [
                Finding(
                    aspect: .workspace, grade: .missing, reason: "nothing says where it works",
                    advice: "workspace: {path: ., mode: read}"
                )
            ]
        }
        let path = normalised(workspace.path, from: directory)
        let shown = Excerpt.of(path)
        let advice = "workspace: {path: ./src, mode: \(workspace.mode.rawValue)}"
        func finding(_ grade: Grade, _ reason: String) -> [Finding] {
            [Finding(aspect: .workspace, grade: grade, reason: reason, advice: grade == .bounded ? nil : advice)]
        }
        if path == "/" { return finding(.missing, "`/` is the whole host") }
        if let home = home.map({ normalised($0, from: "/") }), home != "/" {
            if path == home { return finding(.missing, "`\(shown)` is a home directory, with all its keys and tokens") }
            if AbsolutePath.isWithin(home, path) { return finding(.missing, "`\(shown)` holds home directories") }
            let rest = path.dropFirst(home.utf8.count + 1).split(separator: "/").first.map(String.init)
            if AbsolutePath.isWithin(path, home), let rest, rest.hasPrefix(".") {
                return finding(.missing, "`\(shown)` is where `\(rest)` keeps its settings and secrets")
            }
        }
        let parts = path.split(separator: "/").map(String.init)
        if ["home", "Users"].contains(parts[0]), parts.count <= 2 {
            return finding(
                .missing, "`\(shown)` \(parts.count == 1 ? "holds home directories" : "is a home directory")")
        }
        if path == "/root" { return finding(.missing, "`/root` is a home directory, with all its keys and tokens") }
        if systemDirectories.contains(parts[0]) { return finding(.missing, "`\(shown)` belongs to the system") }
        if parts.count == 1 { return finding(.weak, "`\(shown)` is a top-level directory of the host") }
        if ["/var/lib", "/var/log", "/var/run", "/var/spool", "/var/cache"].contains(path) {
            return finding(.weak, "`\(shown)` holds the data of many services")
        }
        if workspace.mode == .write, task.outcome?.changed == nil {
            return [
                Finding(
                    aspect: .workspace, grade: .weak,
                    reason: "`\(shown)` is writable, and nothing says which paths may change",
                    advice: "outcome: {changed: [\"src/**\"]}"
                )
            ]
        }
        let use =
            switch workspace.mode {
            case .read: "read-only"
            case .write: "writable"
            case .overlay: "changed by nobody until the change is applied"
            }
        return finding(.bounded, "`\(shown)` only, \(use)")
    }

    static func outcome(_ task: TaskSpecification) -> [Finding] {
        let advice = "outcome: {changed: [\"src/**\"], artifacts: [report.json], verify: [python3, -m, pytest, -q]}"
        func finding(_ grade: Grade, _ reason: String, _ advice: String?) -> [Finding] {
            [Finding(aspect: .outcome, grade: grade, reason: reason, advice: advice)]
        }
        guard let outcome = task.outcome,
            outcome.changed != nil || !outcome.artifacts.isEmpty || outcome.verify != nil
        else { return finding(.missing, "nothing says how to tell that it is done", advice) }
        if let changed = outcome.changed,
            let wide = changed.first(where: { $0.matches("a/b/c/d.e") && $0.matches("z") })
        {
            return finding(
                .weak, "`\(Excerpt.of(wide.text))` lets every path change", "outcome: {changed: [\"src/**\"]}")
        }
        if outcome.verify == nil, outcome.artifacts.isEmpty, outcome.changed?.isEmpty == false {
            return finding(
                .weak, "it says what may change, but not what must be true afterwards",
                "outcome: {verify: [python3, -m, pytest, -q]}"
            )
        }
        if let program = outcome.verify?.first?.split(separator: "/").last, ["true", ":", "echo"].contains(program) {
            return finding(.weak, "`\(program)` as verification always succeeds", advice)
        }
        return finding(.bounded, "what must be true afterwards can be checked", nil)
    }

    /// The path without `.` and `..`, by its text alone: symbolic links are the business of whoever opens it.
    static func normalised(_ path: String, from directory: String) -> String {
        var parts: [Substring] = []
        for part in (path.hasPrefix("/") ? path : directory + "/" + path).split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    private static let systemDirectories: Set<String> = [
        "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "run", "sbin", "sys", "usr",
    ]
}
