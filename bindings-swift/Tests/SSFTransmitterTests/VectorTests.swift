import Foundation
import SSFTransmitter
import Testing

/// All shared vectors, but those of the machines that bindings do not have: `delivery.json`, `token.json`,
/// `okta.json`, `stream-api.json`, `access-tokens.json`. `OktaLogTests` run `okta-log.json`.
@Suite struct VectorTests {
    @Test func everyFileOfTheManifestIsRunHereOrForRustOnly() throws {
        let run: Set = [
            "errors.json", "events", "jwks.json", "key-sources.json", "keys.json", "sets", "signed.json",
            "subjects.json", "lint", "explain.json", "conformance.json", "settings.json", "setup-network.json",
            "config.json", "rotation.json", "surface.json", "values.json",
        ]
        let files = Set(try Vectors.read("manifest.json").object.keys)
        let rust = [
            "access-tokens.json", "command.json", "delivery.json", "okta.json", "okta-log.json",
            "stream-api.json", "token.json",
        ]
        #expect(files == run.union(rust))
    }

    @Test func codes() throws {
        let cases = try Vectors.cases("errors.json", "errors")
        #expect(cases.map { $0["code"].text } == SSFError.Code.all.map(\.rawValue))
        for one in cases {
            let code = SSFError.Code(rawValue: one["code"].text)
            #expect(code.kind.rawValue == one["kind"].text)
            #expect(code.isRetryable == (one["retryable"] == true))
            #expect(!code.remedy.isEmpty)
        }
    }

    @Test func printedSETs() throws {
        let files = try Vectors.folder("sets")
        #expect(try files.count { $0["deviation"] != nil } == Vectors.count("sets", "deviations"))
        each(files) { file in
            let wanted = try parts(file["input"]?.object ?? [:], dialect: dialect(file["dialect"]))
            if let deviation = file["deviation"], deviation["code"] != nil {
                var place = deviation.object
                place["name"] = file["id"]
                refused(place) { try wanted.claimsBuilt }
                return
            }
            let claims = file["deviation"]?["claims"] ?? file["claims"]
            #expect(try wanted.claimsBuilt.normalized == claims?.normalized, "\(file["id"].text)")
        }
    }

    @Test func subjects() throws {
        let event = CustomEvent(uri: "urn:example:event")
        each(try Vectors.cases("subjects.json", "valid")) { one in
            let value = one["subject"] ?? nil
            let about = try subject(value)
            try about.validate()
            #expect(try parts(event, about).claimsBuilt["sub_id"]?.normalized == value.normalized, "\(one.name)")
        }
        each(try Vectors.cases("subjects.json", "invalid")) { one in
            guard let value = one["subject"], case .object = value else {
                // In Swift the type says so, before there is anything to check.
                #expect(one["code"].text == "json_invalid")
                #expect(throws: DecodingError.self) { try subject(one["subject"] ?? nil) }
                return
            }
            refused(one) { try subject(value).validate() }
        }
    }

    @Test func shapesOfSubjects() throws {
        each(try Vectors.cases("subjects.json", "shapes")) { one in
            let event = try customEvent(one["event"] ?? nil)
            let about = try one["subject"].flatMap { $0.isNull ? nil : try subject($0) }
            let wanted = try parts(event, about, dialect: dialect(one["dialect"]))
            if one["code"] != nil {
                refused(one) { try wanted.claimsBuilt }
                return
            }
            let claims = try wanted.claimsBuilt
            let inside = claims["events"]?[event.uri]?["subject"] ?? .null
            #expect(inside.normalized == one["event_subject"]?.normalized, "\(one.name)")
            #expect((claims["sub_id"] ?? .null).normalized == one["sub_id"]?.normalized, "\(one.name)")
        }
    }

    @Test func keys() throws {
        let cases = try Vectors.cases("keys.json", "cases")
        #expect(try cases.count { $0["expect"] != nil } == Vectors.count("keys.json", "imported"))
        #expect(try cases.count { $0["error"] != nil } == Vectors.count("keys.json", "refused"))
        each(cases) { one in
            let input = one["input"]?.object ?? [:]
            if var error = one["error"]?.object {
                error["name"] = one["name"]
                refused(error) { try Self.key(input) }
                return
            }
            let key = try Self.key(input)
            #expect(key.algorithm.rawValue == one["expect"]?["algorithm"].text, "\(one.name)")
            #expect(key.kid == one["expect"]?["kid"].text, "\(one.name)")
            #expect(key.publicKey.thumbprint == one["expect"]?["thumbprint"].text, "\(one.name)")
        }
    }

