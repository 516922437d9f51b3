//! Poll delivery (RFC 8936).

use std::{
    future::{self, Future},
    pin::pin,
    task::Poll as Ready,
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::{Answer, Caller, Signing, Step, StreamApi, problem::Problem, request::Members, stored::Stream};
use crate::{
    error::{Error, ErrorCode, is_code},
    key::TransmitterKey,
    outbox::{Acknowledgement, Failure, Poll},
    reason::Redaction,
    set::{DecodedSet, UnsignedSet},
};

/// The most SETs that one poll can acknowledge or reject.
const MAX_ACKNOWLEDGED: usize = 10_000;
/// Of a receiver's words, so many characters are kept.
const MAX_WORDS: usize = 1024;
/// The shortest wait for what is ready by itself, so that clocks that differ cause no loop without pause.
const SHORTEST: Duration = Duration::from_millis(10);

/// What a poll asks for (§2.2).
struct Request {
    limit: u32,
    returns: bool,
    longest: Duration,
    acknowledgement: Acknowledgement,
}

impl StreamApi {
    pub(super) async fn poll(
        &self,
        caller: &Caller,
        id: &str,
        body: &[u8],
        longest: Duration,
    ) -> Result<Step, Problem> {
        let request = Request { longest, ..self.read_poll(id, &Members::read(body)?)? };
        let (stream, resumed) = self.note_activity(self.stream(caller, id).await?, true).await?;
        let step = self.fetch(caller, stream, request).await?;
        Ok(match resumed {
            Some(audit) => step.audited(audit),
            None => step,
        })
    }

    /// Acknowledges, and gives out what there is, or what comes while the poll waits.
    async fn fetch(&self, caller: &Caller, stream: Stream, request: Request) -> Result<Step, Problem> {
        let answered = |sets: &Map<String, Value>, more| Step::Answered(answer(sets, more));
        let (mut stream, id) = (stream, request.acknowledgement.stream.clone());
        let id = id.as_str();
        let said = self.redacted(request.acknowledgement).await?;
        self.store().acknowledge(said).await?;
        // A receiver that does not poll has no poll endpoint; what it was given before the change, it may acknowledge.
        if !stream.record.polled {
            return Err(Problem::no_such_stream());
        }
        let wait = if request.returns || request.limit == 0 { None } else { self.settings().timer.as_ref() };
        // With too many that wait already, this one is answered at once.
        let place = wait.and_then(|_| self.waiting().enter(id));
        let wait = wait.filter(|_| place.is_some());
        let deadline = wait.map(|timer| timer.wait(request.longest));
        let mut deadline = pin!(async {
            match deadline {
                Some(deadline) => deadline.await,
                None => future::ready(()).await,
            }
        });
        loop {
            // Before the poll, so that no change is missed in between.
            let changed = self.store().stream_changed(id);
            let polled = self.store().poll(Poll::new(id, request.limit, self.settings().lease)).await?;
            if !polled.deliveries.is_empty() || request.limit == 0 {
                let key = self.keys().active();
                let batch = self.prepare(&stream, &polled, &key).await?;
                if let TransmitterKey::External(key) = &key
                    && batch.unsigned().next().is_some()
                {
                    let signing = Signing::new(self.clone(), id, key.clone(), batch, polled.more);
                    return Ok(Step::Sign(signing));
                }
                let elsewhere = || Error::internal("an external key has nothing to sign here");
                let sign = |set: UnsignedSet| set.sign(key.local().ok_or_else(elsewhere)?);
                let sets = self.complete(batch, sign).await?;
                if !sets.is_empty() || request.limit == 0 {
                    return Ok(answered(&sets, polled.more));
                }
            }
            let Some(timer) = wait else { return Ok(answered(&Map::new(), polled.more)) };
            let own = polled.next.map(|next| timer.wait(next.max(SHORTEST)));
            let woken = async {
                match own {
                    Some(own) => first(changed, own).await,
                    None => changed.await,
                }
            };
            if second_ends(pin!(woken), deadline.as_mut()).await {
                return Ok(answered(&Map::new(), false));
            }
            // Deleted meanwhile, or changed to push, it is polled no more.
            stream = self.stream(caller, id).await?;
            if !stream.record.polled {
                return Err(Problem::no_such_stream());
            }
        }
    }

    fn read_poll(&self, id: &str, members: &Members) -> Result<Request, Problem> {
        let most = u64::from(self.settings().max_sets);
        let limit = members.integer("maxEvents")?.map_or(most, |events| events.min(most));
        let returns = members.boolean("returnImmediately")?.unwrap_or_default();
        let mut acknowledgement = Acknowledgement::new(id);
        acknowledgement.accepted = members.strings("ack")?.unwrap_or_default();
        for (jti, error) in members.object("setErrs")?.into_iter().flatten() {
            acknowledgement.rejected.push((jti.clone(), rejection(error)?));
        }
        if acknowledgement.accepted.len() + acknowledgement.rejected.len() > MAX_ACKNOWLEDGED {
            return Err(Problem::invalid(format!("a poll acknowledges {MAX_ACKNOWLEDGED} SETs at most")));
        }
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        Ok(Request { limit, returns, longest: self.settings().long_poll, acknowledgement })
    }

    /// What the receiver says, without what it quotes of the SETs.
    async fn redacted(&self, mut said: Acknowledgement) -> Result<Acknowledgement, Problem> {
        let jtis: Vec<_> = said.rejected.iter().map(|(jti, _)| jti.clone()).collect();
        if jtis.is_empty() {
            return Ok(said);
        }
        let kept = self.store().frozen(&said.stream, jtis).await?;
        for ((_, failure), kept) in said.rejected.iter_mut().zip(kept) {
            let set = kept.map(|kept| self.kept_set(&kept)).transpose()?.flatten();
            let Some(words) = failure.description.take() else { continue };
            let mut redaction = Redaction::default();
            if let Some(set) = &set {
                let claims = set.decode().ok();
                redaction = redaction.set(set.as_str(), claims.as_ref().map(DecodedSet::claims));
            }
            failure.description = Some(redaction.apply(&words));
        }
        Ok(said)
    }
}

/// Why a receiver rejects a SET (§2.2).
fn rejection(error: &Value) -> Result<Failure, Problem> {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    if !error.is_object() {
        return Err(Problem::member("setErrs", "must contain objects with err and description"));
    }
    let words = text("description")
        .map(|words| words.chars().filter(|letter| !letter.is_control()).take(MAX_WORDS).collect::<String>());
    let code = text("err").filter(|code| is_code(code)).map(str::to_owned);
    let failure = Failure::new(ErrorCode::ReceiverRejected, "the receiver rejected the SET when it polled");
    Ok(failure.with_answer(None, code, words))
}

/// What a poll returns (§2.3).
pub(super) fn answer(sets: &Map<String, Value>, more: bool) -> Answer {
    let mut body = json!({ "sets": sets });
    if more {
        body["moreAvailable"] = json!(true);
    }
    Answer::json(200, &body)
}

/// Ends with the first of two.
async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    second_ends(pin!(one), pin!(other)).await;
}

/// Whether the second of two ends first.
async fn second_ends(
    mut one: std::pin::Pin<&mut impl Future<Output = ()>>,
    mut other: std::pin::Pin<&mut impl Future<Output = ()>>,
) -> bool {
    future::poll_fn(|context| {
        if one.as_mut().poll(context).is_ready() {
            return Ready::Ready(false);
        }
        other.as_mut().poll(context).map(|()| true)
    })
    .await
}
