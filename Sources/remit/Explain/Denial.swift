// SPDX-License-Identifier: Apache-2.0

internal import RemitJournal
internal import RemitSandbox

/// Something that a session wanted and did not get.
struct Denial: Hashable {
    /// What kind of thing it wanted.
    enum Kind: String {
        case syscall, path, program, socket, host, request, limit, variable, credential, end
    }

    let kind: Kind
    let layer: String
    let subject: String
    let detail: String
    /// How often; nothing where only the first time is known.
    var count: Int?
    /// Where the line stands that refused it.
    var line: LineBook.Place?
    var remedy: Remedy
    /// Where the line would go that allows it.
    var place: String?

    var json: JSONValue {
        [
            "kind": .string(kind.rawValue), "layer": .string(layer), "subject": .string(subject),
            "detail": .string(detail), "count": .optional(count), "line": line.map(\.json) ?? .null,
            "remedy": [
                "target": .string(remedy.target.rawValue), "yaml": .optional(remedy.yaml), "place": .optional(place),
                "wisdom": .string(remedy.wisdom.rawValue), "why": .string(remedy.why),
            ],
        ]
    }
}