    private static func key(_ input: Case) throws -> SigningKey {
        let password = input["password"]?.string
        var key: SigningKey
        if let pem = input["pem"] {
            key = try SigningKey(pem: pem.text, password: password)
        } else if let pem = input["pem_base64"] {
            key = try SigningKey(pem: Data(base64Encoded: pem.text) ?? Data(), password: password)
        } else if let der = input["der_base64"] {
            key = try SigningKey(der: Data(base64Encoded: der.text) ?? Data(), password: password)
        } else if let jwk = input["jwk"] {
            key = try SigningKey(jwk: jwk.document)
        } else if let kid = input["kid"] {
            key = try SigningKey(jwks: input["jwks"]?.document ?? "", kid: kid.text)
        } else {
            key = try SigningKey(jwk: input["jwks"]?.document ?? "")
        }
        if let algorithm = input["algorithm"] {
            key = try key.withAlgorithm(Algorithm(rawValue: algorithm.text))
        }
        if let kid = input["kid"], input["jwks"] == nil {
            key = try key.withKid(kid.text)
        }
        return key
    }

    @Test func publishedSets() throws {
        let key = try SigningKey(jwk: Vectors.read("jwks.json").object["private_jwk"]?.json ?? "")
        let input: Case = [
            "issuer": "https://transmitter.example.com", "audience": "https://receiver.example.net",
            "events": [["https://schemas.openid.net/secevent/caep/event-type/session-revoked": [:]]],
            "subject": ["format": "opaque", "id": "session-1"],
        ]
        let decoded = try parts(input, dialect: Dialect("ssf-1.0"))
            .prepare(algorithm: key.algorithm, kid: key.kid).sign(with: key).decoded()
        each(try Vectors.cases("jwks.json", "cases")) { one in
            let document = try one["document"]?.document ?? ""
            let found = Linter.lintJWKS(document).map { "\($0.rule.rawValue) \($0.severity.rawValue) \($0.pointer)" }
            let expected = one["findings"].list.map {
                "\($0["rule"].text) \($0["severity"].text) \($0["pointer"].text)"
            }
            #expect(found == expected, "\(one.name)")
            if var error = one["error"]?.object {
                error["name"] = one["name"]
                refused(error) { try JWKS(json: document) }
                return
            }
            let jwks = try JWKS(json: document)
            #expect(jwks.keys.map(\.kid) == one["keys"].list.map(\.text), "\(one.name)")
            let verified = try? decoded.verify(with: jwks)
            #expect((verified != nil) == (one["verifies"] == true), "\(one.name)")
        }
    }

    @Test func signedSETs() throws {
        each(try Vectors.cases("signed.json", "verified")) { one in
            let signed = try SignedSET(compact: one["compact"].text)
            let decoded = try signed.decoded()
            #expect(signed.compact == one["compact"].text && signed.jti == one["claims"]?["jti"].text)
            #expect(decoded.header.normalized == one["header"]?.normalized, "\(one.name)")
            #expect(decoded.claims.normalized == one["claims"]?.normalized, "\(one.name)")
            let jwks = try JWKS(json: one["jwks"]?.json ?? "")
            #expect(try decoded.verify(with: jwks).kid == one["kid"].text, "\(one.name)")
        }
        each(try Vectors.cases("signed.json", "built")) { one in
            let key = try Self.privateKey(one)
            let unsigned = try parts(one["input"]?.object ?? [:], dialect: Dialect("ssf-1.0"))
                .prepare(algorithm: key.algorithm, kid: key.kid)
            #expect(try unsigned.sign(with: key).compact == one["compact"].text, "\(one.name)")
        }
        // Keys sign SETs, and nothing else. The keys themselves are taken.
        each(try Vectors.cases("signed.json", "reproduced")) { one in
            let key = try Self.privateKey(one)
            #expect(!key.kid.isEmpty)
        }
        each(try Vectors.cases("signed.json", "refused")) { one in
            refused(one) {
                try DecodedSET(compact: one["compact"].text).verify(with: JWKS(json: one["jwks"]?.json ?? ""))
            }
        }
    }

    private static func privateKey(_ one: Case) throws -> SigningKey {
        let key = try SigningKey(jwk: one["private_jwk"]?.json ?? "")
        return try one["algorithm"].map { try key.withAlgorithm(Algorithm(rawValue: $0.text)) } ?? key
    }

