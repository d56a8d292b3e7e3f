// SPDX-License-Identifier: Apache-2.0
// The event parser of libyaml. Yams' own `compose` is not used: it resolves aliases before
// anybody can refuse them (hashing an alias used as a key takes exponential time), loses the place of a second key,
// and recurses as deep as the file says.

internal import CYaml

/// One event of the parser with its place.
struct YAMLEvent {
    enum Content {
        case documentStart, documentEnd, streamEnd
        case scalar(String, isPlain: Bool)
        case listStart, listEnd, mapStart, mapEnd
        case alias(String)
        case nothing
    }

    let content: Content
    let position: Position
    let tag: String?
    let anchor: String?
}

/// A failure of the parser, in its own words.
struct YAMLProblem: Error {
    let text: String
    let position: Position
}

/// libyaml's parser over bytes in memory; owns the C structure, the bytes and every event it makes.
///
/// Safe to use: the C structure and the bytes live exactly as long as the value, and no pointer leaves it.
@safe struct YAMLParser: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Makes a parser over a copy of the bytes.
    init(_ bytes: [UInt8]) {
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        unsafe input = .allocate(capacity: bytes.count)
        _ = unsafe input.initialize(from: bytes)
        // Fails only for want of memory, and then every call of `next` fails as well.
        _ = unsafe yaml_parser_initialize(parser)
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deinitialize(count: 1)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event.
    ///
    /// - Throws: `YAMLProblem` when the bytes are not YAML.
    mutating func next() throws(YAMLProblem) -> YAMLEvent {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { unsafe yaml_event_delete(&event) }
        return unsafe Self.copy(event)
    }

    private func failure() -> YAMLProblem {
        let state = unsafe parser.pointee
        let problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? "out of memory"
        let context = unsafe state.context.map { unsafe String(cString: $0) + ": " } ?? ""
        return YAMLProblem(text: context + problem, position: unsafe Position(state.problem_mark))
    }

    private static func copy(_ event: yaml_event_t) -> YAMLEvent {
        func make(_ content: YAMLEvent.Content, tag: String? = nil, anchor: String? = nil) -> YAMLEvent {
            unsafe YAMLEvent(content: content, position: Position(event.start_mark), tag: tag, anchor: anchor)
        }
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT: return make(.documentStart)
        case YAML_DOCUMENT_END_EVENT: return make(.documentEnd)
        case YAML_STREAM_END_EVENT: return make(.streamEnd)
        case YAML_ALIAS_EVENT: return unsafe make(.alias(text(event.data.alias.anchor) ?? ""))
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            // The length counts: `"\0"` in the file puts a NUL into the value.
            let value = unsafe String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let isPlain = unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE
            return unsafe make(.scalar(value, isPlain: isPlain), tag: text(scalar.tag), anchor: text(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return unsafe make(.listStart, tag: text(start.tag), anchor: text(start.anchor))
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return unsafe make(.mapStart, tag: text(start.tag), anchor: text(start.anchor))
        case YAML_SEQUENCE_END_EVENT: return make(.listEnd)
        case YAML_MAPPING_END_EVENT: return make(.mapEnd)
        default: return make(.nothing)
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }
}

extension Position {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: mark.line + 1, column: mark.column + 1)
    }
}
