// SPDX-License-Identifier: Apache-2.0

internal import RemitJournal
internal import RemitSandbox

/// Shows what `remit why` found out.
struct WhyView {
    let kind: Why.Kind
    /// What was to be done with it: `read`, `write`, `execute`, `call`, `reach`, `pass`.
    let act: String
    let book: LineBook
    /// What this host adds to every answer.
    let notes: [String]

    func show(_ answers: [Answer], _ format: Format) {
        switch format {
        case .json: Output.json(.array(answers.map(json)))
        case .table:
            for (index, answer) in answers.enumerated() {
                if index > 0 { Output.write("\n") }
                show(answer)
            }
            for note in notes { Output.write("\nnote     \(Terminal.printable(note))\n") }
        }
    }

    private func show(_ answer: Answer) {
        var lines: [(String, String)] = [(kind.rawValue, "\(answer.subject), to \(act)")]
        if let resolved = answer.resolved, resolved != answer.subject { lines.append(("leads to", resolved)) }
        lines.append(("verdict", answer.isAllowed ? "allowed" : "denied"))
        if let decisive = answer.decisive {
            lines.append(("because", "\(decisive.layer): \(decisive.detail)"))
            if let line = decisive.line { lines.append(("line", words(book.place(of: line)))) }
        }
        for (name, text) in lines {
            Output.write(name + String(repeating: " ", count: max(1, 9 - name.count)) + Terminal.printable(text) + "\n")
        }
        guard answer.opinions.count > 1 else { return }
        var table = Table(columns: ["LAYER", "SAYS", "WHY", "LINE"])
        for opinion in answer.opinions {
            table.rows.append([
                opinion.layer, opinion.say.rawValue, opinion.detail,
                opinion.line.map { book.place(of: $0).text } ?? "-",
            ])
        }
        Output.table(table)
    }

    private func words(_ place: LineBook.Place) -> String {
        place.text.contains(place.value) ? place.text : "\(place.text): \(place.value)"
    }

    private func json(_ answer: Answer) -> JSONValue {
        [
            "kind": .string(kind.rawValue), "act": .string(act), "subject": .string(answer.subject),
            "resolved": .optional(answer.resolved), "allowed": .bool(answer.isAllowed),
            "because": answer.decisive.map(json) ?? .null, "layers": .array(answer.opinions.map(json)),
            "notes": .strings(notes),
        ]
    }

    private func json(_ opinion: Opinion) -> JSONValue {
        [
            "layer": .string(opinion.layer), "says": .string(opinion.say.rawValue), "detail": .string(opinion.detail),
            "line": opinion.line.map { book.place(of: $0).json } ?? .null,
        ]
    }
}
