// SPDX-License-Identifier: Apache-2.0

import RemitNetwork
import Testing

@testable import RemitEgress

@Suite struct UsageReaderTests {
    static let json = HeaderFields([("Content-Type", "application/json")])
    static let events = HeaderFields([("Content-Type", "text/event-stream; charset=utf-8")])

    /// An answer as the documentation of its interface shows it, and what it took.
    struct Answer: Sendable, CustomTestStringConvertible {
        let name: String
        let path: String
        let isStream: Bool
        let text: String
        let usage: ModelUsage
        let model: String

        var testDescription: String { name }
    }

    static let answers = [
        Answer(
            name: "messages", path: "/v1/messages", isStream: false,
            text: """
                {"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[\
                {"type":"text","text":"{\\"usage\\":{\\"output_tokens\\":999999}} \\u00e9"},{"type":"tool_use","input":\
                {"usage":{"output_tokens":7777},"model":"evil"}}],"stop_reason":"end_turn","usage":{"input_tokens":2095,\
                "cache_creation_input_tokens":11,"cache_read_input_tokens":2051,"cache_creation":\
                {"ephemeral_5m_input_tokens":456},"output_tokens":503,"service_tier":"standard"}}
                """,
            usage: ModelUsage(input: 2095, output: 503, cacheRead: 2051, cacheWrite: 11),
            model: "claude-sonnet-4-5-20250929"
        ),
        Answer(
            name: "messages stream", path: "/proxy/v1/messages", isStream: true,
            text: """
                event: message_start
                data: {"type":"message_start","message":{"id":"m","model":"claude-opus-4","content":[],"usage":\
                {"input_tokens":25,"cache_read_input_tokens":100,"output_tokens":1}}}

                : comment
                event: content_block_delta
                data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\"usage\\": 3"}}

                event: message_delta
                data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}

                event: message_stop
                data: {"type":"message_stop"}


                """,
            usage: ModelUsage(input: 25, output: 15, cacheRead: 100), model: "claude-opus-4"
        ),
        Answer(
            name: "chat completions", path: "/v1/chat/completions", isStream: false,
            text: """
                {"id":"c","object":"chat.completion","model":"gpt-5","choices":[{"message":{"content":"x","usage":\
                {"prompt_tokens":1}}}],"usage":{"prompt_tokens":1117,"completion_tokens":46,"total_tokens":1163,\
                "prompt_tokens_details":{"cached_tokens":1024,"audio_tokens":0},"completion_tokens_details":\
                {"reasoning_tokens":30}}}
                """,
            usage: ModelUsage(input: 93, output: 46, cacheRead: 1024), model: "gpt-5"
        ),
        Answer(
            name: "chat completions stream", path: "/openai/deployments/x/chat/completions", isStream: true,
            text: """
                data: {"model":"gpt-4o","choices":[{"delta":{"content":"Hi"}}],"usage":null}

                data: {"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":19,"completion_tokens":10}}

                data: [DONE]


                """,
            usage: ModelUsage(input: 19, output: 10), model: "gpt-4o"
        ),
        Answer(
            name: "responses", path: "/v1/responses", isStream: false,
            text: """
                {"id":"r","object":"response","model":"gpt-5-codex","output":[{"type":"message","content":[]}],"usage":\
                {"input_tokens":328,"input_tokens_details":{"cached_tokens":28},"output_tokens":52,\
                "output_tokens_details":{"reasoning_tokens":0},"total_tokens":380}}
                """,
            usage: ModelUsage(input: 300, output: 52, cacheRead: 28), model: "gpt-5-codex"
        ),
        Answer(
            name: "responses stream", path: "/v1/responses", isStream: true,
            text: """
                event: response.created
                data: {"type":"response.created","response":{"model":"gpt-5-codex","usage":null}}

                event: response.output_text.delta
                data: {"type":"response.output_text.delta","delta":"Hi"}

                event: response.completed
                data: {"type":"response.completed","response":{"model":"gpt-5-codex","usage":{"input_tokens":37,\
                "output_tokens":11,"input_tokens_details":{"cached_tokens":0}}}}


                """,
            usage: ModelUsage(input: 37, output: 11), model: "gpt-5-codex"
        ),
        Answer(
            name: "generateContent", path: "/v1beta/models/gemini-2.5-pro:generateContent", isStream: false,
            text: """
                {"candidates":[{"content":{"parts":[{"text":"x"}]}}],"usageMetadata":{"promptTokenCount":40,\
                "candidatesTokenCount":20,"thoughtsTokenCount":5,"cachedContentTokenCount":10},"modelVersion":"gemini-2.5-pro"}
                """,
            usage: ModelUsage(input: 30, output: 25, cacheRead: 10), model: "gemini-2.5-pro"
        ),
        Answer(
            name: "generateContent as an array", path: "/v1beta/models/g:streamGenerateContent", isStream: false,
            text: """
                [{"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":2},"modelVersion":"g"},
                {"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":9},"modelVersion":"g"}]
                """,
            usage: ModelUsage(input: 4, output: 9), model: "g"
        ),
    ]

