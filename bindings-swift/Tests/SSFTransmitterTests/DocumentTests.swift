import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// Keys, documents, and the registration at Okta.
@Suite struct DocumentTests {
    @Test(arguments: SigningKey.Kind.allCases) func aKeyComesBackFromEachForm(kind: SigningKey.Kind) async throws {
        let key = try await SigningKey.generate(kind)
        #expect(key.kid == key.publicKey.thumbprint)
        #expect(try SigningKey(pem: key.exportPrivatePEM()).kid == key.kid)
        #expect(try SigningKey(pem: key.exportPrivatePEM(password: "pässword"), password: "pässword").kid == key.kid)
        #expect(try SigningKey(jwk: key.exportPrivateJWK()).algorithm == key.algorithm)
        #expect(try key.publicPEM().contains("PUBLIC KEY"))
        #expect(try key.withKid("k").kid == "k")
        let wrong = try await failure {
            try SigningKey(pem: key.exportPrivatePEM(password: "right"), password: "wrong")
        }
        #expect(wrong.code == .keyPasswordWrong)
    }

    @Test func anAlgorithmHasToFit() async throws {
        let key = try await SigningKey.generate(.rsa2048)
        #expect(try key.withAlgorithm(.ps256).algorithm == .ps256)
        #expect(try await failure { try key.withAlgorithm(.es256) }.kind == .key)
    }

    @Test func aJWKSHoldsNothingPrivate() async throws {
        let key = try await SigningKey.generate(.p256)
        let keys = try KeySet(key).jwks()
        #expect(keys.keys == [key.publicKey] && !keys.json.contains("\"d\""))
        // Reading drops what is private; a linter tells of it.
        let document = try "{\"keys\":[\(key.exportPrivateJWK())]}"
        #expect(try JWKS(json: document) == keys)
        #expect(Linter.lintJWKS(document).map(\.rule) == [.jwksPrivateMember])
    }

    @Test func aConfigurationIsWrittenAndRead() async throws {
        var settings = TransmitterConfiguration.Settings(issuer: "https://edr.example.com/tenant")
        settings.jwksURI = "https://edr.example.com/jwks.json"
        settings.members = ["vendor": ["name": "Example"]]
        let configuration = try TransmitterConfiguration(settings)
        let url = "https://edr.example.com/.well-known/ssf-configuration/tenant"
        #expect(configuration.url.absoluteString == url)
        #expect(try TransmitterConfiguration(json: configuration.json).url == configuration.url)
        #expect(try TransmitterConfiguration.wellKnownURL(issuer: settings.issuer).absoluteString == url)
        let checks = Conformance.check(configuration: configuration.json, at: url)
        #expect(!checks.isEmpty)
        settings.jwksURI = "http://edr.example.com/jwks.json"
        #expect(try await failure { try TransmitterConfiguration(settings) }.kind == .config)
    }

    @Test func aDialectOfOnesOwn() throws {
        #expect(Set(Dialect.ids).isSuperset(of: ["ssf-1.0", "okta", "govuk-one-login"]))
        let okta = try Dialect("okta")
        #expect(!okta.title.isEmpty && !okta.source.isEmpty)
        #expect(throws: SSFError.self) { try okta.extended(toml: "no_such_setting = 1") }
    }

    @Test func aProviderIsRegisteredAtOkta() async throws {
        let key = try await SigningKey.generate(.rsa2048)
        let documents = try Documents(KeySet(key).jwks())
        let emulator = try await Emulator(like: .okta, audience: audience, apiToken: "t0ken")
        let providers = try OktaProviders(org: emulator.baseURL, .apiToken("t0ken"), allowsLoopback: true)
        let draft = OktaProvider.Draft(name: "EDR", type: "edr", .wellKnown(documents.configuration))
        let provider = try await providers.ensure(draft)
        #expect(provider.status == .active && provider.issuer == documents.issuer && provider.type == "edr")
        #expect(try await providers.ensure(draft) == provider)
        #expect(try await providers.list() == [provider])
        #expect(try await providers.deactivate(id: provider.id).status == .inactive)
        #expect(try await providers.activate(id: provider.id).status == .active)
        var renamed = draft
        renamed.name = "EDR 2"
        #expect(try await providers.replace(id: provider.id, with: renamed).name == "EDR 2")
        #expect(try await providers.read(id: provider.id).name == "EDR 2")
        let changed = try await providers.update(id: provider.id, name: "EDR 3")
        #expect(changed.name == "EDR 3" && changed.type == "edr" && changed.issuer == documents.issuer)
        #expect(try await providers.update(id: provider.id) == changed)
        let conflict = try await failure { try await providers.create(renamed) }
        #expect(conflict.kind == .api)
        try await providers.delete(id: provider.id)
        #expect(try await failure { try await providers.read(id: provider.id) }.status == 404)

        let stranger = try OktaProviders(org: emulator.baseURL, .apiToken("wr0ng"), allowsLoopback: true)
        let refused = try await failure { try await stranger.list() }
        #expect(refused.kind == .api && refused.status == 401 && !"\(refused)".contains("wr0ng"))
    }

    @Test func spansMayBeDurations() async throws {
        guard #available(macOS 13, *) else { return }
        #expect(EmitOptions.deadline(.milliseconds(1500)).deadline == 1.5)
        #expect(EmitOptions.deadline(.seconds(5)).deadline == 5)
        let keys = KeySet(try await SigningKey.generate(.p256))
        try keys.stage(try await SigningKey.generate(.p256))
        #expect(try await failure { try keys.rotate(published: .seconds(86_400)) }.code == .keySetTooEarly)
        #expect(try await failure { try keys.rotate(published: .seconds(-1)) }.kind == .config)
    }

    @Test func anErrorReadsWell() async throws {
        let error = try await failure { try Subject.phoneNumber("+1 206 555 0100").validate() }
        #expect(error.kind == .validation && error.code == .subjectMemberValue && !error.isRetryable)
        #expect(error.pointer == "/phone_number")
        #expect(error.localizedDescription == error.description && error.description.contains("[subject_member_value]"))
        #expect(error.recoverySuggestion == error.remedy && error.failureReason == error.message)
    }
}
