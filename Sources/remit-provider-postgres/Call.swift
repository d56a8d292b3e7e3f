// SPDX-License-Identifier: Apache-2.0

/// One call from request to reply.
struct Call {
    let request: Request
    let signals: Signals
    let deadline: ContinuousClock.Instant

    /// Less than the supervisor's ten seconds, so that it hears the reason.
    static let timeLimit: Duration = .seconds(9)

    static func answer(_ bytes: [UInt8]?, signals: Signals) -> Reply {
        do {
            let call = Call(
                request: try Request.decode(bytes),
                signals: signals,
                deadline: ContinuousClock.now.advanced(by: timeLimit)
            )
            return try call.perform()
        } catch {
            return .failed(error)
        }
    }

    private func perform() throws(Failure) -> Reply {
        switch request.operation {
        case .issue: try issue()
        case .renew: try renew()
        case .revoke: try revoke()
        case .probe: try probe()
        case .list: try list()
        }
    }

    func connect(to database: String? = nil) throws(Failure) -> Database {
        try Database(request.settings.connection, database: database, signals: signals, deadline: deadline)
    }

    /// The end that was asked for, in microseconds as the server keeps it, never later than asked.
    func expiry() throws(Failure) -> String {
        guard let text = request.notAfter, let expiry = Expiry(text) else {
            throw Failure(.permanent, "`notAfter` is not a time in UTC")
        }
        return expiry.text
    }
}

/// `2026-11-23T20:31:52.123456789Z` with the fraction cut to microseconds.
struct Expiry {
    let text: String

    init?(_ text: String) {
        let bytes = Array(text.utf8)
        let pattern = Array("0000-00-00T00:00:00".utf8)
        guard bytes.count > pattern.count, bytes.count <= 30, bytes.last == UInt8(ascii: "Z") else { return nil }
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        for (byte, expected) in zip(bytes, pattern) {
            guard expected == UInt8(ascii: "0") ? isDigit(byte) : byte == expected else { return nil }
        }
        var end = bytes.count - 1
        if end > pattern.count {
            let fraction = bytes[(pattern.count + 1)..<end]
            guard bytes[pattern.count] == UInt8(ascii: "."), !fraction.isEmpty, fraction.allSatisfy(isDigit)
            else { return nil }
            end = min(end, pattern.count + 7)
        }
        self.text = String(decoding: bytes[..<end], as: UTF8.self) + "Z"
    }
}
