// SPDX-License-Identifier: Apache-2.0

internal import RemitNetwork

/// An interface of models whose answers say how many tokens they took.
enum ModelAPI: Sendable {
    /// Anthropic's Messages.
    case messages
    /// OpenAI's Chat Completions, and the many that are compatible.
    case chatCompletions
    /// OpenAI's Responses.
    case responses
    /// Google's `generateContent`.
    case generateContent

    /// The interface that a path is of; hosts differ, paths do not.
    init?(path: String) {
        let path = path.hasSuffix("/") ? String(path.dropLast()) : path
        if path.hasSuffix("/v1/messages") {
            self = .messages
        } else if path.hasSuffix("/chat/completions") || path.hasSuffix("/v1/completions") {
            self = .chatCompletions
        } else if path.hasSuffix("/responses") {
            self = .responses
        } else if path.hasSuffix(":generateContent") || path.hasSuffix(":streamGenerateContent") {
            self = .generateContent
        } else {
            return nil
        }
    }

    /// What a value in an answer says.
    enum Figure: Hashable {
        case model
        case input
        case output
        case cacheRead
        case cacheWrite
        /// Tokens of the model's reasoning where they are not counted with the output.
        case reasoning
    }

    /// What the value at a place says, and nothing where it says nothing of usage. Only outer places count: what an answer
    /// itself holds, as a call of a tool for one, has no say.
    func figure(_ path: [String]) -> Figure? {
        var path = path[...]
        if self == .generateContent, path.first == "#" { path = path.dropFirst() }
        // Where events wrap the answer, it counts as the answer.
        if let first = path.first, first == "message" && self == .messages || first == "response" && self == .responses
        {
            path = path.dropFirst()
        }
        return Self.figures[self]?[path.joined(separator: ".")]
    }

    private static let figures: [ModelAPI: [String: Figure]] = [
        .messages: [
            "model": .model, "usage.input_tokens": .input, "usage.output_tokens": .output,
            "usage.cache_read_input_tokens": .cacheRead, "usage.cache_creation_input_tokens": .cacheWrite,
        ],
        .chatCompletions: [
            "model": .model, "usage.prompt_tokens": .input, "usage.completion_tokens": .output,
            "usage.prompt_tokens_details.cached_tokens": .cacheRead,
        ],
        .responses: [
            "model": .model, "usage.input_tokens": .input, "usage.output_tokens": .output,
            "usage.input_tokens_details.cached_tokens": .cacheRead,
        ],
        .generateContent: [
            "modelVersion": .model, "usageMetadata.promptTokenCount": .input,
            "usageMetadata.candidatesTokenCount": .output, "usageMetadata.cachedContentTokenCount": .cacheRead,
            "usageMetadata.thoughtsTokenCount": .reasoning,
        ],
    ]

    /// Whether tokens from a cache are counted with the input too.
    private var inputHasCache: Bool { self != .messages }

    /// The figures as a usage, each token in one place.
    func usage(_ figures: [Figure: UInt64]) -> ModelUsage {
        let input = figures[.input] ?? 0
        let cached = figures[.cacheRead] ?? 0
        return ModelUsage(
            input: inputHasCache ? input - min(input, cached) : input,
            output: (figures[.output] ?? 0).addingSaturating(figures[.reasoning] ?? 0),
            cacheRead: inputHasCache ? min(input, cached) : cached, cacheWrite: figures[.cacheWrite] ?? 0
        )
    }
}
