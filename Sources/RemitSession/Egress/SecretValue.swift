// SPDX-License-Identifier: Apache-2.0
// Where the operator keeps a secret, and what it looks like there.

internal import Glibc
internal import RemitGate
internal import RemitJournal
internal import RemitKernel
internal import RemitLeases
internal import RemitTask

/// A secret's values by part.
struct SecretValue {
    let parts: [(name: SecretPart.Name, value: Secret)]

    /// More is no secret that fits into a request.
    static let limit = 65_536

    /// Reads the value of a provider, now.
    ///
    /// - Parameters:
    ///   - variables: what was taken out of the supervisor's environment, by name.
    ///   - completion: called on the loop, once; a failure never repeats what was read.
    static func read(
        _ provider: SecretProvider, variables: [String: Secret], timeLimit: Duration, on loop: EventLoop,
        completion: @escaping (Result<SecretValue, LeaseFailure>) -> Void
    ) {
        switch provider.source {
        case .environment(let name):
            completion(provider.isKeyPair ? keyPair(name, variables) : single(name, variables))
        case .file(let path): completion(read(path, provider.isKeyPair))
        case .systemdCredential(let name):
            guard let directory = CurrentProcess.variable("CREDENTIALS_DIRECTORY") else {
                return completion(.failure(failure("there is no $CREDENTIALS_DIRECTORY: systemd hands out none")))
            }
            completion(read("\(directory)/\(name)", provider.isKeyPair))
        case .command(let arguments):
            var environment = CurrentProcess.environment(of: ["HOME", "USER", "LOGNAME", "LANG"])
            environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
            Helper.run(
                arguments, environment: environment, input: [], timeLimit: timeLimit, outputLimit: limit, on: loop
            ) { outcome in
                switch outcome {
                case .exited(0, let output, _): completion(parse(output, provider.isKeyPair))
                case .exited(let status, _, _):
                    completion(.failure(failure("its program ended with status \(status)", .transient)))
                case .timedOut: completion(.failure(failure("its program took longer than \(timeLimit)", .transient)))
                case .overflowed: completion(.failure(failure("its program wrote more than \(limit) bytes")))
                case .cannotStart(let error): completion(.failure(failure("its program did not start: \(error)")))
                }
            }
        }
    }

    private static func failure(_ what: String, _ kind: LeaseFailure.Class = .permanent) -> LeaseFailure {
        LeaseFailure(kind, what, isDefinite: true)
    }

    private static func read(_ path: String, _ isKeyPair: Bool) -> Result<SecretValue, LeaseFailure> {
        do throws(SystemCallError) {
            return parse(try FileSystem.read(path, limit: limit), isKeyPair)
        } catch {
            return .failure(failure("cannot read `\(path)`: \(error.errno)"))
        }
    }

    private static func single(_ name: String, _ variables: [String: Secret]) -> Result<SecretValue, LeaseFailure> {
        guard let value = variables[name], value.count > 0 else {
            return .failure(failure("there is no variable `\(name)` in the supervisor's environment"))
        }
        return .success(SecretValue(parts: [(.value, value)]))
    }

    private static func keyPair(_ prefix: String, _ variables: [String: Secret]) -> Result<SecretValue, LeaseFailure> {
        let names: [(SecretPart.Name, String)] = [
            (.accessKeyID, "\(prefix)_ACCESS_KEY_ID"), (.secretAccessKey, "\(prefix)_SECRET_ACCESS_KEY"),
            (.sessionToken, "\(prefix)_SESSION_TOKEN"),
        ]
        let parts = names.compactMap { name, variable in
            variables[variable].flatMap { $0.count == 0 ? nil : (name, $0) }
        }
        return whole(parts, "there is no key pair in variables `\(prefix)_…` of the supervisor's environment")
    }

    /// One line break at the end is the file's, not the secret's.
    private static func parse(_ bytes: [UInt8], _ isKeyPair: Bool) -> Result<SecretValue, LeaseFailure> {
        guard isKeyPair else {
            var value = bytes
            if value.last == UInt8(ascii: "\n") { value.removeLast() }
            if value.last == UInt8(ascii: "\r") { value.removeLast() }
            guard !value.isEmpty else { return .failure(failure("it is empty")) }
            return .success(SecretValue(parts: [(.value, Secret(value))]))
        }
        guard let json = try? JSONValue(parsing: bytes), json.members != nil else {
            return .failure(failure("it is not the JSON of a key pair"))
        }
        let names: [(SecretPart.Name, String)] = [
            (.accessKeyID, "AccessKeyId"), (.secretAccessKey, "SecretAccessKey"), (.sessionToken, "SessionToken"),
        ]
        let parts = names.compactMap { name, member in
            json[member]?.text.flatMap { $0.isEmpty ? nil : (name, Secret(Array($0.utf8))) }
        }
        return whole(parts, "it lacks `AccessKeyId` or `SecretAccessKey`")
    }

    private static func whole(
        _ parts: [(SecretPart.Name, Secret)], _ problem: String
    ) -> Result<SecretValue, LeaseFailure> {
        let names = parts.map(\.0)
        guard names.contains(.accessKeyID), names.contains(.secretAccessKey) else { return .failure(failure(problem)) }
        return .success(SecretValue(parts: parts.map { (name: $0.0, value: $0.1) }))
    }
}
