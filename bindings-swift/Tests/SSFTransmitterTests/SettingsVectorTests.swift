import Foundation
import SSFTransmitter
import Testing

/// Texts name settings as this package does: `settings.json`.
@Suite struct SettingsVectorTests {
    private static let file = "settings.json"

    private let key: SigningKey
    private let names: SettingNames

    init() async throws {
        key = try await SigningKey.generate(.p256)
        names = try SettingNames()
    }

    @Test func explanations() throws {
        each(try Vectors.cases(Self.file, "explain")) { one in
            let linter = Linter()
            let explanation: Explanation
            if let status = one["status"]?.number {
                explanation = try linter.explain(Answer(status: Int(status)))
            } else {
                explanation = try linter.explain(try #require(failure(one)))
            }
            names.check("\(explanation.cause) \(explanation.remedy)", one["settings"].list.map(\.text))
        }
    }

    @Test func doctors() async throws {
        for one in try Vectors.cases(Self.file, "doctor") {
            let sender = try transmitter(one)
            let diagnosis = try await sender.doctor(
                CAEP.SessionRevoked(), about: .opaque("1"), to: receiver(one))
            let wanted = one["checks"]?.object ?? [:]
            for check in diagnosis.checks {
                names.check("\(check.message) \(check.remedy)", wanted[check.id].list.map(\.text))
            }
            #expect(Set(wanted.keys).isSubset(of: diagnosis.checks.map(\.id)), "\(one.name)")
        }
    }

    private func transmitter(_ one: Case) throws -> Transmitter {
        let bundles = one["ca_bundle"].map { [Data($0.text.protected.utf8)] } ?? []
        let network = Network(
            caBundles: bundles, proxy: one["proxy"]?.text, sourceAddress: one["source_address"]?.text)
        return try Transmitter(
            issuer: one["issuer"]?.text ?? "https://edr.example.com", key: key, options: .init(network: network))
    }

    private func receiver(_ one: Case) throws -> Receiver {
        try Receiver(
            endpoint: one["endpoint"]?.text ?? "https://receiver.example.net/events",
            audience: "https://receiver.example.net")
    }

    private func failure(_ one: Case) -> SSFError? {
        do {
            _ = (try receiver(one), try transmitter(one))
        } catch let error as SSFError {
            return error
        } catch {}
        return nil
    }
}