    @Test func lint() throws {
        let files = try Vectors.folder("lint")
        #expect(Set(files.map { $0["id"].text }) == Set(LintRule.all.map(\.rawValue)))
        for kind in ["fails", "passes"] {
            let cases = files.flatMap { $0[kind].list.map(\.object) }
            #expect(try cases.count == Vectors.count("lint", kind))
            each(cases) { one in
                let found = try Self.findings(one["input"]?.object ?? [:])
                let expected = one["findings"].list.map {
                    "\($0["rule"].text) \($0["severity"].text) \($0["pointer"].text)"
                }
                let told = found.map { "\($0.rule.rawValue) \($0.severity.rawValue) \($0.pointer)" }
                #expect(Set(told) == Set(expected), "\(one.name)")
                #expect(found.allSatisfy { !$0.message.isEmpty && !$0.remedy.isEmpty })
            }
        }
    }

    private static let now: Double = 1_767_225_600

    private static func findings(_ input: Case) throws -> [Finding] {
        if let document = input["jwks_document"] { return Linter.lintJWKS(try document.document) }
        var linter = Linter(dialect: try input["dialect"].map { try dialect($0) })
        linter.now = Date(timeIntervalSince1970: input["now"]?.number ?? now)
        linter.issuer = input["issuer"]?.string
        linter.audience = input["audience"]?.string.map { .one($0) }
        linter.jwks = try input["jwks"].map { try JWKS(json: $0.json) }
        if let event = input["event"] {
            return try linter.lint(customEvent(event), about: input["subject"].map { try subject($0) })
        }
        if let text = input["text"] { return try linter.lint(text.text) }
        let part = { (name: String) in
            Data(try (input[name] ?? nil).json.unprotected.utf8).base64EncodedString()
                .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
                .replacingOccurrences(of: "=", with: "")
        }
        return try linter.lint("\(part("header")).\(part("claims")).\(String(repeating: "A", count: 342))")
    }

    @Test func explanations() throws {
        each(try Vectors.cases("explain.json", "cases")) { one in
            var linter = Linter(dialect: try dialect(one["dialect"]))
            linter.now = Date(timeIntervalSince1970: Self.now)
            linter.issuer = one["issuer"]?.string
            linter.jwks = try one["jwks"].map { try JWKS(json: $0.json) }
            linter.sentAs = one["sent_as"]?.string
            let answer = Answer(
                status: Int(one["answer"]?["status"]?.number ?? 0),
                headers: (one["answer"]?["headers"]?.object ?? [:]).map { ($0, $1.text) },
                body: Data((one["answer"]?["body"].text ?? "").utf8))
            let told = try linter.explain(answer, of: one["text"].text)
            #expect(told.isDelivered == (one["delivered"] == true), "\(one.name)")
            #expect(told.reason == one["reason"].text, "\(one.name)")
            #expect(!told.cause.isEmpty && !told.remedy.isEmpty, "\(one.name)")
            for part in one["cause"].list { #expect(told.cause.contains(part.text), "\(one.name)") }
            for part in one["possible"].list {
                #expect(told.possible.contains { $0.cause.contains(part.text) }, "\(one.name): \(part.text)")
            }
            for rule in one["findings"].list {
                #expect(told.findings.contains { $0.rule.rawValue == rule.text }, "\(one.name): \(rule.text)")
            }
            if let said = one["said"] { #expect(told.said == said.string, "\(one.name)") }
        }
    }

    @Test func conformance() throws {
        let failed = { (conditions: [Conformance.Condition]) in
            #expect(!conditions.isEmpty)
            return Set(conditions.filter { !$0.holds }.map(\.id))
        }
        let expected = { (one: Case) in Set(one["fails"].list.map(\.text)) }
        each(try Vectors.cases("conformance.json", "sets")) { one in
            let stream = Conformance.Stream(
                issuer: "https://transmitter.example.com", audience: "https://receiver.example.net",
                id: one["id"]?.string, state: one["state"]?.string)
            let now = Date(timeIntervalSince1970: Self.now)
            let conditions = try Conformance.check(set: one["text"].text, of: stream, now: now)
            #expect(failed(conditions) == expected(one), "\(one.name)")
        }
        each(try Vectors.cases("conformance.json", "configurations")) { one in
            let document = try (one["document"] ?? nil).document
            let conditions = Conformance.check(configuration: document, at: one["url"].text)
            #expect(failed(conditions) == expected(one), "\(one.name)")
        }
        each(try Vectors.cases("conformance.json", "tokens")) { one in
            let conditions = Conformance.check(tokenAnswer: try (one["answer"] ?? nil).json)
            #expect(failed(conditions) == expected(one), "\(one.name)")
        }
    }
}
