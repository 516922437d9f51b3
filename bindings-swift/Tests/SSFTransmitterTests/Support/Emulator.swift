import Foundation
import SSFTransmitter

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

/// The command `ssf receiver`: a real server that judges SETs as a known receiver does, and misbehaves on command.
final class Emulator: Sendable {
    let push: String
    let base: String
    let token: String?
    let caBundle: Data?
    private let ledger: String
    private let child: Child
    private let documents: Documents?
    private let folder: Folder

    /// A receiver that takes the SETs of the issuer with these keys.
    convenience init(
        like: String = "rfc8935", keys: JWKS, from sender: String = issuer, faults: String? = nil,
        tls: Bool = false, others: [String] = []
    ) throws {
        let documents = try Documents(keys)
        let known = ["--issuer", sender, "--jwks-uri", documents.jwksURI]
        try self.init(like: like, faults: faults, tls: tls, others: known + others, beside: documents)
    }

    init(
        like: String, faults: String? = nil, tls: Bool = false, others: [String], beside documents: Documents? = nil
    ) throws {
        folder = try Folder()
        self.documents = documents
        var arguments = ["receiver", "--like", like, "--audience", audience] + others
        if let faults { arguments += ["--script", try folder.write(faults, to: "faults.json")] }
        let ca = folder.url.appendingPathComponent("ca.pem")
        if tls { arguments += ["--tls", "--ca-out", ca.path] }
        child = try Child("SSF_COMMAND", arguments)
        let ready = try JSONDecoder().decode([String: String].self, from: child.announcement)
        push = ready["push"] ?? ""
        base = ready["base"] ?? ""
        token = ready["token"]
        ledger = ready["ledger"] ?? ""
        caBundle = tls ? try Data(contentsOf: ca) : nil
    }

    /// This receiver, as a transmitter knows it.
    func receiver(
        dialect: String? = nil, authorization: Authorization = .none, options: Receiver.Options? = nil
    ) throws -> Receiver {
        try Receiver(
            endpoint: push, audience: .one(audience), dialect: dialect.map { try Dialect($0) },
            authorization: authorization, options: options ?? .init(allowsLoopback: true))
    }

    /// The claims of the SETs that it accepted.
    func accepted() async throws -> [[String: JSONValue]] {
        try await entries().compactMap { entry in
            guard entry["accepted"] == true else { return nil }
            guard case .object(let claims) = entry["claims"] else { throw Unusable("an entry without claims") }
            return claims
        }
    }

    /// All requests to the push endpoint.
    func entries() async throws -> [[String: JSONValue]] {
        let all = try JSONDecoder().decode([[String: JSONValue]].self, from: try await fetch(ledger))
        return all.filter { base + ($0["path"]?.string ?? "") == push }
    }
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
