//! Tests of the stream API with receivers of others.
