// SPDX-License-Identifier: Apache-2.0

import RemitKernel
import RemitSandbox

/// A compiled filter that is asked by name.
struct Filter {
    let program: FilterProgram

    init(_ filter: SystemCallFilter) throws { program = try FilterProgram(try filter.compiled()) }

    var count: Int { program.count }

    func verdict(_ name: String, _ arguments: UInt64...) throws -> FilterProgram.Verdict {
        try verdict(name, arguments)
    }

    func verdict(_ name: String, _ arguments: [UInt64]) throws -> FilterProgram.Verdict {
        guard let number = SystemCallFilter.number(of: name) else {
            throw FilterProgram.Fault(description: "no call `\(name)`")
        }
        return program.verdict(FilterProgram.Call(UInt32(number), arguments))
    }

    func verdict(
        number: UInt32, architecture: UInt32 = FilterProgram.nativeArchitecture
    ) -> FilterProgram.Verdict {
        program.verdict(FilterProgram.Call(number, architecture: architecture))
    }
}
