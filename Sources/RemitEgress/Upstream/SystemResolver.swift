// SPDX-License-Identifier: Apache-2.0
// The one system call wrapper outside RemitKernel: that is linked into `remit`, which is static, and glibc's resolver loads
// the host's modules.

internal import Glibc
internal import RemitNetwork

/// The host's own resolver, with its files and services, see getaddrinfo(3) and nsswitch.conf(5).
enum SystemResolver {
    /// More than any name has a use for.
    private static let limit = 32

    /// Asks, and waits for the answer: for a thread of its own.
    ///
    /// - Returns: addresses of both versions in the order to try them (RFC 6724).
    static func addresses(of name: HostName) -> Result<[IPAddress], UpstreamError> {
        var wanted = unsafe addrinfo()
        unsafe wanted.ai_family = AF_UNSPEC
        unsafe wanted.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(name.text, nil, &wanted, &found)
        defer { if let found = unsafe found { unsafe freeaddrinfo(found) } }
        guard code == 0 else { return .failure(error(code)) }
        var addresses: [IPAddress] = []
        var next = unsafe found
        while let item = unsafe next?.pointee, addresses.count < limit {
            if let address = unsafe address(item) { addresses.append(address) }
            unsafe next = item.ai_next
        }
        return addresses.isEmpty ? .failure(error(EAI_NONAME)) : .success(addresses)
    }

    /// Only the name itself is asked for, never with a domain of the host's behind it, and not for long.
    static func configure() {
        _ = unsafe setenv("LOCALDOMAIN", ".", 1)
        _ = unsafe setenv("RES_OPTIONS", "timeout:2 attempts:2", 1)
    }

    private static func address(_ item: addrinfo) -> IPAddress? {
        guard let start = unsafe item.ai_addr else { return nil }
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: Int(item.ai_addrlen))
        // `struct sockaddr_in` has the address behind family and port, `struct sockaddr_in6` behind the flow, too.
        return switch (unsafe item.ai_family, bytes.count) {
        case (AF_INET, 8...): unsafe IPAddress(networkBytes: bytes[4..<8])
        case (AF_INET6, 24...): unsafe IPAddress(networkBytes: bytes[8..<24])
        default: nil
        }
    }

    private static func error(_ code: Int32) -> UpstreamError {
        let text = unsafe gai_strerror(code).flatMap { unsafe String(validatingCString: $0) } ?? "error \(code)"
        return UpstreamError("unresolved", "the name does not resolve: \(text.lowercased())")
    }
}
