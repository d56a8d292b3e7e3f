// SPDX-License-Identifier: Apache-2.0

internal import RemitSandbox

/// What programs inside read to find the proxy and to trust the session's authority. None of them has to: whoever ignores
/// it is redirected all the same.
enum EgressEnvironment {
    private static let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]
    private static let bundles = [
        "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE",
        "CODEX_CA_CERTIFICATE",
    ]
    /// These add to what the program trusts by itself.
    private static let additions = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"]
    private static let node = "NODE_USE_ENV_PROXY"

    /// Every variable that ``variables(hasAuthority:)`` may set.
    static var names: [String] { proxies + proxies.map { $0.lowercased() } + [node] + bundles + additions }

    /// - Parameter hasAuthority: the session signs for hosts.
    static func variables(hasAuthority: Bool) -> [String: String] {
        let proxy = "\(SandboxNetwork.gate):\(SandboxNetwork.proxyPort)"
        var variables = [node: "1"]
        for name in proxies {
            let value =
                switch name {
                // The sandbox's own loopback leads nowhere else, and its servers are reached without a proxy.
                case "NO_PROXY": "localhost,127.0.0.1,::1"
                // Not SOCKS, which the proxy speaks too: clients in Python fail outright without a package for it.
                default: "http://\(proxy)"
                }
            variables[name] = value
            variables[name.lowercased()] = value
        }
        guard hasAuthority else { return variables }
        for name in bundles { variables[name] = TrustFile.bundle.path }
        for name in additions { variables[name] = TrustFile.authority.path }
        return variables
    }
}
