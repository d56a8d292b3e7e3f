// SPDX-License-Identifier: Apache-2.0
// Budgets and prices.

internal import RemitNetwork

extension ValueReader {
    /// `budget:` of a task.
    func budgetPlan() throws(FileError) -> BudgetPlan {
        let object = try object(Shapes.budget)
        return BudgetPlan(
            session: try budget(object),
            hosts: try object.optional("hosts")?.list { (item) throws(FileError) in
                let object = try item.object(Shapes.hostBudget)
                return HostBudget(host: try object.required("host").hostPattern(), budget: try budget(object))
            } ?? []
        )
    }

    private func budget(_ object: ObjectReader) throws(FileError) -> Budget {
        var budget = Budget()
        for dimension in BudgetDimension.allCases {
            guard let reader = object.optional(dimension.rawValue) else { continue }
            budget[dimension] =
                switch dimension {
                case .bytesUp, .bytesDown: try reader.byteCount(atLeast: ByteCount(bytes: 0)).bytes
                case .cost: try reader.money()
                case .requests, .connections, .inputTokens, .outputTokens:
                    UInt64(try reader.integer(in: Shapes.countRange))
                }
        }
        return budget
    }

    /// `prices:` of the configuration, per million tokens.
    func priceTable() throws(FileError) -> PriceTable {
        PriceTable(
            try map(keys: ModelPattern.problem) { (value) throws(FileError) in
                let object = try value.object(Shapes.price)
                return ModelPrice(
                    input: try object.required("input").money(),
                    output: try object.required("output").money(),
                    cacheRead: try object.optional("cacheRead")?.money(),
                    cacheWrite: try object.optional("cacheWrite")?.money()
                )
            }
        )
    }
}
