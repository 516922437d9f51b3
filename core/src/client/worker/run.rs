//! The loop of a worker: claim, send, settle.

use std::{collections::HashMap, sync::atomic::Ordering, time::Duration};

use tokio::task::{AbortHandle, Id, JoinSet};

use super::{
    Drained, Worker,
    attempt::{Ended, Sender},
    freezer::Freezer,
};
use crate::{
    error::{Error, ErrorCode, Result},
    outbox::{Claim, Lease, Settled, Settlement},
    random,
    time::Timestamp,
};

/// How long the store is left alone after an error.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How often deliveries are removed that ended long enough ago.
const PRUNE: Duration = Duration::from_mins(1);
/// How often it goes on where there may be more to remove.
const PRUNE_MORE: Duration = Duration::from_secs(1);
/// How soon a drain asks for what it could not claim.
const SOON: Duration = Duration::from_millis(20);

/// What a worker has in hand.
struct Hands {
    worker: Worker,
    sender: Sender,
    /// The freezer, for as long as there are hands.
    _helpers: JoinSet<()>,
    tasks: JoinSet<Ended>,
    /// The leases of the tasks, and what ends a task.
    leases: HashMap<Id, (Lease, AbortHandle)>,
    /// What has ended and is not settled yet.
    unsettled: Vec<(String, Settlement)>,
    /// When leases are extended next.
    renew_at: Timestamp,
    prune_at: Timestamp,
    /// When the store is asked again after an error.
    store_at: Option<Timestamp>,
    drained: Drained,
    /// Something may be ready that the last claim has left.
    more: bool,
    /// The transmitter does not send any more.
    closed: bool,
}

impl Worker {
    /// Runs until [`WorkerHandle::stop`](super::WorkerHandle::stop). Dropped, it sends nothing more, and its deliveries wait until their leases end.
    ///
    /// Errors are wrong settings, and [`ErrorCode::TransmitterClosed`](crate::ErrorCode::TransmitterClosed). It needs a tokio runtime with time and I/O enabled.
    pub async fn run(self) -> Result<()> {
        self.check()?;
        let mut hands = Hands::new(self);
        let mut stop = hands.worker.stop.subscribe();
        let mut claim_at = hands.now();
        while !*stop.borrow_and_update() && !hands.closed {
            let changed = hands.worker.outbox.clone();
            let changed = changed.store().changed();
            let claims = hands.now() >= claim_at && hands.has_room();
            let next = hands.exchange(claims).await;
            if claims {
                let poll = spread(hands.worker.poll);
                claim_at = hands.now().plus(next.map_or(poll, |next| next.min(poll)));
            }
            hands.renew().await;
            hands.prune().await;
            let wait = hands.wakes_at(claim_at).since(hands.now());
            tokio::select! {
                _ = stop.changed() => {}
                Some(joined) = hands.tasks.join_next_with_id() => {
                    hands.collect(joined);
                    // There is room again.
                    claim_at = claim_at.min(hands.now());
                }
                () = changed => claim_at = hands.now(),
                () = tokio::time::sleep(wait) => {}
            }
        }
        hands.finish().await;
        hands.open()
    }

    /// Sends what is ready now, and ends when nothing is ready or in flight: for jobs that run from time to time. What waits for a
    /// time, such as a retry, stays. So does what another worker has locked for longer than a [lease](Self::lease).
    ///
    /// Errors are those of [`run`](Self::run), and those of the store.
    pub async fn drain(self) -> Result<Drained> {
        self.check()?;
        let mut hands = Hands::new(self);
        let mut stop = hands.worker.stop.subscribe();
        let mut patient_until = None;
        loop {
            let claims = hands.has_room() && !*stop.borrow_and_update();
            let settles = !hands.unsettled.is_empty();
            hands.exchange(claims).await;
            hands.renew().await;
            let wait = hands.renew_at.since(hands.now());
            let ended = tokio::select! {
                joined = hands.tasks.join_next_with_id() => joined,
                () = tokio::time::sleep(wait) => continue,
                _ = stop.changed() => break,
            };
            let Some(joined) = ended else {
                // What was settled may have let others go, after the claim.
                if settles && hands.unsettled.is_empty() {
                    continue;
                }
                // What another transaction has locked may be ready afterwards.
                let now = hands.now();
                if hands.more && now < *patient_until.get_or_insert(now.plus(hands.worker.lease_time())) {
                    tokio::time::sleep(SOON).await;
                    continue;
                }
                break;
            };
            patient_until = None;
            hands.collect(joined);
            if hands.closed {
                break;
            }
            if let Some(error) = hands.worker.vitals.read().store_error {
                hands.finish().await;
                return Err(error);
            }
        }
        hands.finish().await;
        hands.open()?;
        match hands.worker.vitals.read().store_error {
            Some(error) => Err(error),
            None => Ok(hands.drained),
        }
    }
}

