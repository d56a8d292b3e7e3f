// SPDX-License-Identifier: Apache-2.0
// logs --egress: what a session asked its network for, as its journal tells it.

internal import ArgumentParser
internal import RemitGate
internal import RemitJournal
internal import RemitKernel
internal import RemitSession

struct EgressLog {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, har
    }

    /// A decision and when it was recorded.
    struct Entry {
        let time: WallInstant
        let record: EgressRecord
        let body: JSONValue
    }

    let session: String
    let entries: [Entry]

    init(_ record: SessionRecord, _ context: Context) throws {
        session = record.session
        let key: HostPublicKey
        let bytes: [UInt8]
        do throws(SessionError) { key = try context.store.publicKey() } catch { throw Output.fail(error) }
        do {
            bytes = try FileSystem.read(context.directories.journal(session), limit: JournalReader.sizeLimit)
        } catch {
            throw Output.fail("cannot read the journal: \(error.errno)", code: 125)
        }
        entries = JournalReader(bytes: bytes, key: key, session: session).records.compactMap { line in
            guard line.type.hasPrefix("egress."), var members = line.body.members else { return nil }
            members["kind"] = .string(String(line.type.dropFirst("egress.".count)))
            // Other records of egress are not about one name, connection or request.
            guard let record = try? EgressRecord(json: .object(members)) else { return nil }
            return Entry(time: line.time, record: record, body: .object(members))
        }
    }

    func show(_ format: Format) {
        switch format {
        case .table: table()
        case .json:
            for entry in entries {
                var members = entry.body.members ?? [:]
                members["time"] = .string(entry.time.rfc3339)
                Output.write("\(JSONValue.object(members).canonicalText)\n")
            }
        case .har: Output.write("\(HTTPArchive(self).json.canonicalText)\n")
        }
    }

    private func table() {
        let columns = ["TIME", "WHAT", "VERDICT", "HOST", "REQUEST", "STATUS", "UP", "DOWN", "COUNT", "RULE"]
        var table = Table(columns: columns)
        for entry in entries {
            let record = entry.record
            let host = [record.name ?? record.address ?? "-", record.port.map { ":\($0)" } ?? ""].joined()
            let request = [record.method, record.path].compactMap(\.self).joined(separator: " ")
            let verdict = record.isAllowed ? "allow" : "deny"
            table.rows.append([
                String(entry.time.rfc3339.prefix(19)) + "Z", record.kind.rawValue, verdict, host,
                request.isEmpty ? "-" : request, record.status.map(String.init) ?? "-", "\(record.bytesUp)",
                "\(record.bytesDown)", "\(record.count)",
                record.reason.map { "\(record.rule): \($0)" } ?? record.rule,
            ])
        }
        Output.table(table)
    }
}
