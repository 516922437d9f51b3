import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// The file of settings, by the vectors that all languages share.
@Suite struct ConfigTests {
    private static let file = "config.json"

    /// Writes the file of a case, and those beside it.
    private func write(_ one: Case, in folder: Folder) throws -> URL {
        let contents = try Vectors.read(Self.file)["contents"]?.object ?? [:]
        for (name, content) in one["files"]?.object ?? [:] {
            _ = try folder.write(contents[content.text]?.text ?? content.text, to: name)
        }
        return URL(fileURLWithPath: try folder.write(one["toml"]?.text ?? "", to: "ssf.toml"))
    }

    private func audience(_ value: JSONValue?) -> Audience {
        if let one = value?.string { return .one(one) }
        return .several(value.list.map(\.text))
    }

    @Test func aFileIsReadWithAllThatItNames() async throws {
        for one in try Vectors.cases(Self.file, "valid") {
            let folder = try Folder()
            let config = try Config(file: write(one, in: folder))
            let expected = one["expect"]?.object ?? [:]
            #expect(config.issuer == expected["issuer"]?.string, "\(one.name)")
            let receivers = try await config.receivers()
            let wanted = expected["receivers"]?.object ?? [:]
            #expect(Set(receivers.keys) == Set(wanted.keys), "\(one.name)")
            for (name, receiver) in receivers {
                #expect(receiver.host == wanted[name]?["host"]?.text, "\(one.name)")
                #expect(receiver.audience == audience(wanted[name]?["audience"]), "\(one.name)")
                #expect(receiver.dialect.id == wanted[name]?["dialect"]?.text, "\(one.name)")
            }
            guard let issuer = config.issuer else { continue }
            let transmitter = try await Transmitter(config: config)
            #expect(transmitter.issuer == issuer)
            let kids = try transmitter.jwks().keys.map(\.kid)
            #expect(kids == [expected["kid"]?.text ?? kids[0]], "\(one.name)")
        }
    }

    @Test func theFirstMistakeIsToldWithItsPlaceAndWithoutItsValue() async throws {
        for one in try Vectors.cases(Self.file, "invalid") {
            let folder = try Folder()
            let path = try write(one, in: folder)
            let error = try await error {
                let config = try Config(file: path)
                _ = try await config.receivers()
                _ = try await Transmitter(config: config)
            }
            let (first, message) = (one["errors"].list[0], error.message)
            #expect(error.code.rawValue == first["code"]?.text, "\(one.name)")
            #expect(error.pointer == first["pointer"]?.string, "\(one.name)")
            #expect(message.hasPrefix(path.path), "\(one.name): \(message)")
            for words in first["says"].list { #expect(message.contains(words.text), "\(one.name): \(message)") }
            for secret in one["hides"].list { #expect(!"\(error)".contains(secret.text), "\(one.name)") }
        }
    }

    @Test func whatAFileDescribesSends() async throws {
        let (folder, key) = (try Folder(), try await SigningKey.generate(.p256))
        let emulator = try await ReceiverEmulator(issuer: issuer, keys: .jwks(KeySet(key).jwks()))
        _ = try folder.write(key.exportPrivatePEM(), to: "key.pem")
        let path = try folder.write(
            """
            issuer = "\(issuer)"
            key = "file:key.pem"

            [receivers.local]
            endpoint = "\(emulator.url)"
            audience = "\(emulator.audience)"
            allow_loopback = true
            """, to: "ssf.toml")
        let config = try Config(file: URL(fileURLWithPath: path))
        #expect(config.receiverNames == ["local"])
        #expect("\(config)" == "Config(\(issuer), receivers: local)")
        let transmitter = try await Transmitter(config: config)
        let receipt = try await transmitter.emit(
            CAEP.SessionRevoked(), about: .email("ada@example.com"), to: config.receiver("local"))
        #expect(try await emulator.accepted() == [receipt.jti: 1])
    }

    @Test func theOutboxOfAFileIsTheOneAtItsPath() async throws {
        let folder = try Folder()
        let path = try folder.write(
            """
            issuer = "\(issuer)"

            [receivers.acme]
            okta = "https://acme.okta.com"

            [outbox]
            file = "outbox.db"
            """, to: "ssf.toml")
        let config = try Config(file: URL(fileURLWithPath: path))
        let seal = try OutboxSeal(indexKey: Data(count: 32), keys: [("2026-12", Data(repeating: 7, count: 32))])
        let (event, ada) = (CAEP.SessionRevoked(), Subject.email("ada@example.com"))
        let enqueued = try await Outbox(config: config, seal: seal).enqueue(event, about: ada, to: "acme")
        let other = try Outbox(path: folder.url.appendingPathComponent("outbox.db").path, seal: seal)
        #expect(try await other.list(.init(subject: ada)).map(\.jti) == enqueued.jtis)
        let linting = try await Outbox(config: config, seal: seal, receivers: config.receivers())
        let rejected = try await error { _ = try await linting.enqueue(event, about: ada, to: "acme") }
        #expect(rejected.code == .eventMemberMissing)
    }

    @Test func anOutboxNeedsAFileAndAnIssuerToLintFor() async throws {
        let database = "database = 'env:SSF_TEST_DATABASE'"
        for (toml, receivers, pointer, words) in [
            ("issuer = '\(issuer)'", nil, "/outbox", "[outbox] is missing"),
            ("[outbox]\n\(database)", nil, "/outbox/database", "set file instead of database"),
            ("[outbox]\nfile = 'outbox.db'", [:], "/issuer", "issuer is missing"),
        ] as [(String, [String: Receiver]?, String, String)] {
            let config = try Config(toml: toml)
            let refused = try await error { _ = try Outbox(config: config, receivers: receivers) }
            #expect(refused.code == .configurationInvalid && refused.pointer == pointer)
            #expect(refused.message.contains(words), "\(refused.message)")
        }
    }

    @Test func theNearestFileIsFoundInAFolderAround() throws {
        let folder = try Folder()
        _ = try folder.write("issuer = \"\(issuer)\"\n", to: "ssf.toml")
        let inner = folder.url.appendingPathComponent("agent/settings")
        let files = FileManager.default
        try files.createDirectory(at: inner, withIntermediateDirectories: true)
        // Of the process: the tests run one by one.
        let before = files.currentDirectoryPath
        defer { _ = files.changeCurrentDirectoryPath(before) }
        try #require(files.changeCurrentDirectoryPath(inner.path))
        let found = try Config()
        #expect(found.issuer == issuer)
        withExtendedLifetime(folder) {}
    }

    @Test func aWrongNameIsRefused() async throws {
        let config = try Config(toml: "[receivers.acme]\nokta = 'https://acme.okta.com'")
        let error = try await error { _ = try await config.receiver("Acme") }
        #expect(error.message == "there is no receiver Acme; did you mean acme?")
    }

    private func error(_ work: () async throws -> Void) async throws -> SSFError {
        do {
            try await work()
        } catch let error as SSFError {
            return error
        }
        throw Unusable("this was to fail")
    }
}
