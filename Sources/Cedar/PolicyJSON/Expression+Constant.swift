// SPDX-License-Identifier: Apache-2.0

extension Expression {
    /// The expression whose value is `value`, in the forms the language has text for.
    init(constant value: Value) {
        switch value {
        case .bool, .long, .string, .entity:
            self.init(.literal(value))
        case .set(let set):
            self.init(.set(set.elements.map(Expression.init(constant:))))
        case .record(let record):
            let fields = record.fields.map { Field(name: $0.name, value: Expression(constant: $0.value)) }
            self.init(.record(fields))
        case .decimal(let decimal):
            self.init(.decimal, of: decimal.description)
        case .ip(let address):
            self.init(.ip, of: address.description)
        case .duration(let duration):
            self.init(.duration, of: duration.description)
        case .datetime(let datetime):
            if let text = datetime.literal {
                self.init(.datetime, of: text)
            } else {
                let epoch = Expression(.datetime, of: CedarDatetime(milliseconds: 0).description)
                let offset = Expression(.duration, of: "\(datetime.milliseconds)ms")
                self.init(.call(.offset, [epoch, offset]))
            }
        }
    }

    private init(_ function: ExtensionFunction, of text: String) {
        self.init(.call(function, [Expression(.literal(.string(CedarString(text))))]))
    }
}
