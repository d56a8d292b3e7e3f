// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import RemitKernel
package import RemitLeases
package import RemitTask

/// The configured providers, ready to be asked.
package enum Providers {
    /// - Parameters:
    ///   - secrets: what holds the secrets of providers of kind `secret`; without it there are none.
    ///   - names: the instances to make; those the configuration does not have are left out, and asking for
    ///   one then fails with its name.
    package static func make(
        _ names: Set<String>,
        from configuration: Configuration,
        desk: any SessionTokenDesk,
        secrets: (any PlaceholderDesk)? = nil,
        loop: EventLoop
    ) -> [any Provider] {
        names.sorted().compactMap { name in
            guard let instance = configuration.provider(named: name) else { return nil }
            switch instance.kind {
            case .sessionToken:
                return SessionTokenProvider(
                    instance: name, maximumTTL: instance.maximumTTL.duration, desk: desk
                )
            case .secret:
                return secrets.map {
                    PlaceholderProvider(
                        instance: name, timeLimit: instance.timeLimit.duration,
                        maximumTTL: instance.maximumTTL.duration, desk: $0
                    )
                }
            case .command, .postgres:
                return CommandProvider(
                    instance: name,
                    arguments: instance.kind == .postgres ? [shipped("remit-provider-postgres")] : instance.command,
                    environment: instance.environment,
                    settings: .map(instance.settings.mapValues(ProviderValue.init)),
                    timeLimit: instance.timeLimit.duration,
                    maximumTTL: instance.maximumTTL.duration,
                    loop: loop
                )
            }
        }
    }

    /// A program that came with this one: beside it, or where `make install` puts it.
    static func shipped(_ name: String) -> String {
        let own = executable
        let beside = "\(FileSystem.parent(of: own))/\(name)"
        return FileSystem.exists(beside)
            ? beside : "\(FileSystem.parent(of: FileSystem.parent(of: own)))/libexec/remit/\(name)"
    }

    /// Found at start: once memory is protected, /proc/self no longer tells an ordinary user.
    static let executable: String = (try? FileSystem.linkTarget("/proc/self/exe", in: AT_FDCWD)) ?? "/usr/bin/remit"
}
