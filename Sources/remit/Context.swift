// SPDX-License-Identifier: Apache-2.0
// What every subcommand starts from: directories, configuration, profiles.

internal import ArgumentParser
internal import RemitKernel
internal import RemitSession
internal import RemitTask

struct Context {
    let directories: Directories

    /// The caller's environment as it is now. Not a copy made at the start: secrets are taken out of it once the
    /// configuration says which variables hold them, and no copy of those may be in our memory when it is cloned.
    var environment: [String: String] { CurrentProcess.environment }

    init() throws {
        CurrentProcess.occupyStandardStreams()
        CurrentProcess.setFileModeMask()
        SignalSource.setDispositions()
        guard CurrentProcess.argumentsAreText else {
            throw Output.fail("an argument is not UTF-8", hint: "it would reach the agent as another one", code: 64)
        }
        let environment = CurrentProcess.environment(of: Directories.variables)
        for name in ["REMIT_STATE_DIR", "REMIT_RUNTIME_DIR", "REMIT_CONFIG_DIR"] {
            guard let path = environment[name], !path.hasPrefix("/") else { continue }
            throw Output.fail("`\(name)` is not an absolute path: `\(path)`", code: 64)
        }
        directories = Directories(environment: environment)
    }

    var store: SessionStore { SessionStore(directories) }

    var catalogue: ProfileCatalogue { ProfileCatalogue(directories: [directories.profiles]) }

    /// The operator's configuration: the named file, `REMIT_CONFIG`, the usual place, or what holds without one.
    func configuration(_ option: String?) throws -> Configuration {
        guard let path = configurationFile(option) else { return .standard }
        do { return try Configuration.load(path).value } catch {
            throw Output.fail(error.description, hint: error.hint, code: 64)
        }
    }

    /// The configuration's absolute path; `nil` when there is no file in the usual place.
    func configurationFile(_ option: String?) -> String? {
        let named = option ?? CurrentProcess.variable("REMIT_CONFIG")
        let path = named ?? directories.configurationFile
        if named == nil, !FileSystem.exists(path) { return nil }
        return (try? FileSystem.resolved(path)) ?? path
    }

    /// Reads a session by identifier prefix.
    func record(_ prefix: String) throws -> SessionRecord {
        do { return try store.record(try store.resolve(prefix)) } catch {
            throw Output.fail(error)
        }
    }
}

struct ConfigurationOption: ParsableArguments {
    @Option(name: .customLong("config"), help: "The operator's configuration file. [environment: REMIT_CONFIG]")
    var path: String?
}

extension Layer: ExpressibleByArgument {}
extension TerminalEscapes: ExpressibleByArgument {}
extension TimeSpan: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}
extension ByteCount: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}
