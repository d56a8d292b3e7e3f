// SPDX-License-Identifier: Apache-2.0

extension ExtensionFunction {
    /// The value of the function for its one or two arguments.
    ///
    /// - Throws: where an argument is of the wrong kind or the result out of range, for the call at `span`.
    func apply(_ first: Value, _ second: Value?, at span: SourceSpan) throws(EvaluationError) -> Value {
        switch self {
        case .decimal, .ip, .datetime, .duration:
            guard case .string(let text) = first else { throw mismatch(first, at: span) }
            guard let value = construct(text) else { throw failure("\(text.literal) is not well-formed", at: span) }
            return value
        case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual:
            guard case .decimal(let left) = first, case .decimal(let right) = second else {
                throw mismatch(first, second, at: span)
            }
            return .bool(compare(left, right))
        case .isIpv4, .isIpv6, .isLoopback, .isMulticast:
            guard case .ip(let address) = first else { throw mismatch(first, at: span) }
            return .bool(ask(address))
        case .isInRange:
            guard case .ip(let address) = first, case .ip(let range) = second else {
                throw mismatch(first, second, at: span)
            }
            return .bool(address.isInRange(range))
        case .offset, .durationSince, .toDate, .toTime:
            return try time(first, second, at: span)
        case .toMilliseconds, .toSeconds, .toMinutes, .toHours, .toDays:
            guard case .duration(let duration) = first else { throw mismatch(first, at: span) }
            return .long(duration.milliseconds / unit)
        }
    }

    /// The value that a constructor makes of `text`; nil where it is not well-formed, and for methods.
    func construct(_ text: CedarString) -> Value? {
        switch self {
        case .decimal: CedarDecimal(text).map(Value.decimal)
        case .ip: CedarIPAddress(text).map(Value.ip)
        case .datetime: CedarDatetime(text).map(Value.datetime)
        case .duration: CedarDuration(text).map(Value.duration)
        default: nil
        }
    }

    private func compare(_ left: CedarDecimal, _ right: CedarDecimal) -> Bool {
        switch self {
        case .lessThan: left < right
        case .lessThanOrEqual: left <= right
        case .greaterThan: left > right
        default: left >= right
        }
    }

    private func ask(_ address: CedarIPAddress) -> Bool {
        switch self {
        case .isIpv4: address.isIPv4
        case .isIpv6: address.isIPv6
        case .isLoopback: address.isLoopback
        default: address.isMulticast
        }
    }

    private func time(_ first: Value, _ second: Value?, at span: SourceSpan) throws(EvaluationError) -> Value {
        guard case .datetime(let datetime) = first else { throw mismatch(first, second, at: span) }
        let result: Value?
        switch (self, second) {
        case (.toTime, _): result = .duration(datetime.time)
        case (.toDate, _): result = datetime.date.map(Value.datetime)
        case (.offset, .duration(let duration)): result = datetime.offset(by: duration).map(Value.datetime)
        case (.durationSince, .datetime(let other)): result = datetime.duration(since: other).map(Value.duration)
        default: throw mismatch(first, second, at: span)
        }
        guard let result else { throw failure("the result of `\(rawValue)` is out of range", at: span) }
        return result
    }

    /// How many milliseconds the whole units of a duration have.
    private var unit: Int64 {
        switch self {
        case .toSeconds: 1_000
        case .toMinutes: 60_000
        case .toHours: 3_600_000
        case .toDays: 86_400_000
        default: 1
        }
    }

    private func failure(_ message: String, at span: SourceSpan) -> EvaluationError {
        EvaluationError(.extension(self, message), at: span)
    }

    /// The error that the first argument of a wrong kind is.
    private func mismatch(_ first: Value, _ second: Value? = nil, at span: SourceSpan) -> EvaluationError {
        let kinds = argumentKinds
        if first.kind == kinds.first, let second {
            return EvaluationError(.type(expected: [kinds.second], actual: second.kind), at: span)
        }
        return EvaluationError(.type(expected: [kinds.first], actual: first.kind), at: span)
    }

    private var argumentKinds: (first: String, second: String) {
        switch self {
        case .decimal, .ip, .datetime, .duration: ("string", "")
        case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual: ("decimal", "decimal")
        case .isIpv4, .isIpv6, .isLoopback, .isMulticast, .isInRange: ("ipaddr", "ipaddr")
        case .offset: ("datetime", "duration")
        case .durationSince, .toDate, .toTime: ("datetime", "datetime")
        case .toMilliseconds, .toSeconds, .toMinutes, .toHours, .toDays: ("duration", "")
        }
    }
}
