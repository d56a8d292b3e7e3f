// SPDX-License-Identifier: Apache-2.0

package import RemitNetwork

/// Reads from the answer of a model how many tokens it took, as the answer passes.
///
/// It reads decoded bytes of any length at constant memory, JSON or server-sent events. A figure that is given several
/// times counts as the largest, since streams count up.
///
/// An answer without figures, as of a stream that was not asked for them or that was cut off, is estimated: a token for
/// every four bytes of the request and of a JSON answer; of a stream, one for each event and at least one for every 64 bytes,
/// most of which are not the model's. No request is changed to get figures.
package struct UsageReader {
    /// What an answer took.
    package struct Reading: Equatable, Sendable {
        /// The tokens.
        package let usage: ModelUsage
        /// The model's name in the answer; nil where it has none.
        package let model: String?
        /// Whether some of the figures are an estimate.
        package let isEstimated: Bool

        /// What it costs, in millionths of the table's currency; nil where the table has no price for the model.
        package func cost(_ prices: PriceTable) -> UInt64? {
            model.flatMap(prices.price(of:))?.cost(of: usage)
        }
    }

    /// No single answer took more than so many tokens, whatever it says.
    package static let most: UInt64 = 1 << 40

    private let api: ModelAPI
    private var scanner = JSONScanner()
    private var events: EventStreamReader?
    private var eventCount: UInt64 = 0
    private var byteCount: UInt64 = 0
    private var figures: [ModelAPI.Figure: UInt64] = [:]
    private var model: String?
    private var hasFinalOutput = false

    /// A reader for the answer to a request; nil where the answer is none of a model.
    ///
    /// - Parameter path: of the request, without its query.
    package init?(path: String, status: Int, headers: HeaderFields) {
        guard let api = ModelAPI(path: path), (200..<300).contains(status) else { return nil }
        self.api = api
        let type = (headers["content-type"].first ?? "").lowercased()
        if type.hasPrefix("text/event-stream") { events = EventStreamReader() }
    }

    /// Takes decoded bytes of the answer.
    package mutating func push(_ bytes: [UInt8]) {
        byteCount = byteCount.addingSaturating(UInt64(bytes.count))
        guard var events else {
            read(bytes[...])
            return
        }
        events.push(bytes) { part in
            switch part {
            case .data(let data): read(data)
            case .end:
                eventCount += 1
                scanner = JSONScanner()
            }
        }
        self.events = events
    }

    /// What the answer took, as far as it has come.
    ///
    /// - Parameter requestBytes: how many bytes the request's body had.
    package func reading(requestBytes: UInt64) -> Reading {
        var figures = figures
        var isEstimated = false
        if figures[.input] == nil {
            figures[.input] = min(requestBytes / 4, Self.most)
            isEstimated = true
        }
        if !hasFinalOutput {
            let estimate = events == nil ? byteCount / 4 : max(eventCount, byteCount / 64)
            figures[.output] = max(figures[.output] ?? 0, min(estimate, Self.most))
            isEstimated = true
        }
        return Reading(usage: api.usage(figures), model: model, isEstimated: isEstimated)
    }

    private mutating func read(_ bytes: ArraySlice<UInt8>) {
        var items: [JSONScanner.Item] = []
        scanner.push(bytes) { item in
            if api.figure(item.path) != nil { items.append(item) }
        }
        for item in items {
            guard let figure = api.figure(item.path) else { continue }
            if figure == .model {
                if item.isString, model == nil, !item.token.isEmpty { model = item.token }
            } else if let count = item.count {
                figures[figure] = min(max(figures[figure] ?? 0, count), Self.most)
                // The first event of Messages counts the output before there is any.
                if figure == .output, item.path.first != "message" { hasFinalOutput = true }
            }
        }
    }
}
