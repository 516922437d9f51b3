//! Deliveries of streams.

use std::time::Duration;

use super::{
    super::super::{
        Acknowledgement, Attempt, Created, Discard, Enqueued, Failure, Lease, MessageDelivery, Mode, Payload,
        Poll, Polled, Publication, Published, STREAM_PREFIX, State, StreamRecord, fresh_jti, stream_receiver,
    },
    Ledger, Number,
    claim::By,
};
use crate::{error::Result, time::Timestamp};

impl Ledger {
    pub(in super::super) fn create_stream(
        &mut self,
        stream: StreamRecord,
        limit: u32,
        now: Timestamp,
    ) -> Created {
        let (receiver, mode) = (stream_receiver(&stream.id), stream.mode());
        let created = self.directory.create(stream, limit as usize);
        if created == Created::Yes {
            self.change_receiver(&receiver, now, |state| state.set_mode(mode));
        }
        created
    }

    pub(in super::super) fn update_stream(&mut self, stream: StreamRecord, now: Timestamp) -> bool {
        let (receiver, mode, keeps) = (stream_receiver(&stream.id), stream.mode(), stream.keeps());
        if !self.directory.update(stream) {
            return false;
        }
        self.change_receiver(&receiver, now, |state| state.set_mode(mode));
        if !keeps {
            self.drop_all(&receiver, |state| state == State::Waiting, now);
        }
        true
    }

    pub(in super::super) fn delete_stream(&mut self, id: &str, now: Timestamp) -> Result<Option<u64>> {
        if !self.directory.remove(id)? {
            return Ok(None);
        }
        let receiver = stream_receiver(id);
        self.change_receiver(&receiver, now, |state| state.set_mode(Mode::Suspended));
        Ok(Some(self.drop_all(&receiver, |state| !state.has_ended(), now)))
    }

    /// Discards deliveries of a receiver in some states.
    fn drop_all(&mut self, receiver: &str, of: impl Fn(State) -> bool, now: Timestamp) -> u64 {
        let rows = self.rows.iter().filter(|(_, row)| row.record.receiver == receiver);
        let numbers: Vec<_> =
            rows.filter(|(_, row)| of(row.record.state)).map(|(number, _)| *number).collect();
        for number in &numbers {
            self.end_now(*number, State::Discarded, Some(Discard::Removed), now);
        }
        numbers.len() as u64
    }

    /// Ends a delivery that waits or is in flight.
    fn end_now(&mut self, number: Number, state: State, discard: Option<Discard>, now: Timestamp) {
        let Some(row) = self.rows.get_mut(&number) else { return };
        if let Some(until) = row.lease_until.take() {
            self.leases.remove(&(until, number));
        }
        self.end(number, state, discard, now);
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
                && let Some(oldest) = self.oldest_ready(&receiver)
            {
                let discard = Discard::Superseded { by: jti.clone() };
                self.end(oldest, State::Discarded, Some(discard), now);
            }
            message.deliveries.push(MessageDelivery { jti, receiver });
        }
        if message.deliveries.is_empty() {
            return Ok(Published::default());
        }
        let ordered_before = std::mem::replace(&mut message.ordered, ordered);
        // The receivers that the entry names keep the order only if the entry says so.
        let Enqueued { jtis, .. } = self.accept_some(message, now, |index| index >= named || ordered_before);
        Ok(Published::new(jtis, streams.len() as u64, false))
    }

    /// The oldest one that is ready, of the lowest priority.
    fn oldest_ready(&self, receiver: &str) -> Option<Number> {
        let ready = &self.lanes.get(receiver)?.ready;
        let (lowest, _) = *ready.last()?;
        ready.range((lowest, 0)..).next().map(|(_, number)| *number)
    }

    pub(in super::super) fn poll(&mut self, poll: &Poll, now: Timestamp) -> Polled {
        let receiver = stream_receiver(&poll.stream);
        self.pass_time(&By::Poll(&receiver), now);
        let Some(lane) = self.lanes.get(&receiver) else { return Polled::default() };
        let most = lane.state.may_poll().min(poll.limit) as usize;
        let numbers: Vec<_> = lane.ready.iter().take(most).map(|(_, number)| *number).collect();
        let more = lane.state.may_poll() > 0 && lane.ready.len() > numbers.len();
        let until = now.plus(poll.lease);
        // The receiver fetches them: no attempt is spent.
        let deliveries: Vec<_> =
            numbers.into_iter().filter_map(|number| self.take(number, 0, until, now)).collect();
        let next = if deliveries.is_empty() { self.next_of(&receiver, now) } else { None };
        Polled::new(deliveries, more, next)
    }

    /// How long it is until a delivery of a receiver may be ready.
    fn next_of(&self, receiver: &str, now: Timestamp) -> Option<Duration> {
        // Most receivers that poll have nothing: they cost no search.
        let counts = &self.lanes.get(receiver)?.counts;
        if counts.in_flight + counts.waiting == 0 {
            return None;
        }
        let times = self.leases.iter().chain(&self.due);
        let own = |(_, number): &&(Timestamp, Number)| {
            self.rows.get(number).is_some_and(|row| row.record.receiver == receiver)
        };
        times.filter(own).map(|(time, _)| *time).min().map(|time| time.since(now))
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
        self.end_now(number, state, None, now);
        true
    }
}
