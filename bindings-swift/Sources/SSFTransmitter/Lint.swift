import Foundation
internal import SSFTransmitterFFI

/// The id of a lint rule; `docs/rules.md` explains them.
public struct LintRule: OpenValue {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// Something that is wrong with a SET: which rule, where, what. It is safe to log: no value of the SET is in it.
public struct Finding: Hashable, Sendable {
    /// How bad it is for this receiver.
    public enum Severity: String, Hashable, Sendable, CaseIterable {
        case note, warning, error
    }

    /// What the receiver does about it.
    public enum Effect: String, Hashable, Sendable, CaseIterable {
        case refuses, drops, misreads
    }

    /// The rule that it breaks.
    public let rule: LintRule
    /// How bad it is for this receiver.
    public let severity: Severity
    /// What the receiver does about it.
    public let effect: Effect
    /// The code of the error where the finding keeps a SET from being sent.
    public let code: SSFError.Code
    /// Where, as a JSON pointer (RFC 6901): into the header for `alg`, `kid`, `typ` and `crit`, else into the claims.
    public let pointer: String
    /// What is wrong, in one sentence.
    public let message: String
    /// How to fix it.
    public let remedy: String
    /// Where the rule comes from.
    public let source: String

    init(_ native: SSFTransmitterFFI.Finding) {
        rule = LintRule(rawValue: native.rule)
        severity = Severity(rawValue: native.severity) ?? .error
        effect = Effect(rawValue: native.effect) ?? .refuses
        code = SSFError.Code(rawValue: native.code)
        pointer = native.pointer
        message = native.message
        remedy = native.remedy
        source = native.source
    }
}

/// How findings are handled when a SET is prepared. A SET that violates a definition is always rejected.
public struct LintPolicy: Hashable, Sendable {
    /// From which severity on a SET is not sent; `nil`: it always is.
    public var refuse: Finding.Severity?
    /// Minimum severity of findings on the receipt; `nil`: no findings.
    public var report: Finding.Severity?
    /// Rules whose findings are neither refused nor reported.
    public var allow: Set<LintRule>

    /// Errors are refused, warnings reported, unless something else is said.
    public init(
        refuse: Finding.Severity? = .error, report: Finding.Severity? = .warning, allow: Set<LintRule> = []
    ) {
        self.refuse = refuse
        self.report = report
        self.allow = allow
    }

    var native: Findings {
        Findings(
            refuse: refuse?.rawValue ?? "never", report: report?.rawValue ?? "never",
            allow: allow.map(\.rawValue).sorted())
    }
}

/// An answer of a receiver, to be explained.
public struct Answer: Sendable {
    /// The HTTP status.
    public var status: Int
    /// The headers.
    public var headers: [(name: String, value: String)]
    /// The body.
    public var body: Data

    public init(status: Int, headers: [(name: String, value: String)] = [], body: Data = Data()) {
        self.status = status
        self.headers = headers
        self.body = body
    }

}

extension Answer: CustomStringConvertible, CustomReflectable {
    public var description: String { "Answer(\(status), …)" }
    public var customMirror: Mirror { Mirror(self, children: ["status": status]) }
}

/// An explanation of a receiver's answer.
public struct Explanation: Hashable, Sendable {
    /// A possible cause, and how to fix it.
    public struct Cause: Hashable, Sendable {
        public let cause: String
        public let remedy: String
    }

    /// Whether the receiver took the SET.
    public let isDelivered: Bool
    /// A stable name of what happened.
    public let reason: String
    /// Why, in plain words.
    public let cause: String
    /// How to fix it.
    public let remedy: String
    /// What else may be the cause.
    public let possible: [Cause]
    /// What lint finds in the SET.
    public private(set) var findings: [Finding]
    /// What the receiver says about it. Where it quotes the SET that was given, or its subject, it says `[redacted]`.
    public let said: String?

    init(_ native: SSFTransmitterFFI.Explanation) {
        isDelivered = native.delivered
        reason = native.reason
        cause = native.cause
        remedy = native.remedy
        possible = native.possible.map { Cause(cause: $0.cause, remedy: $0.remedy) }
        findings = native.findings.map(Finding.init)
        said = native.said
    }

