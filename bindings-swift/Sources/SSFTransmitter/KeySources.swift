import Foundation
internal import SSFTransmitterFFI

/// Options for reading a key in any form.
public struct KeyOptions: Sendable {
    /// Selects a key of a JWK Set, and names any other key.
    public var kid: String?
    /// The algorithm to sign with, if the key supports several: PS256 instead of RS256, for example.
    public var algorithm: Algorithm?
    /// The password of an encrypted key.
    public var password: String?
    /// How long a command may take, in seconds; 30 by default.
    public var timeLimit: TimeInterval?

    public init(
        kid: String? = nil, algorithm: Algorithm? = nil, password: String? = nil, timeLimit: TimeInterval? = nil
    ) {
        self.kid = kid
        self.algorithm = algorithm
        self.password = password
        self.timeLimit = timeLimit
    }

    var native: SourceOptions {
        .init(kid: kid, algorithm: algorithm?.rawValue, password: password, timeLimit: timeLimit)
    }
}

extension KeyOptions: CustomStringConvertible, CustomReflectable {
    public var description: String { "KeyOptions(…)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension SigningKey {
    /// Reads a key in any form: PEM, DER, a JWK or a JWK Set, in base64 or not.
    public init(any key: Data, options: KeyOptions = KeyOptions()) throws {
        self.init(native: try SSFTransmitter.native { try readAnyKey(key: key, options: options.native) })
    }

    /// Reads the key where `source` says: `env:NAME`, `file:PATH` or a path, `dir:PATH` (the first by name),
    /// `cmd:PROGRAM ARG…` (its output; no shell runs), or `stdin:`.
    ///
    /// ```swift
    /// let key = try await SigningKey(source: "cmd:openssl genpkey -algorithm ed25519")
    /// ```
    public init(source: String, options: KeyOptions = KeyOptions()) async throws {
        try await self.init(Source(text: source, path: nil, options: options.native))
    }

    /// Reads the key in an environment variable, in any form.
    public init(environment name: String, options: KeyOptions = KeyOptions()) async throws {
        try await self.init(source: "env:" + name, options: options)
    }

    /// Reads the key in a file, in any form.
    public init(file: URL, options: KeyOptions = KeyOptions()) async throws {
        try await self.init(Source(text: nil, path: file.path, options: options.native))
    }

    private init(_ source: Source) async throws {
        self.init(
            native: try await SSFTransmitter.native { try await readKeySource(source: source, cancellation: $0) })
    }
}

extension KeySet {
    /// A set that follows a source, as ``SigningKey/init(source:options:)`` takes it: the first key signs, the others are
    /// published too.
    ///
    /// It reads the source now, and again when the set is used and `every` seconds have passed; nothing runs in
    /// between. A command runs beside, and the old key signs meanwhile. A key that signed and disappears stays
    /// published until it is removed. If reading fails the keys stay as they are, and ``lastError`` says why.
    public static func watch(
        _ source: String, every: TimeInterval = 60, options: KeyOptions = KeyOptions()
    ) async throws -> Self {
        let source = Source(text: source, path: nil, options: options.native)
        return Self(
            native: try await SSFTransmitter.native {
                try await watchKeySource(source: source, every: every, cancellation: $0)
            })
    }

    /// Reads the source now, and returns whether the keys changed.
    @discardableResult
    public func refresh() async throws -> Bool {
        try await SSFTransmitter.native { try await native.refresh(cancellation: $0) }
    }

    /// The keys of a source that are published but do not sign: all except the first.
    public var standby: [TransmitterKey] { native.standby().map(shown) }
    /// The source that the set follows.
    public var source: String? { native.source() }

    /// Why the last reload of the keys failed, if it did.
    public var lastError: SSFError? {
        do {
            try SSFTransmitter.native { try native.lastLook() }
            return nil
        } catch {
            return error as? SSFError
        }
    }
}
