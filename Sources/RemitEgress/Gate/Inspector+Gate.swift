// SPDX-License-Identifier: Apache-2.0

package import RemitGate
internal import RemitKernel

extension Inspector: ConnectionInspecting {
    /// Makes the inspector of a gate.
    ///
    /// - Throws: where a file of the operator's trust cannot be read.
    package convenience init(
        _ configuration: GateConfiguration, _ meter: BudgetMeter, _ connector: any UpstreamConnecting,
        report: @escaping @Sendable (GateEvent) -> Void
    ) throws {
        try self.init(
            InspectorPlan(
                configuration: configuration, meter: meter, connector: connector,
                now: WallInstant.now.nanoseconds / 1_000_000_000, report: report))
    }
}