    func with(findings: [Finding]) -> Self {
        var explanation = self
        explanation.findings = findings
        return explanation
    }
}

extension Explanation: CustomReflectable, CustomStringConvertible {
    public var description: String { "\(cause) \(remedy) [\(reason)]" }
    public var customMirror: Mirror {
        Mirror(self, children: ["reason": reason, "cause": cause, "remedy": remedy, "findings": findings])
    }
}

/// Lints events and SETs, and explains answers. Sends nothing.
///
/// ```swift
/// var linter = Linter(dialect: try Dialect("okta"))
/// linter.issuer = "https://edr.example.com"
/// for finding in try linter.lint(token) { print(finding.severity, finding.message) }
/// ```
///
/// The more it is told the more it finds.
public struct Linter: Sendable {
    /// What is known of the receiver; `ssf-1.0` if it is `nil`.
    public var dialect: Dialect?
    /// The issuer that is registered at the receiver.
    public var issuer: String?
    /// The audience that the receiver expects.
    public var audience: Audience?
    /// The published keys: signatures are then verified too.
    public var jwks: JWKS?
    /// The time by which times in the future are found; now if it is `nil`.
    public var now: Date?
    /// The algorithm and the `kid` that SETs will have, for ``lint(_:about:)``.
    public var header: (algorithm: Algorithm, kid: String?)?
    /// The content type that the SET was sent with, for ``explain(_:of:)``.
    public var sentAs: String?

    public init(dialect: Dialect? = nil) { self.dialect = dialect }

    /// Lints any text as a SET.
    public func lint(_ text: String) throws -> [Finding] {
        try native { try lintText(known: known, text: text) }.map(Finding.init)
    }

    /// Lints an event and its subject, combined as they would be sent. Problems in them are findings, not
    /// errors.
    public func lint(_ event: some SecurityEvent, about subject: Subject?) throws -> [Finding] {
        let (event, subject) = (try event.written(), try subject?.written())
        return try native { try lintEvent(known: known, event: event, subject: subject) }.map(Finding.init)
    }

    /// Lints a published JWKS document.
    public static func lintJWKS(_ json: String) -> [Finding] {
        SSFTransmitterFFI.lintJwks(json: json).map(Finding.init)
    }

    /// What the answer of a receiver to a SET means; `set` is empty if it is not known.
    public func explain(_ answer: Answer, of set: String = "") throws -> Explanation {
        let answer = SSFTransmitterFFI.Answer(
            status: Int64(answer.status), headers: answer.headers.map { Parameter(name: $0.name, value: $0.value) },
            body: answer.body)
        return Explanation(
            try native { try SSFTransmitterFFI.explain(known: known, set: set, answer: answer) })
    }

    /// What it means that a SET was not delivered, from the error of an emit or a delivery.
    public func explain(_ error: SSFError, of set: String = "") throws -> Explanation {
        let explained = Explanation(
            try native { try explainError(known: known, set: set, error: error.parts) })
        // Where there was no answer, lint has spoken before.
        return error.status == nil ? explained.with(findings: error.findings) : explained
    }

    private var known: LinterSettings {
        LinterSettings(
            dialect: dialect?.native, issuer: issuer, audience: audience?.native, jwks: jwks?.json,
            now: now?.timeIntervalSince1970, algorithm: header?.algorithm.rawValue, kid: header?.kid, sentAs: sentAs)
    }
}

extension SecurityEvent {
    /// The event as passed to the linter, or why it cannot be: that is a finding.
    func written() throws -> WrittenEvent {
        do {
            return .json(json: try json())
        } catch let error as SSFError {
            return .refused(error: error.parts)
        }
    }
}

extension Subject {
    /// The same for a subject.
    func written() throws -> WrittenSubject {
        do {
            return .json(subject: try crossing())
        } catch let error as SSFError {
            return .refused(error: error.parts)
        }
    }
}

extension SSFError {
    /// As it crosses back to the core.
    var parts: ErrorParts {
        ErrorParts(
            code: code.rawValue, message: message, pointer: pointer,
            status: status.flatMap(UInt16.init(exactly:)), receiverError: receiverError,
            receiverDescription: receiverDescription)
    }
}
