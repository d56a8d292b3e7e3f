// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHPACK
internal import RemitNetwork

extension HTTPRequestHead {
    /// Reads the head of an HTTP/2 request (RFC 9113 §8.3.1).
    ///
    /// - Parameter isEnd: whether there is no body.
    /// - Throws: ``FramingError``
    init(http2 headers: HPACKHeaders, isEnd: Bool, limits: HTTPLimits) throws(FramingError) {
        var pseudo: [String: String] = [:]
        var fields = HeaderFields([])
        var cookies: [String] = []
        for (name, value, _) in headers {
            if name.utf8.first == UInt8(ascii: ":") {
                guard fields.fields.isEmpty, [":method", ":scheme", ":authority", ":path"].contains(name),
                    pseudo.updateValue(value, forKey: name) == nil
                else { throw .malformedField }
            } else if name == "cookie" {
                // A client may split it, and HTTP/1 has one only (RFC 9113 §8.2.3).
                try HeaderFields.check(name, value)
                cookies.append(value)
            } else {
                try fields.append(http2: name, value)
            }
            guard fields.fields.count + cookies.count <= limits.fields else { throw .tooManyFields }
        }
        if !cookies.isEmpty { fields.add("cookie", cookies.joined(separator: "; ")) }
        guard let method = pseudo[":method"], let path = pseudo[":path"], let scheme = pseudo[":scheme"] else {
            throw .malformedStartLine
        }
        self.method = try Self.method(Array(method.utf8))
        guard let named = pseudo[":authority"] else { throw .missingHost }
        authority = try Self.authority(named)
        let hosts = fields["host"]
        guard hosts.count <= 1 else { throw .repeatedHost }
        if let host = hosts.first {
            guard try Self.authority(host).names(sameAs: authority, scheme: scheme) else { throw .targetMismatch }
        }
        guard path.utf8.count <= limits.target else { throw .targetTooLong }
        guard path.utf8.first == UInt8(ascii: "/") || (path == "*" && method == "OPTIONS") else {
            throw .malformedTarget
        }
        target = try RequestTarget(Array(path.utf8)[...], method: method).origin
        guard scheme == "http" || scheme == "https" else { throw .malformedTarget }
        self.scheme = scheme
        let announced = try HTTPBodyFraming(fields, isHTTP10: false)
        if isEnd {
            guard announced == nil || announced == HTTPBodyFraming.none else { throw .invalidLength }
            framing = .none
        } else {
            // A body that is announced as empty may still come as empty frames.
            framing = announced == nil || announced == HTTPBodyFraming.none ? .chunked : announced ?? .chunked
        }
        expectsContinue = try Self.expectsContinue(&fields)
        for name in ["host", "content-length", "te"] { fields.remove(name) }
        self.fields = fields
    }

    /// The head as HTTP/2 has it.
    func http2(scheme: String, host: String) -> HPACKHeaders {
        var headers = HPACKHeaders()
        headers.reserveCapacity(fields.fields.count + 6)
        headers.add(name: ":method", value: method)
        headers.add(name: ":scheme", value: scheme)
        headers.add(name: ":authority", value: host)
        headers.add(name: ":path", value: target)
        for field in fields.fields { headers.add(name: field.name.lowercasedASCII, value: field.value) }
        if expectsContinue { headers.add(name: "expect", value: "100-continue") }
        if case .length(let length) = framing { headers.add(name: "content-length", value: "\(length)") }
        // Trailers are relayed, and some servers (gRPC's) send none to who does not say so.
        headers.add(name: "te", value: "trailers")
        return headers
    }
}

extension HTTPResponseHead {
    /// Reads the head of an HTTP/2 response (RFC 9113 §8.3.2).
    ///
    /// - Throws: ``FramingError``
    init(http2 headers: HPACKHeaders, isEnd: Bool, method: String, limits: HTTPLimits) throws(FramingError) {
        var fields = HeaderFields([])
        var code: String?
        for (name, value, _) in headers {
            if name.utf8.first == UInt8(ascii: ":") {
                guard name == ":status", code == nil, fields.fields.isEmpty else { throw .malformedField }
                code = value
            } else {
                try fields.append(http2: name, value)
            }
            guard fields.fields.count <= limits.fields else { throw .tooManyFields }
        }
        guard let code, code.utf8.count == 3, code.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let status = Int(code),
            (100..<600).contains(status), status != 101
        else { throw .malformedStartLine }
        self.status = status
        let announced = try HTTPBodyFraming(fields, isHTTP10: false)
        if isEnd || Self.isBodiless(status: status, method: method) {
            framing = .none
            if method == "HEAD" || status == 304, fields.contains("content-length") {
                announcedLength = announced?.length
            }
        } else {
            framing = announced == nil || announced == HTTPBodyFraming.none ? .chunked : announced ?? .chunked
        }
        ConnectionOptions.strip(&fields)
        fields.remove("content-length")
        self.fields = fields
    }

    /// The head as HTTP/2 has it.
    var http2: HPACKHeaders {
        var headers = HPACKHeaders()
        headers.reserveCapacity(fields.fields.count + 2)
        headers.add(name: ":status", value: "\(status)")
        for field in fields.fields { headers.add(name: field.name.lowercasedASCII, value: field.value) }
        if case .length(let length) = framing {
            headers.add(name: "content-length", value: "\(length)")
        } else if let announcedLength {
            headers.add(name: "content-length", value: "\(announcedLength)")
        }
        return headers
    }
}

extension HeaderFields {
    /// Reads a trailer of HTTP/2.
    ///
    /// - Throws: ``FramingError/malformedTrailer``
    init(http2Trailer headers: HPACKHeaders, limits: HTTPLimits) throws(FramingError) {
        self.init([])
        for (name, value, _) in headers {
            guard fields.count < limits.fields, name.utf8.first != UInt8(ascii: ":") else { throw .malformedTrailer }
            do { try append(http2: name, value) } catch { throw .malformedTrailer }
        }
        for name in ["content-length", "transfer-encoding", "host", "trailer", "te"] where contains(name) {
            throw .malformedTrailer
        }
    }

    /// The trailer as HTTP/2 has it.
    var http2: HPACKHeaders {
        HPACKHeaders(fields.map { ($0.name.lowercasedASCII, $0.value) })
    }

    /// Adds a field of HTTP/2, whose names are in lower case, and whose values could not all stand in HTTP/1.
    fileprivate mutating func append(http2 name: String, _ value: String) throws(FramingError) {
        try Self.check(name, value)
        fields.append(Field(name, String(decoding: value.utf8.trimmedOfBlanks, as: UTF8.self)))
    }

    fileprivate static func check(_ name: String, _ value: String) throws(FramingError) {
        guard !name.isEmpty, name.utf8.allSatisfy({ $0.isTokenCharacter && $0 == $0.lowercasedASCII }),
            value.utf8.allSatisfy(\.isValueCharacter)
        else { throw .malformedField }
        guard !name.isLookalikeFieldName else { throw .lookalikeField }
        // What belongs to a connection has no place in HTTP/2 (RFC 9113 §8.2.2).
        switch name {
        case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings":
            throw .protocolSwitch
        case "te" where value.lowercasedASCII != "trailers": throw .protocolSwitch
        default: break
        }
    }
}
