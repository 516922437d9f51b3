import Foundation
import SSFTransmitter
import SSFTransmitterTesting
import Testing

/// Both guides from their first sentence to their last, with the library alone.
@Suite struct WalkTests {
    @Test func oktasGuide() async throws {
        // Generate a key pair, and copy its JSON to a file.
        let folder = try Folder()
        let made = try await SigningKey.generate(.rsa2048).withKid("2026-11")
        let file = try folder.write(try made.exportPrivateJWK(), to: "key.json")
        let key = try SigningKey(jwk: String(contentsOfFile: file, encoding: .utf8))
        #expect(key.kid == "2026-11" && key.algorithm == .rs256)

        // Publish the public key, and the configuration at its well-known URL.
        let jwks = try KeySet(key).jwks()
        #expect(!jwks.json.contains("\"d\""))
        let documents = try Documents(jwks)

        // Register the transmitter in the org, by its well-known URL.
        let org = try await Emulator(like: .okta, audience: audience, apiToken: "t0ken")
        let providers = try OktaProviders(org: org.baseURL, .apiToken("t0ken"), allowsLoopback: true)
        let provider = try await providers.create(
            .init(name: "Example EDR", type: "example-edr", .wellKnown(documents.configuration)))
        #expect(provider.status == .active && provider.issuer == documents.issuer)

        // Build the SET, look at it, send it, and check the response code.
        let acme = try Receiver.okta(org.baseURL, audience: .one(audience), options: .init(allowsLoopback: true))
        let event = Okta.UserRiskChange(
            currentLevel: .high, previousLevel: .low, eventTimestamp: Date(),
            reasonAdmin: ["en": "Impossible travel"])
        let transmitter = try Transmitter(issuer: documents.issuer, key: key)
        let set = try transmitter.prepare(event, about: .email("ada@example.com"), to: acme).sign(with: key)
        #expect(try set.decoded().header == ["alg": "RS256", "kid": "2026-11", "typ": "secevent+jwt"])
        #expect(try transmitter.lint(event, about: .email("ada@example.com"), to: acme).isEmpty)
        let receipt = try await transmitter.deliver(set, to: acme)
        #expect(receipt.status == 202)
        #expect(try await org.accepted().count == 1)
        #expect(try transmitter.explain(Answer(status: receipt.status), of: set, from: acme).isDelivered)
    }

    @Test func govUKsGuidance() async throws {
        // Generate a key pair, and send the team the public key that corresponds.
        let key = try await SigningKey.generate(.rsa2048)
        #expect(try key.publicPEM().contains("BEGIN PUBLIC KEY"))

        // Id and secret get a token at /authorize; the same token until it expires.
        let inbound = try await Emulator(like: .govUKOneLogin, keys: KeySet(key).jwks())
        let token = try #require(inbound.tokenURL)
        let receiver = try Receiver.govUKOneLogin(
            inbound.url, audience: .one(audience),
            credentials: ClientCredentials(tokenURL: token, clientID: "client", .basic(secret: "secret")),
            options: .init(allowsLoopback: true))
        let event = RISC.AccountDisabled(reason: .hijacking)
        let subject = Subject.uri("urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw")
        let transmitter = try Transmitter(issuer: issuer, key: key)
        #expect(try transmitter.lint(event, about: subject, to: receiver).isEmpty)
        for _ in 0..<2 {
            let receipt = try await transmitter.emit(event, about: subject, to: receiver)
            #expect(receipt.status == 202)
        }
        #expect(try await inbound.accepted().count == 2)
    }
}