/// Between three quarters of an interval and all of it, so that many workers do not ask at the same moments.
fn spread(interval: Duration) -> Duration {
    interval.mul_f64(1.0 - random::fraction().unwrap_or_default() / 4.0)
}

impl Hands {
    fn new(worker: Worker) -> Self {
        let mut helpers = JoinSet::new();
        let sender = Sender {
            outbox: worker.outbox.clone(),
            freezer: Freezer::start(worker.outbox.clone(), &mut helpers),
            transmitter: worker.transmitter.clone(),
            receivers: worker.receivers.clone(),
            schedule: worker.schedule.clone(),
            sign_by: worker.sign_by.clone(),
        };
        let now = worker.transmitter.steady().now();
        Self {
            renew_at: now.plus(worker.lease_time() / 3),
            prune_at: now,
            store_at: None,
            worker,
            sender,
            _helpers: helpers,
            tasks: JoinSet::new(),
            leases: HashMap::new(),
            unsettled: Vec::new(),
            drained: Drained::default(),
            more: false,
            closed: false,
        }
    }

    /// Fails if the transmitter is closed.
    fn open(&self) -> Result<()> {
        if self.closed {
            return Err(Error::new(ErrorCode::TransmitterClosed, "the transmitter is closed"));
        }
        Ok(())
    }

    /// The time that waits go by.
    fn now(&self) -> Timestamp {
        self.worker.transmitter.steady().now()
    }

    fn has_room(&self) -> bool {
        !self.closed && self.room() > 0 && self.store_at.is_none_or(|time| time <= self.now())
    }

    fn room(&self) -> u32 {
        self.worker.concurrency.saturating_sub(u32::try_from(self.tasks.len()).unwrap_or(u32::MAX))
    }

    /// Settles what has ended, claims deliveries if `claims` says so, and starts to send them. Returns how long it is until another
    /// one may be ready.
    ///
    /// Both calls of the store are made at once: one on the disk waits for the disk once.
    async fn exchange(&mut self, claims: bool) -> Option<Duration> {
        let Worker { per_receiver, schedule, outbox, .. } = &self.worker;
        let outbox = outbox.clone();
        let claim = Claim::new(self.room(), *per_receiver, self.worker.lease_time(), schedule.attempts());
        let claimed = async { if claims { Some(outbox.store().claim(claim).await) } else { None } };
        self.more = false;
        // The settlement first: it may let further deliveries go.
        let ((), claimed) = tokio::join!(biased; self.settle(), claimed);
        let claims = self.note(claimed?);
        let Some(claims) = claims else { return Some(STORE_PAUSE) };
        self.more = claims.more;
        for claimed in claims.deliveries {
            let lease = claimed.lease.clone();
            let task = self.tasks.spawn(self.sender.clone().send(claimed));
            self.leases.insert(task.id(), (lease, task));
        }
        self.count_in_flight();
        claims.next
    }

