// SPDX-License-Identifier: Apache-2.0
// A session's change as rows and as JSON.

internal import RemitJournal
internal import RemitSession
internal import RemitWorkspace

enum ChangeView {
    static func table(_ changes: [Change]) -> Table {
        var table = Table(columns: ["CHANGE", "MODE", "PATH", "LOOK AT"])
        for change in changes {
            table.rows.append([change.letter, modes(change), path(change), concerns(change)])
        }
        return table
    }

    static func path(_ change: Change) -> String { change.path.description + (change.isDirectory ? "/" : "") }

    static func modes(_ change: Change) -> String {
        switch (change.before, change.after) {
        case (let before?, let after?) where before.modeText != after.modeText:
            "\(before.modeText) → \(after.modeText)"
        case (_, let after?): after.modeText
        case (let before?, nil): before.modeText
        case (nil, nil): "-"
        }
    }

    private static func concerns(_ change: Change) -> String {
        change.concerns.sorted { $0.weight > $1.weight }.map { concern in
            switch concern.weight {
            case .noted: concern.reason
            case .flagged, .guarded, .refused: "\(concern.weight.rawValue): \(concern.reason)"
            }
        }.joined(separator: "; ")
    }

    static func json(_ change: Change) -> JSONValue {
        [
            "path": .string(change.path.description), "pathBytes": .string(Hex.encode(change.path.bytes)),
            "change": .string(change.kind.rawValue), "before": node(change.before), "after": node(change.after),
            "concerns": .array(
                change.concerns.map {
                    ["weight": .string($0.weight.rawValue), "rule": .string($0.rule), "reason": .string($0.reason)]
                }),
        ]
    }

    private static func node(_ node: Node?) -> JSONValue {
        guard let node else { return .null }
        return [
            "kind": .string(node.kind.rawValue), "mode": .string(node.modeText), "size": .integer(Int(node.size)),
            "target": .optional(node.target.map { QuotedText.of($0) }),
        ]
    }
}
