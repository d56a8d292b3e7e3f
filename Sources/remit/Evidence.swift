// SPDX-License-Identifier: Apache-2.0
// journal and receipt: showing and verifying what was recorded.

internal import ArgumentParser
internal import RemitJournal
internal import RemitKernel
internal import RemitSession

struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "The record of a session.", subcommands: [Show.self, Verify.self]
    )

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a session's journal.")
        @OptionGroup var evidence: EvidenceArguments
        @OptionGroup var formatOption: FormatOption

        func run() throws {
            let (bytes, key) = try evidence.load(\.journalPath)
            let reader = JournalReader(bytes: bytes, key: key, session: try evidence.session())
            switch formatOption.format {
            case .json: Output.write(String(decoding: bytes, as: UTF8.self))
            case .table:
                var table = Table(columns: ["SEQ", "TIME", "TYPE", "BODY"])
                for record in reader.records {
                    table.rows.append([
                        "\(record.sequence)", record.time.rfc3339, record.type, record.body.canonicalText,
                    ])
                }
                Output.table(table)
            }
            if !reader.verdict.isGood {
                throw Output.fail("the journal is not good: \(reader.verdict)", code: 1)
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every byte of a journal. Exit code 1 and the place when it is not good."
        )
        @OptionGroup var evidence: EvidenceArguments

        func run() throws {
            let (bytes, key) = try evidence.load(\.journalPath)
            let reader = JournalReader(bytes: bytes, key: key, session: try evidence.session())
            guard reader.verdict.isGood else {
                for problem in reader.verdict.problems { Output.write("\(Terminal.printable("\(problem)"))\n", to: 2) }
                throw Output.fail("the journal is not good: \(reader.verdict)", code: 1)
            }
            if reader.records.isEmpty {
                throw Output.fail("the journal is not good: line 1, byte 0: it is empty", code: 1)
            }
            // Whole lines cut off its end leave no trace in a journal itself; the receipt remembers where it ended.
            if let predicate = try evidence.receiptOfJournal(key) {
                let problems = Receipt.crossCheck(predicate, journal: reader)
                for problem in problems { Output.write("\(Terminal.printable("\(problem)"))\n", to: 2) }
                guard problems.isEmpty else {
                    let place = "line \(reader.records.count + 1), byte \(bytes.count)"
                    throw Output.fail("the journal is not good: \(place): its receipt tells of another end", code: 1)
                }
            }
            Output.write("\(reader.verdict)\n")
        }
    }
}

struct ReceiptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt", abstract: "The signed summary of a finished session.",
        subcommands: [Show.self, Verify.self]
    )

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print what a receipt says.")
        @OptionGroup var evidence: EvidenceArguments
        @OptionGroup var formatOption: FormatOption

        func run() throws {
            let (bytes, key) = try evidence.load(\.receiptPath)
            let verdict = Receipt.verify(bytes, key: key)
            guard let predicate = verdict.predicate else {
                throw Output.fail("the receipt is not good: \(verdict.problem?.description ?? "")", code: 1)
            }
            switch formatOption.format {
            case .json: Output.json(Receipt.statement(predicate))
            case .table:
                var table = Table(columns: ["WHAT", "VALUE"])
                table.rows = ReceiptView.rows(predicate)
                Output.table(table)
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a receipt's signature, form and agreement with its journal. Exit code 1 when not good."
        )
        @OptionGroup var evidence: EvidenceArguments

        func run() throws {
            let (bytes, key) = try evidence.load(\.receiptPath)
            let verdict = Receipt.verify(bytes, key: key)
            guard let predicate = verdict.predicate else {
                throw Output.fail("the receipt is not good: \(verdict.problem?.description ?? "")", code: 1)
            }
            // A receipt by itself is checked alone; one of a session here is held against its journal.
            if let journal = try evidence.journalOfReceipt(key) {
                let problems = Receipt.crossCheck(predicate, journal: journal)
                for problem in problems { Output.write("\(Terminal.printable("\(problem)"))\n", to: 2) }
                if !problems.isEmpty { throw Output.fail("the receipt and its journal disagree", code: 1) }
            }
            Output.write("good: session \(predicate.session), \(predicate.reason.rawValue), signed by \(key.keyID)\n")
        }
    }
}

/// A session or a file, and the key to believe.
struct EvidenceArguments: ParsableArguments {
    @Argument(help: "A session, the beginning of its identifier, or a file.")
    var target: String
    @Option(help: "The public key (PEM) to believe; this host's own by default.")
    var key: String?

    struct Paths {
        let journalPath: String
        let receiptPath: String
    }

    private var isFile: Bool { target.contains("/") || target.contains(".") }

    func load(_ path: KeyPath<Paths, String>) throws -> (bytes: [UInt8], key: HostPublicKey) {
        let context = try Context()
        do {
            let publicKey = try loadKey(context)
            let file: String
            if isFile {
                file = target
            } else {
                let session = try context.store.resolve(target)
                let directories = context.directories
                file =
                    Paths(
                        journalPath: directories.journal(session), receiptPath: directories.receipt(session)
                    )[keyPath: path]
            }
            do {
                return (try FileSystem.read(file, limit: JournalReader.sizeLimit), publicKey)
            } catch {
                let hint =
                    error.errno == .notFound && !isFile ? "the session is not finished: see `remit inspect`" : nil
                throw SessionError(.failed, "cannot read `\(file)`: \(error.errno)", hint: hint)
            }
        } catch let error as SessionError {
            throw Output.fail(error)
        }
    }

    /// The session that was named; a file may be any session's.
    func session() throws -> String? {
        guard !isFile else { return nil }
        let context = try Context()
        do { return try context.store.resolve(target) } catch { throw Output.fail(error) }
    }

    /// What the receipt of the journal's session says, if there is one: an unreadable receipt is a problem too.
    func receiptOfJournal(_ key: HostPublicKey) throws -> ReceiptPredicate? {
        guard let session = try session(), FileSystem.exists(try Context().directories.receipt(session)) else {
            return nil
        }
        let verdict = Receipt.verify(try load(\.receiptPath).bytes, key: key)
        guard let predicate = verdict.predicate else {
            throw Output.fail("the session's receipt is not good: \(verdict.problem?.description ?? "")", code: 1)
        }
        return predicate
    }

    func journalOfReceipt(_ key: HostPublicKey) throws -> JournalReader? {
        guard !isFile else { return nil }
        let (bytes, _) = try load(\.journalPath)
        return JournalReader(bytes: bytes, key: key, session: try session())
    }

    private func loadKey(_ context: Context) throws(SessionError) -> HostPublicKey {
        guard let key else { return try context.store.publicKey() }
        guard let bytes = try? FileSystem.read(key, limit: 65_536),
            let publicKey = HostPublicKey(pem: String(decoding: bytes, as: UTF8.self))
        else { throw SessionError(.usage, "`\(key)` is not a public key in PEM form") }
        return publicKey
    }
}
