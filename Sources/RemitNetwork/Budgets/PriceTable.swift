// SPDX-License-Identifier: Apache-2.0

/// What a model was asked and answered, in tokens.
package struct ModelUsage: Hashable, Sendable {
    /// Tokens read at the full price.
    package var input: UInt64
    /// Tokens written.
    package var output: UInt64
    /// Tokens read from a cache.
    package var cacheRead: UInt64
    /// Tokens written to a cache.
    package var cacheWrite: UInt64

    /// Makes a usage; without arguments it is none.
    package init(input: UInt64 = 0, output: UInt64 = 0, cacheRead: UInt64 = 0, cacheWrite: UInt64 = 0) {
        self.input = input
        self.output = output
        self.cacheRead = cacheRead
        self.cacheWrite = cacheWrite
    }

    /// Everything read, from wherever; counts against the budget of input tokens.
    package var allInput: UInt64 {
        [cacheRead, cacheWrite].reduce(input) { $0.addingSaturating($1) }
    }
}

/// The price of a model's tokens, in millionths of a currency unit per million tokens: 3,000,000 is 3 dollars.
package struct ModelPrice: Hashable, Sendable, Codable {
    /// Of tokens read.
    package var input: UInt64
    /// Of tokens written.
    package var output: UInt64
    /// Of tokens read from a cache.
    package var cacheRead: UInt64
    /// Of tokens written to a cache.
    package var cacheWrite: UInt64

    /// Makes a price; what is not said of caches costs as much as input.
    package init(input: UInt64, output: UInt64, cacheRead: UInt64? = nil, cacheWrite: UInt64? = nil) {
        self.input = input
        self.output = output
        self.cacheRead = cacheRead ?? input
        self.cacheWrite = cacheWrite ?? input
    }

    /// What a usage costs, in millionths of a currency unit, rounded up.
    package func cost(of usage: ModelUsage) -> UInt64 {
        let parts: [(UInt64, UInt64)] = [
            (usage.input, input), (usage.output, output), (usage.cacheRead, cacheRead), (usage.cacheWrite, cacheWrite),
        ]
        return parts.reduce(0) { total, part in
            let product = part.0.multipliedFullWidth(by: part.1)
            guard product.high < 1_000_000 else { return .max }
            let (quotient, rest) = UInt64(1_000_000).dividingFullWidth(product)
            return total.addingSaturating(quotient).addingSaturating(rest == 0 ? 0 : 1)
        }
    }
}

/// The prices of models by name.
package struct PriceTable: Hashable, Sendable, Codable {
    /// Names, or beginnings of names with a trailing `*`, and their prices.
    package let prices: [String: ModelPrice]

    /// Makes a table.
    package init(_ prices: [String: ModelPrice] = [:]) { self.prices = prices }

    /// The price of a model: of its own name, or of the longest beginning of it that has one.
    package func price(of model: String) -> ModelPrice? {
        if let exact = prices[model] { return exact }
        return prices.filter { $0.key.hasSuffix("*") && model.hasPrefix($0.key.dropLast()) }
            .max { $0.key.utf8.count < $1.key.utf8.count }?.value
    }
}

extension UInt64 {
    /// The sum, or the largest number where it would be more.
    package func addingSaturating(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
