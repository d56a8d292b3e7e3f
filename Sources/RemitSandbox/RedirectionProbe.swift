// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel

/// Whether a session can redirect its own connections: tried, in a network namespace that is gone afterwards.
package enum RedirectionProbe {
    /// Takes a few milliseconds.
    ///
    /// - Throws: what keeps a namespace from being made, or its sockets from being opened.
    package static func isPossible() throws -> Bool {
        let inside = AgentIdentity.inside
        // NEWUSER and NEWNET.
        let plan = LaunchPlan(
            setup: [.deathSignal, .awaitMapping, .identity(user: inside, group: inside), .loopback]
                + SandboxNetwork(ports: []).steps + [.execute(["/bin/true", "/usr/bin/true"])],
            arguments: ["true"], environment: [], namespaces: 0x1000_0000 | 0x4000_0000
        )
        let child = try Child.launch(plan, descriptors: [:])
        defer {
            child.life.close()
            try? child.signal(9)
            child.collect()
        }
        try IdentityMaps.write(
            process: child.pid, insideUser: inside, insideGroup: inside, outsideUser: CurrentProcess.userID,
            outsideGroup: CurrentProcess.groupID, keepSetGroups: CurrentProcess.isRoot
        )
        try child.mapped()
        var redirects = false
        while true {
            switch try child.receive() {
            case .descriptor(.redirected, _): redirects = true
            case .descriptor, .ready, .proved: break
            case .failed(let failure): throw failure
            case .ended: return redirects
            }
        }
    }
}
