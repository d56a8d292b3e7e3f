// SPDX-License-Identifier: Apache-2.0
// The nftables rules of a session's network namespace, as `nft` would send them:
//
//     table inet remit { chain out { type nat hook output priority -100; policy accept;
//         ip daddr 127.0.0.0/8 accept; ip6 daddr ::1 accept; ip daddr SPARED tcp dport PORT accept
//         meta l4proto tcp redirect to :PORT } }

internal import Glibc

extension NetlinkRequest {
    /// One batch: all of it takes effect, or nothing.
    static func redirection(to port: UInt16, sparing spared: SocketAddress) -> [NetlinkRequest] {
        let loopback: [RuleExpression] = [
            .load(.family), .isEqual([2]), .network(16, 1), .isEqual([127]), .accept,
        ]
        let loopbackOfSix: [RuleExpression] = [
            .load(.family), .isEqual([10]), .network(24, 16), .isEqual([UInt8](repeating: 0, count: 15) + [1]), .accept,
        ]
        let proxy: [RuleExpression] = [
            .load(.family), .isEqual([2]), .network(16, 4), .isEqual(spared.address), .load(.transport),
            .isEqual([UInt8(IPPROTO_TCP)]), .transport(2, 2), .isEqual(bigEndian(spared.port)), .accept,
        ]
        let others: [RuleExpression] = [
            .load(.transport), .isEqual([UInt8(IPPROTO_TCP)]), .put(bigEndian(port)), .redirect,
        ]
        return [batch(batchBegin), table, chain]
            + [loopback, loopbackOfSix, proxy, others].map(rule)
            + [batch(batchEnd)]
    }

    /// NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE.
    private enum Message: UInt16 { case newTable = 0, newChain = 3, newRule = 6 }

    /// NFNL_MSG_BATCH_BEGIN and NFNL_MSG_BATCH_END.
    private static let batchBegin: UInt16 = 16
    private static let batchEnd: UInt16 = 17

    private static let tableName = "remit"
    private static let chainName = "out"

    /// The subsystem of nf_tables, in the upper half of a message's type.
    private static func message(_ type: Message, _ flags: UInt16) -> NetlinkRequest {
        // struct nfgenmsg: NFPROTO_INET, version 0, no resource.
        NetlinkRequest(type: 10 << 8 | type.rawValue, flags: flags | Flag.acknowledge, body: [1, 0, 0, 0])
    }

    private static func batch(_ type: UInt16) -> NetlinkRequest {
        NetlinkRequest(type: type, flags: 0, body: [0, 0] + bigEndian(UInt16(10)))
    }

    private static var table: NetlinkRequest {
        var request = message(.newTable, Flag.create)
        // NFTA_TABLE_NAME.
        request.append(NetlinkAttribute(1, tableName))
        return request
    }

    private static var chain: NetlinkRequest {
        var request = message(.newChain, Flag.create)
        // NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME.
        request.append(NetlinkAttribute(1, tableName))
        request.append(NetlinkAttribute(3, chainName))
        // NFTA_CHAIN_HOOK: NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST.
        let hook = [NetlinkAttribute(1, 3), NetlinkAttribute(2, UInt32(bitPattern: -100))]
        request.append(NetlinkAttribute(4, hook))
        // NFTA_CHAIN_POLICY: NF_ACCEPT. NFTA_CHAIN_TYPE.
        request.append(NetlinkAttribute(5, 1))
        request.append(NetlinkAttribute(7, "nat"))
        return request
    }

    private static func rule(_ expressions: [RuleExpression]) -> NetlinkRequest {
        var request = message(.newRule, Flag.append)
        // NFTA_RULE_TABLE, NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS.
        request.append(NetlinkAttribute(1, tableName))
        request.append(NetlinkAttribute(2, chainName))
        request.append(NetlinkAttribute(4, expressions.map(\.attribute)))
        return request
    }

    static func bigEndian(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
}

/// One expression of a rule; all work on the same register.
private enum RuleExpression {
    /// NFT_META_NFPROTO and NFT_META_L4PROTO.
    enum Fact: UInt32 { case family = 15, transport = 16 }

    case load(Fact)
    /// Bytes of the network header: where, and how many.
    case network(UInt32, UInt32)
    /// Bytes of the transport header: where, and how many.
    case transport(UInt32, UInt32)
    /// The rule goes on only if the register holds this.
    case isEqual([UInt8])
    case put([UInt8])
    case accept
    /// To the port in the register.
    case redirect

    /// NFT_REG_1.
    private static let register: UInt32 = 1

    var attribute: NetlinkAttribute {
        switch self {
        case .load(let fact):
            Self.named("meta", [NetlinkAttribute(1, Self.register), NetlinkAttribute(2, fact.rawValue)])
        case .network(let offset, let length): Self.payload(base: 1, offset, length)
        case .transport(let offset, let length): Self.payload(base: 2, offset, length)
        case .isEqual(let bytes):
            // NFT_CMP_EQ.
            Self.named("cmp", [NetlinkAttribute(1, Self.register), NetlinkAttribute(2, 0), Self.data(3, bytes)])
        case .put(let bytes):
            Self.named("immediate", [NetlinkAttribute(1, Self.register), Self.data(2, bytes)])
        case .accept:
            // NF_ACCEPT into NFT_REG_VERDICT: NFTA_IMMEDIATE_DATA holds NFTA_DATA_VERDICT holds NFTA_VERDICT_CODE.
            Self.named(
                "immediate",
                [NetlinkAttribute(1, 0), NetlinkAttribute(2, [NetlinkAttribute(2, [NetlinkAttribute(1, 1)])])])
        case .redirect:
            // NFTA_REDIR_REG_PROTO_MIN.
            Self.named("redir", [NetlinkAttribute(1, Self.register)])
        }
    }

    private static func payload(base: UInt32, _ offset: UInt32, _ length: UInt32) -> NetlinkAttribute {
        named(
            "payload",
            [
                NetlinkAttribute(1, register), NetlinkAttribute(2, base), NetlinkAttribute(3, offset),
                NetlinkAttribute(4, length),
            ])
    }

    /// NFTA_DATA_VALUE.
    private static func data(_ type: UInt16, _ bytes: [UInt8]) -> NetlinkAttribute {
        NetlinkAttribute(type, [NetlinkAttribute(1, bytes)])
    }

    /// NFTA_LIST_ELEM of NFTA_EXPR_NAME and NFTA_EXPR_DATA.
    private static func named(_ name: String, _ parts: [NetlinkAttribute]) -> NetlinkAttribute {
        NetlinkAttribute(1, [NetlinkAttribute(1, name), NetlinkAttribute(2, parts)])
    }
}
