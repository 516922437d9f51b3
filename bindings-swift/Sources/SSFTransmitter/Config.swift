import Foundation
internal import SSFTransmitterFFI

/// The settings in a file `ssf.toml`: issuer, key, receivers by name, and what else a transmitter is told. The command
/// `ssf` reads the same file.
///
/// ```swift
/// let config = try Config()
/// let transmitter = try await Transmitter(config: config)
/// let acme = try await config.receiver("acme")
/// ```
///
/// Keys, secrets and other files that it names are read when they are needed, and not before.
public struct Config: Sendable {
    private let native: SSFTransmitterFFI.Config

    /// Reads a file; without one, the nearest `ssf.toml`: in the current folder, or in one around it. Relative paths in
    /// the file start at its own folder.
    ///
    /// - Throws: ``SSFError`` if there is no such file, or something in it is wrong; `pointer` is the key.
    public init(file: URL? = nil) throws {
        native = try SSFTransmitter.native { try .read(path: file?.path) }
    }

    /// Reads a text. Relative paths in it start at the current folder.
    public init(toml: String) throws {
        native = try SSFTransmitter.native { try .fromToml(text: toml) }
    }

    /// The `iss` of the SETs.
    public var issuer: String? { native.issuer() }
    /// The names of the receivers, in alphabetical order.
    public var receiverNames: [String] { native.receiverNames() }

    /// The receiver with this name. Its secrets are read. Keep it: it holds what its deliveries share, such as an access
    /// token.
    ///
    /// - Throws: ``SSFError`` if there is no such receiver, a secret cannot be read, or a setting is wrong.
    public func receiver(_ name: String) async throws -> Receiver {
        Receiver(
            native: try await SSFTransmitter.native { try await native.receiver(name: name, cancellation: $0) })
    }

    /// All receivers by name, for a worker of the outbox.
    public func receivers() async throws -> [String: Receiver] {
        var receivers: [String: Receiver] = [:]
        for name in receiverNames { receivers[name] = try await receiver(name) }
        return receivers
    }

    fileprivate func transmitter() async throws -> (SSFTransmitterFFI.Transmitter, KeySet) {
        let keys = try await SSFTransmitter.native { try await native.keys(cancellation: $0) }
        let made = try await SSFTransmitter.native { try await native.transmitter(keys: keys, cancellation: $0) }
        return (made, KeySet(native: keys))
    }

    fileprivate func outbox(seal: OutboxSeal?, receivers: [String: Receiver]?) throws -> OutboxSettings {
        try SSFTransmitter.native {
            try native.outbox(seal: seal?.native, receivers: receivers?.mapValues(\.native))
        }
    }
}

extension Config: CustomStringConvertible, CustomReflectable {
    public var description: String {
        "Config(\(issuer ?? "without issuer"), receivers: \(receiverNames.joined(separator: ", ")))"
    }
    public var customMirror: Mirror { Mirror(self, children: ["issuer": issuer as Any, "receivers": receiverNames]) }
}

extension Transmitter {
    /// The transmitter that a file of settings describes. Its key follows its source, as with
    /// ``KeySet/watch(_:every:options:)``.
    ///
    /// - Throws: ``SSFError`` if the file has no issuer or no key, or if the key, or another file that it names, cannot be
    ///   read.
    public init(config: Config) async throws {
        let (native, keys) = try await config.transmitter()
        self.init(native: native, keys: keys, issuer: config.issuer ?? "")
    }
}

extension Outbox {
    /// Opens the outbox that a file of settings describes. Blocks while it reads and writes.
    ///
    /// ```swift
    /// let config = try Config()
    /// let outbox = try Outbox(config: config)
    /// ```
    ///
    /// The package keeps an outbox in a file, and in no database: the table `[outbox]` has `file`.
    ///
    /// - Parameters:
    ///   - config: The file of settings.
    ///   - seal: Encrypts what entries say.
    ///   - receivers: The receivers by name, such as those of ``Config/receivers()``, to lint entries for the issuer of
    ///     the file before they are accepted.
    /// - Throws: ``SSFError`` of the kind `config` if the file has no `[outbox]`, or no issuer to lint for, or if its
    ///   outbox is in a database; and as ``init(path:seal:issuer:receivers:)``.
    public init(config: Config, seal: OutboxSeal? = nil, receivers: [String: Receiver]? = nil) throws {
        try self.init(config.outbox(seal: seal, receivers: receivers))
    }
}
