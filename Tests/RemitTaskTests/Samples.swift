// SPDX-License-Identifier: Apache-2.0
// Documents that use every key, and the way to files of the repository.

import Foundation

enum RepositoryFile {
    static func path(_ relative: String, from file: String = #filePath) -> String {
        let folders = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        return folders.joined(separator: "/") + "/" + relative
    }
}

enum Samples {
    static let task = """
        apiVersion: remit/v1
        kind: Task
        name: fix-orders-bug
        intent: Fix the rounding error in orders.py and make its tests pass
        owner: alice@example.com
        ticket: ORD-1234
        profile: default
        command: [python3, agent.py, --retries, 3]
        workspace: {path: ./src, mode: write}
        environment: {LANG: C.UTF-8, PORT: 8080}
        limits: {memory: 2GiB, processes: 256, cpu: 1.5, openFiles: 1024, fileSize: 1GiB, io: {read: 8MiB, write: 4MiB}, whenReached: end}
        deadline: 30m
        idle: 5m
        sockets: [orders-postgres]
        credentials:
          - name: orders-db
            provider: orders
            scope: {tables: [orders], privileges: [SELECT], database: shop}
            ttl: 2m
            expose: env
            variable: ORDERS_URL
          - name: token
            provider: session-token
            scope: {audience: orders}
        outcome:
          changed: ["src/**", "tests/*.py"]
          artifacts: [report.json]
          verify: [python3, -m, pytest, -q]

        """

    static let profile = """
        apiVersion: remit/v1
        kind: Profile
        name: everything
        description: every key once
        extends: base
        filesystem:
          binds:
            - /opt
            - {source: /srv/tools, target: /tools, mode: write, execute: false, required: false}
          links: {/tool: tools/bin}
          temporary: {size: 1GiB}
          home: {size: 65536}
          processes: minimal
        etc:
          copy: [/etc/hosts.allow]
          files: {hosts: "127.0.0.1 localhost\\n"}
        environment:
          allow: [EDITOR, "XDG_*"]
          set: {LANG: C.UTF-8}
        systemCalls:
          allow: [ptrace]
          deny: [io_uring_setup]
        limits: {memory: 2GiB, processes: 256, cpu: 2, openFiles: 1024, fileSize: 1GiB, io: {write: 16MiB}, whenReached: continue}
        layers:
          required: [cgroup, limits.memory]

        """

    static let configuration = """
        apiVersion: remit/v1
        kind: Configuration
        trustDomain: example.org
        defaultProfile: coding
        sockets:
          orders-postgres: {path: /var/run/postgresql/.s.PGSQL.5432, target: /run/remit/sockets/.s.PGSQL.5432}
          cache: {path: /run/cache.sock}
        providers:
          orders:
            kind: command
            command: [/usr/local/libexec/remit/remit-provider-postgres, --verbose]
            environment: {PGPASSFILE: /etc/remit/pgpass}
            settings: {host: db, port: 5432, ratio: 0.5, tls: true, grants: [{table: orders, on: [SELECT]}]}
            timeLimit: 10s
            maximumTTL: 5m
            maximumLive: 8
          shop: {kind: postgres}
          signer: {kind: session-token, maximumTTL: 10m}

        """
}

extension Samples {
    static func roundTrip<Value: Codable>(_ value: Value) throws -> Value {
        try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
    }
}
