// SPDX-License-Identifier: Apache-2.0

internal import RemitKernel
internal import RemitSession
internal import RemitTask

/// A profile as an argument names it, with its tests.
struct ProfileArgument {
    let profile: Profile
    /// Where the profile, and what it extends, is found by its name.
    let catalogue: ProfileCatalogue
    /// It was named by its file.
    let isFile: Bool
    /// Files that it is made of, by the names of their profiles.
    let files: [String: String]

    /// Resolves what an argument names: a file when it has a slash or ends in `.yaml`, a profile of this host otherwise.
    /// What a file extends is looked for beside it first.
    ///
    /// - Parameter tests: the tests of the built-in profiles are read as well, which starting a session does without.
    static func load(_ argument: String, _ context: Context, tests: Bool = false) throws -> ProfileArgument {
        do throws(FileError) {
            guard isFile(argument) else {
                let catalogue = ProfileCatalogue(directories: [context.directories.profiles], tests: tests)
                return try ProfileArgument(try catalogue.file(argument), catalogue, isFile: false)
            }
            let path = (try? FileSystem.resolved(argument)) ?? argument
            let layer = try ProfileLayer.decode(bytes: try BoundedFile.read(path), file: path)
            let directories = [FileSystem.parent(of: path), context.directories.profiles]
            return try ProfileArgument(layer, ProfileCatalogue(directories: directories, tests: tests), isFile: true)
        } catch {
            throw Output.fail(error.description, hint: error.hint, code: 64)
        }
    }

    /// Whether an argument names a file.
    static func isFile(_ argument: String) -> Bool { argument.contains("/") || argument.hasSuffix(".yaml") }

    private init(
        _ layer: DecodedFile<ProfileLayer>, _ catalogue: ProfileCatalogue, isFile: Bool
    ) throws(FileError) {
        profile = try catalogue.resolve(layer)
        self.catalogue = isFile ? catalogue.adding(layer) : catalogue
        files = try catalogue.files(of: layer)
        self.isFile = isFile
    }
}
