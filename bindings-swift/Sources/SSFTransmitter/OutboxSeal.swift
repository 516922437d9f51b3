import Foundation
internal import SSFTransmitterFFI

/// Encrypts events, subjects and claims with AES-256-GCM before an ``Outbox`` stores them.
///
/// ```swift
/// let key = Data(repeating: 7, count: 32)  // in production, from the keychain or a key service
/// let seal = try OutboxSeal(indexKey: key, keys: [("2026-11", key)])
/// let outbox = try Outbox(path: "/var/lib/edr/outbox.db", seal: seal)
/// ```
///
/// To rotate, put the new key first, and keep the old ones for as long as entries with them are kept. The index key
/// stays the same: it identifies subjects and the keys of entries. Workers need the same seal.
public struct OutboxSeal: Sendable {
    let native: SSFTransmitterFFI.OutboxSeal
    /// The ids of the keys, the one that seals first.
    public let ids: [String]

    /// A seal with an index key and keys of 32 bytes each, by their ids. The first key seals, all of them open. The ids are
    /// stored in clear.
    ///
    /// - Throws: ``SSFError`` of the kind `config` if a key has another length, or an id is empty or longer than 255 bytes.
    public init(indexKey: Data, keys: [(id: String, key: Data)]) throws {
        let sealing = keys.map { SealKey(id: $0.id, key: $0.key) }
        native = try SSFTransmitter.native { try .build(indexKey: indexKey, keys: sealing) }
        ids = keys.map(\.id)
    }
}

extension OutboxSeal: CustomStringConvertible, CustomReflectable {
    public var description: String { "OutboxSeal(\(ids.joined(separator: ", ")))" }
    public var customMirror: Mirror { Mirror(self, children: ["ids": ids]) }
}
