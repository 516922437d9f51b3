import Foundation
internal import SSFTransmitterFFI

/// The id of a lint rule; `docs/rules.md` explains them.
public struct LintRule: OpenValue {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// A problem in a SET: the rule, the place and a message. Safe to log: it contains no value of the SET.
public struct Finding: Hashable, Sendable {
    /// The severity for this receiver.
    public enum Severity: String, Hashable, Sendable, CaseIterable {
        case note, warning, error
    }

    /// How the receiver reacts.
    public enum Effect: String, Hashable, Sendable, CaseIterable {
        case refuses, drops, misreads
    }

    /// The violated rule.
    public let rule: LintRule
    /// The severity for this receiver.
    public let severity: Severity
    /// How the receiver reacts.
    public let effect: Effect
    /// The error code if the finding blocks the send.
    public let code: SSFError.Code
    /// Where, as a JSON pointer (RFC 6901): into the header for `alg`, `kid`, `typ` and `crit`, else into the claims.
    public let pointer: String
    /// What is wrong, in one sentence.
    public let message: String
    /// How to fix it.
    public let remedy: String
    /// What the rule checks.
    public let doc: String
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
        doc = native.doc
        source = native.source
    }
}

/// How findings are handled when a SET is prepared. A SET that violates a definition is always rejected.
public struct LintPolicy: Hashable, Sendable {
    /// Minimum severity that blocks the send; `nil`: nothing does.
    public var refuse: Finding.Severity?
    /// Minimum severity of findings on the receipt; `nil`: no findings.
    public var report: Finding.Severity?
    /// Rules whose findings neither block the send nor are reported.
    public var allow: Set<LintRule>

    /// By default, errors are rejected and warnings reported.
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

    /// Whether the receiver accepted the SET.
    public let isDelivered: Bool
    /// A stable name of what happened.
    public let reason: String
    /// The cause.
    public let cause: String
    /// How to fix it.
    public let remedy: String
    /// Other possible causes.
    public let possible: [Cause]
    /// The findings in the SET.
    public private(set) var findings: [Finding]
    /// The receiver's own message. Quotes of the SET or its subject are replaced by `[redacted]`.
    public let said: String?

    init(_ native: SSFTransmitterFFI.Explanation) {
        isDelivered = native.isDelivered
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
/// With more settings, it finds more.
public struct Linter: Sendable {
    /// What is known of the receiver; `ssf-1.0` if it is `nil`.
    public var dialect: Dialect?
    /// The issuer that is registered at the receiver.
    public var issuer: String?
    /// The audience that the receiver expects.
    public var audience: Audience?
    /// The published keys: signatures are then verified too.
    public var jwks: JWKS?
    /// The reference time to detect times in the future; now if it is `nil`.
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

    /// Explains the answer of a receiver to a SET; `set` is empty if it is unknown.
    public func explain(_ answer: Answer, of set: String = "") throws -> Explanation {
        let answer = SSFTransmitterFFI.Answer(
            status: Int64(answer.status), headers: answer.headers.map { Parameter(name: $0.name, value: $0.value) },
            body: answer.body)
        return Explanation(
            try native { try SSFTransmitterFFI.explain(known: known, set: set, answer: answer) })
    }

    /// Explains why a SET was not delivered, from the error of an emit or a delivery.
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
