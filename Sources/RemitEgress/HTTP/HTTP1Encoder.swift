// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import RemitNetwork

/// Writes messages of HTTP/1: always version 1.1, framed anew, in the one spelling that every reader understands alike.
enum HTTP1Encoder {
    /// The head of a request to an upstream.
    static func request(_ head: HTTPRequestHead, host: String, into buffer: inout ByteBuffer) {
        buffer.writeString("\(head.method) \(head.target) HTTP/1.1\r\nHost: \(host)\r\n")
        write(head.fields, into: &buffer)
        if head.isWebSocket {
            buffer.writeString("Connection: Upgrade\r\nUpgrade: websocket\r\n")
        }
        if head.expectsContinue {
            buffer.writeString("Expect: 100-continue\r\n")
        }
        switch head.framing {
        case .none:
            // A method that usually has a body says so when it has none (RFC 9110 §8.6).
            if ["POST", "PUT", "PATCH"].contains(head.method) { buffer.writeString("Content-Length: 0\r\n") }
        case .length(let length): buffer.writeString("Content-Length: \(length)\r\n")
        case .chunked, .untilClose: buffer.writeString("Transfer-Encoding: chunked\r\n")
        }
        buffer.writeString("\r\n")
    }

    /// The head of a response to the agent; `connection` is the value of `Connection`, where there is one.
    static func response(_ head: HTTPResponseHead, connection: String?, into buffer: inout ByteBuffer) {
        buffer.writeString("HTTP/1.1 \(head.status) \(reason(head.status))\r\n")
        write(head.fields, into: &buffer)
        switch head.framing {
        case .none:
            if let length = head.announcedLength {
                buffer.writeString("Content-Length: \(length)\r\n")
            } else if !HTTPResponseHead.isBodiless(status: head.status, method: "") {
                buffer.writeString("Content-Length: 0\r\n")
            }
        case .length(let length): buffer.writeString("Content-Length: \(length)\r\n")
        case .chunked: buffer.writeString("Transfer-Encoding: chunked\r\n")
        case .untilClose: break
        }
        if head.status == 101 { buffer.writeString("Upgrade: websocket\r\n") }
        if let connection { buffer.writeString("Connection: \(connection)\r\n") }
        buffer.writeString("\r\n")
    }

    /// One chunk, of one byte or more, as one piece: TLS makes a record of each piece.
    static func chunk(_ body: ByteBuffer) -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: body.readableBytes + 20)
        bytes.writeString(String(body.readableBytes, radix: 16))
        bytes.writeString("\r\n")
        bytes.writeImmutableBuffer(body)
        bytes.writeString("\r\n")
        return bytes
    }

    /// The last chunk and the trailer.
    static func lastChunk(_ trailer: HeaderFields, into buffer: inout ByteBuffer) {
        buffer.writeString("0\r\n")
        write(trailer, into: &buffer)
        buffer.writeString("\r\n")
    }

    private static func write(_ fields: HeaderFields, into buffer: inout ByteBuffer) {
        for field in fields.fields {
            buffer.writeString(field.name)
            buffer.writeString(": ")
            buffer.writeString(field.value)
            buffer.writeString("\r\n")
        }
    }

    /// The words that belong to a status; an upstream's own are not passed on, a client needs none.
    static func reason(_ status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 103: "Early Hints"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}
