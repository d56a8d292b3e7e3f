// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
package import RemitNetwork

/// The connector as other threads use it.
package final class UpstreamPort: UpstreamConnecting {
    /// A connection that somebody wants.
    struct Wish: Sendable {
        let destination: Destination
        let port: UInt16
        let rule: EgressRule
        let completion: @Sendable (Result<UpstreamSocket, UpstreamError>) -> Void
    }

    private let mailbox: LoopMailbox<Wish>

    init() throws(SystemCallError) { mailbox = try LoopMailbox() }

    package func connect(
        to destination: Destination, port: UInt16, rule: EgressRule,
        completion: @escaping @Sendable (Result<UpstreamSocket, UpstreamError>) -> Void
    ) {
        mailbox.post(Wish(destination: destination, port: port, rule: rule, completion: completion))
    }

    /// Serves wishes on the connector's thread, as long as `isServing` says so.
    func serve(
        with connector: UpstreamConnector, on loop: EventLoop, while isServing: @escaping () -> Bool
    ) throws(SystemCallError) {
        _ = try mailbox.deliver(on: loop) { wish in
            guard isServing() else {
                return wish.completion(.failure(.fenced))
            }
            _ = connector.connect(to: wish.destination, port: wish.port, rule: wish.rule) { result in
                wish.completion(
                    result.flatMap { connected in
                        guard let descriptor = connected.socket.surrender() else {
                            return .failure(.fenced)
                        }
                        Sockets.setNoDelay(descriptor)
                        Sockets.setKeepAlive(descriptor)
                        return .success(UpstreamSocket(descriptor: descriptor, address: connected.address))
                    }
                )
            }
        }
    }
}
