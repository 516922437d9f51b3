//! Whether the receiver's token endpoint grants an access token.

use std::time::Duration;

use super::{Check, Doctor, LIMIT, clock::Answered, timed};
use crate::client::transport::Transport;

impl Doctor {
    /// Whether an access token can be had, for how long, for what.
    pub(super) async fn token(&self, transport: &Transport) -> (Vec<Check>, Option<Answered>) {
        let clock = self.transmitter.steady();
        let fetch = self.receiver.fetch_token(transport, clock);
        let (fetched, duration) = timed(tokio::time::timeout(LIMIT, fetch)).await;
        let fetched = match fetched {
            Err(_) => {
                let message = "the token endpoint did not answer in time";
                let check = Check::failed("token", message, "Check the token URL and the network.");
                return (vec![check.took(duration)], None);
            }
            Ok(None) if self.receiver.is_authorized() => {
                let message = "the authorization is fixed; no token is fetched";
                return (vec![Check::skipped("token", message)], None);
            }
            Ok(None) => return (vec![Check::skipped("token", "the receiver needs no token")], None),
            Ok(Some(Err(error))) => return (vec![Check::of_error("token", &error).took(duration)], None),
            Ok(Some(Ok(fetched))) => fetched,
        };
        let mut checks = vec![Check::passed("token", "an access token was granted").took(duration)];
        checks.push(match fetched.expires_in {
            None => Check::warning(
                "token-lifetime",
                "the token response has no expires_in; the token is renewed every five minutes",
                "Ask the receiver for the lifetime of its tokens.",
            ),
            Some(lifetime) if lifetime < Duration::from_mins(1) => Check::warning(
                "token-lifetime",
                format!("the token is valid for only {} seconds", lifetime.as_secs()),
                "Ask the receiver for a longer token lifetime.",
            ),
            Some(lifetime) => Check::passed(
                "token-lifetime",
                format!("the token is valid for {} seconds", lifetime.as_secs()),
            ),
        });
        checks.push(if fetched.lacks_scope {
            let remedy = "Ask the receiver to grant this client the requested scope.";
            Check::warning("token-scope", "the token does not cover the requested scope", remedy)
        } else {
            Check::passed("token-scope", "the token covers the requested scope")
        });
        (checks, Answered::of(&fetched.response, self.transmitter.clock().now(), "the token endpoint"))
    }
}
