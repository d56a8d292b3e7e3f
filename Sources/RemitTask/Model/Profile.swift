// SPDX-License-Identifier: Apache-2.0

/// A profile with everything it extends merged in, and the origin of every value.
package struct Profile: Hashable, Sendable, Codable {
    /// The name it was asked for by.
    package var name: String
    /// One line on what it is for.
    package var description: String?
    /// The names of the profiles that were merged: this one first, its most distant ancestor last.
    package var lineage: [String]
    /// What the session's root is built from.
    package var filesystem: ProfileFilesystem
    /// What `/etc` holds.
    package var etc: ProfileEtc
    /// Which variables the agent gets.
    package var environment: ProfileEnvironment
    /// Changes to the built-in system call rules; a name is in one of the lists only.
    package var systemCalls: ProfileSystemCalls
    /// Defaults and ceilings.
    package var limits: Limits
    /// What tasks may reach at most; a profile that does not say bounds nothing, and never reaches anything by itself.
    package var network: NetworkRules
    /// Layers without which no session starts, in the order of `Layer`.
    package var requiredLayers: [Layer]
    /// What must work under it and what must not, its ancestors' first; empty unless the catalogue was asked for tests.
    package var tests: [ProfileTest]
    /// The origin of every value by its path, such as `filesystem.links./bin`.
    package var origins: [String: Origin]

    /// Makes a profile.
    package init(
        name: String, description: String? = nil, lineage: [String]? = nil,
        filesystem: ProfileFilesystem = ProfileFilesystem(), etc: ProfileEtc = ProfileEtc(),
        environment: ProfileEnvironment = ProfileEnvironment(),
        systemCalls: ProfileSystemCalls = ProfileSystemCalls(), limits: Limits = Limits(),
        network: NetworkRules = NetworkRules(), requiredLayers: [Layer] = [], tests: [ProfileTest] = [],
        origins: [String: Origin] = [:]
    ) {
        self.name = name
        self.description = description
        self.lineage = lineage ?? [name]
        self.filesystem = filesystem
        self.etc = etc
        self.environment = environment
        self.systemCalls = systemCalls
        self.limits = limits
        self.network = network
        self.requiredLayers = requiredLayers
        self.tests = tests
        self.origins = origins
    }
}

/// Where a value of a resolved profile was written.
package struct Origin: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The name of the profile.
    package let profile: String
    /// The line in its file, from 1.
    package let line: Int

    /// Makes an origin.
    package init(profile: String, line: Int) {
        self.profile = profile
        self.line = line
    }

    /// `base:12`
    package var description: String { "\(profile):\(line)" }
}
