// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
internal import RemitNetwork

extension ClientConnection {
    /// Reads what a client of the explicit proxy wants.
    func awaitProxyOpening() {
        look(limit: ProxyOpening.peekLimit) { [weak self] bytes in
            guard let self else { return .done }
            switch ProxyOpening(bytes) {
            case .incomplete(let needed), .socks(.incomplete(let needed)): return .more(needed)
            case .socks(.open(let length)):
                via = .socks
                greetSocks(length)
            case .socks(.closed):
                via = .socks
                say(SocksGreeting.refused)
                refuse(ConnectionRefusal("protocol", "the client of SOCKS wants to authenticate"))
            case .connect(let destination, let port, let length):
                via = .connect
                awaited = .http
                guard Sockets.discard(length, from: client.number) else { return .done }
                decide(destination, port: port)
            case .absolute(let destination, let port):
                via = .absoluteForm
                awaited = .http
                decide(destination, port: port)
            case .malformed(let error):
                awaited = .http
                refuse(ConnectionRefusal("malformed", "the request is malformed: \(error.rawValue)"))
            case .socks(.malformed), .unknown:
                refuse(ConnectionRefusal("protocol", "no language that a proxy speaks"))
            }
            return .done
        }
    }

    private func greetSocks(_ length: Int) {
        guard Sockets.discard(length, from: client.number) else { return }
        say(SocksGreeting.accepted)
        Sockets.setReadableAt(1, client.number)
        look(limit: 512) { [weak self] bytes in
            guard let self else { return .done }
            switch SocksRequest(bytes) {
            case .incomplete(let needed): return .more(needed)
            case .refused(let reply):
                awaited = .socks
                refuse(ConnectionRefusal("protocol", "a request of SOCKS that is not to connect to a host: \(reply)"))
            case .connect(let destination, let port, let length):
                awaited = .socks
                guard Sockets.discard(length, from: client.number) else { return .done }
                decide(destination, port: port)
            }
            return .done
        }
    }
}
