// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 as bytes in and bytes out, by SwiftNIO's codec in an embedded channel: no socket and no thread of its own.

internal import NIOCore
internal import NIOEmbedded
internal import NIOHTTP1

/// A request that arrived whole.
package struct ControlRequest: Sendable {
    package let method: String
    package let path: String
    package let body: [UInt8]
}

/// The answer to one.
package struct ControlResponse: Sendable {
    package let status: Int
    package let contentType: String
    package let body: [UInt8]

    package init(_ status: Int, json: [UInt8], contentType: String = "application/json") {
        self.status = status
        self.contentType = contentType
        body = json
    }
}

/// Why a peer's bytes were refused.
enum ControlCodecError: Error {
    case tooLarge
}

/// The server's half of one connection with one request.
final class ServerCodec {
    private static let bodyLimit = 65_536

    private let channel = EmbeddedChannel()
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init() throws {
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: false, withErrorHandling: false
        )
    }

    deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }

    /// Takes bytes from the peer; returns the request once it is complete.
    ///
    /// - Throws: when they are no HTTP request, or one that is too large.
    func receive(_ bytes: ArraySlice<UInt8>) throws -> ControlRequest? {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head): self.head = head
            case .body(let buffer):
                body += buffer.readableBytesView
                if body.count > Self.bodyLimit { throw ControlCodecError.tooLarge }
            case .end:
                return head.map { ControlRequest(method: $0.method.rawValue, path: $0.uri, body: body) }
            }
        }
        return nil
    }

    /// The bytes of an answer; the connection closes after it.
    func encode(_ response: ControlResponse) throws -> [UInt8] {
        var headers = HTTPHeaders()
        headers.add(name: "content-type", value: response.contentType)
        headers.add(name: "content-length", value: "\(response.body.count)")
        headers.add(name: "cache-control", value: "no-store")
        headers.add(name: "connection", value: "close")
        let status = HTTPResponseStatus(statusCode: response.status)
        try channel.writeOutbound(
            HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))
        )
        try channel.writeOutbound(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: response.body))))
        try channel.writeOutbound(HTTPServerResponsePart.end(nil))
        return try channel.drain()
    }
}

/// The client's half of one connection with one request.
final class ClientCodec {
    private let channel = EmbeddedChannel()
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []

    init() throws { try channel.pipeline.syncOperations.addHTTPClientHandlers() }

    deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }

    func encode(_ request: ControlRequest, contentType: String) throws -> [UInt8] {
        var headers = HTTPHeaders()
        headers.add(name: "host", value: "remit")
        headers.add(name: "content-type", value: contentType)
        headers.add(name: "content-length", value: "\(request.body.count)")
        let method = HTTPMethod(rawValue: request.method)
        try channel.writeOutbound(
            HTTPClientRequestPart.head(
                HTTPRequestHead(version: .http1_1, method: method, uri: request.path, headers: headers)
            )
        )
        if !request.body.isEmpty {
            try channel.writeOutbound(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: request.body))))
        }
        try channel.writeOutbound(HTTPClientRequestPart.end(nil))
        return try channel.drain()
    }

    /// Takes bytes from the supervisor; returns the answer once it is complete.
    func receive(_ bytes: ArraySlice<UInt8>) throws -> ControlResponse? {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
            switch part {
            case .head(let head): self.head = head
            case .body(let buffer): body += buffer.readableBytesView
            case .end:
                return head.map {
                    let type = $0.headers.first(name: "content-type") ?? ""
                    return ControlResponse(Int($0.status.code), json: body, contentType: type)
                }
            }
        }
        return nil
    }
}

extension EmbeddedChannel {
    /// Every byte that is ready to be sent.
    fileprivate func drain() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return bytes
    }
}
