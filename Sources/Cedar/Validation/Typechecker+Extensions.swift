// SPDX-License-Identifier: Apache-2.0

extension Typechecker {
    mutating func call(
        _ function: ExtensionFunction, _ arguments: [Int], at span: SourceSpan
    ) -> Answer {
        let answer = Answer(type: function.result)
        let parameters = function.parameters
        var isWellFormed = arguments.count == parameters.count
        if !isWellFormed {
            let counts = "expected \(parameters.count), got \(arguments.count)"
            report(
                .wrongArgumentCount, "wrong number of arguments in extension function application: \(counts)",
                at: span)
        }
        if function.isConstructor {
            let literals = arguments.compactMap { argument in
                if case .literal(let value) = policy.nodes[argument].form { value } else { nil as Value? }
            }
            if literals.count < arguments.count {
                isWellFormed = false
                report(
                    .nonLiteralArgument, "extension constructors may not be called with non-literal expressions",
                    at: span)
            }
            if literals.count == 1, case .string(let text) = literals[0], !function.accepts(text) {
                isWellFormed = false
                report(
                    .malformedArgument,
                    "error during extension function argument validation: failed to parse \(text.literal) as \(function.noun)",
                    at: span)
            }
        }
        for (index, argument) in arguments.enumerated() {
            if isWellFormed {
                _ = check(argument, .exactly(parameters[index]))
            } else {
                _ = check(argument)
            }
        }
        return answer
    }
}

extension ExtensionFunction {
    /// The types of the arguments, the receiver of a method included.
    var parameters: [ExpressionType] {
        switch self {
        case .decimal, .ip, .datetime, .duration: [.string]
        case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual:
            [.extension(.decimal), .extension(.decimal)]
        case .isIpv4, .isIpv6, .isLoopback, .isMulticast: [.extension(.ipaddr)]
        case .isInRange: [.extension(.ipaddr), .extension(.ipaddr)]
        case .offset: [.extension(.datetime), .extension(.duration)]
        case .durationSince: [.extension(.datetime), .extension(.datetime)]
        case .toDate, .toTime: [.extension(.datetime)]
        case .toMilliseconds, .toSeconds, .toMinutes, .toHours, .toDays: [.extension(.duration)]
        }
    }

    /// The type of the result.
    var result: ExpressionType {
        switch self {
        case .decimal: .extension(.decimal)
        case .ip: .extension(.ipaddr)
        case .datetime, .offset, .toDate: .extension(.datetime)
        case .duration, .durationSince, .toTime: .extension(.duration)
        case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual, .isIpv4, .isIpv6, .isLoopback,
            .isMulticast, .isInRange:
            .bool
        case .toMilliseconds, .toSeconds, .toMinutes, .toHours, .toDays: .long
        }
    }

    /// Whether a constructor makes a value of a text.
    fileprivate func accepts(_ text: CedarString) -> Bool {
        switch self {
        case .decimal: CedarDecimal(text) != nil
        case .ip: CedarIPAddress(text) != nil
        case .datetime: CedarDatetime(text) != nil
        case .duration: CedarDuration(text) != nil
        default: true
        }
    }

    /// What a constructor makes, with its article.
    fileprivate var noun: String {
        switch self {
        case .decimal: "a decimal value"
        case .ip: "an IP address"
        case .datetime: "a datetime value"
        case .duration: "a duration value"
        default: rawValue
        }
    }
}
