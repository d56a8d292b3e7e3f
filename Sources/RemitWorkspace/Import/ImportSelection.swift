// SPDX-License-Identifier: Apache-2.0

internal import RemitTask

/// Which changes somebody wants in the workspace, and how much they insist.
package struct ImportSelection: Sendable {
    /// Paths and patterns as they were written; everything when there is none.
    package var names: [String]
    /// Brings along what is guarded or flagged, too. What is refused stays refused.
    package var isForced: Bool

    package init(names: [String] = [], isForced: Bool = false) {
        self.names = names
        self.isForced = isForced
    }

    /// What becomes of one change.
    package enum Decision: Hashable, Sendable {
        case bring
        /// Not asked for.
        case leave
        /// Asked for, and refused.
        case refuse(String)
    }

    /// The names that no change has anything to do with.
    package func unmatched(_ changes: [Change]) -> [String] {
        names.filter { name in !changes.contains { Self.covers(name, $0) } }
    }

    /// Decides on every change; the same order.
    package func decisions(on changes: [Change]) -> [Decision] {
        var decisions = changes.map(decide)
        var places: [TreePath: Int] = [:]
        for (index, change) in changes.enumerated() { places[change.path] = index }
        // What is in a new directory needs it; a directory comes before its contents.
        for index in changes.indices where decisions[index] == .bring && changes[index].kind != .deleted {
            var parent = changes[index].path.parent
            var needed: [Int] = []
            while let place = places[parent], changes[place].after?.kind == .directory,
                ![.mode, .attributes].contains(changes[place].kind)
            {
                needed.append(place)
                parent = parent.parent
            }
            for place in needed.reversed() {
                switch decisions[place] {
                case .bring: continue
                case .leave:
                    if let reason = refusal(of: changes[place], isNamed: true) {
                        decisions[index] = .refuse(
                            "its directory `\(changes[place].path)` cannot be brought: \(reason)")
                    } else {
                        decisions[place] = .bring
                    }
                case .refuse(let reason):
                    decisions[index] = .refuse("its directory `\(changes[place].path)` is refused: \(reason)")
                }
                if case .refuse = decisions[index] { break }
            }
        }
        // A directory goes when all that is in it goes; contents come after it.
        for index in changes.indices.reversed()
        where decisions[index] == .bring && changes[index].before?.kind == .directory {
            guard changes[index].kind == .deleted || changes[index].kind == .type else { continue }
            let contents = changes[(index + 1)...].prefix { $0.path.isWithin(changes[index].path) }.indices
            let stays = contents.first { changes[$0].kind == .deleted && decisions[$0] != .bring }
            if let stays { decisions[index] = .refuse("`\(changes[stays].path)` in it stays") }
        }
        return decisions
    }

    private func decide(_ change: Change) -> Decision {
        let isExplicit = names.contains { Self.names($0, change) }
        guard names.isEmpty || isExplicit || names.contains(where: { Self.covers($0, change) }) else { return .leave }
        return refusal(of: change, isNamed: isExplicit).map(Decision.refuse) ?? .bring
    }

    private func refusal(of change: Change, isNamed: Bool) -> String? {
        let limit: Concern.Weight = isForced ? .guarded : isNamed ? .flagged : .noted
        return change.concerns.filter { $0.weight > limit }.max { $0.weight < $1.weight }?.reason
    }

    /// Whether a name is the change's own, and not only a pattern that takes it in.
    private static func names(_ name: String, _ change: Change) -> Bool {
        let plain = name.hasSuffix("/") ? String(name.dropLast()) : name
        return plain == change.path.description || Array(plain.utf8) == change.path.bytes
    }

    private static func covers(_ name: String, _ change: Change) -> Bool {
        if names(name, change) { return true }
        let directory = TreePath(bytes: Array(name.utf8))
        if directory.depth > 0, change.path.isWithin(directory) { return true }
        guard let pattern = PathPattern(name) else { return false }
        return pattern.matches(String(decoding: change.path.bytes, as: UTF8.self))
    }
}