    @Test(arguments: answers)
    func `usage is read from answers and streams, wherever they are cut`(answer: Answer) throws {
        let bytes = Array(answer.text.utf8)
        for lineEnd in answer.isStream ? ["\n", "\r\n", "\r"] : ["\n"] {
            let text =
                lineEnd == "\n"
                ? bytes
                : Array(
                    answer.text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: lineEnd).utf8
                )
            for piece in [1, 2, 3, 11, 64, text.count] {
                let headers = answer.isStream ? Self.events : Self.json
                var reader = try #require(UsageReader(path: answer.path, status: 200, headers: headers))
                for start in stride(from: 0, to: text.count, by: piece) {
                    reader.push(Array(text[start..<min(start + piece, text.count)]))
                }
                let reading = reader.reading(requestBytes: 4_000)
                #expect(reading.usage == answer.usage)
                #expect(reading.model == answer.model)
                #expect(!reading.isEstimated)
            }
        }
    }

    @Test func `an answer costs what the table says`() throws {
        var reader = try #require(UsageReader(path: "/v1/messages", status: 200, headers: Self.json))
        reader.push(Array(#"{"model":"claude-x-1","usage":{"input_tokens":1000,"output_tokens":100}}"#.utf8))
        let reading = reader.reading(requestBytes: 0)
        let prices = PriceTable(["claude-x*": ModelPrice(input: 3_000_000, output: 15_000_000)])
        #expect(reading.cost(prices) == 4_500)
        #expect(reading.cost(PriceTable()) == nil)
    }

    @Test func `an answer without figures, or cut off, is estimated`() throws {
        var plain = try #require(UsageReader(path: "/v1/chat/completions", status: 200, headers: Self.json))
        plain.push([UInt8](repeating: UInt8(ascii: " "), count: 400))
        #expect(plain.reading(requestBytes: 4_000).usage == ModelUsage(input: 1_000, output: 100))
        #expect(plain.reading(requestBytes: 4_000).isEstimated)
        var stream = try #require(UsageReader(path: "/v1/messages", status: 200, headers: Self.events))
        stream.push(Array(#"data: {"message":{"model":"m","usage":{"input_tokens":9,"output_tokens":1}}}"#.utf8))
        stream.push(Array("\n\n".utf8))
        for _ in 0..<50 { stream.push(Array("data: {\"x\":1}\n\n".utf8)) }
        let reading = stream.reading(requestBytes: 4_000)
        #expect(reading.usage == ModelUsage(input: 9, output: 51) && reading.isEstimated && reading.model == "m")
    }

    @Test(arguments: ["/v1/models", "/v1/messages/count_tokens", "/", "/v1/responses/x"])
    func `other paths, and errors, are no answers of models`(path: String) {
        #expect(UsageReader(path: path, status: 200, headers: Self.json) == nil)
        #expect(UsageReader(path: "/v1/messages", status: 429, headers: Self.json) == nil)
    }

    @Test func `hostile answers are bounded`() throws {
        let texts = [
            String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000), "]}]}",
            "{\"usage\":{\"output_tokens\":99999999999999999999999999}}", "{\"usage\":{\"output_tokens\":-5}}",
            "{\"usage\":{\"output_tokens\":18446744073709551615,\"input_tokens\":18446744073709551615}}",
            "\"" + String(repeating: "x", count: 100_000), "{\"" + String(repeating: "y", count: 1_000) + "\":1}",
        ]
        for text in texts {
            for headers in [Self.json, Self.events] {
                var reader = try #require(UsageReader(path: "/v1/responses", status: 200, headers: headers))
                reader.push(Array((headers == Self.json ? text : "data: \(text)\n\n").utf8))
                let usage = reader.reading(requestBytes: .max).usage
                #expect(usage.output <= UsageReader.most && usage.allInput <= UsageReader.most)
            }
        }
    }
}
