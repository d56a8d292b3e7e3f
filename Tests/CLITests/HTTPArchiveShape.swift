// SPDX-License-Identifier: Apache-2.0

import Foundation
import RemitTesting

/// What the HTTP Archive format 1.2 demands of an archive: which members there must be, and what they hold.
enum HTTPArchiveShape {
    private indirect enum Kind: Sendable {
        case text, date, url, address
        /// A whole number, at least -1 where the format says that -1 is what is not known.
        case number(least: Int)
        case list(Kind)
        case object([String: Kind], optional: [String: Kind] = [:])
    }

    private static let pair = Kind.object(["name": .text, "value": .text], optional: ["comment": .text])
    private static let cookie = Kind.object(
        ["name": .text, "value": .text],
        optional: ["path": .text, "domain": .text, "expires": .date, "comment": .text])

    private static let request = Kind.object(
        [
            "method": .text, "url": .url, "httpVersion": .text, "cookies": .list(cookie), "headers": .list(pair),
            "queryString": .list(pair), "headersSize": .number(least: -1), "bodySize": .number(least: -1),
        ],
        optional: ["comment": .text])

    private static let response = Kind.object(
        [
            "status": .number(least: 0), "statusText": .text, "httpVersion": .text, "cookies": .list(cookie),
            "headers": .list(pair), "redirectURL": .text, "headersSize": .number(least: -1),
            "bodySize": .number(least: -1),
            "content": .object(
                ["size": .number(least: 0), "mimeType": .text],
                optional: ["compression": .number(least: 0), "text": .text, "encoding": .text, "comment": .text]),
        ],
        optional: ["comment": .text])

    private static let timings = Kind.object(
        ["send": .number(least: 0), "wait": .number(least: 0), "receive": .number(least: 0)],
        optional: [
            "blocked": .number(least: -1), "dns": .number(least: -1), "connect": .number(least: -1),
            "ssl": .number(least: -1), "comment": .text,
        ])

    private static let program = Kind.object(["name": .text, "version": .text], optional: ["comment": .text])

    private static let archive = Kind.object([
        "log": .object(
            [
                "version": .text, "creator": program,
                "entries": .list(
                    .object(
                        [
                            "startedDateTime": .date, "time": .number(least: 0), "request": request,
                            "response": response, "cache": .object([:]), "timings": timings,
                        ],
                        optional: [
                            "pageref": .text, "serverIPAddress": .address, "connection": .text, "comment": .text,
                        ])),
            ],
            optional: ["browser": program, "pages": .list(.object([:])), "comment": .text])
    ])

    /// What is wrong with an archive, each with its place.
    static func problems(of json: JSON) -> [String] {
        var found = problems(of: json, archive, at: "")
        if json["log"]["version"].text != "1.2" { found.append("log.version is not 1.2") }
        for (index, entry) in (json["log"]["entries"].list ?? []).enumerated() {
            let parts = ["blocked", "dns", "connect", "send", "wait", "receive"]
            let sum = parts.reduce(0) { $0 + max(0, entry["timings"][$1].integer ?? 0) }
            if sum != entry["time"].integer { found.append("log.entries[\(index)].time is not the sum of its timings") }
        }
        return found
    }

    private static func problems(of json: JSON, _ kind: Kind, at path: String) -> [String] {
        switch kind {
        case .text: return json.text == nil ? ["\(path) is no text"] : []
        case .number(let least): return json.integer.map { $0 >= least } ?? false ? [] : ["\(path) is no such number"]
        case .date:
            let pattern = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/
            return json.text?.wholeMatch(of: pattern) == nil ? ["\(path) is no date of ISO 8601"] : []
        case .url:
            let url = json.text.flatMap { URL(string: $0) }
            return url?.scheme == nil || url?.host()?.isEmpty ?? true ? ["\(path) is no absolute URL"] : []
        case .address: return json.text?.contains { $0 == "." || $0 == ":" } ?? false ? [] : ["\(path) is no address"]
        case .list(let item):
            guard let list = json.list else { return ["\(path) is no list"] }
            return list.enumerated().flatMap { problems(of: $0.element, item, at: "\(path)[\($0.offset)]") }
        case .object(let members, let optional):
            guard case .object(let given) = json else { return ["\(path) is no object"] }
            var found: [String] = []
            for (name, kind) in members {
                let place = path.isEmpty ? name : "\(path).\(name)"
                guard let member = given[name] else {
                    found.append("\(place) is missing")
                    continue
                }
                found += problems(of: member, kind, at: place)
            }
            for (name, member) in given where members[name] == nil {
                // The format's own members end there; those of others begin with an underscore.
                guard let kind = optional[name] else {
                    if !name.hasPrefix("_"), !members.isEmpty { found.append("\(path).\(name) is unknown") }
                    continue
                }
                found += problems(of: member, kind, at: "\(path).\(name)")
            }
            return found.sorted()
        }
    }
}
