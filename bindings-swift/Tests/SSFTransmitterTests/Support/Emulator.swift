import Foundation
import SSFTransmitter
import SSFTransmitterTesting

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

let issuer = "https://edr.example.com"
let audience = "https://acme.okta.com"

/// A folder for the files of one test, which goes with it.
final class Folder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("ssf-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ text: String, to name: String) throws -> String {
        let file = url.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return file.path
    }
}

/// The command `ssf serve`: the documents of a transmitter on this machine.
final class Documents: Sendable {
    let issuer: String
    let jwksURI: String
    let configuration: String
    private let child: Child
    private let folder: Folder

    init(_ keys: JWKS) throws {
        folder = try Folder()
        child = try Child("SSF_COMMAND", ["serve", "--jwks", try folder.write(keys.json, to: "jwks.json")])
        let ready = try JSONDecoder().decode([String: String].self, from: child.announcement)
        issuer = ready["issuer"] ?? ""
        jwksURI = ready["jwks_uri"] ?? ""
        configuration = ready["configuration"] ?? ""
    }
}

typealias Emulator = ReceiverEmulator

extension ReceiverEmulator {
    /// A receiver that takes the SETs of the issuer with these keys.
    convenience init(
        like: Like = .rfc8935, keys: JWKS, from sender: String = issuer, users: [String] = [],
        client: Client = Client(id: "client", secret: "secret"), faults: String? = nil, tls: Bool = false,
        apiToken: String? = nil, log: Log = Log()
    ) async throws {
        let script = try faults.map { try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8)) }
        try await self.init(
            like: like, issuer: sender, keys: .jwks(keys), audience: SSFTransmitterTests.audience, users: users,
            client: client, script: script, tls: tls, apiToken: apiToken, log: log)
    }

    /// This receiver, as a transmitter knows it that has settings of its own for it.
    func receiver(dialect: String? = nil, options: Receiver.Options = .init(allowsLoopback: true)) throws -> Receiver {
        try Receiver(
            endpoint: url, audience: .one(audience), dialect: dialect.map { try Dialect($0) }, options: options)
    }

    /// All requests to the push endpoint.
    func pushes() async throws -> [Request] { try await requests().filter { baseURL + $0.path == url } }
}

/// What is at a URL of this machine.
func fetch(_ text: String) async throws -> Data {
    guard let url = URL(string: text) else { throw Unusable("no URL: \(text)") }
    return try await withCheckedThrowingContinuation { continuation in
        URLSession.shared.dataTask(with: url) { data, _, error in
            if let data {
                continuation.resume(returning: data)
            } else {
                continuation.resume(throwing: error ?? Unusable("no answer"))
            }
        }.resume()
    }
}

/// The error of `work`, which is to fail with one of ours.
func failure<Value>(of work: () async throws -> Value) async throws -> SSFError {
    do {
        _ = try await work()
    } catch let error as SSFError {
        return error
    }
    throw Unusable("this was to fail")
}
