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

    private func emulator(script: JSONValue? = nil, log: ReceiverEmulator.Log = .init()) throws -> ReceiverEmulator {
        try ReceiverEmulator(issuer: issuer, keys: .jwks(KeySet(key).jwks()), script: script, log: log)
    }

    @Test func itAssertsOnWhatItReceived() async throws {
        let emulator = try emulator()
        #expect(throws: EmulatorError.self) { try emulator.assertReceived(CAEP.SessionRevoked.self) }
        let receipt = try await transmitter.emit(
            CAEP.SessionRevoked(), about: .complex(user: ada, device: laptop), to: emulator.receiver())
        let claims = try emulator.assertReceived(CAEP.SessionRevoked.self, about: ada)
        #expect(claims["jti"] == .string(receipt.jti))
        try emulator.assertReceived(CAEP.SessionRevoked.uri, about: laptop)
        #expect(try emulator.accepted() == [receipt.jti: 1])
        let missing = try error { try emulator.assertReceived(CAEP.SessionRevoked.self, about: .opaque("other")) }
        #expect(missing.description.contains("found 0 among:\n  202 taken \(CAEP.SessionRevoked.uri)"))

        try await transmitter.emit(CAEP.SessionRevoked(), about: ada, to: emulator.receiver())
        let several = try error { try emulator.assertReceived(CAEP.SessionRevoked.self) }
        #expect(several.localizedDescription.contains("found 2 among:"))
        try emulator.clear()
        #expect(try emulator.requests().isEmpty && emulator.received().isEmpty)
    }

    @Test func aSubjectIsFoundWhereOktaWantsIt() async throws {
        let rsa = try await SigningKey.generate(.rsa2048)
        let emulator = try ReceiverEmulator(
            like: .okta, issuer: issuer, keys: .jwks(KeySet(rsa).jwks()), audience: "https://acme.okta.com",
            users: ["ada@example.com"])
        let event = CAEP.SessionRevoked(eventTimestamp: Date(), reasonAdmin: ["en": "Laptop lost"])
        let transmitter = try Transmitter(issuer: issuer, key: rsa)
        try await transmitter.emit(event, about: ada, to: emulator.receiver())
        #expect(try emulator.assertReceived(CAEP.SessionRevoked.self, about: ada)["sub_id"] == nil)
        try await transmitter.emit(event, about: .email("eve@example.com"), to: emulator.receiver())
        #expect(try emulator.requests().map(\.dropped) == [nil, "unknown user"])
        #expect(try emulator.received().count == 1)
    }

    @Test func govUKOneLoginHasATokenEndpoint() async throws {
        let rsa = try await SigningKey.generate(.rsa2048)
        let emulator = try ReceiverEmulator(like: .govUKOneLogin, issuer: issuer, keys: .jwks(KeySet(rsa).jwks()))
        let transmitter = try Transmitter(issuer: issuer, key: rsa)
        try await transmitter.emit(RISC.AccountPurged(), about: .uri("urn:x"), to: emulator.receiver())
        try emulator.assertReceived(RISC.AccountPurged.self)
    }

    @Test func itMisbehavesByAScript() async throws {
        let emulator = try emulator(script: [["nth": 1, "fault": ["status": ["status": 400, "err": "access_denied"]]]])
        let refused = try await failure {
            try await transmitter.emit(CAEP.SessionRevoked(), about: ada, to: emulator.receiver())
        }
        #expect(refused.details.receiverError == "access_denied")
        let request = try #require(try emulator.requests().first)
        #expect(request.status == 400 && request.fault == "status" && !request.accepted)
    }

    @Test func aWrongSettingIsAnError() throws {
        let script = try error { try emulator(script: [["fault": "sleep"]]) }
        #expect(script.description.contains("the script is wrong at /0/fault"))
        let page = try error { try ReceiverEmulator(like: .okta, apiToken: "t0ken", log: .init(page: 0)) }
        #expect(page.description.contains("a page of the log"))
        #expect(throws: EmulatorError.self) { try ReceiverEmulator(issuer: issuer) }
    }

    @Test func itStopsAndSaysSoWhateverElseRuns() throws {
        let first = try emulator()
        let second = try emulator()
        try first.stop()
        try first.stop()
        #expect(try error { try first.requests() }.description == "the emulator is stopped")
        #expect(try second.requests().isEmpty)
    }

    private func error<Value>(_ work: () throws -> Value) throws -> EmulatorError {
        do {
            _ = try work()
        } catch let error as EmulatorError {
            return error
        }
        throw Unusable("this was to fail")
    }
}
