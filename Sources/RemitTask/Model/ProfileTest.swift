// SPDX-License-Identifier: Apache-2.0
// What a profile says must work under it, and what must not: each a command that is run in a session of its own.

/// One test of a profile.
package struct ProfileTest: Hashable, Sendable, Codable {
    /// What a test may ask of its session's task: the profile is what has to hold against it.
    package struct Request: Hashable, Sendable, Codable {
        /// How the workspace is bound; nothing takes what the profile gives.
        package var workspace: AccessMode?
        /// Limits, which may lie above the profile's.
        package var limits: Limits
        /// Hosts, which the profile may not allow.
        package var network: NetworkRules

        /// Makes a request for nothing in particular.
        package init(
            workspace: AccessMode? = nil, limits: Limits = Limits(), network: NetworkRules = NetworkRules()
        ) {
            self.workspace = workspace
            self.limits = limits
            self.network = network
        }
    }

    /// How it must end.
    package enum Expectation: Hashable, Sendable, Codable {
        /// With this status, and this text on standard output.
        case works(exit: Int, prints: String?)
        /// Refused by a layer.
        case refused(Refusal)
    }

    /// How an act must fail.
    package struct Refusal: Hashable, Sendable, Codable {
        /// The layer that must decide.
        package var by: DecidingLayer
        /// The exit status; nothing takes any but 0.
        package var exit: Int?
        /// Text of the output, such as an errno's.
        package var saying: String?
        /// The system call that the filter must refuse.
        package var call: String?

        /// Makes a refusal.
        package init(by layer: DecidingLayer, exit: Int? = nil, saying: String? = nil, call: String? = nil) {
            by = layer
            self.exit = exit
            self.saying = saying
            self.call = call
        }
    }

    /// What a test that says nothing else may take.
    package static let standardDeadline = TimeSpan(milliseconds: 60_000)
    /// The most tests that one file may have.
    package static let countLimit = 256
    /// The longest script, in bytes.
    package static let scriptLimit = 16_384
    /// The longest name, in bytes.
    package static let nameLimit = 200

    /// Unique within a profile; a derived profile's test replaces its parent's of the same name.
    package var name: String
    /// A script for `sh -c`, run in the workspace.
    package var run: String
    /// Programs that the session must have; without them the test is skipped.
    package var requires: [String]
    /// Programs that the caller must have outside of what the profile binds; otherwise the test is skipped.
    package var outside: [String]
    /// Layers that the host must enforce; where it does not, the test is skipped.
    package var enforced: [Layer]
    /// The host is taken for one that cannot enforce this layer; then nothing but a plan is made.
    package var without: Layer?
    /// Paths of the host: those that it has are the script's arguments, and with none of them the test is skipped.
    package var paths: [String]
    /// What the caller's environment has besides the usual.
    package var environment: [String: String]
    /// Files in the workspace: path to content.
    package var files: [String: String]
    /// What its task asks for.
    package var task: Request
    /// It gets a terminal.
    package var terminal: Bool
    /// How long it may take.
    package var deadline: TimeSpan
    /// How it must end.
    package var expectation: Expectation
    /// Where it was written.
    package var origin: Origin?

    /// Makes a test.
    package init(
        name: String? = nil, run: String, requires: [String] = [], outside: [String] = [], enforced: [Layer] = [],
        without layer: Layer? = nil, paths: [String] = [], environment: [String: String] = [:],
        files: [String: String] = [:], task: Request = Request(),
        terminal: Bool = false, deadline: TimeSpan = standardDeadline,
        expectation: Expectation = .works(exit: 0, prints: nil), origin: Origin? = nil
    ) {
        self.name = name ?? run
        self.run = run
        self.requires = requires
        self.outside = outside
        self.enforced = enforced
        without = layer
        self.paths = paths
        self.environment = environment
        self.files = files
        self.task = task
        self.terminal = terminal
        self.deadline = deadline
        self.expectation = expectation
        self.origin = origin
    }
}

/// What decides that an act fails: a layer of the sandbox, or what stands before it.
package enum DecidingLayer: String, Hashable, Sendable, Codable, CaseIterable {
    /// Nothing was started: the task asks for more than the profile gives.
    case admission
    /// The network, process, IPC or user namespace: there is no such route, process or address in it.
    case namespaces
    /// The root: the path is not in it, or it is on a read-only or `noexec` mount.
    case mounts
    /// The size of the private `/tmp` or `/home/agent`.
    case volumes
    /// No capability.
    case capabilities
    /// A rule of Landlock.
    case landlock
    /// The system call filter.
    case seccomp
    /// Owners and modes of files.
    case permissions
    /// The variable of the caller is not passed on.
    case environment
    /// The session's gate.
    case egress
    /// The memory limit.
    case memoryLimit = "limits.memory"
    /// The process limit.
    case processLimit = "limits.processes"
    /// The limit of open files.
    case openFileLimit = "limits.openFiles"
    /// The limit of a file's size.
    case fileSizeLimit = "limits.fileSize"
}
