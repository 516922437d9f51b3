import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// The testing aid itself: what a vendor's own tests are written with.
@Suite struct EmulatorTests {
    let key: SigningKey
    let transmitter: Transmitter
    private let ada = Subject.email("ada@example.com")
    private let laptop = Subject.opaque("laptop-7")

    init() async throws {
        key = try await SigningKey.generate(.p256)
        transmitter = try Transmitter(issuer: issuer, key: key)
    }

    private func emulator(script: JSONValue? = nil) async throws -> ReceiverEmulator {
        try await ReceiverEmulator(issuer: issuer, keys: .jwks(KeySet(key).jwks()), script: script)
    }

    @Test func itAssertsOnWhatItReceived() async throws {
        let emulator = try await emulator()
        await #expect(throws: EmulatorError.self) { try await emulator.assertReceived(CAEP.SessionRevoked.self) }
        let receipt = try await transmitter.emit(
            CAEP.SessionRevoked(), about: .complex(user: ada, device: laptop), to: emulator.receiver())
        let claims = try await emulator.assertReceived(CAEP.SessionRevoked.self, about: ada)
        #expect(claims["jti"] == .string(receipt.jti))
        try await emulator.assertReceived(CAEP.SessionRevoked.uri, about: laptop)
        #expect(try await emulator.accepted() == [receipt.jti: 1])
        let missing = try await error {
            try await emulator.assertReceived(CAEP.SessionRevoked.self, about: .opaque("other"))
        }
        #expect(missing.description.contains("found 0 among:\n  202 taken \(CAEP.SessionRevoked.uri)"))

        try await transmitter.emit(CAEP.SessionRevoked(), about: ada, to: emulator.receiver())
        let several = try await error { try await emulator.assertReceived(CAEP.SessionRevoked.self) }
        #expect(several.localizedDescription.contains("found 2 among:"))
        try await emulator.clear()
        #expect(try await emulator.requests().isEmpty)
        #expect(try await emulator.received().isEmpty)
    }

    @Test func aSubjectIsFoundWhereOktaWantsIt() async throws {
        let rsa = try await SigningKey.generate(.rsa2048)
        let emulator = try await ReceiverEmulator(
            like: .okta, issuer: issuer, keys: .jwks(KeySet(rsa).jwks()), audience: "https://acme.okta.com",
            users: ["ada@example.com"])
        let event = CAEP.SessionRevoked(eventTimestamp: Date(), reasonAdmin: ["en": "Laptop lost"])
        let transmitter = try Transmitter(issuer: issuer, key: rsa)
        try await transmitter.emit(event, about: ada, to: emulator.receiver())
        #expect(try await emulator.assertReceived(CAEP.SessionRevoked.self, about: ada)["sub_id"] == nil)
        try await transmitter.emit(event, about: .email("eve@example.com"), to: emulator.receiver())
        #expect(try await emulator.requests().map(\.dropped) == [nil, "unknown user"])
        #expect(try await emulator.received().count == 1)
    }

    @Test func govUKOneLoginHasATokenEndpoint() async throws {
        let rsa = try await SigningKey.generate(.rsa2048)
        let emulator = try await ReceiverEmulator(like: .govUKOneLogin, issuer: issuer, keys: .jwks(KeySet(rsa).jwks()))
        let transmitter = try Transmitter(issuer: issuer, key: rsa)
        try await transmitter.emit(RISC.AccountPurged(), about: .uri("urn:x"), to: emulator.receiver())
        try await emulator.assertReceived(RISC.AccountPurged.self)
    }

    @Test func itMisbehavesByAScript() async throws {
        let emulator = try await emulator(
            script: [["nth": 1, "fault": ["status": ["status": 400, "err": "access_denied"]]]])
        let refused = try await failure {
            try await transmitter.emit(CAEP.SessionRevoked(), about: ada, to: emulator.receiver())
        }
        #expect(refused.receiverError == "access_denied")
        let request = try #require(try await emulator.requests().first)
        #expect(request.status == 400 && request.fault == "status" && !request.accepted)
    }

    @Test func aWrongSettingIsAnError() async throws {
        let script = try await error { try await emulator(script: [["fault": "sleep"]]) }
        #expect(script.description.contains("the script is wrong at /0/fault"))
        let page = try await error { try await ReceiverEmulator(like: .okta, apiToken: "t0ken", log: .init(page: 0)) }
        #expect(page.description.contains("a page of the log"))
        await #expect(throws: EmulatorError.self) { try await ReceiverEmulator(issuer: issuer) }
    }

    @Test func itStopsAndSaysSoWhateverElseRuns() async throws {
        let first = try await emulator()
        let second = try await emulator()
        try await first.stop()
        try await first.stop()
        #expect(try await error { try await first.requests() }.description == "the emulator is stopped")
        #expect(try await second.requests().isEmpty)
    }

    private func error<Value>(_ work: () async throws -> Value) async throws -> EmulatorError {
        do {
            _ = try await work()
        } catch let error as EmulatorError {
            return error
        }
        throw Unusable("this was to fail")
    }
}
