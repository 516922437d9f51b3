//! Deliveries of streams.

use std::{collections::BTreeSet, time::Duration};

use super::{
    super::super::{
        Acknowledgement, Attempt, Created, Discard, Enqueued, Failure, Lease, MessageDelivery, Mode, Payload,
        Poll, Polled, Publication, Published, STREAM_PREFIX, State, StreamRecord, fresh_jti, stream_receiver,
    },
    Ledger, Number,
};
use crate::{error::Result, time::Timestamp};

impl Ledger {
    pub(in super::super) fn create_stream(
        &mut self,
        stream: StreamRecord,
        limit: u32,
        now: Timestamp,
    ) -> Result<Created> {
        let (receiver, mode) = (stream_receiver(&stream.id), stream.mode());
        let created = self.directory.create(stream, limit as usize)?;
        if created == Created::Yes {
            self.change_receiver(&receiver, now, |state| state.set_mode(mode));
        }
        Ok(created)
    }

    pub(in super::super) fn update_stream(&mut self, stream: StreamRecord, now: Timestamp) -> bool {
        let (receiver, mode, keeps) = (stream_receiver(&stream.id), stream.mode(), stream.keeps());
        if !self.directory.update(stream) {
            return false;
        }
        self.change_receiver(&receiver, now, |state| state.set_mode(mode));
        if !keeps {
            self.drop_all(&receiver, false, now);
        }
        true
    }

    pub(in super::super) fn delete_stream(&mut self, id: &str, now: Timestamp) -> Result<Option<u64>> {
        if !self.directory.remove(id)? {
            return Ok(None);
        }
        let receiver = stream_receiver(id);
        self.change_receiver(&receiver, now, |state| state.set_mode(Mode::Suspended));
        let dropped = self.drop_all(&receiver, true, now);
        self.forget(&receiver);
        Ok(Some(dropped))
    }

    /// Forgets a receiver if it stands for a deleted stream, and nothing of it is kept.
    pub(super) fn forget(&mut self, receiver: &str) {
        let is_gone = receiver.strip_prefix(STREAM_PREFIX).is_some_and(|id| self.directory.get(id).is_none());
        if is_gone && self.lanes.get(receiver).is_some_and(|lane| lane.kept == 0) {
            self.lanes.remove(receiver);
        }
    }

    /// Discards what waits for a receiver, and what is in flight if `all` says so.
    fn drop_all(&mut self, receiver: &str, all: bool, now: Timestamp) -> u64 {
        let Some(lane) = self.lanes.get(receiver) else { return 0 };
        let in_flight = lane.leases.iter().filter(|_| all).map(|(_, number)| *number);
        let numbers: BTreeSet<_> = in_flight.chain(lane.waiting.iter().copied()).collect();
        for number in &numbers {
            self.end(*number, State::Discarded, Some(Discard::Removed), now);
        }
        numbers.len() as u64
    }

