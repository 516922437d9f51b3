import Foundation
import SSFTransmitter
import Testing

/// Where keys are kept, by the vectors that all languages share, and sets that follow their source.
@Suite struct KeySourceTests {
    private static let file = "key-sources.json"

    /// An empty directory, which goes with its owner.
    private final class Scratch {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("ssf-keys-" + UUID().uuidString)

        init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(at: url) }

        func write(_ name: String, _ contents: Data) throws {
            let file = url.appendingPathComponent(name)
            let folder = file.deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try contents.write(to: file)
        }

        func write(_ name: String, _ key: SigningKey) throws {
            try write(name, Data(key.exportPrivatePEM().utf8))
        }
    }

    @Test func everySourceGivesItsKeysOrAnErrorThatShowsNoneOfThem() async throws {
        let contents = try Vectors.read(Self.file)["contents"]?.object ?? [:]
        func data(_ name: JSONValue) -> Data {
            let content = contents[name.text]
            if let text = content?.string { return Data(text.utf8) }
            return Data(base64Encoded: content?["base64"]?.text ?? "") ?? Data()
        }
        for one in try Vectors.cases(Self.file, "cases") {
            let scratch = try Scratch()
            for (name, content) in one["files"]?.object ?? [:] { try scratch.write(name, data(content)) }
            for (name, content) in one["env"]?.object ?? [:] {
                setenv(name, String(decoding: data(content), as: UTF8.self), 1)
            }
            let source = (one["source"]?.text ?? "").replacingOccurrences(of: "{dir}", with: scratch.url.path)
            let options = KeyOptions(
                kid: one["kid"]?.text, algorithm: one["algorithm"].map { Algorithm(rawValue: $0.text) },
                password: one["password"]?.text, timeLimit: one["time_limit"]?.number)
            do {
                let key = try await SigningKey(source: source, options: options)
                let published = try await KeySet.watch(source, options: options).jwks().keys.map(\.kid)
                #expect(key.kid == one["expect"]?["kid"]?.text, "\(one.name)")
                #expect(key.algorithm.rawValue == one["expect"]?["algorithm"]?.text, "\(one.name)")
                #expect(published == one["expect"]?["published"].list.map(\.text), "\(one.name)")
            } catch let error as SSFError {
                let message = error.message
                #expect(error.code.rawValue == one["error"]?["code"]?.text, "\(one.name): \(message)")
                for part in one["error"]?["says"].list ?? [] {
                    #expect(message.contains(part.text), "\(one.name): \(message)")
                }
                for part in one["error"]?["hides"].list ?? [] {
                    #expect(!"\(error)".contains(part.text), "\(one.name): \(message)")
                }
            }
        }
    }

    @Test func aKeyIsReadFromAVariableAFileAndAsItIs() async throws {
        let (scratch, key) = (try Scratch(), try await SigningKey.generate(.p256))
        try scratch.write("key.pem", key)
        setenv("SSF_TEST_KEY", try key.exportPrivatePEM(), 1)
        #expect(try await SigningKey(environment: "SSF_TEST_KEY").kid == key.kid)
        let file = scratch.url.appendingPathComponent("key.pem")
        #expect(try await SigningKey(file: file, options: KeyOptions(kid: "a")).kid == "a")
        #expect(try SigningKey(any: Data(contentsOf: file)).kid == key.kid)
    }

    @Test func aSetFollowsItsSource() async throws {
        let scratch = try Scratch()
        let (old, new) = (try await SigningKey.generate(.p256), try await SigningKey.generate(.p256))
        try scratch.write("1.pem", old)
        let keys = try await KeySet.watch("dir:" + scratch.url.path, every: 0)
        #expect(keys.source == "dir:" + scratch.url.path)
        try scratch.write("2.pem", new)
        #expect(keys.active.kid == old.kid)
        #expect(keys.standby.map(\.kid) == [new.kid])
        try FileManager.default.removeItem(at: scratch.url.appendingPathComponent("1.pem"))
        #expect(keys.active.kid == new.kid)
        #expect(keys.retired.map(\.kid) == [old.kid])
        #expect(keys.lastError == nil)
        try scratch.write("2.pem", Data("s3cr3t".utf8))
        #expect(keys.active.kid == new.kid)
        #expect(keys.lastError?.code == .keyFormatUnknown)
        await #expect(throws: SSFError.self) { try await keys.refresh() }
        #expect(throws: SSFError.self) { try keys.stage(old) }
        #expect(try await KeySet(old).refresh() == false)
    }
}
