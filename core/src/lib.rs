//! Send OpenID Shared Signals: signed Security Event Tokens (SETs).