    /// The streams that these deliveries belong to.
    pub(in super::super) fn streams_of<'a>(&self, leases: impl Iterator<Item = &'a Lease>) -> Vec<String> {
        let rows = leases.filter_map(|lease| self.rows.get(self.numbers.get(&lease.jti)?));
        rows.filter_map(|row| row.record.receiver.strip_prefix(STREAM_PREFIX).map(str::to_owned)).collect()
    }

    /// The streams that get a publication.
    pub(in super::super) fn streams_for(&self, publication: &Publication) -> Result<Vec<String>> {
        match &publication.only {
            Some(stream) => {
                Ok(self.directory.get(stream).map(|record| record.id.clone()).into_iter().collect())
            }
            None => self.directory.choose(&publication.event, publication.subject.as_ref()),
        }
    }

    /// How many deliveries to these streams need room: one that takes the place of another needs none.
    pub(in super::super) fn added(&self, streams: &[String], most_waiting: u64) -> usize {
        streams.iter().filter(|stream| self.waiting_of(stream) < most_waiting).count()
    }

    fn waiting_of(&self, stream: &str) -> u64 {
        self.lanes.get(&stream_receiver(stream)).map_or(0, |lane| lane.counts.waiting)
    }

    /// Accepts a publication for these streams and for the receivers that it names.
    pub(in super::super) fn publish(
        &mut self,
        publication: Publication,
        streams: &[String],
        now: Timestamp,
    ) -> Result<Published> {
        let Publication { mut message, ordered, most_waiting, .. } = publication;
        let named = message.deliveries.len();
        for stream in streams {
            let (jti, receiver) = (fresh_jti()?, stream_receiver(stream));
            if self.waiting_of(stream) >= most_waiting
                && let Some(oldest) = self.oldest(&receiver)
            {
                let discard = Discard::Superseded { by: jti.clone() };
                self.end(oldest, State::Discarded, Some(discard), now);
            }
            message.deliveries.push(MessageDelivery { jti, receiver });
        }
        if message.deliveries.is_empty() {
            return Ok(Published::default());
        }
        // The receivers that the entry names keep the order if the entry says so.
        let entry = message.ordered;
        let is_ordered = move |index| if index < named { entry } else { ordered };
        let Enqueued { jtis, .. } = self.accept_some(message, now, is_ordered);
        Ok(Published::new(jtis, streams.len() as u64, false))
    }

    /// The oldest one that is ready, of the lowest priority; the oldest one that waits if none is ready.
    fn oldest(&self, receiver: &str) -> Option<Number> {
        let lane = self.lanes.get(receiver)?;
        let Some((lowest, _)) = lane.ready.last() else { return lane.waiting.first().copied() };
        lane.ready.range((*lowest, 0)..).next().map(|(_, number)| *number)
    }

    pub(in super::super) fn poll(&mut self, poll: &Poll, now: Timestamp) -> Polled {
        let receiver = stream_receiver(&poll.stream);
        if self.lanes.get(&receiver).is_none_or(|lane| lane.state.may_poll() == 0) {
            return Polled::default();
        }
        self.free_leases_of(&receiver, now);
        self.expire(now);
        self.promote(Some(&receiver), now);
        let Some(lane) = self.lanes.get(&receiver) else { return Polled::default() };
        let most = lane.state.may_poll().min(poll.limit) as usize;
        let numbers: Vec<_> = lane.ready.iter().take(most).map(|(_, number)| *number).collect();
        let more = lane.ready.len() > numbers.len();
        let until = now.plus(poll.lease);
        // The receiver fetches them: no attempt is spent.
        let deliveries: Vec<_> =
            numbers.into_iter().filter_map(|number| self.take(number, 0, until, now)).collect();
        let next = if deliveries.is_empty() { self.next_of(&receiver, now) } else { None };
        Polled::new(deliveries, more, next)
    }

    /// How long it is until a delivery of a receiver may be ready.
    fn next_of(&self, receiver: &str, now: Timestamp) -> Option<Duration> {
        let lane = self.lanes.get(receiver)?;
        let times = [lane.leases.first(), lane.due.first()];
        times.into_iter().flatten().map(|(time, _)| time.since(now)).min()
    }

    pub(in super::super) fn acknowledge(&mut self, said: Acknowledgement, now: Timestamp) -> u64 {
        let receiver = stream_receiver(&said.stream);
        let accepted = said.accepted.into_iter().map(|jti| (jti, None));
        let rejected = said.rejected.into_iter().map(|(jti, failure)| (jti, Some(failure)));
        let mut ended = 0;
        for (jti, failure) in accepted.chain(rejected) {
            ended += u64::from(self.acknowledge_one(&receiver, &jti, failure.as_ref(), now));
        }
        ended
    }

    /// What was kept of a delivery that has not ended.
    pub(in super::super) fn frozen(&self, receiver: &str, jti: &str) -> Option<Payload> {
        let row = self.rows.get(self.numbers.get(jti)?)?;
        if row.record.receiver != receiver || row.record.state.has_ended() {
            None
        } else {
            row.frozen.clone()
        }
    }

    fn acknowledge_one(
        &mut self,
        receiver: &str,
        jti: &str,
        failure: Option<&Failure>,
        now: Timestamp,
    ) -> bool {
        let Some(number) = self.numbers.get(jti).copied() else { return false };
        let Some(row) = self.rows.get_mut(&number) else { return false };
        // What was never given out cannot be acknowledged.
        if row.record.receiver != receiver || row.record.state.has_ended() || row.token == 0 {
            return false;
        }
        row.attempts.push(Attempt::new(now, Duration::ZERO).with_failure(failure.cloned()));
        row.record.failure = failure.cloned();
        if let Some(lane) = self.lanes.get_mut(receiver) {
            lane.state.note_polled(failure, now);
        }
        let state = if failure.is_some() { State::Dead } else { State::Delivered };
        self.end(number, state, None, now);
        true
    }
}
