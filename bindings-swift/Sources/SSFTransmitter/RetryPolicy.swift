import Foundation
internal import SSFTransmitterFFI

/// The retries of a delivery and their delays, in seconds. A member that is `nil` means the default for a
/// transmitter, and the value of its transmitter for a call. The deadline is a separate setting.
///
/// ```swift
/// let patient = RetryPolicy(maxAttempts: 20, base: 2)
/// ```
public struct RetryPolicy: Hashable, Sendable {
    /// Maximum number of attempts, at least one; 6 by default.
    public var maxAttempts: Int?
    /// How long one attempt may take. 10 seconds by default.
    public var attemptTimeout: TimeInterval?
    /// Maximum delay before the second attempt; it doubles with each further one. Half a second by default.
    public var base: TimeInterval?
    /// Maximum backoff delay. 30 seconds by default.
    public var maxBackoff: TimeInterval?
    /// Maximum delay that a receiver may request. 24 hours by default; the deadline bounds it too.
    public var maxRetryAfter: TimeInterval?

    /// A policy with these members.
    public init(
        maxAttempts: Int? = nil, attemptTimeout: TimeInterval? = nil, base: TimeInterval? = nil,
        maxBackoff: TimeInterval? = nil, maxRetryAfter: TimeInterval? = nil
    ) {
        self.maxAttempts = maxAttempts
        self.attemptTimeout = attemptTimeout
        self.base = base
        self.maxBackoff = maxBackoff
        self.maxRetryAfter = maxRetryAfter
    }

    /// A single attempt.
    public static var once: Self { Self(maxAttempts: 1) }
}

/// What was said of an operation, or of a transmitter.
func policy(deadline: TimeInterval?, retry: RetryPolicy?) -> Policy {
    Policy(
        maxAttempts: retry?.maxAttempts.map(Int64.init), deadline: deadline, attemptTimeout: retry?.attemptTimeout,
        base: retry?.base, maxBackoff: retry?.maxBackoff, maxRetryAfter: retry?.maxRetryAfter)
}

@available(macOS 13, *)
extension Duration {
    /// In seconds, as Foundation has spans of time.
    var timeInterval: TimeInterval {
        let (seconds, attoseconds) = components
        return TimeInterval(seconds) + TimeInterval(attoseconds) * 1e-18
    }
}
