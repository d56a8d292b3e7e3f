// SPDX-License-Identifier: Apache-2.0

/// The text of a request that is signed.
struct CanonicalRequest {
    /// How paths and queries are written in it: signers differ, and a signature tells which way was taken.
    struct Style: Equatable {
        enum Path: CaseIterable {
            /// As on the wire, as for S3.
            case asIs
            /// Without dot segments, encoded once more, as for all others.
            case normalized
            /// Encoded once more.
            case encoded
            /// Decoded, and encoded once.
            case encodedAnew
        }

        let path: Path
        let encodesQueryAnew: Bool

        static let all = Path.allCases.flatMap { path in
            [true, false].map { Style(path: path, encodesQueryAnew: $0) }
        }
    }

    let method: String
    let target: String
    let headers: HeaderFields
    let signedNames: [String]
    let payload: String

    /// - Throws: where a signed field is missing.
    func text(_ style: Style) throws(SigV4Error) -> String {
        let query = QueryParameters(target: target)
        var fields = ""
        for name in signedNames {
            var values = headers[name]
            if name == "host", values.isEmpty { values = headers[":authority"] }
            guard !values.isEmpty else { throw .missing(name) }
            let value = values.map { $0.split { $0 == " " || $0 == "\t" }.joined(separator: " ") }.joined(
                separator: ",")
            fields += "\(name):\(value)\n"
        }
        return [
            method, path(query.path, style.path), query.canonical(encodedAnew: style.encodesQueryAnew), fields,
            signedNames.joined(separator: ";"), payload,
        ].joined(separator: "\n")
    }

    private func path(_ path: String, _ style: Style.Path) -> String {
        let path = path.isEmpty ? "/" : path
        switch style {
        case .asIs: return path
        case .encoded: return QueryText.encode(path.utf8, keepingSlashes: true)
        case .encodedAnew:
            return QueryText.encode(QueryText.decode(path.utf8, plusIsSpace: false), keepingSlashes: true)
        case .normalized: return QueryText.encode(Self.normalize(path).utf8, keepingSlashes: true)
        }
    }

    private static func normalize(_ path: String) -> String {
        var segments: [Substring] = []
        for segment in path.split(separator: "/") {
            switch segment {
            case ".": continue
            case "..": _ = segments.popLast()
            default: segments.append(segment)
            }
        }
        let isFolder = path.hasSuffix("/") && !segments.isEmpty
        return "/" + segments.joined(separator: "/") + (isFolder ? "/" : "")
    }
}
