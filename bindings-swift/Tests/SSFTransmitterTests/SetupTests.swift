import Foundation
import SSFTransmitter
import Testing

/// Settings of the network and of authorization that cannot be right, by the vectors that all languages share.
@Suite struct SetupTests {
    private static let file = "setup-network.json"

    private let key: SigningKey
    private let names: SettingNames

    init() async throws {
        key = try await SigningKey.generate(.p256)
        names = try SettingNames()
    }

    @Test func credentials() throws {
        each(try Vectors.cases(Self.file, "authorization")) { one in
            let given = one["authorization"]?.object ?? [:]
            if let token = given["ssws"]?.string {
                return judge(one) { try OktaProviders(org: "https://acme.okta.com", .apiToken(token)) }
            }
            let authorization: Authorization =
                if let token = given["bearer"]?.string {
                    .bearer(token)
                } else if let value = given["header"]?.string {
                    .header(value)
                } else {
                    .clientCredentials(credentials(given["client_credentials"]?.object ?? [:]))
                }
            judge(one) {
                try Receiver(
                    endpoint: "https://receiver.example.net/events", audience: "https://receiver.example.net",
                    authorization: authorization)
            }
        }
    }

    @Test func proxies() throws {
        each(try Vectors.cases(Self.file, "proxies")) { one in
            judge(one) { try transmitter(Network(proxy: one["proxy"]?.text)) }
        }
    }

    @Test func sourceAddresses() throws {
        each(try Vectors.cases(Self.file, "source_addresses")) { one in
            judge(one) { try transmitter(Network(sourceAddress: one["source_address"]?.text)) }
        }
    }

    @Test func caBundles() throws {
        each(try Vectors.cases(Self.file, "ca_bundles")) { one in
            judge(one) { try transmitter(Network(caBundles: [data(one["ca_bundle"])])) }
        }
    }

    @Test func clientCertificates() throws {
        each(try Vectors.cases(Self.file, "client_certificates")) { one in
            let certificate = (chain: data(one["certificate"]), key: data(one["key"]))
            judge(one) { try transmitter(Network(clientCertificate: certificate)) }
        }
    }

    private func credentials(_ given: Case) -> ClientCredentials {
        ClientCredentials(
            tokenURL: given["token_url"]?.text ?? "", clientID: given["client_id"]?.text ?? "",
            .basic(secret: given["client_secret"]?.text ?? ""))
    }

    private func transmitter(_ network: Network) throws -> Transmitter {
        try Transmitter(issuer: "https://edr.example.com", key: key, options: .init(network: network))
    }

    private func data(_ value: JSONValue?) -> Data { Data((value?.text ?? "").protected.utf8) }

    /// Compares a refusal with what the case says, which may be that there is none.
    private func judge<Value>(_ expected: Case, _ build: () throws -> Value) {
        do {
            _ = try build()
            #expect(expected["code"] == nil, "\(expected.name): it was to be refused")
        } catch let error as SSFError {
            #expect(error.code.rawValue == expected["code"]?.text, "\(expected.name): \(error.message)")
            for part in expected["says"].list {
                #expect(error.message.contains(names.own(part.text)), "\(expected.name): \(error.message)")
            }
        } catch {
            Issue.record("\(expected.name): \(error)")
        }
    }
}
