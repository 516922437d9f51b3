//! Whether a SET arrived: drives [`Confirmation`].

use std::{fmt, future::IntoFuture, time::Duration};

use super::OktaProviders;
use crate::{
    error::Result,
    key::BoxFuture,
    okta::{ConfirmAction, ConfirmInput, Confirmation, Reception, Sent},
    random,
    retry::Bounds,
    time::Clock as _,
};

/// Searches the System Log of an org for a SET: from [`OktaProviders::received`]. Set more, then await it.
#[must_use = "nothing is read until it is awaited"]
pub struct Received {
    providers: OktaProviders,
    sent: Sent,
    deadline: Option<Duration>,
}

impl Received {
    pub(super) fn new(providers: OktaProviders, sent: Sent) -> Self {
        Self { providers, sent, deadline: None }
    }

    /// Sets how long to search for the SET, from the call to the result; by default the deadline of
    /// [`OktaProviders`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    async fn run(self) -> Result<Reception> {
        let inner = &*self.providers.0;
        let mut bounds = inner.bounds.clone();
        bounds.deadline = self.deadline.unwrap_or(bounds.deadline);
        let ends = inner.clock.now().plus(bounds.deadline);
        // A read that fails is the confirmation's to repeat.
        let once = Bounds { max_attempts: 1, ..bounds.clone() };
        let confirmation = Confirmation::at(inner.api.clone(), inner.log.clone(), self.sent, bounds);
        let mut confirmation = confirmation.with_seed(random::number()?);
        let mut input = ConfirmInput::Started;
        loop {
            let now = inner.clock.now();
            input = match confirmation.step(now, input) {
                ConfirmAction::List(call) => {
                    ConfirmInput::Listed(self.providers.run_within(call, once.clone(), ends).await)
                }
                ConfirmAction::Read(call) => {
                    ConfirmInput::Read(self.providers.run_within(call, once.clone(), ends).await)
                }
                ConfirmAction::Wait { until } => {
                    tokio::time::sleep(until.since(now)).await;
                    ConfirmInput::Woken
                }
                ConfirmAction::Done(reception) => return Ok(reception),
                ConfirmAction::Fail(error) => return Err(error),
            };
        }
    }
}

impl IntoFuture for Received {
    type Output = Result<Reception>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Received").field("sent", &self.sent).finish_non_exhaustive()
    }
}
