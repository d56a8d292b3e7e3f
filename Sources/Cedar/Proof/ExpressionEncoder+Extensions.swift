// SPDX-License-Identifier: Apache-2.0

extension ExpressionEncoder {
    private static let day = 86_400_000

    func call(
        _ function: ExtensionFunction, _ arguments: [Int], _ encoder: inout Encoder
    ) throws(Unencodable) -> Encoded {
        if function.isConstructor { return try construct(function, arguments, &encoder) }
        let operands = arguments.map { encoded[$0] }
        let isDefined = SMT.and(operands.map(\.isDefined))
        func bounded(_ term: String) -> Encoded {
            let term = encoder.script.define(term, .int)
            return Encoded(isDefined: SMT.and([isDefined, encoder.inRange(term)]), value: .int(term))
        }
        func boolean(_ term: String) -> Encoded { Encoded(isDefined: isDefined, value: .bool(term)) }
        switch (function, operands.first?.value, operands.dropFirst().first?.value) {
        case (.lessThan, .int(let left)?, .int(let right)?): return boolean("(< \(left) \(right))")
        case (.lessThanOrEqual, .int(let left)?, .int(let right)?): return boolean("(<= \(left) \(right))")
        case (.greaterThan, .int(let left)?, .int(let right)?): return boolean("(> \(left) \(right))")
        case (.greaterThanOrEqual, .int(let left)?, .int(let right)?): return boolean("(>= \(left) \(right))")
        case (.offset, .int(let left)?, .int(let right)?): return bounded("(+ \(left) \(right))")
        case (.durationSince, .int(let left)?, .int(let right)?): return bounded("(- \(left) \(right))")
        case (.toDate, .int(let time)?, _): return bounded("(- \(time) (mod \(time) \(Self.day)))")
        case (.toTime, .int(let time)?, _): return bounded("(mod \(time) \(Self.day))")
        case (_, .int(let duration)?, nil):
            guard let unit = function.milliseconds else { break }
            let (up, down) = ("(div \(duration) \(unit))", "(- (div (- \(duration)) \(unit)))")
            return bounded(unit == 1 ? duration : "(ite (>= \(duration) 0) \(up) \(down))")
        case (.isIpv4, .ip(let isIPv6, _, _)?, _): return boolean(SMT.not(isIPv6))
        case (.isIpv6, .ip(let isIPv6, _, _)?, _): return boolean(isIPv6)
        case (.isInRange, .some(let address), .some(let range)): return boolean(try isIn(address, range))
        case (.isLoopback, .some(let address), _):
            return boolean(SMT.or([try isIn(address, "127.0.0.0/8"), try isIn(address, "::1/128")]))
        case (.isMulticast, .some(let address), _):
            return boolean(SMT.or([try isIn(address, "224.0.0.0/4"), try isIn(address, "ff00::/8")]))
        default: break
        }
        throw Unencodable("`\(function.rawValue)`")
    }

    private func construct(
        _ function: ExtensionFunction, _ arguments: [Int], _ encoder: inout Encoder
    ) throws(Unencodable) -> Encoded {
        guard arguments.count == 1, case .literal(.string(let text)) = policy.nodes[arguments[0]].form,
            let value = function.construct(text)
        else { throw Unencodable("`\(function.rawValue)` of what is no literal") }
        return Encoded(isDefined: "true", value: try literal(value, &encoder))
    }

    private func isIn(_ address: Symbolic, _ range: CedarString) throws(Unencodable) -> String {
        guard let range = CedarIPAddress(range) else { throw Unencodable("a range of addresses") }
        return try isIn(
            address,
            .ip(range.isIPv6 ? "true" : "false", SMT.bits(range.address), SMT.bits(UInt128(range.prefix))))
    }

    /// Both are of one family, the address is at least as specific, and the bits of the range's prefix are the same.
    private func isIn(_ address: Symbolic, _ range: Symbolic) throws(Unencodable) -> String {
        guard case .ip(let family, let bits, let prefix) = address,
            case .ip(let rangeFamily, let rangeBits, let rangePrefix) = range
        else { throw Unencodable("a range of what is no address") }
        let width = SMT.ite(family, SMT.bits(128), SMT.bits(32))
        let shift = "(bvsub \(width) \(rangePrefix))"
        return SMT.and([
            SMT.equal(family, rangeFamily), "(bvuge \(prefix) \(rangePrefix))",
            "(= (bvlshr \(bits) \(shift)) (bvlshr \(rangeBits) \(shift)))",
        ])
    }
}

extension ExtensionFunction {
    /// How many milliseconds the unit has in which a duration is counted; nil for what counts none.
    fileprivate var milliseconds: Int? {
        switch self {
        case .toMilliseconds: 1
        case .toSeconds: 1_000
        case .toMinutes: 60_000
        case .toHours: 3_600_000
        case .toDays: 86_400_000
        default: nil
        }
    }
}
