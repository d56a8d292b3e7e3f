// SPDX-License-Identifier: Apache-2.0

package import RemitKernel
package import RemitTask

extension ConfinementProbe {
    /// The layer that has failed when this gets through, whatever else should have stopped it before.
    package var layer: Layer {
        switch self {
        case .authority, .identity, .mount: .capabilities
        case .filter, .foreignCall, .socket, .trace: .seccomp
        case .userNamespace: .usernsDoor
        case .landlock: .landlock
        case .readOutside, .writeOutside: .mounts
        case .reach: .namespaces
        }
    }
}
