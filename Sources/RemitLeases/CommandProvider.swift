// SPDX-License-Identifier: Apache-2.0

package import RemitKernel

/// An operator's program that speaks provider protocol v1: one process per call.
package final class CommandProvider: Provider {
    package let instance: String
    package let timeLimit: Duration
    package let maximumTTL: Duration?

    private let arguments: [String]
    private let environment: [String: String]
    private let settings: ProviderValue
    private let loop: EventLoop

    /// - Parameters:
    ///   - arguments: the program's path and its arguments.
    ///   - environment: all of it; nothing is inherited.
    ///   - settings: the operator's, sent with every request.
    package init(
        instance: String,
        arguments: [String],
        environment: [String: String],
        settings: ProviderValue,
        timeLimit: Duration = .seconds(10),
        maximumTTL: Duration? = nil,
        loop: EventLoop
    ) {
        self.instance = instance
        self.arguments = arguments
        self.environment = environment
        self.settings = settings
        self.timeLimit = timeLimit
        self.maximumTTL = maximumTTL
        self.loop = loop
    }

    package func begin(_ request: ProviderRequest, completion: @escaping (ProviderReply) -> Void) {
        var request = request
        request.settings = settings
        let input: [UInt8]
        do {
            input = try request.json()
        } catch {
            return completion(.failed(LeaseFailure(.permanent, "the settings are not JSON", isDefinite: true)))
        }
        let sent = request
        Helper.run(
            arguments,
            environment: environment,
            input: input,
            timeLimit: timeLimit,
            outputLimit: ProviderReplyDecoder.sizeLimit,
            on: loop
        ) { outcome in completion(Self.reply(outcome, to: sent)) }
    }

    static func reply(_ outcome: HelperOutcome, to request: ProviderRequest) -> ProviderReply {
        switch outcome {
        case .exited(status: 0, let output, _): return ProviderReplyDecoder.decode(output, for: request)
        case .exited(let status, _, let diagnostics):
            // The output of a program that failed is not looked at: it may be half a reply, or a secret.
            let said = Redaction().clean(String(decoding: diagnostics.prefix(4096), as: UTF8.self), limit: 200)
            let message = "the provider's program ended with status \(status)" + (said.isEmpty ? "" : ": \(said)")
            return .failed(LeaseFailure(.transient, message, isDefinite: false))
        case .timedOut: return .timedOut
        case .overflowed:
            let message = "the provider's reply is longer than \(ProviderReplyDecoder.sizeLimit) bytes"
            return .failed(LeaseFailure(.permanent, message, isDefinite: false))
        case .cannotStart(let error):
            // Revoking must go on when the program comes back, so this is not permanent.
            return .failed(LeaseFailure(.transient, "\(error)", isDefinite: true))
        }
    }
}