    /// Notes an error of the store, after which it is left alone for a while.
    fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        let value = self.worker.vitals.note(result);
        self.store_at = value.is_none().then(|| self.now().plus(STORE_PAUSE));
        value
    }

    fn count_in_flight(&self) {
        self.worker.vitals.in_flight.store(self.tasks.len() as u64, Ordering::Relaxed);
    }

    /// Takes over what has ended, with all others that have ended meanwhile.
    fn collect(&mut self, joined: Result<(Id, Ended), tokio::task::JoinError>) {
        let mut next = Some(joined);
        while let Some(joined) = next {
            let (id, ended) = match joined {
                Ok((id, ended)) => (id, Some(ended)),
                // Aborted, or a defect: the lease ends by itself.
                Err(error) => (error.id(), None),
            };
            // Without a lease, it is lost already.
            if let Some(ended) = self.leases.remove(&id).and(ended) {
                self.take(ended);
            }
            next = self.tasks.try_join_next_with_id();
        }
        self.count_in_flight();
    }

    fn take(&mut self, ended: Ended) {
        match ended {
            Ended::Settle(receiver, settlement) => self.unsettled.push((receiver, *settlement)),
            Ended::Closed(lease) => {
                self.unsettled.push((String::new(), Settlement::released(lease)));
                self.closed = true;
            }
            Ended::Lost => {
                self.worker.vitals.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    async fn settle(&mut self) {
        if self.unsettled.is_empty() || self.store_at.is_some_and(|time| time > self.now()) {
            return;
        }
        let settlements: Vec<_> = self.unsettled.iter().map(|(_, settlement)| settlement.clone()).collect();
        let settled = self.worker.outbox.store().settle(settlements).await;
        let Some(settled) = self.note(settled) else { return };
        for ((receiver, settlement), settled) in self.unsettled.drain(..).zip(settled) {
            let vitals = &self.worker.vitals;
            match settled {
                Settled::Lost => {
                    vitals.lost.fetch_add(1, Ordering::Relaxed);
                }
                Settled::Applied(alert) => {
                    if settlement.outcome.failure().is_some() {
                        vitals.failed.fetch_add(1, Ordering::Relaxed);
                        self.drained.failed += 1;
                    } else if settlement.outcome.was_tried() {
                        vitals.delivered.fetch_add(1, Ordering::Relaxed);
                        self.drained.delivered += 1;
                    }
                    if let (Some(alert), Some(call)) = (alert, &self.worker.on_alert) {
                        call(&receiver, &alert);
                    }
                }
            }
        }
    }

    /// Extends the leases of what takes long. What another worker has claimed meanwhile is not sent any more.
    async fn renew(&mut self) {
        if self.now() < self.renew_at {
            return;
        }
        let lease = self.worker.lease_time();
        self.renew_at = self.now().plus(lease / 3);
        let (ids, mut leases): (Vec<_>, Vec<_>) =
            self.leases.iter().map(|(id, (lease, _))| (*id, lease.clone())).unzip();
        leases.extend(self.unsettled.iter().map(|(_, settlement)| settlement.lease.clone()));
        if leases.is_empty() {
            return;
        }
        let renewed = self.worker.outbox.store().renew(leases, lease).await;
        let Some(held) = self.note(renewed) else { return };
        for (id, _) in ids.iter().zip(held).filter(|(_, held)| !held) {
            if let Some((_, task)) = self.leases.remove(id) {
                task.abort();
                self.worker.vitals.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    async fn prune(&mut self) {
        if self.now() < self.prune_at {
            return;
        }
        let pruned = self.worker.outbox.store().prune(self.worker.retention).await;
        let more = self.note(pruned).is_some_and(|pruned| pruned.more);
        self.prune_at = self.now().plus(if more { PRUNE_MORE } else { PRUNE });
    }

    /// When there is something to do.
    fn wakes_at(&self, claim_at: Timestamp) -> Timestamp {
        let claim_at = self.store_at.map_or(claim_at, |time| time.max(claim_at));
        let claim_at = if self.room() > 0 { claim_at } else { self.renew_at };
        claim_at.min(self.renew_at).min(self.prune_at)
    }

    /// Lets deliveries end within the grace, releases the others, and settles all.
    async fn finish(&mut self) {
        let ends = self.now().plus(self.worker.grace_time());
        loop {
            self.renew().await;
            let wait = ends.min(self.renew_at).since(self.now());
            tokio::select! {
                joined = self.tasks.join_next_with_id() => match joined {
                    Some(joined) => self.collect(joined),
                    None => break,
                },
                () = tokio::time::sleep(wait) => if self.now() >= ends { break },
            }
            self.settle().await;
        }
        self.tasks.shutdown().await;
        let released =
            self.leases.drain().map(|(_, (lease, _))| (String::new(), Settlement::released(lease)));
        self.unsettled.extend(released);
        self.store_at = None;
        self.settle().await;
        self.count_in_flight();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fallback_polls_are_spread() {
        let second = Duration::from_secs(1);
        let waits: std::collections::BTreeSet<_> = (0..100).map(|_| spread(second)).collect();
        assert!(waits.len() > 1, "each is another one");
        assert!(waits.iter().all(|wait| (second * 3 / 4..=second).contains(wait)), "{waits:?}");
    }
}
