// SPDX-License-Identifier: Apache-2.0
// The requests of a session in the HTTP Archive format 1.2 (http://www.softwareishard.com/blog/har-12-spec/). What the
// journal does not keep, such as headers, queries and bodies, is empty here, and sizes that are not known are -1.

internal import RemitGate
internal import RemitJournal
internal import RemitKernel

struct HTTPArchive {
    private let log: EgressLog

    init(_ log: EgressLog) { self.log = log }

    var json: JSONValue {
        [
            "log": [
                "version": "1.2", "creator": ["name": "remit", "version": .string(Version.current)],
                "comment": .string("session \(log.session)"), "pages": .array([]),
                "entries": .array(log.entries.filter { $0.record.kind == .request }.map(entry)),
            ]
        ]
    }

    private func entry(_ entry: EgressLog.Entry) -> JSONValue {
        let record = entry.record
        let microseconds = record.microseconds ?? 0
        // The record is written at the end of the request.
        let started = entry.time.advanced(by: .microseconds(-Int64(clamping: microseconds)))
        let milliseconds = JSONValue.integer(Int(clamping: microseconds / 1000))
        var members: [String: JSONValue] = [
            "startedDateTime": .string(started.rfc3339), "time": milliseconds,
            "request": request(record), "response": response(record), "cache": [:],
            "timings": ["send": 0, "wait": milliseconds, "receive": 0],
            "comment": .string(comment(record)),
        ]
        if let address = record.address { members["serverIPAddress"] = .string(address) }
        return .object(members)
    }

    private func request(_ record: EgressRecord) -> JSONValue {
        let scheme = record.port == 80 ? "http" : "https"
        let standard: UInt16 = scheme == "http" ? 80 : 443
        let port = record.port.flatMap { $0 == standard ? nil : ":\($0)" } ?? ""
        // An address of version 6 stands in brackets (RFC 3986 section 3.2.2).
        let address = record.address.map { $0.contains(":") ? "[\($0)]" : $0 }
        let host = record.name ?? address ?? "unknown.invalid"
        return [
            "method": .string(record.method ?? "GET"),
            "url": .string("\(scheme)://\(host)\(port)\(record.path ?? "/")"),
            "httpVersion": "HTTP/1.1", "cookies": .array([]), "headers": .array([]), "queryString": .array([]),
            "headersSize": -1, "bodySize": .integer(Int(clamping: record.bytesUp)),
        ]
    }

    private func response(_ record: EgressRecord) -> JSONValue {
        let size = Int(clamping: record.bytesDown)
        return [
            "status": .integer(record.status ?? 0), "statusText": "", "httpVersion": "HTTP/1.1", "cookies": .array([]),
            "headers": .array([]), "content": ["size": .integer(size), "mimeType": "application/octet-stream"],
            "redirectURL": "", "headersSize": -1, "bodySize": .integer(size),
        ]
    }

    private func comment(_ record: EgressRecord) -> String {
        var words = [record.isAllowed ? "allowed by \(record.rule)" : "denied by \(record.rule)"]
        if let reason = record.reason { words.append(reason) }
        if !record.leases.isEmpty { words.append("added: \(record.leases.joined(separator: ", "))") }
        if record.count > 1 { words.append("\(record.count) requests like it") }
        return words.joined(separator: "; ")
    }
}
